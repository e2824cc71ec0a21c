"""`alertrouter check`: tells whether the policy and the templates are sound, and what is wrong with them where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import typer

from alertrouter.cli.app import Exit, app
from alertrouter.cli.oncall import show_gaps
from alertrouter.cli.options import (
    Opened,
    Output,
    OutputOption,
    PolicyOption,
    TemplatesOption,
    open_policy,
    print_json,
)
from alertrouter.cli.terminal import Terminal, counted, plain
from alertrouter.errors import PolicyError, Problem
from alertrouter.settings import Settings, from_environment

if TYPE_CHECKING:
    from alertrouter.policy.policy import Policy


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


@app.command()
def check(policy: PolicyOption = None, templates: TemplatesOption = None, output: OutputOption = Output.TEXT) -> None:
    """Check a policy and the templates; every fault is shown at its place. Nothing is run or sent."""
    from alertrouter import policydir
    from alertrouter.render import Renderer

    settings = from_environment()
    overrides = templates or settings.templates
    broken = Renderer(overrides).check()
    try:
        opened: Opened | None = open_policy(settings, policy)
        faults: tuple[Problem, ...] = ()
    except PolicyError as error:
        opened, faults = None, error.problems
    directory = opened.directory if opened else policydir.find(settings, policy)
    if output is Output.JSON:
        print_json(_view(directory, opened, faults, overrides, broken))
    else:
        _show(settings, directory, opened, faults, overrides, broken)
    raise typer.Exit(Exit.FAILED if faults or broken else Exit.OK)


def _view(
    directory: Path,
    opened: Opened | None,
    faults: Sequence[Problem],
    overrides: Path | None,
    broken: Sequence[Problem],
) -> CheckView:
    return CheckView(
        sound=not faults and not broken,
        policy=PolicyView(
            directory=str(directory),
            sound=not faults,
            problems=list(map(ProblemView.of, faults)),
            revision=opened.policy.revision if opened else "",
            holds=holds(opened.policy) if opened else {},
        ),
        templates=TemplatesView(
            directory=str(overrides) if overrides else None,
            sound=not broken,
            problems=list(map(ProblemView.of, broken)),
        ),
    )


def _show(
    settings: Settings,
    directory: Path,
    opened: Opened | None,
    faults: Sequence[Problem],
    overrides: Path | None,
    broken: Sequence[Problem],
) -> None:
    """Print what is sound on stdout, what is wrong on stderr."""
    good, bad = Terminal(settings), Terminal(settings, err=True)
    _show_faults(bad, faults)
    if opened:
        policy = opened.policy
        good.line(f"{good.good('✓')} {directory}: a sound policy, revision {policy.revision}")
        good.line("    " + ", ".join(opened.files))
        good.folded("    ", ", ".join(counted(number, *_WORDS[what]) for what, number in holds(policy).items()), 4)
        channels = Counter(one.channel.value for name in _written(policy) for one in policy.integrations(name))
        good.folded("    ", f"channels: {', '.join(f'{name} {number}' for name, number in channels.items())}", 4)
        show_gaps(settings, policy)
    else:
        bad.line(f"{bad.bad('✗')} {directory}: {counted(len(faults), 'fault')}")
    where = f"{overrides}: templates over the built-in ones" if overrides else "built-in templates"
    _show_faults(bad, broken)
    if broken:
        bad.line(f"{bad.bad('✗')} {where}: {counted(len(broken), 'fault')}, plain messages take their place")
    else:
        good.line(f"{good.good('✓')} {where}: sound")


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
