"""`alertrouter doctor`: looks at everything that alertrouter leans on, and says how to mend what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import typer

from alertrouter.cli.app import Exit, app
from alertrouter.cli.finding import Finding, Verdict
from alertrouter.cli.options import Output, OutputOption, PolicyOption, TemplatesOption, print_json
from alertrouter.cli.terminal import Terminal, counted, plain
from alertrouter.settings import from_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from alertrouter.settings import Settings

_COLUMN: Final = 18


class DoctorView(msgspec.Struct, frozen=True):
    """All that was found. `well` is false when something is wrong; warnings don't count."""

    well: bool
    findings: Sequence[Finding]


@app.command()
def doctor(policy: PolicyOption = None, templates: TemplatesOption = None, output: OutputOption = Output.TEXT) -> None:
    """Look at Redis, web door, policy, templates, channels, Alertmanagers and clock; say how to mend what is wrong.

    No message is sent. Exit 1 when something is wrong; a warning is none: channels without credentials deliver to
    the inbox.
    """
    settings = from_environment()
    findings: list[Finding] = []
    terminal = Terminal(settings)
    for finding in _findings(settings, policy, templates):
        findings.append(finding)
        if output is Output.TEXT:
            _show(terminal, finding)
    counts = Counter(finding.verdict for finding in findings)
    if output is Output.JSON:
        print_json(DoctorView(not counts[Verdict.WRONG], findings))
    else:
        terminal.line()
        summary = (
            f"{counts[Verdict.FINE]} fine, {counted(counts[Verdict.WARNING], 'warning')}, {counts[Verdict.WRONG]} wrong"
        )
        terminal.line(terminal.bad(summary) if counts[Verdict.WRONG] else terminal.good(summary))
    raise typer.Exit(Exit.FAILED if counts[Verdict.WRONG] else Exit.OK)


def _findings(settings: Settings, policy: Path | None, templates: Path | None) -> Iterator[Finding]:
    from alertrouter.cli import checkup_here
    from alertrouter.cli.checkup_calendars import calendars
    from alertrouter.cli.checkup_channels import channels
    from alertrouter.cli.checkup_reconcile import alertmanagers
    from alertrouter.cli.checkup_redis import redis_server

    found, opened = checkup_here.policy(settings, policy)
    yield found
    yield checkup_here.templates(settings, templates)
    yield from checkup_here.state_directory(settings)
    yield from redis_server(settings)
    yield checkup_here.web(settings)
    yield from alertmanagers(settings)
    if opened:
        yield from channels(opened.policy, settings)
        yield from calendars(opened.policy, settings)


def _show(to: Terminal, finding: Finding) -> None:
    mark = {Verdict.FINE: to.good("✓"), Verdict.WARNING: to.doubtful("!"), Verdict.WRONG: to.bad("✗")}[finding.verdict]
    to.folded(f"{mark} {plain(finding.check).ljust(_COLUMN - 2)}", finding.text, _COLUMN)
    if finding.mend:
        to.folded(" " * (_COLUMN - 2) + "→ ", finding.mend, _COLUMN)
