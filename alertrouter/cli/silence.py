"""`alertrouter silence`: ask the running server for silence, see who has, and end it.

Exit codes: 0 it was done; 1 there is no server, no such silence or incident, or no right to it; 3 it was refused.
"""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
import typer

from alertrouter.cli.app import Exit, app
from alertrouter.cli.options import Output, OutputOption, UrlOption, print_json
from alertrouter.cli.server import Server, TokenOption
from alertrouter.cli.silence_api import (
    Matcher,
    Silence,
    Wanted,
    all_silences,
    end_silence,
    parsed,
    refused,
    scope,
    set_silence,
    whole_id,
)
from alertrouter.cli.terminal import Terminal, counted, plain
from alertrouter.settings import from_environment
from alertrouter.silence import short_id

SHOWN: Final = 10
"""Alerts that a dry run names one by one."""

DEFAULT_LENGTH: Final = "2h"
"""How long a silence lasts of which nobody says when it ends."""

silences = typer.Typer(no_args_is_help=True, help="Silence alerts of the running server: add, list, expire.")
app.add_typer(silences, name="silence")

Matchers = Annotated[
    list[str] | None,
    typer.Argument(metavar="MATCHER", help="As component=ai or model=~'gpt.*'; all must hold.", show_default=False),
]
IncidentOption = Annotated[
    str, typer.Option("--incident", metavar="ID", help="Its group and route, as matchers.", show_default=False)
]
For = Annotated[
    str,
    typer.Option(
        "--for",
        "--duration",
        "-d",
        metavar="DURATION",
        help=f"From its start, as 30m or 1h30m. Default: {DEFAULT_LENGTH}.",
        show_default=False,
    ),
]
Until = Annotated[str, typer.Option("--until", metavar="TIME", help="As 2026-03-02T10:00:00Z.", show_default=False)]
From = Annotated[str, typer.Option("--from", metavar="TIME", help="Begin later.", show_default=False)]
Comment = Annotated[str, typer.Option("--comment", "-c", help="Why: whoever is not told reads it.", show_default=False)]
Author = Annotated[str, typer.Option("--author", help="Who. Default: your user name.", show_default=False)]
WithAlerts = Annotated[
    bool, typer.Option("--with-alerts", help="End it when none of its alerts has fired for a while.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what it would hide now, and ask for nothing.")]
Expired = Annotated[bool, typer.Option("--expired", help="Those that are over instead, of the last five days.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID", help="As S-1f2e3d4c, or the whole id; several at once.")]


class _Alert(msgspec.Struct, frozen=True):
    labels: dict[str, str]


class _Incident(msgspec.Struct, frozen=True):
    id: str
    state: str


class HiddenView(msgspec.Struct, frozen=True):
    """What a silence of these matchers would hide now."""

    matchers: list[str]
    alerts: list[dict[str, str]]
    incidents: list[str]


class AddedView(msgspec.Struct, frozen=True):
    """A silence that was asked for."""

    silence: str
    matchers: list[str]
    starts_at: datetime
    ends_at: datetime


class ListedView(msgspec.Struct, frozen=True):
    """A silence."""

    silence: str
    state: str
    matchers: list[str]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    with_alerts: bool


class EndedView(msgspec.Struct, frozen=True):
    """A silence that was to be ended."""

    silence: str
    done: bool


@silences.command()
def add(
    matchers: Matchers = None,
    incident: IncidentOption = "",
    length: For = "",
    until: Until = "",
    start: From = "",
    comment: Comment = "",
    author: Author = "",
    with_alerts: WithAlerts = False,
    dry_run: DryRun = False,
    url: UrlOption = "",
    token: TokenOption = "",
    output: OutputOption = Output.TEXT,
) -> None:
    """Silence alerts that meet all the matchers, or those of an incident."""
    if bool(matchers) is bool(incident):
        raise typer.BadParameter("expected matchers or --incident")
    if length and until:
        raise typer.BadParameter("expected one of --for and --until")
    server = Server(from_environment(), url, token)
    wanted = scope(server, incident) if incident else parsed(matchers or [])
    if dry_run:
        _show_hidden(server, wanted, output)
        return
    if not comment:
        raise typer.BadParameter("say why: whoever is not told reads it", param_hint="--comment")
    begins = _moment(start, "--from") if start else datetime.now(UTC)
    ends = _moment(until, "--until") if until else begins + _span(length or DEFAULT_LENGTH)
    by = author or getpass.getuser()
    asked = Wanted(
        matchers=wanted, starts_at=begins, ends_at=ends, created_by=by, comment=comment, with_alerts=with_alerts
    )
    _add(server, asked, output)


