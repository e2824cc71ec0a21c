"""Email: encrypted as asked, threaded, and honest about who did not get it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from msgspec.structs import replace

from alertrouter.errors import PermanentFailure, TemporaryFailure
from alertrouter.incident import Ack, Reason, State
from alertrouter.links import Links
from alertrouter.notice import Notice
from alertrouter.notifiers import Notifier
from alertrouter.policy.receiver import EmailOptions
from alertrouter.render.samples import sample_alert, sample_notice
from alertrouter.settings import from_environment
from tests.notifiers.far_sides import made
from tests.standins import MailStandIn, certificates

KINDS: tuple[Literal["plain", "html"], ...] = ("plain", "html")
TO = ("AI leads <leads@example.org>", "oncall@example.org")


@pytest.fixture
def server() -> Iterator[MailStandIn]:
    """A mail server without encryption."""
    with MailStandIn() as stand_in:
        yield stand_in


def mailer(
    server: MailStandIn,
    tls: str = "none",
    ca_file: Path | None = None,
    to: tuple[str, ...] = TO,
    more: Mapping[str, str] | None = None,
) -> Notifier:
    """A notifier that mails through the server."""
    environ = {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(server.port),
        "SMTP_TLS": tls,
        "SMTP_FROM": "alertrouter@example.org",
        "SMTP_CA_FILE": str(ca_file or ""),
        "SMTP_USERNAME": "alertrouter" if server.login else "",
        "SMTP_PASSWORD": "geheim",
        **(more or {}),
    }
    return made(EmailOptions(to=to), environ)


def test_the_mail_says_it_in_text_and_html(server: MailStandIn) -> None:
    """Both forms carry the same news, and no program answers it by itself."""
    mailer(server).send(sample_notice())

    (mail,) = server.received
    assert mail.recipients == ("leads@example.org", "oncall@example.org")
    assert mail.subject == "ModelLatencyHigh · ai"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        assert "Answers of the summariser take longer than 8 s" in mail.body("html" if kind == "html" else "plain")
        assert "http://127.0.0.1:9080/incidents/INC-1" in mail.body("html" if kind == "html" else "plain")
    assert "https://runbooks.example.org/ai/model-latency" in mail.body("plain")


def test_the_mail_has_a_link_that_acknowledges_while_nobody_has_the_incident(server: MailStandIn) -> None:
    """As a button and in the text, the same one; who has it stands there instead, later."""
    environ = {"ALERTROUTER_LINK_SECRET": "a-secret-that-signs-links"}
    notifier = mailer(server, more=environ)
    notice = sample_notice()
    taken = Ack(by="<Omar> (pagerduty)", at=notice.at, until=notice.at + timedelta(minutes=30), level=0)

    notifier.send(notice)
    notifier.send(replace(notice, delivery="INC-1.2", state=State.ACKNOWLEDGED, ack=taken))
    notifier.send(sample_notice(firing=(), resolved=(sample_alert(1, over=True),), reason=Reason.RESOLVED, sequence=3))

    first, acknowledged, over = server.received
    (link,) = re.findall(r"http://127\.0\.0\.1:9080/ack/[\w.-]+", first.body("plain"))
    read = Links(from_environment(environ)).read(link.rpartition("/")[2])
    assert f'href="{link}"' in first.body("html")
    assert ">Acknowledge</a>" in first.body("html")
    assert "nobody has taken it yet" in first.body("plain")
    assert read is not None
    assert (read.incident, read.actor()) == ("INC-1", "leads@example.org or oncall@example.org (email link)")
    assert "acknowledged by <Omar> (pagerduty) 2026-03-02 10:01 UTC, until 2026-03-02 10:31" in acknowledged.body(
        "plain"
    )
    assert "<b>Acknowledged</b> by &lt;Omar&gt; (pagerduty)" in acknowledged.body("html")
    assert all("/ack/" not in mail.body(kind) for mail in (acknowledged, over) for kind in KINDS)


def test_without_a_secret_the_mail_has_no_link(server: MailStandIn) -> None:
    """An unsigned one would be everybody's."""
    mailer(server).send(sample_notice())

    assert all("/ack/" not in server.received[0].body(kind) for kind in KINDS)


def test_follow_ups_are_one_thread(server: MailStandIn) -> None:
    """Later mails answer the first under the same subject, whatever has become of the incident."""
    notifier = mailer(server)
    first = notifier.send(sample_notice())

    second = notifier.send(sample_notice(reason=Reason.JOINED, sequence=2, reference=first.reference))
    over = sample_notice(
        firing=(), resolved=(sample_alert(1, over=True),), reason=Reason.RESOLVED, sequence=3, reference=first.reference
    )
    third = notifier.send(over)

    mails = [mail.message for mail in server.received]
    assert first.reference == second.reference == third.reference == mails[0]["Message-ID"]
    assert [mail["In-Reply-To"] for mail in mails] == [None, first.reference, first.reference]
    assert [mail["References"] for mail in mails] == [None, first.reference, first.reference]
    assert len({mail["Subject"] for mail in mails}) == 1
    assert len({mail["Message-ID"] for mail in mails}) == 3


