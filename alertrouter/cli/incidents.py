"""`alertrouter incidents`: what is going on, asked of the running server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import msgspec
import typer

from alertrouter.cli.app import app
from alertrouter.cli.options import Output, OutputOption, UrlOption
from alertrouter.cli.terminal import Terminal, counted, plain
from alertrouter.errors import AlertrouterError
from alertrouter.incident import State
from alertrouter.settings import Settings, from_environment

if TYPE_CHECKING:
    from rich.table import Table


TITLES: Final = ("#", "state", "severity", "age", "what", "told")
Row: TypeAlias = tuple[str, ...]


class NoServer(AlertrouterError):
    """The server can't be reached, or what answers is no alertrouter."""


class Destination(msgspec.Struct, frozen=True):
    """What one destination was told, as the API says it."""

    id: str
    messages: int
    in_flight: bool
    error: str


class Incident(msgspec.Struct, frozen=True):
    """The parts of an incident that the table shows."""

    number: int
    state: State
    severity: str
    group_labels: dict[str, str]
    opened_at: datetime
    suppressed: dict[str, str]
    held: str
    destinations: list[Destination]


@app.command()
def incidents(
    url: UrlOption = "",
    state: Annotated[
        list[State] | None, typer.Option("--state", help="Only this state; may be repeated.", show_default=False)
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """List the incidents that the running server knows, newest first."""
    settings = from_environment()
    body = _ask((url or settings.local_url).rstrip("/"), state or [])
    if output is Output.JSON:
        typer.echo(body.decode())
        return
    try:
        found = msgspec.json.decode(body, type=list[Incident])
    except msgspec.DecodeError as error:
        raise NoServer(f"{url or settings.local_url}: the answer is none of alertrouter's: {error}") from None
    _show(settings, found, datetime.now(UTC))


def _ask(url: str, states: Sequence[State]) -> bytes:
    import httpx2

    address = f"{url}/api/v1/incidents"
    try:
        answer = httpx2.get(address, params={"state": [state.value for state in states]}, timeout=10, trust_env=False)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise NoServer(
            f"{url}: no alertrouter answers there ({error}). Start one with `alertrouter up`, or give its --url"
        ) from None
    if answer.status_code != 200:
        raise NoServer(f"{address}: answered {answer.status_code}: {plain(answer.text[:200])}")
    return answer.content


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
    return ", ".join([*told, *failed, *held, *suppressed]) or "nobody yet"


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
