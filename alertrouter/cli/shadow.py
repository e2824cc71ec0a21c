"""`alertrouter shadow`: what a policy that decides beside the one in force would have done differently.

Exit codes: 0 shown; 1 there is no shadow, it could not go on, no server or no right to it; 3 what `--fail-on` names is
so.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import msgspec
import typer

from alertrouter.cli.app import Exit, app
from alertrouter.cli.options import Output, OutputOption, UrlOption, print_json
from alertrouter.cli.policies import AREA, not_understood
from alertrouter.cli.replay import FailOn, FailOnOption, show_changed, show_numbers
from alertrouter.cli.server import Server, TokenOption
from alertrouter.cli.terminal import Terminal, counted, plain
from alertrouter.settings import from_environment
from alertrouter.simulate.replayed import Replayed

LATE: Final = timedelta(minutes=2)
"""It looks some seconds back; when it is further behind, people are told."""

MINUTE: Final = timedelta(minutes=1)

Stop = Annotated[bool, typer.Option("--stop", help="Show it once more, and take it away.")]


class ShadowView(Replayed, frozen=True, kw_only=True):
    """A shadow as the server shows it: old is what is in force, new what is in its shadow."""

    revision: str
    actor: str
    state: str
    why: str
    live: str
    begins: datetime | None
    paged: int
    changed_incidents: int
    timezone: str


class _Refusal(msgspec.Struct, frozen=True):
    error: str


@app.command()
def shadow(
    stop: Stop = False,
    fail_on: FailOnOption = None,
    url: UrlOption = "",
    token: TokenOption = "",
    output: OutputOption = Output.TEXT,
) -> None:
    """Show what the policy in the shadow would have done: who told what, when, how often paged. It tells nobody."""
    settings = from_environment()
    server = Server(settings, url, token)
    found = _found(server)
    if stop:
        status, body = server.ask("POST", f"{AREA}/shadow/stop")
        if status not in (200, 404):  # 404: somebody else was faster
            raise not_understood(server, status, body)
    terminal = Terminal(settings)
    if output is Output.JSON:
        print_json(found)
    else:
        _show(terminal, found)
        if stop:
            terminal.line()
            terminal.line("The shadow is taken away.")
    if found.state == "failed":
        raise typer.Exit(Exit.FAILED)
    failed = {FailOn.MORE_PAGES: found.more_pages, FailOn.ANY_CHANGE: bool(found.changed_incidents)}
    raise typer.Exit(Exit.UNMET if fail_on and failed[fail_on] else Exit.OK)


def _found(server: Server) -> ShadowView:
    status, body = server.ask("GET", f"{AREA}/shadow")
    if status == 404:
        typer.echo(plain(server.decode(body, _Refusal).error), err=True)
        raise typer.Exit(Exit.FAILED)
    if status != 200:
        raise not_understood(server, status, body)
    return server.decode(body, ShadowView)


def _show(to: Terminal, found: ShadowView) -> None:
    from alertrouter.policy.duration import format_duration

    zone = ZoneInfo(found.timezone)

    def moment(at: datetime) -> str:
        return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M %Z}"

    since = f"since {moment(found.since)}, by {plain(found.actor)}" if found.since else ""
    to.line(f"{to.strong(found.revision)} in the shadow of {found.live}, {since}")
    if found.until is None:
        to.line("nothing looked at yet: that takes a few seconds, and an active router")
        return
    until = f"{found.until.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}"
    to.line(f"{counted(found.events, 'event')} until {until}; {counted(found.paged, 'page')} really went out")
    if found.paged != found.pages[0]:
        to.line(to.faint("What was open before and what was not delivered are in neither column."))
    if found.state == "following" and (behind := datetime.now(UTC) - found.until) > LATE:
        to.line(to.doubtful(f"That is {format_duration(behind - behind % MINUTE)} ago: is a router active?"))
    if found.begins:
        to.line(
            to.doubtful(f"The history is kept from {moment(found.begins)} on: what was before is not in the numbers.")
        )
    if found.why:
        stopped = f"It decides no more: {plain(found.why)}"
        to.line(to.bad(stopped) if found.state == "failed" else stopped)
    to.line()
    show_numbers(to, found)
    show_changed(to, found.changed, found.changed_incidents, zone)
