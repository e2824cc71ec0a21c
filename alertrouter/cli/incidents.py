"""`alertrouter incidents`: what is going on, asked of the running server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from alertrouter.cli.app import app
from alertrouter.cli.explanation import Incident
from alertrouter.cli.options import Output, OutputOption, UrlOption
from alertrouter.cli.server import Query, Server, TokenOption
from alertrouter.cli.terminal import Terminal, counted, plain
from alertrouter.incident import State
from alertrouter.settings import Settings, from_environment

if TYPE_CHECKING:
    from rich.table import Table


TITLES: Final = ("#", "state", "severity", "age", "what", "told")
Row: TypeAlias = tuple[str, ...]


Severities = Annotated[
    list[str] | None, typer.Option("--severity", help="Only this severity; may be repeated.", show_default=False)
]
Matchers = Annotated[
    list[str] | None,
    typer.Option(
        "--match",
        metavar="MATCHER",
        help="Only with an alert of these labels, as component=ai or model=~gpt.*; may be repeated.",
        show_default=False,
    ),
]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="So many at most.")]


@app.command()
def incidents(
    url: UrlOption = "",
    token: TokenOption = "",
    state: Annotated[
        list[State] | None, typer.Option("--state", help="Only this state; may be repeated.", show_default=False)
    ] = None,
    severity: Severities = None,
    match: Matchers = None,
    limit: Limit = 1000,
    output: OutputOption = Output.TEXT,
) -> None:
    """List the incidents that the running server knows, newest first."""
    settings = from_environment()
    server = Server(settings, url, token)
    states = [one.value for one in state or []]
    query: Query = {"state": states, "severity": severity or [], "match": match or [], "limit": limit}
    body = server.get("", query)
    if output is Output.JSON:
        typer.echo(body.decode())
        return
    _show(settings, server.decode(body, list[Incident]), datetime.now(UTC))


def _show(settings: Settings, found: Sequence[Incident], now: datetime) -> None:
    from rich.console import Console

    if not found:
        Terminal(settings).line("no incidents")
        return
    rows = [
        tuple(
            map(
                plain,
                (str(one.number), one.state.value, one.severity, _age(now - one.opened_at), _what(one), _told(one)),
            )
        )
        for one in found
    ]
    console = Console(highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        console.print(_table(rows, [_style(one) for one in found], console.width))
        console.print(counted(len(found), "incident"), style="dim")
    else:
        _lines(rows)


def _table(rows: Sequence[Row], styles: Sequence[str], width: int) -> Table:
    """For a terminal: the last two columns are folded to its width."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for title in TITLES[:-2]:
        table.add_column(title, no_wrap=True, justify="right" if title == "#" else "left")
    table.add_column(TITLES[-2], overflow="fold")
    table.add_column(TITLES[-1], overflow="fold", max_width=max(width * 3 // 10, 24))
    for row, style in zip(rows, styles, strict=True):
        table.add_row(*map(Text, row), style=style)
    return table


def _lines(rows: Sequence[Row]) -> None:
    """For a pipe: one line an incident, whole, so that who searches them misses nothing."""
    widths = [max(map(len, column)) for column in zip(TITLES, *rows, strict=True)]
    for row in (TITLES, *rows):
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _what(incident: Incident) -> str:
    """The alert's name first, then the other labels of the group."""
    labels = dict(incident.group_labels)
    name = labels.pop("alertname", "")
    words = [name, *(f"{label}={value}" for label, value in sorted(labels.items()))]
    return " ".join(word for word in words if word) or "all alerts of its route"


def _told(incident: Incident) -> str:
    """Whom it was told to; what did not arrive or is held back, and why."""
    told = [one.id for one in incident.destinations if one.messages and not one.error]
    failed = [f"not {one.id}: {one.error}" for one in incident.destinations if one.error]
    held = [incident.held] if incident.held else []
    suppressed = [f"{counted(len(incident.suppressed), 'alert')} held back"] if incident.suppressed else []
    return ", ".join([*_taken(incident), *told, *failed, *held, *suppressed]) or "nobody yet"


def _taken(incident: Incident) -> Iterator[str]:
    """Who has it, and why nothing climbs."""
    if incident.ack:
        yield f"taken by {incident.ack.by}"
    if incident.snooze:
        yield f"snoozed until {incident.snooze.until:%Y-%m-%d %H:%M} UTC"
    if incident.exhausted:
        yield "no level left"


def _age(age: timedelta) -> str:
    seconds = max(int(age.total_seconds()), 0)
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _style(incident: Incident) -> str:
    if incident.state is State.RESOLVED:
        return "dim"
    return "red" if incident.state is State.TRIGGERED else ""
