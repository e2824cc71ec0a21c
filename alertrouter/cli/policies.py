"""`alertrouter publish` and its kin: bring a policy to the running server, put it in force, go back to the one before.

Exit codes: 0 done; 1 the policy is refused, there is no such revision, no server or no right to it; 3 no router has
answered yet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import quote

import msgspec
import typer

from alertrouter.cli.app import Exit, app
from alertrouter.cli.options import Output, OutputOption, PolicyOption, UrlOption, open_policy, print_json
from alertrouter.cli.server import NoServer, Server, TokenOption
from alertrouter.cli.terminal import Terminal, counted, plain
from alertrouter.errors import AlertrouterError
from alertrouter.settings import from_environment

AREA: Final = "/api/v1/policies"

REVISION: Final = re.compile("[0-9a-f]{6,64}")

RevisionArgument = Annotated[str, typer.Argument(metavar="REVISION", help="As `publish` and `policies` show it.")]
Activate = Annotated[bool, typer.Option("--activate", help="Put it in force as well.")]
Shadow = Annotated[
    bool, typer.Option("--shadow", help="Let it decide beside the one in force and tell nobody; see `shadow`.")
]


class NoRevision(AlertrouterError):
    """What was typed can't be the name of a policy."""


class Happening(msgspec.Struct, frozen=True):
    """What happened to a policy: published or activated, when and by whom."""

    revision: str
    happened: str
    at: datetime
    actor: str


class InShadow(msgspec.Struct, frozen=True):
    """The policy that decides beside the one in force; pairs are (live, shadow)."""

    revision: str
    actor: str
    since: datetime
    state: str
    pages: tuple[int, int]
    changed_incidents: int


class Overview(msgspec.Struct, frozen=True):
    """The revision in force, why the files of the server's directory are refused, and what happened, newest first."""

    active: str
    refused: Sequence[str]
    revisions: Sequence[Happening]
    shadow: InShadow | None = None


class Done(msgspec.Struct, frozen=True):
    """What the server did."""

    revision: str = ""
    text: str = ""
    error: str = ""
    faults: Sequence[str] = ()


@app.command()
def publish(
    policy: PolicyOption = None,
    activate: Activate = False,
    in_shadow: Shadow = False,
    url: UrlOption = "",
    token: TokenOption = "",
    output: OutputOption = Output.TEXT,
) -> None:
    """Bring a policy to the running server; it is checked here and there. Without --activate nothing changes yet."""
    from alertrouter import policydir

    if activate and in_shadow:
        raise typer.BadParameter("a policy is in force or in the shadow, not both: give one of --activate, --shadow")
    settings = from_environment()
    opened = open_policy(settings, policy)
    server = Server(settings, url, token)
    done = _do(server, "/publish", msgspec.json.encode({"files": policydir.read(opened.directory)}), output)
    if activate or in_shadow:
        _do(server, f"/revisions/{done.revision}/{'shadow' if in_shadow else 'activate'}", b"", output)


@app.command("activate")
def activate_revision(
    revision: RevisionArgument,
    in_shadow: Shadow = False,
    url: UrlOption = "",
    token: TokenOption = "",
    output: OutputOption = Output.TEXT,
) -> None:
    """Put a published policy in force. Open incidents keep theirs."""
    name = revision.strip()
    if not REVISION.fullmatch(name):
        raise NoRevision(
            f"{name!r} is no revision: expected 6 to 64 of 0-9 and a-f, as `alertrouter policies` shows them"
        )
    path = f"/revisions/{quote(name, safe='')}/{'shadow' if in_shadow else 'activate'}"
    _do(Server(from_environment(), url, token), path, b"", output)


@app.command()
def rollback(url: UrlOption = "", token: TokenOption = "", output: OutputOption = Output.TEXT) -> None:
    """Put the policy in force that was in force before this one."""
    _do(Server(from_environment(), url, token), "/rollback", b"", output)


@app.command()
def policies(url: UrlOption = "", token: TokenOption = "", output: OutputOption = Output.TEXT) -> None:
    """Show which policy is in force, and which were published and activated, when and by whom."""
    settings = from_environment()
    server = Server(settings, url, token)
    status, body = server.ask("GET", AREA)
    if status != 200:
        raise not_understood(server, status, body)
    if output is Output.JSON:
        typer.echo(body.decode())
        return
    _show(Terminal(settings), server.decode(body, Overview))


def _show(terminal: Terminal, found: Overview) -> None:
    standing = _standing(found)
    for one in found.revisions:
        now = terminal.good("  in force") if one is standing else ""
        when = f"{one.at:%Y-%m-%d %H:%M:%S} UTC"
        terminal.line(f"{one.revision}  {one.happened:9}  {when}  {plain(one.actor)}{now}")
    if found.shadow:
        shadow, (live, beside) = found.shadow, found.shadow.pages
        terminal.line(
            f"{shadow.revision}  in shadow  {shadow.since:%Y-%m-%d %H:%M:%S} UTC  {plain(shadow.actor)}"
            f"  {shadow.state}: pages {live} → {beside}, {counted(shadow.changed_incidents, 'incident')} otherwise"
        )
    if found.refused:
        terminal.line(terminal.bad("The files of the server's policy directory are refused:"))
        for fault in found.refused:
            for line in fault.splitlines():
                terminal.line(f"    {plain(line)}")


def _standing(found: Overview) -> Happening | None:
    """By which it is in force now: the newest activation of the active revision, not an earlier time of it."""
    activations = (one for one in found.revisions if one.happened == "activated" and one.revision == found.active)
    return next(activations, None)


def _do(server: Server, path: str, content: bytes, output: Output) -> Done:
    """Ask for something, tell what came of it, and give it; ends the command when it was not done."""
    status, body = server.ask("POST", f"{AREA}{path}", content=content)
    if status not in (200, 201, 202, 404, 409):
        raise not_understood(server, status, body)
    done = server.decode(body, Done)
    refused = status in (404, 409)
    if output is Output.JSON:
        print_json(done)
    else:
        for line in (done.error or done.text, *done.faults):
            typer.echo("\n".join(map(plain, line.splitlines())), err=refused)
    if refused:
        raise typer.Exit(Exit.FAILED)
    if status == 202:
        raise typer.Exit(Exit.UNMET)
    return done


def not_understood(server: Server, status: int, body: bytes) -> NoServer:
    """What to raise when an answer is none that was expected."""
    return NoServer(f"{server.url}{AREA}: answered {status}: {plain(body[:200].decode(errors='replace'))}")
