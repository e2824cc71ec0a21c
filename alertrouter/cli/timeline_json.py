"""A timeline as JSON."""

from __future__ import annotations

from datetime import datetime

import msgspec

from alertrouter.alert import Labels
from alertrouter.policy.duration import format_duration
from alertrouter.policy.timeline import offset_text
from alertrouter.simulate.account import Line
from alertrouter.simulate.timeline import Ahead, Timeline


class LineView(msgspec.Struct, frozen=True):
    """One thing that happened: a transition, or else a reason; `told` get a message, `ended` are told of the end."""

    offset: str
    at: datetime
    incident: str
    transition: str | None
    reason: str | None
    text: str
    told: tuple[str, ...]
    ended: tuple[str, ...]

    @classmethod
    def of(cls, line: Line, start: datetime) -> LineView:
        """Show a line."""
        return cls(
            offset=offset_text(line.offset),
            at=start + line.offset,
            incident=line.incident,
            transition=line.transition.value if line.transition else None,
            reason=line.reason.value if line.reason else None,
            text=line.text,
            told=line.told,
            ended=line.ended,
        )


class AheadView(msgspec.Struct, frozen=True):
    """How an incident stands at the end; `next` are its timers with their offsets."""

    incident: str
    state: str
    severity: str
    next: dict[str, str]

    @classmethod
    def of(cls, ahead: Ahead) -> AheadView:
        """Show how it stands."""
        coming = {timer.value: format_duration(offset) for timer, offset in ahead.next}
        return cls(ahead.incident, ahead.state.value, ahead.severity, coming)


class TimelineView(msgspec.Struct, frozen=True):
    """What became of one label set through time; `expect` is ready for a test in the policy."""

    labels: Labels
    at: datetime
    until: str
    lines: tuple[LineView, ...]
    expect: tuple[str, ...]
    ahead: tuple[AheadView, ...]

    @classmethod
    def of(cls, timeline: Timeline) -> TimelineView:
        """Show a timeline."""
        return cls(
            labels=timeline.labels,
            at=timeline.start,
            until=format_duration(timeline.until),
            lines=tuple(LineView.of(line, timeline.start) for line in timeline.lines),
            expect=tuple(map(str, timeline.expectations)),
            ahead=tuple(map(AheadView.of, timeline.ahead)),
        )
