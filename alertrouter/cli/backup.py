"""`alertrouter backup` and `restore`: all state as one file, and back."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alertrouter import __version__
from alertrouter.cli.app import Exit, app
from alertrouter.cli.terminal import counted
from alertrouter.errors import AlertrouterError
from alertrouter.settings import Settings, from_environment

if TYPE_CHECKING:
    from alertrouter.store.backup import Backup
    from alertrouter.store.backup_reading import Reading


class NotWritten(AlertrouterError):
    """The file of a backup can't be written or read."""


@app.command()
def backup(
    file: Annotated[str, typer.Argument(help="Where to write it; - for stdout.")] = "",
    record: Annotated[
        str, typer.Option(metavar="NAME", help="Only note that the backup of another part succeeded, as prometheus.")
    ] = "",
    set_aside: Annotated[
        bool, typer.Option("--set-aside", help="Take out of the state what can't be read: then only FILE has it.")
    ] = False,
) -> None:
    """Write all state into one file: incidents, alerts, silences, deliveries, policies, stories. It may run on.

    What it wrote is read again, each entry. One that can't be read is named, and is in the file as it was found; then
    the exit code is 1, and no success is noted. With --set-aside such entries leave the state, and the next backup is
    whole again: keep that FILE.

    `alertrouter_backup_last_success_timestamp_seconds` in /metrics then tells of it.
    """
    if bool(file) == bool(record):
        raise typer.BadParameter("give a FILE, or --record NAME")
    if set_aside and file in ("", "-"):
        # Whether what goes to stdout gets anywhere is known to nobody here.
        raise typer.BadParameter("give a FILE: nothing else has what is taken out", param_hint="--set-aside")
    settings = from_environment()
    if record:
        _record(settings, record)
    elif _back_up(settings, file, set_aside=set_aside):
        raise typer.Exit(Exit.FAILED)


@app.command()
def restore(
    file: Annotated[str, typer.Argument(help="What `backup` wrote; - for stdin.")],
    replace: Annotated[bool, typer.Option("--replace", help="Drop what is there.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only read it: could it be restored?")] = False,
) -> None:
    """Put a backup back. All routers and workers must be stopped. Without --replace nothing that is there is dropped.

    What was owed when the backup was taken is sent again: better twice than never. With --check nothing is touched, and
    no Redis is needed; exit code 1 when an entry can't be read by this version.
    """
    from alertrouter.store import backup as store
    from alertrouter.store.backup_reading import read
    from alertrouter.store.connection import connect
    from alertrouter.store.embedded import redis_url
    from alertrouter.store.keys import Keys

    settings = from_environment()
    try:
        taken = store.unpack(_read(file))
    except store.NoBackup as error:
        raise store.NoBackup(f"{file}: {error}") from None
    found = read(taken)
    _complain(found)
    if check:
        typer.echo(_summary(taken, found))
        raise typer.Exit(Exit.FAILED if found.unreadable else Exit.OK)
    with connect(redis_url(settings), patience=60) as client:
        store.put_back(client, Keys(settings.namespace), taken, replace=replace, now=datetime.now(UTC))
    typer.echo(
        f"restored what alertrouter {taken.version} held at {taken.at:%Y-%m-%d %H:%M:%S} UTC: "
        f"{counted(taken.count('incidents'), 'incident')}, {counted(taken.count('alerts'), 'alert')}"
    )


def _record(settings: Settings, part: str) -> None:
    """Note that the backup of another part succeeded."""
    from alertrouter.store import backup as store
    from alertrouter.store.connection import connect
    from alertrouter.store.embedded import redis_url
    from alertrouter.store.keys import Keys

    with connect(redis_url(settings), patience=60) as client:
        store.record_success(client, Keys(settings.namespace), part, datetime.now(UTC))


def _back_up(settings: Settings, file: str, *, set_aside: bool) -> int:
    """Write the file, read it again, and tell what came of it; gives how many entries that can't be read are left."""
    from alertrouter.store import backup as store
    from alertrouter.store.backup_reading import read
    from alertrouter.store.backup_removing import remove
    from alertrouter.store.connection import connect
    from alertrouter.store.embedded import redis_url
    from alertrouter.store.keys import Keys

    keys, now = Keys(settings.namespace), datetime.now(UTC)
    with connect(redis_url(settings), patience=60) as client:
        taken = store.take(client, keys, version=__version__, now=now)
        packed = taken.pack()
        _write(file, packed)
        found = read(store.unpack(packed))
        removed = remove(client, keys, found.removable) if set_aside else 0
        if not found.unreadable:
            store.record_success(client, keys, "alertrouter", now)
    _complain(found)
    _tell(file, taken, found, removed if set_aside else None)
    return found.unreadable - removed


def _tell(file: str, taken: Backup, found: Reading, removed: int | None) -> None:
    """Say what is in the file, and how many entries left the state; None: nobody asked for that."""
    typer.echo(
        f"{counted(len(taken.records), 'key')}, {counted(taken.count('incidents'), 'incident')}, "
        f"{counted(taken.count('alerts'), 'alert')}: {file}",
        err=file == "-",
    )
    if removed is not None:
        kept = f": only {file} has {'it' if removed == 1 else 'them'} now, keep it" if removed else ""
        typer.echo(f"{counted(removed, 'entry', 'entries')} set aside{kept}", err=file == "-")
    elif found.removable:
        typer.echo("to go on without what can't be read: alertrouter backup FILE --set-aside", err=True)


def _complain(found: Reading) -> None:
    """Name what can't be read."""
    for complaint in found.complaints:
        typer.echo(complaint, err=True)
    if found.unreadable > len(found.complaints):
        typer.echo(f"… and {found.unreadable - len(found.complaints)} more", err=True)


def _summary(taken: Backup, found: Reading) -> str:
    held = found.entries
    counts = [
        counted(held["incidents"], "incident"),
        counted(held["alerts"], "alert"),
        counted(held["silences"], "silence"),
        counted(held["delivery"], "delivery", "deliveries"),
        counted(held["policies"], "policy", "policies"),
        counted(held["journal"], "unread event"),
        f"{counted(held['timeline'], 'line')} of their stories",
    ]
    verdict = f"{found.unreadable} can't be read" if found.unreadable else "each can be read"
    return (
        f"alertrouter {taken.version} at {taken.at:%Y-%m-%d %H:%M:%S} UTC, format {taken.state_format}: "
        f"{', '.join(counts)}; {counted(found.entries.total(), 'entry', 'entries')}, {verdict}"
    )


def _write(file: str, packed: bytes) -> None:
    """Write it beside its place first: what stands there is a whole backup at all times. For its owner's eyes only."""
    if file == "-":
        sys.stdout.buffer.write(packed)
        sys.stdout.flush()
        return
    path = Path(file)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.touch(mode=0o600)
        beside.write_bytes(packed)
        beside.replace(path)
    except OSError as error:
        raise NotWritten(f"{file} can't be written: {error.strerror}") from error


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise NotWritten(f"{file} can't be read: {error.strerror}") from error
