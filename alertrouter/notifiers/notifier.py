"""The contract of a notifier: it gets one message to the far side, once, and says how that ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

from alertrouter.notice import Notice
from alertrouter.notifiers.exchange import Exchange
from alertrouter.policy.receiver import Channel


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A message got through. `reference` is where it stands at the far side, `note` what a reader should know of it.

    `proven`: whatever became of earlier tries, the far side has it once.
    """

    reference: str | None = None
    note: str = ""
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Departed:
    """A message that has left. When its exchange is over, `sent` tells how it ended, as `Notifier.send` does."""

    exchange: Exchange
    sent: Callable[[], Sent]


class Notifier(Protocol):
    """One way of reaching people.

    `channel` is where messages really go: the inbox when the integration's credentials are missing. A notifier tries
    once and never sleeps; the ledger tries again. Threads may share it.
    """

    @property
    def channel(self) -> Channel:
        """Where messages really go."""

    def lane(self) -> str:
        """The pacing key: messages of one lane share the far side's rate limit. No secret is in it."""

    def send(self, notice: Notice) -> Sent:
        """Send it. Raises `TemporaryFailure`, `UnknownOutcome` or `PermanentFailure`."""

    def close(self) -> None:
        """Let go of connections."""


Leave: TypeAlias = Callable[[Notice], Departed | None]
"""Lets a message leave over a connection that is there, and waits for nothing; None when none is there."""


@runtime_checkable
class Together(Notifier, Protocol):
    """A notifier whose messages can leave together, and need no thread each to wait for the answer."""

    def together(self) -> Leave:
        """Let the next messages leave together.

        Whatever this or what it gives raises, or None: nothing has left, and the message is to be sent by `send`.
        """


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a notifier waits for the far side, in seconds."""

    connect: float = 3.0
    read: float = 10.0
