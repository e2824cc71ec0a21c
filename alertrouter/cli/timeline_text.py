"""A timeline for people: when, what happened, and who was told."""

from __future__ import annotations

from datetime import timedelta, tzinfo

from alertrouter.cli.options import Opened
from alertrouter.cli.terminal import Terminal, plain
from alertrouter.incident import Timer
from alertrouter.notice import labels_text
from alertrouter.policy.duration import format_duration
from alertrouter.policy.timeline import offset_text
from alertrouter.simulate.account import Line
from alertrouter.simulate.timeline import Ahead, Timeline
from alertrouter.transition import Transition

_NEXT = {
    Timer.WAKE: "it wakes",
    Timer.LAPSE: "the acknowledgement expires",
    Timer.RAISE: "it is raised",
    Timer.OVERDUE: "a page is overdue",
}


def show_timeline(to: Terminal, timeline: Timeline, opened: Opened) -> None:
    """Print what became of an alert through time."""
    zone = opened.policy.timezone
    to.folded("", labels_text(timeline.labels), 0)
    to.line(
        to.faint(f"from {timeline.start.astimezone(zone):%a %Y-%m-%d %H:%M %Z} for {format_duration(timeline.until)}")
    )
    to.line()
    several = len({line.incident for line in timeline.lines}) > 1
    for line in timeline.lines:
        _line(to, line, timeline, opened, zone, several=several)
    to.line()
    for ahead in timeline.ahead:
        _ahead(to, ahead, several=several)
    if not timeline.ahead:
        to.line(to.faint("then: nothing is left of it"))


def _line(to: Terminal, line: Line, timeline: Timeline, opened: Opened, zone: tzinfo, *, several: bool) -> None:
    clock = (timeline.start + line.offset).astimezone(zone)
    name = line.transition.value if line.transition else ""
    first = f"{_offset(line.offset):<9}{clock:%a %H:%M}  {name:<7} "
    who = f"{line.incident} " if several and line.incident else ""
    text = f"{who}{_text(line, opened)}"
    to.folded(to.strong(first) if line.told or line.ended else first, text, len(first))


def _text(line: Line, opened: Opened) -> str:
    parts = [line.text or (line.reason.value if line.reason else "")]
    if line.transition is Transition.OPEN:
        parts.append(_whose(line, opened))
    # A step names those whom it tells.
    if line.told and line.transition is not Transition.STEP:
        parts.append(f"tells {', '.join(line.told)}")
    if line.ended:
        parts.append(f"tells the end to {', '.join(line.ended)}")
    return ": ".join((parts[0], "; ".join(parts[1:]))) if len(parts) > 1 else parts[0]


def _whose(line: Line, opened: Opened) -> str:
    route = opened.policy.route(line.route)
    if route is None:
        return ""
    whose = f"team {route.options.team}" if route.options.team else f"receiver {route.options.receiver}"
    return f"{whose}, {opened.place(route.file, route.line)}"


def _ahead(to: Terminal, ahead: Ahead, *, several: bool) -> None:
    who = f"{ahead.incident} is " if several else ""
    coming = [f"{_NEXT.get(timer, 'the next level is told')} at {_offset(offset)}" for timer, offset in ahead.next]
    text = "; ".join((f"{who}{ahead.state.value}, {ahead.severity}", *coming))
    to.line(to.faint(f"then: {plain(text)}"))


def _offset(offset: timedelta) -> str:
    return offset_text(offset) if offset < timedelta() else f"+{offset_text(offset)}"
