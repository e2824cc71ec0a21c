"""`alertrouter test-route`: what the policy would do with label sets, or with its own tests."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alertrouter.cli.app import Exit, app
from alertrouter.cli.options import Opened, Output, OutputOption, PolicyOption, open_policy, print_json
from alertrouter.errors import PayloadError
from alertrouter.settings import Settings, from_environment

# What is only needed once the options are read is imported then: one label set is answered in a fraction of a second.
if TYPE_CHECKING:
    from alertrouter.alert import Labels
    from alertrouter.simulate.routing import Simulation

Words = Annotated[list[str] | None, typer.Argument(metavar="LABEL=VALUE", help="The labels of one alert.")]
At = Annotated[
    str, typer.Option(metavar="TIME", help="When, as '2026-03-02 10:00', in the policy's timezone. Default: now.")
]
From = Annotated[
    str, typer.Option("--from", metavar="FILE", help="JSON label sets, one a line, or an array; - is stdin.")
]
Also = Annotated[
    list[str] | None, typer.Option(metavar="LABEL=VALUE,…", help="Another alert that fires meanwhile; may be repeated.")
]
Together = Annotated[bool, typer.Option("--together", help="The label sets of --from all fire at once.")]
Receivers = Annotated[
    str | None,
    typer.Option(
        "--verify.receivers", metavar="A,B", help="Exit 3 unless exactly these are told at once, in this order."
    ),
]

For = Annotated[
    str, typer.Option("--for", metavar="DURATION", help="Show what happens through time, for so long: 2h, 30m.")
]
Acks = Annotated[
    list[str] | None,
    typer.Option("--ack", metavar="OFFSET", help="Acknowledged so long after the first message; may be repeated."),
]
Events = Annotated[
    list[str] | None,
    typer.Option("--event", metavar="EVENT", help="What happens, as '30m severity critical'; may be repeated."),
]
JUnit = Annotated[
    Path | None, typer.Option("--junit", metavar="FILE", help="Write the results of the policy's tests as JUnit XML.")
]


@app.command("test-route")
def route(
    words: Words = None,
    at: At = "",
    source: From = "",
    also: Also = None,
    together: Together = False,
    verify_receivers: Receivers = None,
    lasting: For = "",
    acks: Acks = None,
    events: Events = None,
    junit: JUnit = None,
    policy: PolicyOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show the path of an alert through the tree, who is told and what would hold it; nothing is sent.

    With --for, --ack or --event: what happens to it through time, told by what the router itself runs.
    Without labels and without --from the policy's own tests are run; exit 3 when one fails.
    """
    settings = from_environment()
    opened = open_policy(settings, policy)
    happenings = [*(f"{ack} ack" for ack in acks or ()), *(events or ())]
    timed = bool(lasting or happenings)
    for_labels = bool(at or also or together or timed or verify_receivers is not None)
    _check_usage(bool(words), bool(source), for_labels=for_labels, for_tests=bool(junit), apart=together and timed)
    if not words and not source:
        raise typer.Exit(_run_tests(settings, opened, output, junit))
    label_sets = _from(source) if source else (_words(words or []),)
    now, others = _moment(opened, at), _others(also or [])
    found = _simulate(opened, label_sets, now=now, others=others, together=together)
    if timed:
        from alertrouter.cli.through_time import show_timelines, through_time

        lives = through_time(opened, label_sets, start=now, lasting=lasting, events=happenings, also_firing=others)
        show_timelines(settings, opened, lives, output)
    else:
        _show(settings, opened, found, output)
    if verify_receivers is not None:
        raise typer.Exit(_verify(found, verify_receivers))


def _check_usage(words: bool, source: bool, *, for_labels: bool, for_tests: bool, apart: bool) -> None:
    if words and source:
        raise typer.BadParameter("found labels and --from, expected one of them")
    if for_labels and not words and not source:
        raise typer.BadParameter("found no labels, expected LABEL=VALUE… or --from with these options")
    if for_tests and (words or source):
        raise typer.BadParameter("found labels and --junit, which is for the policy's tests")
    if apart:
        raise typer.BadParameter("found --together, expected --also beside --for, --ack and --event")