def test_the_same_delivery_has_the_same_message_id(server: MailStandIn) -> None:
    """A mail that is sent twice can be seen to be one."""
    notifier = mailer(server)

    notifier.send(sample_notice())
    notifier.send(sample_notice())

    first, second = server.received
    assert first.message["Message-ID"] == second.message["Message-ID"]


def test_a_label_can_not_write_a_header(server: MailStandIn) -> None:
    """Line breaks in labels don't reach the headers, nor do they make the mail undeliverable."""
    hostile = sample_notice()
    hostile.group_labels["alertname"] = "Disk\r\nBcc: everybody@example.org\r\n\r\n<b>\x00"

    mailer(server).send(hostile)

    (mail,) = server.received
    assert mail.message["Bcc"] is None
    assert mail.subject == "Disk Bcc: everybody@example.org <b> · ai"


def test_html_is_escaped(server: MailStandIn) -> None:
    """What a label says is text."""
    notice = sample_notice(firing=(sample_alert(1, more={"note": "<script>alert(1)</script>"}),))

    mailer(server).send(notice)

    html = server.received[0].body("html")
    assert "<script>" not in html
    assert "note=&lt;script&gt;" in html


def test_the_refusal_of_some_is_noted(server: MailStandIn) -> None:
    """One recipient is unknown: the other has it, and the note says who has not."""
    server.refuse = {"leads@example.org": "550 no such user"}

    sent = mailer(server).send(sample_notice())

    assert server.received[0].recipients == ("oncall@example.org",)
    assert sent.note == "refused: leads@example.org (550 no such user)"


def test_the_refusal_of_all_for_now_is_temporary(server: MailStandIn) -> None:
    """Greylisting is a 4xx for each recipient: later it will work."""
    server.refuse = {"leads@example.org": "451 greylisted", "oncall@example.org": "550 no such user"}

    with pytest.raises(TemporaryFailure, match="greylisted"):
        mailer(server).send(sample_notice())


def test_a_refused_message_is_for_good(server: MailStandIn) -> None:
    """5xx to the message itself."""
    server.reply = "554 looks like spam"

    with pytest.raises(PermanentFailure, match="looks like spam"):
        mailer(server).send(sample_notice())


@pytest.mark.parametrize("address", ["nobody", "a b@example.org", "a@example.org\r\nBcc: x@example.org", "<>", "@"])
def test_a_bad_address_is_for_good(server: MailStandIn, address: str) -> None:
    """What is no address is said before anything is sent."""
    with pytest.raises(PermanentFailure, match="no mail address"):
        mailer(server, to=(address,)).send(sample_notice())

    assert server.received == []


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_encrypted_and_logged_in(tls: Literal["starttls", "implicit"], tmp_path: Path) -> None:
    """With a certificate that we trust the mail goes out, encrypted, under our name."""
    ca_file, context = certificates.make(tmp_path)
    with MailStandIn(tls=tls, context=context, login=("alertrouter", "geheim")) as server:
        mailer(server, tls, ca_file).send(sample_notice())

        assert len(server.received) == 1


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    tls: Literal["starttls", "implicit"], tmp_path: Path
) -> None:
    """Encryption without verification is none: nothing is sent."""
    _, context = certificates.make(tmp_path)
    with MailStandIn(tls=tls, context=context) as server:
        with pytest.raises(TemporaryFailure, match="self-signed certificate"):
            mailer(server, tls).send(sample_notice())

        assert server.received == []


def test_a_placeholder_may_hold_several_addresses(server: MailStandIn) -> None:
    """One entry of the policy, a list in the environment."""
    mailer(server, to=("a@example.org, Bea <b@example.org>",)).send(sample_notice())

    assert server.received[0].recipients == ("a@example.org", "b@example.org")


def test_a_server_without_starttls_is_refused(server: MailStandIn) -> None:
    """STARTTLS was asked for: a server that can't is not talked to in the clear."""
    with pytest.raises(PermanentFailure, match="STARTTLS"):
        mailer(server, "starttls").send(sample_notice())

    assert server.received == []


def test_a_wrong_password_is_for_good() -> None:
    """The server says no to the login."""
    with (
        MailStandIn(login=("alertrouter", "another")) as server,
        pytest.raises(PermanentFailure, match="535") as failure,
    ):
        mailer(server).send(sample_notice())

    assert "geheim" not in str(failure.value)


def test_a_large_group_is_one_mail(server: MailStandIn) -> None:
    """Ten thousand alerts make one mail that says how many are not shown."""
    notice: Notice = sample_notice(firing=tuple(sample_alert(number) for number in range(10_000)))

    mailer(server).send(notice)

    assert "… and 9950 more" in server.received[0].body("plain")
    assert "… and 9950 more" in server.received[0].body("html")
