"""`alertrouter replay`: recorded history under another policy, and what would have been different."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from alertrouter import garbage
from alertrouter.cli.app import Exit, app
from alertrouter.cli.history import FromOption, SinceOption, length, stored, written
from alertrouter.cli.options import Output, OutputOption, open_policy, print_json
from alertrouter.cli.terminal import Terminal, counted, plain
from alertrouter.settings import from_environment

if TYPE_CHECKING:
    from alertrouter.policy.policy import Policy
    from alertrouter.record import Record
    from alertrouter.shadow import ToldThen
    from alertrouter.simulate.replay import Lived
    from alertrouter.simulate.replayed import Changed, Replayed

MOST_SHOWN: Final = 10
_FEWEST_TO_PART: Final = 2000
"""Records from which on it is worth to live the two policies in a process each."""


class FailOn(StrEnum):
    """What makes `replay` exit 3."""

    MORE_PAGES = "more-pages"
    ANY_CHANGE = "any-change"


New = Annotated[Path, typer.Option("--policy", metavar="DIR", help="The policy to try.")]
Old = Annotated[
    Path | None,
    typer.Option(
        "--against", metavar="DIR", help="The policy to compare with. Default: the one in use.", show_default=False
    ),
]
FailOnOption = Annotated[FailOn | None, typer.Option("--fail-on", help="Exit 3 when this is so.", show_default=False)]


Exact = Annotated[
    bool, typer.Option("--exact", help="Look at groups as often as the policy says, not every five minutes: slower.")
]


@app.command()
def replay(
    policy: New,
    against: Old = None,
    since: SinceOption = "",
    source: FromOption = None,
    fail_on: FailOnOption = None,
    exact: Exact = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Live the recorded history again under another policy: who would have been told what, when, how often paged.

    Both policies are lived by what the router itself runs, with the same alerts, acknowledgements and silences; so
    they differ by nothing but the policy. Nothing is sent.
    """
    from alertrouter.simulate import quiet
    from alertrouter.simulate.replay import coarse

    settings = from_environment()
    old, new = open_policy(settings, against).policy, open_policy(settings, policy).policy
    records = written(source) if source else list(stored(settings, since, silences=True))
    if source and since and records:
        records = quiet.since(records, records[-1].at - length(since))
    records = quiet.with_those_before(records)
    if not records:
        Terminal(settings, err=True).line("there is no history to replay")
        raise typer.Exit(Exit.FAILED)
    if not exact:
        old, new = coarse(old), coarse(new)
    now = None if source else datetime.now(UTC)
    found = _replay(records, old, new, now)
    if output is Output.JSON:
        print_json(found)
    else:
        _show(Terminal(settings), found, new.timezone, now)
    failed = {FailOn.MORE_PAGES: found.more_pages, FailOn.ANY_CHANGE: bool(found.changed)}
    raise typer.Exit(Exit.UNMET if fail_on and failed[fail_on] else Exit.OK)


def _replay(records: list[Record], old: Policy, new: Policy, now: datetime | None) -> Replayed:
    from alertrouter.simulate.comparison import compare
    from alertrouter.simulate.replay import live_again

    garbage.settle()
    if len(records) < _FEWEST_TO_PART:
        return compare(records, live_again(records, old, now), live_again(records, new, now), new)
    with ProcessPoolExecutor(1) as other:
        before = other.submit(live_again, records, old, now)
        after: Lived = live_again(records, new, now)
        return compare(records, before.result(), after, new)


def _show(to: Terminal, found: Replayed, zone: tzinfo, now: datetime | None) -> None:
    from alertrouter.simulate.replay import lived_until

    if found.since and found.until:
        to.line(
            f"{counted(found.events, 'event')} from {found.since.astimezone(zone):%a %Y-%m-%d %H:%M} "
            f"to {found.until.astimezone(zone):%a %Y-%m-%d %H:%M %Z}"
        )
        to.line(f"lived on until {lived_until(found.until, now).astimezone(zone):%a %Y-%m-%d %H:%M %Z}")
    to.line()
    show_numbers(to, found)
    show_changed(to, found.changed, len(found.changed), zone)


def show_numbers(to: Terminal, found: Replayed) -> None:
    """Print pages and messages, and where they differ; pairs are (old, new)."""
    _pair(to, "pages", found.pages)
    _pair(to, "messages", found.messages)
    for heading, table in (
        ("pages by team", found.by_team),
        ("pages by hour", {f"{hour:02}:00": pair for hour, pair in found.by_hour.items()}),
        ("messages by receiver", found.by_receiver),
    ):
        differing = {name: pair for name, pair in table.items() if pair[0] != pair[1]}
        if differing:
            to.line()
            to.line(to.strong(heading))
            for name, pair in differing.items():
                _pair(to, f"  {plain(name) or '(none)'}", pair)
    to.line()


def _pair(to: Terminal, name: str, pair: tuple[int, int]) -> None:
    more = pair[1] - pair[0]
    said = f"{more:+d}" if more else "the same"
    to.line(f"{name:24} {pair[0]:>7} → {pair[1]:<7} {to.bad(said) if more > 0 else to.good(said)}")


def show_changed(to: Terminal, changed: Sequence[Changed], number: int, zone: tzinfo) -> None:
    """Print the first incidents that would have gone otherwise, of so many."""
    if not number:
        to.line(f"{to.good('✓')} every incident would have told the same people at the same times")
        return
    to.line(to.strong(counted(number, "incident") + " would have gone otherwise"))
    for one in changed[:MOST_SHOWN]:
        to.line(f"  {one.at.astimezone(zone):%a %m-%d %H:%M} {plain(one.title)}")
        to.folded(f"    {to.bad('-')} ", _told(one.old, one.at), 6)
        to.folded(f"    {to.good('+')} ", _told(one.new, one.at), 6)
    if number > MOST_SHOWN:
        to.line(f"  … and {number - MOST_SHOWN} more: -o json has {'them all' if number == len(changed) else 'some'}")


def _told(messages: Sequence[ToldThen], start: datetime) -> str:
    from alertrouter.policy.duration import format_duration

    fires = [one for one in messages if not one.over]
    shown = [f"+{format_duration(one.at - start)} {one.receiver}" for one in fires[:8]]
    more = f", … {len(fires) - 8} more" if len(fires) > 8 else ""
    return ", ".join(shown) + more if shown else "nobody is told"


__all__ = ["replay"]
