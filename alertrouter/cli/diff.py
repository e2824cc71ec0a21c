"""`alertrouter diff OLD NEW`: which alerts two policies treat differently."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from alertrouter.cli.app import Exit, app
from alertrouter.cli.options import Output, OutputOption, open_policy, print_json
from alertrouter.cli.terminal import Terminal, counted, plain
from alertrouter.settings import from_environment

if TYPE_CHECKING:
    from alertrouter.simulate.difference import Compared, Difference, Treatment

Old = Annotated[Path, typer.Argument(metavar="OLD", help="The directory of a policy.")]
New = Annotated[Path, typer.Argument(metavar="NEW", help="That of the one beside which it is put.")]
Samples = Annotated[int, typer.Option(metavar="N", min=1, help="How many label sets are tried.")]
Seed = Annotated[int, typer.Option(metavar="N", help="Other label sets.")]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="Exit 3 when anything differs.")]

MOST_SHOWN = 20


class TreatmentView(msgspec.Struct, frozen=True):
    """What happens to the alert on one route."""

    receivers: Sequence[str]
    escalation: str
    levels: Sequence[str]
    group_labels: Sequence[str]
    timing: str
    hours: Sequence[str]


class DifferenceView(msgspec.Struct, frozen=True):
    """One change, with the fewest labels that show it."""

    labels: Mapping[str, str]
    count: int
    old: Sequence[TreatmentView]
    new: Sequence[TreatmentView]


class DiffView(msgspec.Struct, frozen=True):
    """The whole answer of `diff`."""

    tried: int
    differing: int
    differences: Sequence[DifferenceView]
    inhibition: Sequence[str]


@app.command()
def diff(
    old: Old,
    new: New,
    samples: Samples = 5000,
    seed: Seed = 1,
    exit_code: ExitCode = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show which alerts two policies treat differently, by label sets made of what their matchers speak of.

    The same label sets each time, unless --seed asks for others. Nothing is run or sent.
    """
    from alertrouter.simulate.difference import compare

    settings = from_environment()
    chance = random.Random(seed)  # noqa: S311 -- repeatable by its seed, guards nothing
    found = compare(
        open_policy(settings, old).policy, open_policy(settings, new).policy, number=samples, choose=chance.randrange
    )
    if output is Output.JSON:
        print_json(_view(found))
    else:
        _show(Terminal(settings), found)
    raise typer.Exit(Exit.UNMET if exit_code and not found.same else Exit.OK)


def _view(found: Compared) -> DiffView:
    return DiffView(
        tried=found.tried,
        differing=found.differing,
        differences=[
            DifferenceView(one.labels, one.count, list(map(_treatment, one.old)), list(map(_treatment, one.new)))
            for one in found.differences
        ],
        inhibition=found.inhibition,
    )


def _treatment(one: Treatment) -> TreatmentView:
    return TreatmentView(one.receivers, one.escalation, one.ladder, one.group_labels, one.timing, one.hours)


def _show(to: Terminal, found: Compared) -> None:
    for one in found.differences[:MOST_SHOWN]:
        labels = ", ".join(f'{name}="{value}"' for name, value in sorted(one.labels.items()))
        to.folded("", f"{{{labels}}}", 2)
        to.line(to.faint(f"  {counted(one.count, 'label set')} of {found.tried}"))
        _show_change(to, one)
        to.line()
    if len(found.differences) > MOST_SHOWN:
        to.line(f"… and {len(found.differences) - MOST_SHOWN} more changes: -o json has them all")
    for said in found.inhibition:
        to.line(f"{to.doubtful('!')} {plain(said)}")
    if found.same:
        to.line(f"{to.good('✓')} {found.tried} label sets are treated the same by both")
    else:
        to.line(f"{found.differing} of {found.tried} label sets are treated differently")


def _show_change(to: Terminal, one: Difference) -> None:
    for number, (old, new) in enumerate(zip_longest(one.old, one.new)):
        which = f" on route {number + 1}" if max(len(one.old), len(one.new)) > 1 else ""
        before, after = dict(old.parts()) if old else {}, dict(new.parts()) if new else {}
        for name in dict.fromkeys((*before, *after)):
            if before.get(name) != after.get(name):
                to.line(f"  {name}{which}")
                if name in before:
                    to.folded(f"  {to.bad('-')} ", before[name], 4)
                if name in after:
                    to.folded(f"  {to.good('+')} ", after[name], 4)


__all__ = ["diff"]
