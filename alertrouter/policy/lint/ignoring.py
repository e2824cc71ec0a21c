"""`# alertrouter: ignore=AR012 reason` on the line of a finding or the one above: it is known, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from alertrouter.policy.lint.finding import Check, Finding
from alertrouter.policy.reading.faults import Place, holds_secret

_IGNORE: Final = re.compile(r"#\s*alertrouter:\s*ignore=(?P<ids>[A-Za-z0-9,]+)(?P<reason>[^\n]*)")

_IDS: Final = frozenset(check.value for check in Check)


@dataclass(slots=True)
class _Ignore:
    place: Place
    ids: tuple[str, ...]
    reason: str
    lines: tuple[int, int]
    met: set[str] = field(default_factory=set)


def heeded(findings: Iterable[Finding], files: Mapping[str, str]) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The findings that stay, and those that are ignored; an ignore that says too little is a finding itself."""
    ignores = [ignore for file, text in files.items() for ignore in _ignores(file, text)]
    stay: list[Finding] = []
    ignored: list[Finding] = []
    for finding in findings:
        known = [one for one in ignores if _speaks_of(one, finding)]
        for one in known:
            one.met.add(finding.check.value)
        (ignored if known else stay).append(finding)
    return (*stay, *(_bare(one) for one in ignores if _wanting(one))), tuple(ignored)


def secrets(files: Mapping[str, str]) -> Iterator[Finding]:
    """Lines with the shape of a secret, comments too."""
    for file, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if holds_secret(line):
                yield Finding(
                    check=Check.SECRET,
                    place=Place(file, number, 1),
                    what="something with the shape of a secret stands in this line",
                    night="whoever can read the repository can post to your channels, or page you",
                    mend="replace it by ${NAME}, and make the old one invalid",
                )


def _ignores(file: str, text: str) -> Iterator[_Ignore]:
    for number, line in enumerate(text.splitlines(), 1):
        if found := _IGNORE.search(line):
            alone = not line[: found.start()].strip()
            lines = (number, number + 1) if alone else (number, number)
            ids = tuple(found["ids"].upper().split(","))
            yield _Ignore(Place(file, number, found.start() + 1), ids, found["reason"].strip(" :,-"), lines)


def _speaks_of(ignore: _Ignore, finding: Finding) -> bool:
    return (
        finding.check.value in ignore.ids
        and bool(ignore.reason)
        and finding.place.file == ignore.place.file
        and ignore.lines[0] <= finding.place.line <= ignore.lines[1]
    )


def _wanting(ignore: _Ignore) -> bool:
    return not ignore.reason or bool(set(ignore.ids) - ignore.met)


def _bare(ignore: _Ignore) -> Finding:
    unknown = [each for each in ignore.ids if each not in _IDS]
    if unknown:
        what = f"there is no check {', '.join(unknown)}"
    elif not ignore.reason:
        what = f"ignore={','.join(ignore.ids)} says no reason, so it is not heeded"
    else:
        what = f"nothing is found here that ignore={','.join(sorted(set(ignore.ids) - ignore.met))} would hide"
    return Finding(
        check=Check.BARE_IGNORE,
        place=ignore.place,
        what=what,
        night="somebody trusts that this was thought of, and nobody knows by whom or why",
        mend="write `# alertrouter: ignore=AR012 reason` on the line of the finding or alone above it, or leave it out",
    )
