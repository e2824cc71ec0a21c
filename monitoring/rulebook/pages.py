"""What docs/ says of the alerts: the table in alerts.md, and in each runbook the block of facts between its marks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rulebook.logs import LogAlert, log_dashboard_url
from rulebook.render import dashboard_url, limit, wait
from rulebook.source import Alert, Area, Links

BEGIN: Final = "<!-- facts: written by `make rules` -->"
END: Final = "<!-- /facts -->"


def table(areas: Mapping[str, Area], page: str) -> str:
    """alerts.md with its table made anew."""
    lines = ["| alert | severity | threshold | for | what it says |", "| --- | --- | --- | --- | --- |"]
    for area in areas.values():
        for name, alert in area.alerts.items():
            for severity, level in alert.by_severity().items():
                says = alert.description.replace("|", r"\|")
                link = f"[{name}](runbooks/{name}.md)"
                lines.append(f"| {link} | {severity} | {limit(alert, level)} | {wait(level)} | {says} |")
    return _between(page, "\n".join(lines))


def runbook(name: str, alert: Alert, area: Area, links: Links, page: str) -> str:
    """A runbook with its facts made anew: what fires it, where to look, how to silence it."""
    board = dashboard_url(alert, area, links).partition("?")[0]
    lines = []
    for severity, level in alert.by_severity().items():
        lines += [f"**{severity}** · `component={area.component}` · {_since(alert, level.for_)}:", ""]
        lines += ["```promql", alert.expression(level), "```", ""]
    lines.append(f"Dashboard: <{board}> · [how to silence, snooze and escalate](README.md)")
    return _between(page or f"# {name}\n\n{BEGIN}\n{END}\n", "\n".join(lines))


def log_runbook(name: str, alert: LogAlert, links: Links, page: str) -> str:
    """The same for an alert from logs."""
    since = f"after {alert.for_}" if alert.for_ else "at once"
    lines = [f"**{alert.severity}** · `component={alert.component}` · {since}:", ""]
    lines += ["```logql", alert.expression(), "```", ""]
    board, rules = log_dashboard_url(alert, links), "`monitoring/loki/rules/fake/`"
    lines.append(f"Dashboard: <{board}> · rule: {rules} · [how to silence, snooze and escalate](README.md)")
    return _between(page or f"# {name}\n\n{BEGIN}\n{END}\n", "\n".join(lines))


def _since(alert: Alert, waits: str | None) -> str:
    since = f"after {waits}" if waits else "at once"
    return f"{since}, kept for {alert.keep_firing_for} after its end" if alert.keep_firing_for else since


def _between(page: str, text: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{text}\n{END}{after}"
