"""What the API takes: the small bodies with which people and programs act on an incident.

The types are strict, so that the published schema and the door agree to the letter.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictStr

from alertrouter.errors import AlertrouterError
from alertrouter.policy.duration import parse_duration
from alertrouter.transition import Transition

FARTHEST: Final = timedelta(days=366)
LONGEST_NOTE: Final = 2000

_RFC_3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII
)


class OutOfReach(AlertrouterError):
    """A moment that the calendar doesn't have, or that is too far away."""


def _rfc_3339(text: str) -> str:
    if not _RFC_3339.fullmatch(text):
        raise ValueError("expected a date and time with an offset, as 2026-03-02T10:00:00Z")
    return text


def _whole(number: object) -> object:
    """JSON knows no integers: 7.0 is 7."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


Version = Annotated[
    Annotated[int, Field(strict=True, ge=0, le=2**53), BeforeValidator(_whole)] | None,
    Field(description="The incident's version that you saw: an escalation since then makes the request an old one."),
]
Moment = Annotated[
    StrictStr,
    Field(json_schema_extra={"format": "date-time"}, examples=["2026-03-02T10:00:00Z"]),
    AfterValidator(_rfc_3339),
]
Duration = Annotated[
    StrictStr,
    Field(alias="for", pattern=r"^[1-9][0-9]{0,5}[smhd]$", examples=["30m", "2h"], description="From now on."),
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Plain(_Body):
    """Nothing need be said."""

    version: Version = None


class Resolution(_Body):
    """`force` calls it over although its source still fires."""

    force: StrictBool = False
    version: Version = None


class Until(_Body):
    """Until a moment."""

    until: Moment
    version: Version = None

    def end(self, now: datetime) -> datetime:
        """The moment; raises `OutOfReach`."""
        # A leap second is the second before it.
        text = re.sub(r"(?<=:)60(?=[.Zz+-])", "59", self.until.upper())
        try:
            found = datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            raise OutOfReach(f"{self.until} is no moment of this calendar") from None
        if found > now + FARTHEST:
            raise OutOfReach(f"{self.until} is farther than {FARTHEST.days} days away")
        return found


class For(_Body):
    """So long from now."""

    duration: Duration
    version: Version = None

    def end(self, now: datetime) -> datetime:
        """The moment; raises `OutOfReach`."""
        try:
            length = parse_duration(self.duration)
        except ValueError as error:
            raise OutOfReach(str(error)) from None
        if length > FARTHEST:
            raise OutOfReach(f"{self.duration} is longer than {FARTHEST.days} days")
        return now + length


class Note(_Body):
    """A line for the incident's story."""

    text: Annotated[StrictStr, Field(min_length=1, max_length=LONGEST_NOTE)]


class DoneView(BaseModel):
    """What came of it. `transition` is null when nothing that has a name happened, as after a note."""

    incident: str
    transition: Transition | None
    text: str
    version: int


class WrittenView(BaseModel):
    """It is written down and will be done; no router has answered yet. `key` is the event's, as in the log."""

    incident: str
    key: str
    text: str
