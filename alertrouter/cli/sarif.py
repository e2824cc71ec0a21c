"""What `check` found as SARIF 2.1.0, which code hosts show beside the lines of a change.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from alertrouter import __version__
from alertrouter.errors import Problem
from alertrouter.policy.lint.finding import Check, Finding

FAULT: Final = "AR-FAULT"
"""The rule of what makes a policy be refused."""

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


class _Text(msgspec.Struct, frozen=True):
    text: str


class _Configuration(msgspec.Struct, frozen=True):
    level: str


class _Rule(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    short_description: _Text
    default_configuration: _Configuration


class _Driver(msgspec.Struct, frozen=True):
    name: str
    version: str
    rules: list[_Rule]


class _Tool(msgspec.Struct, frozen=True):
    driver: _Driver


class _Region(msgspec.Struct, frozen=True, rename="camel"):
    start_line: int
    start_column: int


class _Artifact(msgspec.Struct, frozen=True):
    uri: str


class _Physical(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    artifact_location: _Artifact
    region: _Region | None = None


class _Location(msgspec.Struct, frozen=True, rename="camel"):
    physical_location: _Physical


class _Result(msgspec.Struct, frozen=True, rename="camel"):
    rule_id: str
    level: str
    message: _Text
    locations: list[_Location]


class _Run(msgspec.Struct, frozen=True):
    tool: _Tool
    results: list[_Result]


class Log(msgspec.Struct, frozen=True):
    """A whole file."""

    schema: str = msgspec.field(name="$schema")
    version: str
    runs: list[_Run]


def log(directory: Path, faults: Iterable[Problem], broken: Iterable[Problem], findings: Iterable[Finding]) -> Log:
    """The log of one check; the files of findings are in `directory`, those of faults have their paths."""
    fault = _Rule(FAULT, _Text("what makes the policy or a template be refused"), _Configuration("error"))
    rules = [_Rule(one.value, _Text(one.looks_for), _Configuration(one.grade.value)) for one in Check]
    results = [*map(_fault, faults), *(_fault(one, Check.TEMPLATE.value) for one in broken)]
    results += [
        _Result(
            one.check.value,
            one.check.grade.value,
            _Text(f"{one.what}. At 3 am: {one.night}. What to do: {one.mend}."),
            [_at(str(directory / one.place.file), one.place.line, one.place.column)],
        )
        for one in findings
    ]
    driver = _Driver("alertrouter", __version__, [fault, *rules])
    return Log(_SCHEMA, "2.1.0", [_Run(_Tool(driver), results)])


def _fault(problem: Problem, rule: str = FAULT) -> _Result:
    text = f"{problem.key}: {problem.message}".removeprefix(": ")
    return _Result(rule, "error", _Text(text), [_at(problem.file, problem.line, problem.column)])


def _at(file: str, line: int, column: int) -> _Location:
    region = _Region(line, max(column, 1)) if line else None
    return _Location(_Physical(_Artifact(Path(file).as_posix()), region))
