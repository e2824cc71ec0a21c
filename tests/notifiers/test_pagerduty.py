"""PagerDuty: what opens an alert also closes it, and every event is one that PagerDuty takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from alertrouter.incident import Reason, State
from alertrouter.notifiers import Notifier
from alertrouter.notifiers.pagerduty import dedup_key
from alertrouter.policy.receiver import PagerDutyOptions
from alertrouter.render.samples import sample_alert, sample_notice
from tests.notifiers.far_sides import made
from tests.standins import Answer, PagerDutyStandIn


@pytest.fixture
def pagerduty() -> Iterator[PagerDutyStandIn]:
    """PagerDuty."""
    with PagerDutyStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def notifier(pagerduty: PagerDutyStandIn) -> Iterator[Notifier]:
    """A notifier whose policy calls `warning` an error."""
    environ = {"PAGERDUTY_EVENTS_URL": pagerduty.url, "PAGERDUTY_SERVICE_KEY": "k"}
    options = PagerDutyOptions(routing_key="${PAGERDUTY_SERVICE_KEY}", severity=(("warning", "error"),))
    made_here = made(options, environ)
    yield made_here
    made_here.close()


def test_what_was_triggered_is_resolved(pagerduty: PagerDutyStandIn, notifier: Notifier) -> None:
    """Trigger, repeat and resolve are about one PagerDuty alert."""
    over = sample_notice(firing=(), resolved=(sample_alert(1, over=True),), reason=Reason.RESOLVED, sequence=3)

    notifier.send(sample_notice())
    notifier.send(sample_notice(reason=Reason.REPEATED, sequence=2))
    assert list(pagerduty.alerts.values()) == ["triggered"]
    notifier.send(over)

    assert list(pagerduty.alerts.values()) == ["resolved"]
    assert [event.json["event_action"] for event in pagerduty.received] == ["trigger", "trigger", "resolve"]


def test_a_page_after_an_acknowledgement_rings_again(pagerduty: PagerDutyStandIn, notifier: Notifier) -> None:
    """PagerDuty calls nobody for what it holds acknowledged: the page is a new alert, and the old one is over."""
    first = notifier.send(sample_notice()).reference
    told = msgspec.structs.replace(sample_notice(sequence=2), reference=first)
    notifier.send(msgspec.structs.replace(told, redraw=True, state=State.ACKNOWLEDGED))

    notifier.send(told)
    silent = len(pagerduty.called)
    lapsed = msgspec.structs.replace(told, reason=Reason.LAPSED, given_back=1)
    second = notifier.send(lapsed).reference
    again = notifier.send(msgspec.structs.replace(lapsed, reference=second)).reference

    assert silent == 1, "the stand-in does as PagerDuty does"
    assert [key for _, key in pagerduty.called] == [first, second]
    assert again == second
    assert {key: state for (_, key), state in pagerduty.alerts.items()} == {first: "resolved", second: "triggered"}


def test_what_was_not_paged_again_keeps_its_alert(pagerduty: PagerDutyStandIn, notifier: Notifier) -> None:
    """Given back, but this pager was not told anew: what is redrawn and what ends is the alert that it knows."""
    first = notifier.send(sample_notice()).reference
    later = msgspec.structs.replace(sample_notice(sequence=2), reference=first, given_back=2, redraw=True)

    notifier.send(msgspec.structs.replace(later, state=State.ACKNOWLEDGED))
    redrawn = notifier.send(later).reference
    over = sample_notice(firing=(), resolved=(sample_alert(1, over=True),), reason=Reason.RESOLVED, sequence=3)
    notifier.send(msgspec.structs.replace(over, reference=first, given_back=2))

    assert redrawn == first
    assert {key: state for (_, key), state in pagerduty.alerts.items()} == {first: "resolved"}


def test_incidents_and_destinations_have_keys_of_their_own() -> None:
    """Two incidents never share a PagerDuty alert, not even when numbers start again after the store was wiped."""
    notice = sample_notice()
    later = msgspec.structs.replace(notice, opened_at=notice.at)
    elsewhere = msgspec.structs.replace(notice, destination="other/pagerduty")
    long = msgspec.structs.replace(notice, destination="x" * 300)

    given_back = msgspec.structs.replace(notice, given_back=1)

    keys = [dedup_key("ar", each) for each in (notice, later, elsewhere, long, given_back, sample_notice(number=2))]
    keys.append(dedup_key("other", notice))

    assert len(set(keys)) == len(keys)
    assert all(len(key) <= 255 for key in keys)


@pytest.mark.parametrize(("severity", "theirs"), [("critical", "critical"), ("warning", "error"), ("info", "info")])
def test_severities_are_mapped(pagerduty: PagerDutyStandIn, notifier: Notifier, severity: str, theirs: str) -> None:
    """The receiver's own map first, then what the name says."""
    notifier.send(sample_notice(severity=severity))

    assert pagerduty.received[0].json["payload"]["severity"] == theirs


