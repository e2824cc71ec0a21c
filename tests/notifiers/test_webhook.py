"""A webhook out: Alertmanager's body to the letter, and no way into the cloud's metadata."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address

import msgspec
import pytest

from alertrouter.errors import PermanentFailure, TemporaryFailure
from alertrouter.incident import Reason
from alertrouter.notice import Notice
from alertrouter.notifiers.webhook import body, refused
from alertrouter.policy.receiver import WebhookOptions
from alertrouter.render.samples import sample_alert, sample_notice
from tests.notifiers.far_sides import made
from tests.standins import Answer, HttpStandIn


@pytest.fixture
def hook() -> Iterator[HttpStandIn]:
    """A receiver of webhooks."""
    with HttpStandIn() as stand_in:
        yield stand_in


def send(options: WebhookOptions, notice: Notice, **environ: str) -> None:
    """Send a notice by a webhook."""
    with contextlib.closing(made(options, environ)) as notifier:
        notifier.send(notice)


def test_the_body_has_alertmanagers_fields(hook: HttpStandIn) -> None:
    """Every key of version 4, with the reason and the moments as Alertmanager writes them."""
    over = sample_alert(2, over=True)
    notice = sample_notice(firing=(sample_alert(1),), resolved=(over,), reason=Reason.CHANGED)

    send(WebhookOptions(url=f"{hook.url}/hook", bearer_token="t0ken"), notice)

    (request,) = hook.received
    assert request.headers["authorization"] == "Bearer t0ken"
    assert request.headers["host"] == f"127.0.0.1:{hook.port}"
    assert {name: value for name, value in request.json.items() if name != "alerts"} == {
        "receiver": "ai-channel",
        "status": "firing",
        "notification_reason": "some alerts resolved",
        "groupLabels": {"alertname": "ModelLatencyHigh", "component": "ai"},
        "commonLabels": {"alertname": "ModelLatencyHigh", "component": "ai", "severity": "critical"},
        "commonAnnotations": over.annotations,
        "routeLabels": {},
        "externalURL": "http://127.0.0.1:9080",
        "version": "4",
        "groupKey": '{}/{component="ai"}:{alertname="ModelLatencyHigh", component="ai"}',
        "truncatedAlerts": 0,
    }
    assert [(alert["status"], alert["startsAt"], alert["endsAt"]) for alert in request.json["alerts"]] == [
        ("firing", "2026-03-02T09:58:00Z", "0001-01-01T00:00:00Z"),
        ("resolved", "2026-03-02T09:58:00Z", "2026-03-02T10:50:00Z"),
    ]


@pytest.mark.parametrize(("username", "password"), [("ops", "s3cret: ü"), ("ops", ""), ("", "s3cret")])
def test_a_user_posts_by_basic_auth(hook: HttpStandIn, username: str, password: str) -> None:
    """User and password, either of which may be empty; what the far side says of them is not shown."""
    expected = base64.b64encode(f"{username}:{password}".encode()).decode()
    hook.answer_next(Answer(401, f"no: {expected} {password}".encode()))

    with pytest.raises(PermanentFailure) as refusal:
        send(WebhookOptions(url=f"{hook.url}/hook", username=username, password="${P}"), sample_notice(), P=password)

    assert [request.headers["authorization"] for request in hook.received] == [f"Basic {expected}"]
    assert not password or not {expected, password} & set(str(refusal.value).split())


def test_alerts_are_ordered_and_cut() -> None:
    """By job, then instance, at most max_alerts of them; the common labels are of those that are left."""
    alerts = [sample_alert(number, more={"job": job}) for number, job in [(3, "a"), (1, "b"), (2, "a"), (9, "a")]]

    cut = body(sample_notice(firing=tuple(alerts)), max_alerts=3)

    assert [(alert.labels["job"], alert.labels["instance"]) for alert in cut.alerts] == [
        ("a", "gpu-2:9100"),
        ("a", "gpu-3:9100"),
        ("a", "gpu-9:9100"),
    ]
    assert cut.truncated_alerts == 1
    assert cut.common_labels["job"] == "a"


def test_moments_keep_their_fraction() -> None:
    """As Go writes them: no zeros at the end, `Z` for UTC."""
    alert = msgspec.structs.replace(sample_alert(1), starts_at=datetime(2026, 3, 2, 10, 0, 0, 120_000, tzinfo=UTC))

    assert body(sample_notice(firing=(alert,))).alerts[0].starts_at == "2026-03-02T10:00:00.12Z"


def test_redirects_are_not_followed(hook: HttpStandIn) -> None:
    """A redirect is a refusal: nobody sends our messages elsewhere."""
    hook.answer_next(Answer(307, b"", {"Location": f"{hook.url}/elsewhere"}))

    with pytest.raises(PermanentFailure, match="307"):
        send(WebhookOptions(url=f"{hook.url}/hook"), sample_notice())

    assert [request.path for request in hook.received] == ["/hook"]


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",
        "::",
        "224.0.0.1",
    ],
)
def test_addresses_that_are_no_place_for_messages(address: str) -> None:
    """Link-local and metadata addresses are refused, written in whatever way."""
    assert refused(ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(PermanentFailure, match="no place for messages"):
        send(WebhookOptions(url=f"http://{host}/latest/meta-data"), sample_notice())


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.5", "192.168.1.9", "::1", "fd12::5", "203.0.113.7"])
def test_addresses_of_ones_own_are_fine(address: str) -> None:
    """Receivers inside the house are the usual ones."""
    assert not refused(ip_address(address))


@pytest.mark.parametrize("url", ["ftp://example.org/x", "example.org", "http://", "http://[bad", "file:///etc/passwd"])
def test_a_url_that_is_none_is_for_good(url: str) -> None:
    """Trying again can't make it one."""
    with pytest.raises(PermanentFailure):
        send(WebhookOptions(url=url), sample_notice())


def test_a_name_that_can_not_be_looked_up_is_temporary() -> None:
    """Name servers have bad days too."""
    with pytest.raises(TemporaryFailure, match="looked up"):
        send(WebhookOptions(url="http://no-such-host.invalid/"), sample_notice())


def test_a_host_is_reached_by_any_of_its_addresses(hook: HttpStandIn) -> None:
    """`localhost` may be ::1 first; nobody listens there, so the next address is tried."""
    send(WebhookOptions(url=f"http://localhost:{hook.port}/hook"), sample_notice())

    assert hook.received[0].headers["host"] == f"localhost:{hook.port}"
