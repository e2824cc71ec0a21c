"""Every error that alertrouter raises on purpose, as one tree.

AlertrouterError
├── PolicyError            the operator's: a policy file is wrong          CLI exit 1, nothing activated
├── SettingsError          the operator's: an environment variable is wrong CLI exit 2
├── PayloadError           the sender's: a body can't be read              HTTP 400
├── StoreUnavailable       nobody's: Redis does not answer                 HTTP 503 + Retry-After
│   └── LeaseLost          another router took over                        drop memory, stand by
├── NewerState             the operator's: a later version wrote the state    CLI exit 1, nothing touched
├── CalendarError          its publisher's: a calendar can't be read    the last good one stays, logged
├── SourceError            the source's: an Alertmanager can't be asked what fires   nothing is healed, logged
├── NotFound               the caller's: no such thing                     HTTP 404, CLI exit 1
└── DeliveryError          the far side's: a message did not get through
    ├── TemporaryFailure   429, 5xx, refused connection                    tried again
    ├── UnknownOutcome     the request left, no answer came                tried again, said so in the ledger
    └── PermanentFailure   4xx, bad address, bad credentials               failed for good, shown
"""

from dataclasses import dataclass


class AlertrouterError(Exception):
    """Whatever alertrouter says on purpose; the text is fit to be shown to the person it concerns."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in a policy file, at its place.

    `line` and `column` count from 1; 0 means that the fault is in the whole file.
    """

    file: str
    line: int
    column: int
    key: str
    message: str
    source: str = ""

    def __str__(self) -> str:
        """Give `file:line:column: key: message`, then the offending line with a caret under it."""
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        head = f"{where}: {self.key}: {self.message}" if self.key else f"{where}: {self.message}"
        if not self.source:
            return head
        return f"{head}\n    {self.source}\n    {' ' * max(self.column - 1, 0)}^"


class PolicyError(AlertrouterError):
    """The policy is wrong; `problems` says everything that was found, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class SettingsError(AlertrouterError):
    """An environment variable or an option holds something that it can't."""


class PayloadError(AlertrouterError):
    """A body can't be read; the text names the path of the first fault, as `alerts[3].labels: expected object`."""


class StoreUnavailable(AlertrouterError):
    """Redis did not answer in time, or refused to write."""


class LeaseLost(StoreUnavailable):
    """Another router holds the lease: nothing of this commit was written."""


class NewerState(AlertrouterError):
    """The state is in a format that only a later version knows; the text names both."""


class CalendarError(AlertrouterError):
    """A calendar can't be fetched or read; the text says why, and shows nothing of its address."""


class SourceError(AlertrouterError):
    """An Alertmanager can't be asked, or its answer can't be read; the text shows nothing of credentials."""


class NotFound(AlertrouterError):
    """There is no such incident, receiver or policy."""


class DeliveryError(AlertrouterError):
    """A message did not get through."""


class TemporaryFailure(DeliveryError):
    """It may work later: not before `retry_after` seconds, when the far side said so."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class UnknownOutcome(DeliveryError):
    """The request left and no answer came: the far side may have the message."""


class PermanentFailure(DeliveryError):
    """Trying the same again can't work."""
