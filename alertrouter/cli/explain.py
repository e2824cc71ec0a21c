"""`alertrouter explain`: why was it told, or not? One incident, or what became of alerts with some labels."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from alertrouter.cli.app import Exit, app
from alertrouter.cli.options import Opened, Output, OutputOption, PolicyOption, UrlOption, open_policy, print_json
from alertrouter.cli.server import Server, TokenOption, incident_id
from alertrouter.cli.terminal import Terminal
from alertrouter.settings import from_environment

if TYPE_CHECKING:
    from pathlib import Path

    from alertrouter.alert import Labels
    from alertrouter.settings import Settings

Words = Annotated[
    list[str], typer.Argument(metavar="ID | LABEL=VALUE…", help="INC-142 or 142; with --alert the labels of an alert.")
]
Alert = Annotated[bool, typer.Option("--alert", help="Why was I not told of alerts with these labels?")]


@app.command()
def explain(
    words: Words,
    alert: Alert = False,
    url: UrlOption = "",
    token: TokenOption = "",
    policy: PolicyOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Tell all about an incident: each transition and its reason, timers, level, who has it, each delivery's fate.

    With --alert: what held back alerts with these labels; when there are none, what the policy would do. Exit 3 then.
    """
    settings = from_environment()
    server = Server(settings, url, token)
    if alert:
        raise typer.Exit(_explain_alert(settings, server, words, policy, output))
    if len(words) != 1 or "=" in words[0]:
        raise typer.BadParameter("expected one ID, or --alert and LABEL=VALUE…")
    from alertrouter.cli.explanation import explain

    found = explain(server, incident_id(words[0]))
    if output is Output.JSON:
        print_json(found)
        return
    from alertrouter.cli.explanation_text import show_explanation

    show_explanation(Terminal(settings), found)


def _explain_alert(settings: Settings, server: Server, words: list[str], policy: Path | None, output: Output) -> Exit:
    from alertrouter.cli.explanation import find
    from alertrouter.cli.explanation_text import show_found
    from alertrouter.cli.label_sets import read_words

    try:
        labels = read_words(words)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    found = find(server, labels)
    terminal = Terminal(settings)
    if not found:
        return _nothing(terminal, labels, open_policy(settings, policy), output)
    if output is Output.JSON:
        for one in found:
            print_json(one)
        return Exit.OK
    for number, one in enumerate(found):
        if number:
            terminal.line()
        show_found(terminal, one)
    return Exit.OK


def _nothing(terminal: Terminal, labels: Labels, opened: Opened, output: Output) -> Exit:
    """Say that no such alert is known, and what the policy at hand would do with one now."""
    from alertrouter.notice import labels_text
    from alertrouter.simulate.routing import route_alert

    simulation = route_alert(opened.policy, labels, now=datetime.now(UTC).astimezone(opened.policy.timezone))
    if output is Output.JSON:
        from alertrouter.cli.simulation_json import SimulationView

        print_json(SimulationView.of(simulation, opened))
        return Exit.UNMET
    from alertrouter.cli.simulation_text import show_simulation

    terminal.folded("", f"No alert with {labels_text(labels)} is known: none came in, or all is long over.", 0)
    terminal.folded("", f"The policy in {opened.directory} would do this with one now:", 0)
    terminal.line()
    show_simulation(terminal, simulation, opened)
    return Exit.UNMET
