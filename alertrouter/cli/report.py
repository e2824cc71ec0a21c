"""`alertrouter report`: pages, speed, load and noise of the last days; as text, JSON, or a page with charts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alertrouter.cli.app import Exit, app
from alertrouter.cli.history import FromOption, length, stored, written
from alertrouter.cli.options import Output, OutputOption, PolicyOption, open_policy, print_json
from alertrouter.cli.terminal import Terminal, counted, plain
from alertrouter.errors import PayloadError
from alertrouter.settings import from_environment

if TYPE_CHECKING:
    from alertrouter.policy.interval import TimeInterval
    from alertrouter.policy.policy import Policy
    from alertrouter.simulate.report import Report, Spans

BAR = 30

Since = Annotated[str, typer.Option("--since", metavar="DURATION", help="The last 7d, 12h.")]
HoursOption = Annotated[
    str,
    typer.Option(
        "--hours",
        metavar="INTERVAL",
        help="When people are at work: a time interval of the policy.",
        show_default=False,
    ),
]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a page with charts there.", show_default=False)
]


@app.command()
def report(
    since: Since = "7d",
    source: FromOption = None,
    hours: HoursOption = "",
    html: HtmlOption = None,
    policy: PolicyOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Report on the last days: pages by team and hour, how fast people were, who was woken, what made the noise.

    Hours of work are Monday to Friday, 09:00 to 18:00 in the policy's zone, unless --hours names an interval.
    """
    from alertrouter.simulate.report import report as made

    settings = from_environment()
    known = open_policy(settings, policy).policy
    at_work = _hours(known, hours)
    if source:
        records = written(source)
        begin = records[-1].at - length(since) if records else datetime.now(UTC)
        found = made((one for one in records if one.at >= begin), known, at_work)
    else:
        found = made(stored(settings, since), known, at_work)
    if html:
        from alertrouter.cli.report_html import page

        try:
            html.write_text(page(found, known.timezone), encoding="utf-8")
        except OSError as error:
            raise PayloadError(f"{html}: can't be written: {error}") from None
    if output is Output.JSON:
        print_json(found)
    else:
        _show(Terminal(settings), found, known)
    raise typer.Exit(Exit.OK)


def _hours(policy: Policy, name: str) -> tuple[TimeInterval, ...]:
    from alertrouter.policy.interval import TimeInterval
    from alertrouter.policy.reading.faults import unknown

    if name and name not in policy.time_intervals:
        raise typer.BadParameter(unknown("time interval", name, policy.time_intervals), param_hint="--hours")
    if name:
        return policy.time_intervals[name]
    usual = {"weekdays": ["monday:friday"], "times": [{"start_time": "09:00", "end_time": "18:00"}]}
    return (TimeInterval.of(usual, str(policy.timezone)),)


def _show(to: Terminal, found: Report, policy: Policy) -> None:
    zone = policy.timezone
    if not found.since or not found.until:
        to.line("nothing happened")
        return
    begin, end = found.since.astimezone(zone), found.until.astimezone(zone)
    to.line(f"{begin:%a %Y-%m-%d %H:%M} to {end:%a %Y-%m-%d %H:%M %Z}")
    to.line(
        f"{counted(found.alerts, 'alert')}, {counted(found.incidents, 'incident')}, "
        f"{counted(found.messages, 'message')}, {counted(found.pages, 'page')}"
    )
    to.line(f"acknowledged   {spans_text(found.to_acknowledge)}")
    to.line(f"over           {spans_text(found.to_resolve)}")
    _table(to, "pages by team", found.pages_by_team)
    _table(to, "pages by hour", {f"{hour:02}:00": number for hour, number in found.pages_by_hour.items()})
    _table(to, "pages out of hours", {one.who: one.out_of_hours for one in found.loads if one.out_of_hours})
    _table(to, "noisiest alerts", found.noisiest)
    _table(to, "flapping", found.flapping)
    _table(
        to,
        "paged, and nobody took it",
        {f"{one.incident} {one.title}": one.pages for one in found.never_acknowledged},
    )
    _table(to, "escalation policies that ran out", found.ran_out)


def _table(to: Terminal, heading: str, counts: Mapping[str, int]) -> None:
    if not counts:
        return
    to.line()
    to.line(to.strong(heading))
    most = max(counts.values())
    width = max(len(plain(name) or "(none)") for name in counts)
    for name, number in counts.items():
        bar = "█" * max(round(BAR * number / most), 1)
        to.line(f"  {plain(name) or '(none)':{min(width, 44)}} {number:>5}  {to.faint(bar)}")


def spans_text(spans: Spans) -> str:
    """How long something took, in words."""
    from alertrouter.policy.duration import format_duration

    if spans.mean is None or spans.median is None or spans.ninth is None:
        return "never"
    mean, half, ninth = (format_duration(_whole(one)) for one in (spans.mean, spans.median, spans.ninth))
    return f"after {mean} on average (half within {half}, nine of ten within {ninth})"


def _whole(seconds: float) -> timedelta:
    return timedelta(seconds=round(seconds))


__all__ = ["report"]
