"""A mail server on loopback (aiosmtpd): plain, with STARTTLS, or encrypted from the first byte."""

from __future__ import annotations

import asyncio
import email
import email.policy
import logging
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from types import TracebackType
from typing import Literal, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.standins.record import Record

logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # it logs the handshakes that tests break on purpose


@dataclass(frozen=True)
class Mail:
    """One mail as it was taken."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage = field(repr=False)

    @property
    def subject(self) -> str:
        """The subject."""
        return str(self.message["Subject"])

    def body(self, kind: Literal["plain", "html"]) -> str:
        """The text of one of its forms."""
        part = self.message.get_body((kind,))
        assert part is not None, f"the mail has no {kind} part"
        return str(part.get_content())


class MailStandIn:
    """The server. `refuse` maps recipients to replies, `reply` is what it says to the message, `stall` says nothing."""

    def __init__(
        self,
        *,
        tls: Literal["none", "starttls", "implicit"] = "none",
        context: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
        port: int = 0,
    ) -> None:
        self.refuse: Mapping[str, str] = {}
        self.reply = "250 taken"
        self.stall = False
        self.login = login
        self._record: Record[Mail] = Record()
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

        def session() -> SMTP:
            return SMTP(
                _Handler(self),
                hostname="standin.test",
                tls_context=context if tls == "starttls" else None,
                require_starttls=tls == "starttls",
                auth_require_tls=tls == "starttls",
                authenticator=self._authenticate,
                enable_SMTPUTF8=True,
                loop=self._loop,
            )

        starting = self._loop.create_server(
            session, "127.0.0.1", port, ssl=context if tls == "implicit" else None, backlog=256
        )
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(10)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def received(self) -> list[Mail]:
        """All mails that it took so far."""
        return self._record.items()

    def wait_for(self, predicate: Callable[[list[Mail]], object], deadline: float = 10) -> list[Mail]:
        """All mails so far, as soon as the predicate holds for them; fails after `deadline` seconds."""
        return self._record.wait_for(predicate, deadline)

    def take(self, envelope: Envelope) -> None:
        """Record a mail."""
        content = envelope.content
        assert isinstance(content, bytes)
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self._record.add(Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), message))

    async def wait_for_the_end(self) -> None:
        """Wait until it is closed."""
        await self._stopping.wait()

    def close(self) -> None:
        """Stop, and end the silences that are going on."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _stop(self) -> None:
        self._stopping.set()
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        right = self.login == (data.login.decode(), data.password.decode())
        return AuthResult(success=right, handled=right)


class _Handler:
    """What aiosmtpd asks at each step."""

    def __init__(self, stand_in: MailStandIn) -> None:
        self._stand_in = stand_in

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if self._stand_in.login and not session.authenticated:
            return "530 log in first"
        refusal = self._stand_in.refuse.get(address)
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        """Take or refuse the message."""
        if self._stand_in.reply.startswith("250"):
            self._stand_in.take(envelope)
        if self._stand_in.stall:
            await self._stand_in.wait_for_the_end()
        return self._stand_in.reply
