"""Escalation policies as the model reads them, and as YAML has them for the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

TICK: Final = 30
"""Seconds between two moments; every duration and every event of a story is a multiple."""

SEVERITIES: Final = ("info", "warning", "critical")
"""From low to high."""

RECEIVERS: Final = ("chat", "pager", "leads", "desk")

HEAD: Final = """
severities: [info, warning, critical]
receivers:
  chat: {slack: {channel: "#ops"}}
  pager: {pagerduty: {routing_key: "${PD}"}}
  leads: {email: {to: [leads@example.com]}}
  desk: {webhook: {url: "${DESK_URL}"}}
"""

DAY: Final = 24 * 3600
TEN_O_CLOCK: Final = 10 * 3600
"""The time of day at which a story begins."""


@dataclass(frozen=True)
class Rung:
    """One level: who is told, how long after the start, in which hours, and whether it is left out outside of them.

    It is left out, too, when fewer than `least` alerts fire; or began `within` so many seconds, if that is not 0.
    """

    notify: tuple[str, ...]
    after: int
    hours: str = ""
    skip: bool = False
    least: int = 0
    within: int = 0


@dataclass(frozen=True)
class Rules:
    """One escalation policy. No `raise_to`, no `every`, 0 as `ack_timeout`: it doesn't do that; no `times`: endless."""

    rungs: tuple[Rung, ...]
    ack_timeout: int = 0
    raise_to: str = ""
    raise_after: int = 0
    raise_hours: str = ""
    every: int = 0
    resume: int = 1
    times: int | None = None


@dataclass(frozen=True)
class Site:
    """All that a policy says: the rules of each severity, hours of the day, and the timings of the group."""

    rules: Mapping[str, Rules]
    hours: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    group_wait: int = 0
    group_interval: int = 60
    reopen_within: int = 600

    def open(self, hours: str, second: int) -> bool:
        """Tell whether these hours of the day are open; no hours are always open."""
        if not hours:
            return True
        begin, end = self.hours[hours]
        return begin <= (TEN_O_CLOCK + second) % DAY < end


def yaml(site: Site) -> str:
    """Write down a site's policy."""
    lines = [HEAD + "time_intervals:"]
    for name, span in site.hours.items():
        begin, end = (f"{second // 3600:02}:{second % 3600 // 60:02}" for second in span)
        lines.append(f'  {name}: [{{times: [{{start_time: "{begin}", end_time: "{end}"}}]}}]')
    lines.append("escalation_policies:")
    for name, one in site.rules.items():
        lines.append(f"  {name}:")
        lines.append(f"    ack_timeout: {one.ack_timeout}s" if one.ack_timeout else "    ack_timeout: 0s")
        if one.raise_to:
            during = f", during: {one.raise_hours}" if one.raise_hours else ""
            lines.append(f"    raise: {{to: {one.raise_to}, after: {one.raise_after}s{during}}}")
        if one.every:
            times = f", times: {one.times}" if one.times else ""
            lines.append(f"    repeat: {{every: {one.every}s, from: {one.resume}{times}}}")
        lines.append("    levels:")
        for rung in one.rungs:
            during = f", during: {rung.hours}, else: {'skip' if rung.skip else 'hold'}" if rung.hours else ""
            within = f" in {rung.within}s" if rung.within else ""
            counts = f', if: {{alerts: ">={rung.least}{within}"}}' if rung.least else ""
            lines.append(f"      - {{notify: [{', '.join(rung.notify)}], after: {rung.after}s{during}{counts}}}")
    return "\n".join(
        [
            *lines,
            "route:",
            "  receiver: chat",
            "  group_by: []",
            f"  group_wait: {site.group_wait}s",
            f"  group_interval: {site.group_interval}s",
            "  escalate: {info: info, warning: warning, critical: critical}",
            f"reopen_within: {site.reopen_within}s",
        ]
    )
