"""Where an import is written: its files, and what becomes of those that an earlier import wrote there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from alertrouter.errors import PayloadError, PolicyError, Problem

_HEAD: Final = re.compile(rb"(?:# |\{# )Made from [^\r\n]* by `alertrouter import`[;:]")
"""How the first line of every policy file and template begins that an import writes."""
_LONGEST_HEAD: Final = 1024


class SetAside(msgspec.Struct, frozen=True):
    """A file of an earlier import, and the name beside it under which nothing reads it."""

    file: str
    now: str


def refuse_what_is_there(directory: Path) -> None:
    """Raise `PolicyError` when the directory holds something."""
    if directory.is_dir() and any(directory.iterdir()):
        raise PolicyError((Problem(str(directory), 0, 0, "", "is not empty; --force writes over what is there"),))


def write(directory: Path, files: Mapping[str, str]) -> list[SetAside]:
    """Write them, by their path in the directory; give what an earlier import wrote there and this one doesn't.

    That would stay in force beside the new files. It is renamed and not deleted, for somebody may have written into
    it; it goes first, so that no mixture of the two is left in force when writing fails.
    """
    try:
        aside = [_set_aside(directory, name) for name in _written_before(directory) if name not in files]
        for name, text in files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PayloadError(f"{directory}: can't be written: {error}") from None
    return aside


def _written_before(directory: Path) -> Iterator[str]:
    """The files that are in force and that an import wrote, by their path in the directory."""
    for path in sorted([*directory.glob("*.yml"), *directory.glob("templates/**/*.j2")]):
        if path.is_file() and _is_made(path):
            yield path.relative_to(directory).as_posix()


def _is_made(path: Path) -> bool:
    with path.open("rb") as file:
        return _HEAD.match(file.readline(_LONGEST_HEAD)) is not None


def _set_aside(directory: Path, name: str) -> SetAside:
    now, number = f"{name}.old", 1
    while (directory / now).exists():
        number += 1
        now = f"{name}.old-{number}"
    (directory / name).rename(directory / now)
    return SetAside(name, now)
