"""`alertrouter oncall`: who is on call, and who comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from alertrouter.cli.app import Exit, app
from alertrouter.cli.options import Output, OutputOption, PolicyOption, open_policy, print_json
from alertrouter.cli.terminal import Terminal, plain
from alertrouter.errors import CalendarError
from alertrouter.settings import Settings, from_environment

if TYPE_CHECKING:
    from alertrouter.policy.oncall import Schedule, Turn
    from alertrouter.policy.policy import Policy

Names = Annotated[list[str] | None, typer.Argument(metavar="SCHEDULE", help="Only these. Default: all.")]
At = Annotated[
    str, typer.Option(metavar="TIME", help="When, as '2026-03-02 10:00', in the policy's timezone. Default: now.")
]
Next = Annotated[bool, typer.Option("--next", help="Show also until when, and who comes then.")]


class NextView(msgspec.Struct, frozen=True):
    """The next hand-over."""

    at: datetime
    who: str
    why: str


class OnCallView(msgspec.Struct, frozen=True):
    """Who is on call by a schedule; `why`: `override`, `calendar`, `layer N`, `fallback`. No `next`: nobody else."""

    schedule: str
    at: datetime
    who: str
    why: str
    next: NextView | None


@app.command()
def oncall(
    names: Names = None,
    at: At = "",
    and_next: Next = False,
    policy: PolicyOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show who is on call by the policy's schedules, now or at a time. Calendars are fetched; nothing is sent."""
    settings = from_environment()
    found = _with_calendars(open_policy(settings, policy).policy, settings)
    now, chosen = _moment(found, at), _chosen(found, names or [])
    for schedule in chosen:
        if output is Output.JSON:
            print_json(_view(schedule, now))
        else:
            _show(Terminal(settings), schedule, now, max(map(len, found.schedules)), and_next=and_next)
    if not chosen:
        Terminal(settings, err=True).line("The policy has no schedules.")


def _with_calendars(policy: Policy, settings: Settings) -> Policy:
    """Read the calendars of a policy's schedules; of one that can't be read it is said why."""
    from alertrouter.calendars.feed import read_calendar, sources

    rotas, terminal = dict(policy.schedules), Terminal(settings, err=True)
    for source in sources(policy):
        schedule = source.schedule
        try:
            reading = read_calendar(source, settings, datetime.now(UTC))
        except CalendarError as error:
            terminal.line(
                f"{terminal.doubtful('!')} {plain(schedule.name)}: shown without its calendar: {plain(str(error))}"
            )
        else:
            rotas[schedule.name] = replace(schedule, shifts=reading.shifts)
    return replace(policy, schedules=rotas)


def _moment(policy: Policy, at: str) -> datetime:
    from alertrouter.simulate.routing import moment

    try:
        return moment(at, policy.timezone) if at else datetime.now(UTC)
    except ValueError as error:
        raise typer.BadParameter(f"{error}; expected a time such as 2026-03-02 10:00", param_hint="--at") from None


def _chosen(policy: Policy, names: Sequence[str]) -> list[Schedule]:
    from alertrouter.policy.reading.faults import unknown

    for name in names:
        if name not in policy.schedules:
            typer.echo(f"alertrouter: {plain(unknown('schedule', name, policy.schedules))}", err=True)
            raise typer.Exit(Exit.USAGE)
    return [policy.schedules[name] for name in names or policy.schedules]


def _view(schedule: Schedule, now: datetime) -> OnCallView:
    turn, after = schedule.on_call(now), schedule.next_handover(now)
    return OnCallView(
        schedule=schedule.name,
        at=now.astimezone(schedule.zone),
        who=turn.who,
        why=turn.why,
        next=NextView(after.at.astimezone(schedule.zone), after.turn.who, after.turn.why) if after else None,
    )


def _show(terminal: Terminal, schedule: Schedule, now: datetime, width: int, *, and_next: bool) -> None:
    turn = schedule.on_call(now)
    line = f"{plain(schedule.name):{width}}  {terminal.strong(plain(turn.who))}{_why(terminal, turn)}"
    if and_next:
        after = schedule.next_handover(now)
        then = (
            f"{_clock(after.at, schedule)}, then {plain(after.turn.who)}{_why(terminal, after.turn)}" if after else ""
        )
        line += f" until {then}" if then else " with no hand-over in sight"
    terminal.line(line)


def _why(terminal: Terminal, turn: Turn) -> str:
    return terminal.faint(f" ({turn.why})")


def _clock(at: datetime, schedule: Schedule) -> str:
    return f"{at.astimezone(schedule.zone):%a %Y-%m-%d %H:%M %Z}"
