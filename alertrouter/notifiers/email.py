"""Email: text and HTML, one thread for each incident and destination."""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Mapping
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, getaddresses
from typing import Final

from alertrouter.errors import DeliveryError, PermanentFailure, TemporaryFailure, UnknownOutcome
from alertrouter.links import Links
from alertrouter.notice import Notice
from alertrouter.notifiers.http import excerpt
from alertrouter.notifiers.notifier import Patience, Sent
from alertrouter.policy.receiver import Channel
from alertrouter.render import Renderer, Template, look
from alertrouter.settings import Smtp

_POLICY: Final = SMTP_POLICY.clone(cte_type="7bit")  # not every server takes 8-bit bodies
_MESSAGE_ID: Final = re.compile(r"<[^<>@\s]+@[^<>@\s]+>")
_Codes = Mapping[str, tuple[int, bytes]]


class _Session(smtplib.SMTP):
    """An SMTP session that remembers whether the message has left: from then on its fate is the server's to tell."""

    message_left = False

    def data(self, msg: bytes | bytearray | str) -> tuple[int, bytes]:  # type: ignore[override]  # typeshed names a protocol
        """Send the message itself."""
        self.message_left = True
        return super().data(msg)


class _SessionInTls(_Session, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


class EmailNotifier:
    """Sends mail through one server, in a session of its own for each. The reference is the first mail's Message-ID."""

    channel = Channel.EMAIL

    def __init__(
        self,
        to: tuple[str, ...],
        from_address: str,
        smtp: Smtp,
        namespace: str,
        renderer: Renderer,
        links: Links,
        patience: Patience,
    ) -> None:
        self._to = to
        self._from = from_address or smtp.from_address
        self._smtp = smtp
        self._namespace = namespace
        self._renderer = renderer
        self._links = links
        self._patience = patience

    def lane(self) -> str:
        """One lane for each mail server."""
        return f"smtp:{self._smtp.host}"

    def send(self, notice: Notice) -> Sent:
        """Send one mail to all recipients; the refusal of some is noted, of all raised."""
        mail = self.compose(notice)
        session: _Session | None = None
        try:
            session = self._open()
            refused = session.send_message(mail)
        except (OSError, UnicodeError) as error:  # every SMTPException is an OSError
            if session is not None:
                session.close()
            raise self._failure(error, left=session is not None and session.message_left) from None
        with contextlib.suppress(OSError):  # the mail is taken, whatever the goodbye is like
            session.quit()
        first = notice.reference if _MESSAGE_ID.fullmatch(notice.reference or "") else None
        return Sent(
            reference=first or str(mail["Message-ID"]), note=f"refused: {self._refusals(refused)}" if refused else ""
        )

    def close(self) -> None:
        """Nothing is kept open."""

    def compose(self, notice: Notice) -> EmailMessage:
        """The mail. Its Message-ID names the delivery, so that a server can drop what it gets twice."""
        recipients = [address for text in self._to for address in _addresses(text)]
        sender = _addresses(self._from)[0]
        domain = sender.domain or "localhost"
        mail = EmailMessage(policy=_POLICY)
        mail["From"] = sender
        mail["To"] = recipients
        mail["Subject"] = _printable(self._renderer.render(Template.EMAIL_SUBJECT, notice))
        mail["Date"] = format_datetime(notice.at)
        name = f"{self._namespace}.{notice.delivery}.{int(notice.opened_at.timestamp())}"
        mail["Message-ID"] = f"<{re.sub(r'[^A-Za-z0-9._-]', '-', name)}@{domain}>"
        if notice.reference and _MESSAGE_ID.fullmatch(notice.reference):
            mail["In-Reply-To"] = notice.reference
            mail["References"] = notice.reference
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        # All get the same mail, so whoever uses its link is one of them.
        link = self._links.ack_link(notice, " or ".join(address.addr_spec for address in recipients), Channel.EMAIL)
        mail.set_content(self._renderer.render(Template.EMAIL_TEXT, notice, ack_link=link))
        mail.add_alternative(self._renderer.render(Template.EMAIL_HTML, notice, ack_link=link), subtype="html")
        return mail

    @property
    def _who(self) -> str:
        return f"mail server {self._smtp.host}"

    def _open(self) -> _Session:
        context = None
        if self._smtp.tls != "none":
            context = ssl.create_default_context(cafile=self._smtp.ca_file or None)
        host, port, wait = self._smtp.host, self._smtp.port, self._patience.read
        name = _addresses(self._from)[0].domain or "localhost"  # smtplib would look up our own name, which may hang
        session: _Session
        if self._smtp.tls == "implicit":
            session = _SessionInTls(host, port, local_hostname=name, timeout=wait, context=context)
        else:
            session = _Session(host, port, local_hostname=name, timeout=wait)
        try:
            if self._smtp.tls == "starttls":
                session.starttls(context=context)
            if self._smtp.username:
                session.login(self._smtp.username, self._smtp.password)
        except (OSError, UnicodeError):
            session.close()
            raise
        return session

    def _failure(self, error: Exception, *, left: bool) -> DeliveryError:
        """What the end of a session means: the reply's code decides, else whether the message had left."""
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            kind = TemporaryFailure if any(code < 500 for code, _ in error.recipients.values()) else PermanentFailure
            return kind(f"{self._who} refused all recipients: {self._refusals(error.recipients)}")
        if isinstance(error, smtplib.SMTPResponseException):
            kind = PermanentFailure if error.smtp_code >= 500 else TemporaryFailure
            return kind(f"{self._who} answered {error.smtp_code} {self._said(error.smtp_error)}")
        if isinstance(error, smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected):
            return PermanentFailure(f"{self._who}: {self._said(str(error))}")
        if isinstance(error, UnicodeError):
            return PermanentFailure(f"{self._who}: its name, user and password must be ASCII")
        if left:
            return UnknownOutcome(f"{self._who}: no answer after the message was sent")
        reason = getattr(error, "verify_message", "") or (isinstance(error, OSError) and error.strerror) or str(error)
        return TemporaryFailure(f"{self._who}: no session ({self._said(str(reason))})")

    def _refusals(self, refused: _Codes) -> str:
        return ", ".join(f"{address} ({code} {self._said(said)})" for address, (code, said) in refused.items())

    def _said(self, words: bytes | str) -> str:
        return excerpt(words if isinstance(words, bytes) else words.encode(), (self._smtp.password,))


def _addresses(text: str) -> list[Address]:
    """Read `a@example.org` or `Name <a@example.org>`; a placeholder may have brought several, parted by commas."""
    if text.isprintable():
        with contextlib.suppress(ValueError, IndexError, MessageError):
            found = [Address(display_name=name, addr_spec=spec) for name, spec in getaddresses([text])]
            if found:
                return found
    raise PermanentFailure(f"{text!r} is no mail address")


def _printable(text: str) -> str:
    """The text on one line without control characters, fit for a header."""
    return "".join(sign for sign in look.one_line(text) if sign.isprintable())