@silences.command("list")
def list_(
    matchers: Matchers = None,
    expired: Expired = False,
    url: UrlOption = "",
    token: TokenOption = "",
    output: OutputOption = Output.TEXT,
) -> None:
    """List the silences in force and to come; with matchers, those that have just these among theirs."""
    settings = from_environment()
    server = Server(settings, url, token)
    found = [
        one
        for one in all_silences(server, [str(one) for one in parsed(matchers or [])])
        if (one.status.state == "expired") is expired
    ]
    terminal = Terminal(settings)
    for one in found:
        if output is Output.JSON:
            print_json(_listed(one))
        else:
            _show(terminal, one)
    if not found and output is Output.TEXT:
        Terminal(settings, err=True).line("No silences." if not expired else "No silences ended in the last five days.")


@silences.command()
def expire(ids: Ids, url: UrlOption = "", token: TokenOption = "", output: OutputOption = Output.TEXT) -> None:
    """End silences now: what they hide is told at once, if it still fires."""
    server = Server(from_environment(), url, token)
    known = [one.id for one in all_silences(server) if one.status.state != "expired"]
    codes = []
    for asked in dict.fromkeys(ids):
        name = whole_id(asked, known)
        done = bool(name) and end_silence(server, name)
        codes.append(Exit.OK if done else Exit.FAILED)
        if output is Output.JSON:
            print_json(EndedView(name or asked, done))
        else:
            text = f"{short_id(name)} is over" if done else f"there is no silence {asked} to end"
            typer.echo(plain(text), err=not done)
    raise typer.Exit(max(codes))


def _add(server: Server, one: Wanted, output: Output) -> None:
    name, matchers = set_silence(server, one), list(map(str, one.matchers))
    if output is Output.JSON:
        print_json(AddedView(name, matchers, one.starts_at, one.ends_at))
    else:
        typer.echo(f"{short_id(name)} until {one.ends_at:%Y-%m-%d %H:%M} UTC: {plain(', '.join(matchers))}")


def _show_hidden(server: Server, wanted: Sequence[Matcher], output: Output) -> None:
    filters = [str(one) for one in wanted]
    status, body = server.ask("GET", "/api/v2/alerts", query={"filter": filters})
    if status != 200:
        refused(body)
    alerts = [one.labels for one in server.decode(body, list[_Alert])]
    states = ["pending", "triggered", "acknowledged"]
    incidents = [one.id for one in server.read("", list[_Incident], {"match": filters, "state": states})]
    if output is Output.JSON:
        print_json(HiddenView(filters, alerts, incidents))
        return
    of = f" of {', '.join(incidents[:SHOWN])}{' …' if len(incidents) > SHOWN else ''}" if incidents else ""
    typer.echo(f"would hide {counted(len(alerts), 'firing alert')}{plain(of)}")
    for labels in alerts[:SHOWN]:
        typer.echo(plain("  " + " ".join(f"{name}={value}" for name, value in sorted(labels.items()))))
    if len(alerts) > SHOWN:
        typer.echo(f"  … and {len(alerts) - SHOWN} more")


def _show(terminal: Terminal, one: Silence) -> None:
    when = f"from {one.starts_at:%Y-%m-%d %H:%M} " if one.status.state == "pending" else ""
    also = ", or with its alerts" if one.with_alerts else ""
    until = f"{when}until {one.ends_at:%Y-%m-%d %H:%M} UTC{also}"
    terminal.line(f"{terminal.strong(short_id(one.id))}  {until}  {plain(', '.join(map(str, one.matchers)))}")
    terminal.folded(" " * 12, f"{one.created_by}: {one.comment}", 12)


def _listed(one: Silence) -> ListedView:
    return ListedView(
        silence=one.id,
        state=one.status.state,
        matchers=list(map(str, one.matchers)),
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        created_by=one.created_by,
        comment=one.comment,
        with_alerts=one.with_alerts,
    )


def _moment(text: str, option: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise typer.BadParameter("expected a time with its offset, as 2026-03-02T10:00:00Z", param_hint=option)
    return found.astimezone(UTC)


def _span(text: str) -> timedelta:
    from alertrouter.policy.duration import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from None
