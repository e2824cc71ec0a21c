"""What `explain` knows, for people: how it stands, what happened, what was sent, what held it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from alertrouter.cli.explanation import Delivery, Explanation, Found, Incident, Line, clock
from alertrouter.cli.terminal import Terminal, counted, plain
from alertrouter.notice import labels_text

_COLUMN: Final = 14
_STORY: Final = 32
"""Where the words of a line of the story begin: behind its time and its name."""


def show_explanation(to: Terminal, whole: Explanation) -> None:
    """Print all about one incident."""
    _head(to, whole)
    to.line()
    to.line(to.strong("What happened"))
    for line in whole.timeline:
        _line(to, line)
    if not whole.timeline:
        to.line(to.faint("Nothing is written down."))
    to.line()
    to.line(to.strong("What was sent"))
    for delivery in whole.deliveries:
        _delivery(to, delivery)
    if not whole.deliveries:
        to.line(to.faint("Nothing."))


def show_found(to: Terminal, found: Found) -> None:
    """Print of one incident what held it back and who was told."""
    whole = found.explanation
    incident = whole.incident
    state = f"{incident.state}, {incident.severity}, {counted(len(whole.alerts), 'such alert')}" if incident else "over"
    to.line(f"{to.strong(plain(whole.id))}  {state}")
    for alert in whole.alerts[:3]:
        to.folded(_row("alert"), labels_text(alert.labels) + ("" if alert.firing else " (over)"), _COLUMN)
    for why in found.held_back:
        to.folded(_row("held back"), why, _COLUMN)
    if not found.held_back:
        to.line(_row("held back") + to.good("nothing"))
    for told in found.told:
        to.folded(_row("told"), told, _COLUMN)
    if not found.told:
        to.line(_row("told") + "nobody")
    to.line(_row("all of it") + f"alertrouter explain {plain(whole.id)}")


def _head(to: Terminal, whole: Explanation) -> None:
    one = whole.incident
    if one is None:
        to.line(to.strong(plain(whole.id)))
        to.line(to.faint("long over: only its story is left"))
        return
    to.line(to.strong(plain(whole.id)) + "  " + plain(labels_text(one.group_labels)))
    for name, text in _standing(one):
        to.folded(_row(name), text, _COLUMN)
    held_back = list(whole.held_back())
    for why in held_back:
        to.folded(_row("held back"), why, _COLUMN)
    if not held_back:
        to.line(_row("held back") + to.good("nothing"))
    for alert in whole.alerts:
        over = "" if alert.firing else " (over)"
        why = f": {alert.suppressed}" if alert.suppressed else ""
        to.folded(_row("alert"), f"{labels_text(alert.labels)}{over}{why}", _COLUMN)


def _standing(one: Incident) -> Iterator[tuple[str, str]]:
    raised = ", for nobody took it" if one.raised else ""
    yield "state", f"{one.state}, {one.severity}{raised}, since {clock(one.opened_at)}"
    if one.resolved_at:
        yield "over", f"{clock(one.resolved_at)}, called so by {one.closed or 'its source'}"
    yield "route", one.route
    if one.ack:
        until = f" until {clock(one.ack.until)}" if one.ack.until else ", for good"
        others = f"; also {', '.join(one.ack.others)}" if one.ack.others else ""
        yield "taken by", f"{one.ack.by} at {clock(one.ack.at)}{until}{others}"
    if one.escalation:
        yield "escalation", _escalation(one)
    for timer, due in sorted(one.timers.items(), key=lambda item: item[1]):
        yield f"timer {timer}", clock(due)
    for timer, left in one.paused.items():
        yield f"timer {timer}", f"stands still with {left:.0f} s left"


def _escalation(one: Incident) -> str:
    escalation = one.escalation
    if escalation is None:
        return "none"
    loops = f", begun again {counted(escalation.loops, 'time')}" if escalation.loops else ""
    if one.exhausted:
        then = "no level is left to tell"
    elif escalation.next_at:
        then = f"the next at {clock(escalation.next_at)}"
    else:
        then = "the next is not due while this holds"
    return f"{escalation.policy}, {counted(escalation.level, 'level')} told or skipped{loops}; {then}"


def _line(to: Terminal, line: Line) -> None:
    name = to.strong(line.transition.ljust(8)) if line.transition else to.faint("·".ljust(8))
    reason = f"{line.reason}: " if line.reason and line.text else line.reason or ""
    to.folded(f"{clock(line.at)} {name}", f"{reason}{line.text}", _STORY)


def _delivery(to: Terminal, delivery: Delivery) -> None:
    redraw = " (redrawn in place)" if delivery.redraw else ""
    to.line(plain(f"{delivery.id}  {delivery.destination}: {delivery.reason}{redraw}"))
    settled = f" at {clock(delivery.settled_at)}" if delivery.settled_at else f", owed since {clock(delivery.born_at)}"
    doubt = "; a try got no answer, it may have arrived twice" if delivery.doubtful else ""
    text = f"{delivery.state} after {counted(delivery.attempts, 'attempt')}{settled}{doubt}"
    painted = {"sent": to.good, "failed": to.bad}.get(delivery.state, to.doubtful)
    to.line("    " + painted(plain(text)))
    for more in (delivery.error, delivery.note):
        if more:
            to.folded("    ", more, 4)


def _row(name: str) -> str:
    return name.ljust(_COLUMN)
