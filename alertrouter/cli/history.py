"""`alertrouter history`: what happened, as records in a file; written by one installation, read by another."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alertrouter.cli.app import app
from alertrouter.cli.terminal import Terminal, counted
from alertrouter.errors import PayloadError
from alertrouter.settings import Settings, from_environment

if TYPE_CHECKING:
    from alertrouter.record import Record

commands = typer.Typer(no_args_is_help=True, help="Write the recorded history to a file, or read one.")
app.add_typer(commands, name="history")

SinceOption = Annotated[str, typer.Option("--since", metavar="DURATION", help="Only the last 7d, 12h. Default: all.")]
FromOption = Annotated[
    Path | None,
    typer.Option("--from", metavar="FILE", help="A history that was exported; - is stdin.", show_default=False),
]
Into = Annotated[
    Path | None, typer.Option("--into", metavar="FILE", help="Where to write it. Default: stdout.", show_default=False)
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="Records, one a line, as export writes them; - is stdin.")]


@commands.command("export")
def export(since: SinceOption = "", into: Into = None) -> None:
    """Write the history of this installation, one JSON object a line: alerts, who was told, what people did."""
    from alertrouter.record import lines

    settings = from_environment()
    number = 0

    def counting() -> Iterator[Record]:
        nonlocal number
        for record in stored(settings, since, silences=True):
            number += 1
            yield record

    if into is None:
        for line in lines(counting()):
            sys.stdout.buffer.write(line)
        sys.stdout.flush()
    else:
        try:
            with into.open("wb") as file:
                file.writelines(lines(counting()))
        except OSError as error:
            raise PayloadError(f"{into}: can't be written: {error.strerror}") from None
    Terminal(settings, err=True).line(f"{counted(number, 'record')}{f' in {into}' if into else ''}")


@commands.command("import")
def import_records(file: File) -> None:
    """Take a history in, for replay and reports here. Only where there is none yet (ALERTROUTER_NAMESPACE)."""
    from alertrouter.store.connection import connect
    from alertrouter.store.embedded import redis_url
    from alertrouter.store.keys import Keys
    from alertrouter.store.records import History

    settings = from_environment()
    client = connect(redis_url(settings))
    number = History(client, Keys(settings.namespace)).take_in(written(file))
    Terminal(settings).line(f"{counted(number, 'record')} taken in")


def stored(settings: Settings, since: str, *, silences: bool = False) -> Iterator[Record]:
    """The records of this installation's Redis; first, if asked for, the silences that were set before them."""
    from alertrouter.store.connection import connect
    from alertrouter.store.embedded import redis_url
    from alertrouter.store.keys import Keys
    from alertrouter.store.records import History

    begin = datetime.now(UTC) - length(since) if since else None
    history = History(connect(redis_url(settings)), Keys(settings.namespace))
    return chain(history.silences(begin) if silences else (), history.read(begin))


def written(file: Path) -> list[Record]:
    """The records of a file, in order of time. Raises `PayloadError`."""
    from alertrouter.record import read_lines

    try:
        if str(file) == "-":
            found = list(read_lines(sys.stdin.buffer, "stdin"))
        else:
            with file.open("rb") as content:
                found = list(read_lines(content, str(file)))
    except OSError as error:
        raise PayloadError(f"{file}: can't be read: {error.strerror}") from None
    return sorted(found, key=lambda record: record.at)


def length(text: str) -> timedelta:
    """Read the duration of an option."""
    from alertrouter.policy.duration import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from None