def _moment(opened: Opened, at: str) -> datetime:
    from alertrouter.simulate.routing import moment

    zone = opened.policy.timezone
    try:
        return moment(at, zone) if at else datetime.now(UTC).astimezone(zone)
    except ValueError:
        raise typer.BadParameter(f"found {at!r}, expected a time as 2026-03-02 10:00", param_hint="--at") from None


def _others(also: list[str]) -> tuple[Labels, ...]:
    from alertrouter.cli.label_sets import read_listed

    try:
        return tuple(read_listed(text) for text in also)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--also") from None


def _simulate(
    opened: Opened,
    label_sets: tuple[Labels, ...],
    *,
    now: datetime,
    others: tuple[Labels, ...],
    together: bool,
) -> tuple[Simulation, ...]:
    from alertrouter.simulate.routing import route_alert, route_together

    policy = opened.policy
    if together:
        return route_together(policy, label_sets, now=now, also_firing=others)
    return tuple(route_alert(policy, labels, now=now, also_firing=others) for labels in label_sets)


def _words(words: list[str]) -> Labels:
    from alertrouter.cli.label_sets import read_words

    try:
        return read_words(words)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="LABEL=VALUE") from None


def _from(source: str) -> tuple[Labels, ...]:
    from alertrouter.cli.label_sets import read_json

    name = _name(source)
    try:
        text = (sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()).decode()
    except OSError as error:
        raise PayloadError(f"{name}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise PayloadError(f"{name}: expected UTF-8, found byte {error.object[error.start]:#04x}") from None
    found = read_json(text, name)
    if not found:
        typer.echo(f"{name}: holds no label set", err=True)
    return found


def _name(source: str) -> str:
    return "stdin" if source == "-" else source


def _show(settings: Settings, opened: Opened, found: tuple[Simulation, ...], output: Output) -> None:
    if output is Output.JSON:
        from alertrouter.cli.simulation_json import SimulationView

        for simulation in found:
            print_json(SimulationView.of(simulation, opened))
        return
    from alertrouter.cli.simulation_text import show_simulation
    from alertrouter.cli.terminal import WIDTH, Terminal

    terminal = Terminal(settings)
    for number, simulation in enumerate(found):
        if number:
            terminal.line(f"\n{terminal.faint('─' * WIDTH)}\n")
        show_simulation(terminal, simulation, opened)


def _verify(found: tuple[Simulation, ...], expected: str) -> Exit:
    from alertrouter.notice import labels_text

    names = tuple(name.strip() for name in expected.split(",") if name.strip())
    unmet = [simulation for simulation in found if simulation.receivers != names]
    for simulation in unmet:
        typer.echo(f"{labels_text(simulation.labels)}: receivers", err=True)
        typer.echo(f"  - [{', '.join(names)}]  expected", err=True)
        typer.echo(f"  + [{', '.join(simulation.receivers)}]  found", err=True)
    return Exit.UNMET if unmet or not found else Exit.OK


def _run_tests(settings: Settings, opened: Opened, output: Output, junit: Path | None) -> Exit:
    from alertrouter.simulate.judging import run_tests

    results = run_tests(opened.policy)
    if junit:
        from alertrouter.cli.junit import write_junit

        write_junit(junit, results, opened)
    if output is Output.JSON:
        from alertrouter.cli.simulation_json import TestsView

        print_json(TestsView.of(results, opened))
    else:
        from alertrouter.cli.simulation_text import show_tests
        from alertrouter.cli.terminal import Terminal

        show_tests(Terminal(settings), results, opened)
    return Exit.OK if all(result.passed for result in results) else Exit.UNMET
