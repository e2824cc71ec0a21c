"""The contract of a notifier: it gets one message to the far side, once, and says how that ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import msgspec

from alertrouter.notice import Notice
from alertrouter.policy.receiver import Channel


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A message got through. `reference` is where it stands at the far side, `note` what a reader should know of it.

    `proven`: whatever became of earlier tries, the far side has it once.
    """

    reference: str | None = None
    note: str = ""
    proven: bool = False


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


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a notifier waits for the far side, in seconds."""

    connect: float = 3.0
    read: float = 10.0
