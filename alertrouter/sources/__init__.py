"""What senders post, turned into alert reports: one file for each form of body.

Each has `parse(body, now) -> Parsed`. A body is decoded whole and typed in one go; only when that fails, each alert
is decoded by itself, so that one bad alert never takes its neighbours along. `PayloadError` is raised when nothing
can be read: the body is no JSON, has the wrong shape, or every alert in it is bad.
"""

from dataclasses import dataclass

from alertrouter.alert import AlertReport


@dataclass(frozen=True, slots=True)
class SetAside:
    """One alert that can't be read: its place in the body, why, and the beginning of what was sent."""

    index: int
    reason: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a body said: the alerts that could be read, in order, and those that could not.

    `bad` counts all that could not be read; of a body with very many only the first are in `set_aside`.
    """

    reports: tuple[AlertReport, ...]
    set_aside: tuple[SetAside, ...] = ()
    bad: int = 0
