"""`alertrouter check`: tells whether the policy and the templates are sound, and what is wrong with them where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from alertrouter.cli.app import Exit, app
from alertrouter.cli.options import (
    Opened,
    PolicyOption,
    TemplatesOption,
    open_policy,
    print_json,
)
from alertrouter.cli.terminal import Terminal, counted, plain
from alertrouter.errors import PolicyError, Problem
from alertrouter.settings import Settings, from_environment

if TYPE_CHECKING:
    from alertrouter.policy.lint.finding import Finding
    from alertrouter.policy.policy import Policy


class Form(StrEnum):
    """How `check` prints."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


class FailOn(StrEnum):
    """From which grade on a finding makes `check` exit 1."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


_GRADES: Final = tuple(FailOn)

FormOption = Annotated[Form, typer.Option("--output", "-o", help="text for people, json, or sarif for code hosts.")]
FailOnOption = Annotated[FailOn, typer.Option("--fail-on", help="Exit 1 from this kind of finding on.")]


class ProblemView(msgspec.Struct, frozen=True):
    """One fault at its place; `line` and `column` count from 1, 0 means the whole file."""

    file: str
    line: int
    column: int
    key: str
    message: str

    @classmethod
    def of(cls, problem: Problem) -> ProblemView:
        """Show a fault."""
        return cls(problem.file, problem.line, problem.column, problem.key, problem.message)


class PolicyView(msgspec.Struct, frozen=True):
    """A policy, or what is wrong with it. `revision` and `holds` are those of a sound one."""

    directory: str
    sound: bool
    problems: Sequence[ProblemView]
    revision: str = ""
    holds: Mapping[str, int] = {}


class FindingView(msgspec.Struct, frozen=True):
    """One thing that was found in a sound policy. `night` says what will happen to somebody at 3 am."""

    id: str
    severity: str
    file: str
    line: int
    column: int
    what: str
    night: str
    mend: str


class TemplatesView(msgspec.Struct, frozen=True):
    """The templates, or what is wrong with them. `directory` is None when only the built-in ones are used."""

    directory: str | None
    sound: bool
    problems: Sequence[ProblemView]


class CheckView(msgspec.Struct, frozen=True):
    """The whole answer of `check`."""

    sound: bool
    policy: PolicyView
    templates: TemplatesView
    findings: Sequence[FindingView]
    ignored: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """Everything that one check found out."""

    directory: Path
    opened: Opened | None
    faults: tuple[Problem, ...]
    overrides: Path | None
    broken: tuple[Problem, ...]
    findings: tuple[Finding, ...] = ()
    ignored: int = 0

    def fails(self, fail_on: FailOn) -> bool:
        """Tell whether it ends with exit 1."""
        bad = {grade.value for grade in _GRADES[: _GRADES.index(fail_on) + 1]}
        return bool(self.faults or self.broken) or any(one.check.grade.value in bad for one in self.findings)


@app.command()
def check(
    policy: PolicyOption = None,
    templates: TemplatesOption = None,
    fail_on: FailOnOption = FailOn.ERROR,
    output: FormOption = Form.TEXT,
) -> None:
    """Check a policy and the templates: faults, and what a sound policy may do to somebody at 3 am (docs/lint.md).

    Nothing is run or sent.
    """
    settings = from_environment()
    found = _check(settings, policy, templates or settings.templates)
    if output is Form.JSON:
        print_json(_view(found))
    elif output is Form.SARIF:
        from alertrouter.cli import sarif

        print_json(sarif.log(found.directory, found.faults, found.broken, found.findings))
    else:
        _show(settings, found)
    raise typer.Exit(Exit.FAILED if found.fails(fail_on) else Exit.OK)


def _check(settings: Settings, policy: Path | None, overrides: Path | None) -> _Checked:
    from alertrouter import policydir
    from alertrouter.policy.lint.linting import lint
    from alertrouter.render import Renderer

    broken = Renderer(overrides).check()
    try:
        opened = open_policy(settings, policy)
    except PolicyError as error:
        directory = policydir.find(settings, policy)
        return _Checked(directory=directory, opened=None, faults=error.problems, overrides=overrides, broken=broken)
    files = policydir.read(opened.directory)
    findings, ignored = lint(opened.policy, files, datetime.now(UTC))
    return _Checked(
        directory=opened.directory,
        opened=opened,
        faults=(),
        overrides=overrides,
        broken=broken,
        findings=findings,
        ignored=len(ignored),
    )


def _view(found: _Checked) -> CheckView:
    opened = found.opened
    return CheckView(
        sound=not found.faults and not found.broken,
        policy=PolicyView(
            directory=str(found.directory),
            sound=not found.faults,
            problems=list(map(ProblemView.of, found.faults)),
            revision=opened.policy.revision if opened else "",
            holds=holds(opened.policy) if opened else {},
        ),
        templates=TemplatesView(
            directory=str(found.overrides) if found.overrides else None,
            sound=not found.broken,
            problems=list(map(ProblemView.of, found.broken)),
        ),
        findings=[
            FindingView(
                id=one.check.value,
                severity=one.check.grade.value,
                file=str(found.directory / one.place.file),
                line=one.place.line,
                column=one.place.column,
                what=one.what,
                night=one.night,
                mend=one.mend,
            )
            for one in found.findings
        ],
        ignored=found.ignored,
    )


def _show(settings: Settings, found: _Checked) -> None:
    """Print what is sound on stdout, what is wrong or should be looked at on stderr."""
    good, bad = Terminal(settings), Terminal(settings, err=True)
    _show_faults(bad, found.faults)
    if found.opened:
        policy = found.opened.policy
        good.line(f"{good.good('✓')} {found.directory}: a sound policy, revision {policy.revision}")
        good.line("    " + ", ".join(found.opened.files))
        good.folded("    ", ", ".join(counted(number, *_WORDS[what]) for what, number in holds(policy).items()), 4)
        channels = Counter(one.channel.value for name in _written(policy) for one in policy.integrations(name))
        good.folded("    ", f"channels: {', '.join(f'{name} {number}' for name, number in channels.items())}", 4)
    else:
        bad.line(f"{bad.bad('✗')} {found.directory}: {counted(len(found.faults), 'fault')}")
    where = f"{found.overrides}: templates over the built-in ones" if found.overrides else "built-in templates"
    _show_faults(bad, found.broken)
    if found.broken:
        bad.line(f"{bad.bad('✗')} {where}: {counted(len(found.broken), 'fault')}, plain messages take their place")
    else:
        good.line(f"{good.good('✓')} {where}: sound")
    _show_findings(bad, found)


def _show_findings(to: Terminal, found: _Checked) -> None:
    for one in found.findings:
        mark = to.bad("✗") if one.check.grade.value == FailOn.ERROR.value else to.doubtful("!")
        place = f"{found.directory / one.place.file}:{one.place.line}:{one.place.column}"
        to.line()
        to.line(f"{mark} {one.check.value} {one.check.grade.value}  {place}")
        to.folded("    ", one.what, 4)
        to.folded("    ", f"At 3 am: {one.night}.", 4)
        to.folded("  → ", one.mend, 4)
    if found.findings:
        to.line()
        hidden = f", {found.ignored} ignored" if found.ignored else ""
        to.line(f"{counted(len(found.findings), 'finding')}{hidden}: docs/lint.md tells of each")


_WORDS: Mapping[str, tuple[str, str]] = {
    "routes": ("route", "routes"),
    "receivers": ("receiver", "receivers"),
    "teams": ("team", "teams"),
    "escalation_policies": ("escalation policy", "escalation policies"),
    "inhibit_rules": ("inhibition rule", "inhibition rules"),
    "time_intervals": ("time interval", "time intervals"),
    "tests": ("test", "tests"),
}


def holds(policy: Policy) -> Mapping[str, int]:
    """How many of each a policy holds, by its top-level keys."""
    return {
        "routes": sum(1 for _ in policy.root.all()),
        "receivers": len(_written(policy)),
        "teams": len(policy.teams),
        "escalation_policies": len(policy.escalation_policies),
        "inhibit_rules": len(policy.inhibit_rules),
        "time_intervals": len(policy.time_intervals),
        "tests": len(policy.tests),
    }


def _written(policy: Policy) -> list[str]:
    """The receivers that stand in the policy, without those that are made of people."""
    from alertrouter.policy.contacts import PREFIX

    return [name for name in policy.receivers if not name.startswith(PREFIX)]


def _show_faults(to: Terminal, faults: Iterable[Problem]) -> None:
    for fault in faults:
        for line in str(fault).splitlines():
            to.line(plain(line))
        to.line()