def test_the_event_says_what_the_one_who_is_woken_needs(pagerduty: PagerDutyStandIn, notifier: Notifier) -> None:
    """Summary, source, links, and where alertrouter tells its story."""
    notifier.send(sample_notice())

    event = pagerduty.received[0].json
    assert event["payload"]["summary"].startswith("ModelLatencyHigh: Answers of the summariser")
    assert event["payload"]["source"] == "gpu-1:9100"
    assert {link["text"] for link in event["links"]} == {"Runbook", "Dashboard", "Source"}
    assert event["client_url"] == "http://127.0.0.1:9080/incidents/INC-1"
    assert event["payload"]["custom_details"]["firing"][0]["labels"]["instance"] == "gpu-1:9100"


def test_templates_write_what_rules_in_pagerduty_go_by(pagerduty: PagerDutyStandIn, tmp_path: Path) -> None:
    """Class, component, group and links, each on one line, within what PagerDuty takes; a broken one is ours."""
    written = {
        "class.j2": "{{ notice.common_labels.severity }}\nand more",
        "component.j2": "x" * 300,
        "group.j2": "{{ nothing.of.this.kind() }}",
        "links.j2": "https://wiki/{{ notice.group_labels.component }} The <wiki>\njavascript:alert(1) no\nhttps://bare/\n"
        + "https://l/ one more\n" * 30,
    }
    (tmp_path / "pagerduty").mkdir()
    for name, text in written.items():
        (tmp_path / "pagerduty" / name).write_text(text)
    environ = {"PAGERDUTY_EVENTS_URL": pagerduty.url}

    with closing(made(PagerDutyOptions(routing_key="k"), environ, templates=tmp_path)) as notifier:
        notifier.send(sample_notice())

    event = pagerduty.received[0].json
    assert event["payload"]["class"] == "critical and more"
    assert event["payload"]["component"] == "x" * 254 + "…"
    assert "group" not in event["payload"]
    assert event["links"][:2] == [
        {"href": "https://wiki/ai", "text": "The <wiki>"},
        {"href": "https://bare/", "text": "https://bare/"},
    ]
    assert len(event["links"]) == 20


def test_details_are_cut_to_size(pagerduty: PagerDutyStandIn, notifier: Notifier) -> None:
    """Thousands of wordy alerts fit: the first are shown, the others counted."""
    wordy = [sample_alert(number, more={"note": "ü" * 900}) for number in range(2000)]

    notifier.send(sample_notice(firing=tuple(wordy)))

    event = pagerduty.received[0]
    details = event.json["payload"]["custom_details"]
    assert len(event.body) < 512 * 1024
    assert details["num_firing"] == 2000
    assert 0 < len(details["firing"]) == 2000 - details["not_shown"]


def test_an_answer_without_a_key_still_counts_as_sent(pagerduty: PagerDutyStandIn, notifier: Notifier) -> None:
    """A gateway that takes the event and says little has taken it."""
    pagerduty.answer_next(Answer(202, b"{}"))

    assert "can't be read" in notifier.send(sample_notice()).note


def test_retry_after_may_be_a_date(pagerduty: PagerDutyStandIn, notifier: Notifier) -> None:
    """A date counts from the answer's own date, whatever our clock says."""
    headers = {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}
    pagerduty.answer_next(Answer(429, b"", headers))

    with pytest.raises(Exception, match="429") as failure:
        notifier.send(sample_notice())

    assert getattr(failure.value, "retry_after", None) == 0
