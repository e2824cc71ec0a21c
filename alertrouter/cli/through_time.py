"""`test-route --for`: what happens to label sets through time, when somebody acts and things change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import typer

from alertrouter.alert import Labels
from alertrouter.cli.options import Opened, Output, print_json
from alertrouter.policy.duration import parse_duration
from alertrouter.policy.timeline import Happening, read_happening, within
from alertrouter.settings import Settings
from alertrouter.simulate.timeline import Timeline, live

USUALLY_FOR: Final = timedelta(hours=2)
"""How long a timeline goes on behind the last event, without --for."""


def through_time(
    opened: Opened,
    label_sets: Iterable[Labels],
    *,
    start: datetime,
    lasting: str,
    events: Iterable[str],
    also_firing: tuple[Labels, ...],
) -> tuple[Timeline, ...]:
    """Tell the timeline of each label set, each alone but for `also_firing`."""
    happenings = tuple(_happening(opened, text) for text in events)
    until = _until(lasting, happenings)
    return tuple(
        live(opened.policy, labels, start=start, until=until, events=happenings, also_firing=also_firing)
        for labels in label_sets
    )


def show_timelines(settings: Settings, opened: Opened, found: tuple[Timeline, ...], output: Output) -> None:
    """Print timelines as they were asked for."""
    if output is Output.JSON:
        from alertrouter.cli.timeline_json import TimelineView

        for timeline in found:
            print_json(TimelineView.of(timeline))
        return
    from alertrouter.cli.terminal import WIDTH, Terminal
    from alertrouter.cli.timeline_text import show_timeline

    terminal = Terminal(settings)
    for number, timeline in enumerate(found):
        if number:
            terminal.line(f"\n{terminal.faint('─' * WIDTH)}\n")
        show_timeline(terminal, timeline, opened)


def _happening(opened: Opened, text: str) -> Happening:
    try:
        return read_happening(text, opened.policy.severities, (*opened.policy.receivers, *opened.policy.people))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--ack, --event") from None


def _until(lasting: str, happenings: tuple[Happening, ...]) -> timedelta:
    if not lasting:
        return max((one.offset for one in happenings), default=timedelta()) + USUALLY_FOR
    try:
        until = within(parse_duration(lasting))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from None
    late = next((one for one in happenings if one.offset > until), None)
    if late:
        raise typer.BadParameter(f"found `{late}`, expected nothing after --for {lasting}", param_hint="--event")
    return until
