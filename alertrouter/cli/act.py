"""`alertrouter ack` and its kin: act on incidents of the running server.

Exit codes: 0 all of it was done; 1 there is no such incident, no server or no right to it; 3 the router refused it, or
has not answered yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
import typer

from alertrouter.cli.app import Exit, app
from alertrouter.cli.options import Output, OutputOption, UrlOption, print_json
from alertrouter.cli.server import Server, TokenOption, incident_id
from alertrouter.cli.terminal import plain
from alertrouter.errors import NotFound
from alertrouter.settings import from_environment

Ids = Annotated[list[str], typer.Argument(metavar="ID", help="INC-142, or just 142; several at once.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="INC-142, or just 142.")]
Words = Annotated[list[str], typer.Argument(metavar="TEXT", help="What is to stand in its story.")]
For = Annotated[str, typer.Option("--for", metavar="DURATION", help="From now, as 30m or 2h.", show_default=False)]
Until = Annotated[str, typer.Option("--until", metavar="TIME", help="As 2026-03-02T10:00:00Z.", show_default=False)]
Force = Annotated[bool, typer.Option("--force", help="Also while its source still fires.")]


class ActedView(msgspec.Struct, frozen=True):
    """What came of one incident. `done` says that it was done now; `text` tells what, or why not."""

    incident: str
    done: bool
    text: str
    transition: str | None
    version: int


@app.command()
def ack(ids: Ids, url: UrlOption = "", token: TokenOption = "", output: OutputOption = Output.TEXT) -> None:
    """Acknowledge incidents: nobody else is told while it holds."""
    _act(ids, "ack", {}, url, token, output)


@app.command()
def unack(ids: Ids, url: UrlOption = "", token: TokenOption = "", output: OutputOption = Output.TEXT) -> None:
    """Give incidents back: the level at which each was acknowledged is told again."""
    _act(ids, "unack", {}, url, token, output)


@app.command()
def snooze(
    ids: Ids,
    length: For = "",
    until: Until = "",
    url: UrlOption = "",
    token: TokenOption = "",
    output: OutputOption = Output.TEXT,
) -> None:
    """Be quiet about incidents until later."""
    if bool(length) is bool(until):
        raise typer.BadParameter("expected one of --for and --until")
    _act(ids, "snooze", {"for": _in_minutes(length)} if length else {"until": until}, url, token, output)


@app.command()
def resolve(
    ids: Ids, force: Force = False, url: UrlOption = "", token: TokenOption = "", output: OutputOption = Output.TEXT
) -> None:
    """Call incidents over."""
    _act(ids, "resolve", {"force": force}, url, token, output)


@app.command()
def escalate(ids: Ids, url: UrlOption = "", token: TokenOption = "", output: OutputOption = Output.TEXT) -> None:
    """Tell the next level of incidents now."""
    _act(ids, "escalate", {}, url, token, output)


@app.command()
def note(
    incident: Id, words: Words, url: UrlOption = "", token: TokenOption = "", output: OutputOption = Output.TEXT
) -> None:
    """Write a line into an incident's story; whoever has it keeps it for the whole time again."""
    _act([incident], "note", {"text": " ".join(words)}, url, token, output)


def _act(ids: Sequence[str], action: str, body: Mapping[str, str | bool], url: str, token: str, output: Output) -> None:
    server = Server(from_environment(), url, token)
    exits = [_act_on(server, incident_id(one), action, body, output) for one in dict.fromkeys(ids)]
    # Of several, the first kind of trouble is told: 1 before 3.
    raise typer.Exit(Exit.FAILED if Exit.FAILED in exits else max(exits))


def _in_minutes(length: str) -> str:
    """Read `90m`, `1h30m`; the API takes one unit."""
    from alertrouter.policy.duration import parse_duration

    try:
        seconds = int(parse_duration(length).total_seconds())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from None
    return f"{seconds}s" if seconds % 60 or not seconds else f"{seconds // 60}m"


def _act_on(server: Server, incident: str, action: str, body: Mapping[str, str | bool], output: Output) -> Exit:
    try:
        said = server.act(incident, action, body)
    except NotFound as error:
        acted, code = ActedView(incident, False, str(error), None, 0), Exit.FAILED
    else:
        acted = ActedView(incident, said.status == 200, said.text, said.transition, said.version)
        code = Exit.OK if acted.done else Exit.UNMET
    if output is Output.JSON:
        print_json(acted)
    else:
        named = acted.text if incident in acted.text else f"{incident}: {acted.text}"
        typer.echo(plain(named), err=not acted.done)
    return code
