"""What came of an import, for people: the policy, what is left behind, what is to be set, whether amtool agrees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import typer

from alertrouter.cli.import_directory import SetAside
from alertrouter.cli.import_environment import given
from alertrouter.cli.terminal import Terminal, counted, plain
from alertrouter.policy.alertmanager.conversion import Conversion
from alertrouter.policy.policy import Policy
from alertrouter.settings import Settings
from alertrouter.simulate.agreement import Agreement

_SHOWN: Final = 10


def show_import(
    settings: Settings,
    file: Path,
    found: Conversion,
    files: Mapping[str, str],
    policy: Policy | None,
    output: Path | None,
    secrets: Path | None,
    aside: Sequence[SetAside],
) -> None:
    """The policy on stdout when it goes nowhere else; everything that is said about it on stderr then."""
    if not output:
        for name, text in files.items():
            typer.echo(f"# --- {name}\n{text}", nl=False)
    said = Terminal(settings, err=output is None)
    for problem in found.problems:
        for line in str(replace(problem, file=str(file))).splitlines():
            said.line(plain(line))
    for note in found.notes:
        said.line(f"{said.doubtful('!')} {file}:{note.line}:{note.column}: {plain(note.key)}")
        said.folded("    ", f"{note.what}: {note.why}", 4)
        said.folded("  → ", note.todo, 4)
    _show_environment(said, found, secrets)
    _show_aside(said, output, aside)
    if policy and files:
        _show_policy(said, found, policy, output)
    else:
        said.line(f"{said.bad('✗')} {file}: {counted(len(found.problems), 'fault')}, nothing was written")
        if policy:
            said.line("    --lenient leaves out what is wrong and makes a policy of the rest")


def _show_policy(said: Terminal, found: Conversion, policy: Policy, output: Path | None) -> None:
    if found.templates:
        where = output / "templates" if output else "templates"
        said.line(f"    ALERTROUTER_TEMPLATES={where}")
    routes = sum(1 for _ in policy.root.all())
    said.line(
        f"{said.good('✓')} {output or 'the policy'}: {counted(routes, 'route')}, "
        f"{counted(len(policy.receivers), 'receiver')}, {counted(len(policy.inhibit_rules), 'inhibition rule')}, "
        f"{counted(len(policy.time_intervals), 'time interval')}, revision {policy.revision}"
    )
    if found.problems:
        said.line(f"    {counted(len(found.problems), 'fault')} of the file left out")


def _show_environment(said: Terminal, found: Conversion, secrets: Path | None) -> None:
    if not (found.variables or found.secrets or given(found)):
        return
    said.line("to be set in the environment:")
    for name, value in sorted(found.variables.items()):
        said.line(f"    {name}={plain(value) or '…'}")
    for name in given(found):
        said.line(f"    {name}=…  (as it was)")
    for secret in found.secrets:
        where = f"in {secrets}" if secrets and secret.value is not None else f"the secret in line {secret.line}"
        said.line(f"    {secret.name}=…  ({where})")


def _show_aside(said: Terminal, output: Path | None, aside: Sequence[SetAside]) -> None:
    for one in aside:
        what = f"{output}/{one.file} is of an earlier import and not of this one: set aside as {one.now}"
        said.line(f"{said.doubtful('!')} {plain(what)}")


def show_agreement(settings: Settings, agreement: Agreement, seed: int) -> None:
    """Print the label sets that go elsewhere, the first of them, and how many don't."""
    said = Terminal(settings)
    for one in agreement.disagreements[:_SHOWN]:
        labels = ", ".join(f'{name}="{value}"' for name, value in one.labels.items())
        said.line(plain(f"{{{labels}}}: here {', '.join(one.ours)}; amtool {', '.join(one.theirs)}"))
    mark = said.bad("✗") if agreement.disagreements else said.good("✓")
    said.line(
        f"{mark} {agreement.agreed} of {agreement.tried} label sets go to the same receivers as with amtool; "
        f"{agreement.reached} of {counted(agreement.routes, 'route')} reached, seed {seed}"
    )
