"""What `doctor` looks at in the mail server: all that a mail needs, short of naming a recipient."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from email.utils import parseaddr
from typing import Final

from alertrouter.cli.finding import Finding, fine, warning, wrong
from alertrouter.notifiers.http import excerpt
from alertrouter.settings import Smtp

PATIENCE: Final = 10.0
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def mail_server(smtp: Smtp) -> Finding:
    """Connect, encrypt with a certificate that is checked, log in, and offer the sender's address."""
    where = f"{smtp.host}:{smtp.port}"
    try:
        session = _connected(smtp)
    except ssl.SSLError as error:
        why = getattr(error, "verify_message", "") or error.reason or "TLS failed"
        return wrong("email", f"{where}: {why}", _mend_tls(smtp))
    except (OSError, smtplib.SMTPException) as error:
        return wrong(
            "email", f"{where}: no session ({_said(error, smtp)})", "check SMTP_HOST, SMTP_PORT and the firewall"
        )
    try:
        if smtp.tls == "starttls":
            session.starttls(context=_context(smtp))
        return _welcome(session, smtp, where)
    except ssl.SSLError as error:
        why = getattr(error, "verify_message", "") or error.reason or "TLS failed"
        return wrong("email", f"{where}: {why}", _mend_tls(smtp))
    except smtplib.SMTPNotSupportedError as error:
        return wrong("email", f"{where}: {_said(error, smtp)}", _mend_tls(smtp))
    except smtplib.SMTPAuthenticationError as error:
        return wrong("email", f"{where}: login refused ({_said(error, smtp)})", "check SMTP_USERNAME and SMTP_PASSWORD")
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        return wrong("email", f"{where}: {_said(error, smtp)}", "look at the mail server's log")
    finally:
        with contextlib.suppress(OSError):
            session.quit()


def _connected(smtp: Smtp) -> smtplib.SMTP:
    if smtp.tls == "implicit":
        return smtplib.SMTP_SSL(
            smtp.host, smtp.port, local_hostname=_domain(smtp), timeout=PATIENCE, context=_context(smtp)
        )
    return smtplib.SMTP(smtp.host, smtp.port, local_hostname=_domain(smtp), timeout=PATIENCE)


def _welcome(session: smtplib.SMTP, smtp: Smtp, where: str) -> Finding:
    """Log in and offer the sender's address."""
    if smtp.username:
        session.login(smtp.username, smtp.password)
    session.ehlo_or_helo_if_needed()
    sender = parseaddr(smtp.from_address)[1]
    code, said = session.mail(sender)
    if code >= 400:
        return wrong(
            "email", f"{where}: {sender} may not send ({code} {excerpt(said)})", "set SMTP_FROM to an address it knows"
        )
    how = {"starttls": "STARTTLS, certificate checked", "implicit": "TLS, certificate checked"}.get(smtp.tls, "no TLS")
    who = f", logged in as {smtp.username}" if smtp.username else ""
    if smtp.tls == "none" and smtp.host not in LOOPBACK:
        return warning("email", f"{where}: {how}{who}: anybody on the way can read it", "set SMTP_TLS=starttls")
    return fine("email", f"{where}: {how}{who}, {sender} may send")


def _context(smtp: Smtp) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=smtp.ca_file or None)


def _domain(smtp: Smtp) -> str:
    """How we name ourselves, as the notifier does: smtplib would look up our own name, which may hang."""
    return parseaddr(smtp.from_address)[1].rpartition("@")[2] or "localhost"


def _mend_tls(smtp: Smtp) -> str:
    other = "implicit (port 465)" if smtp.tls == "starttls" else "starttls (port 587)"
    return f"set SMTP_CA_FILE if its certificate is your own authority's, or SMTP_TLS={other} if it speaks that"


def _said(error: Exception, smtp: Smtp) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()
        return f"{error.smtp_code} {excerpt(text, (smtp.password,))}"
    return excerpt(str(getattr(error, "strerror", None) or error).encode(), (smtp.password,))
