"""Grafana's webhook contact point: Alertmanager's form, with links to the dashboard, the panel and the silence page.

Source: https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from alertrouter.alert import AlertReport
from alertrouter.errors import PayloadError
from alertrouter.sources import Parsed
from alertrouter.sources.body import Form, envelope, read
from alertrouter.sources.report import ToldAlert, told


class _GrafanaAlert(
    ToldAlert, rename={"dashboard_url": "dashboardURL", "panel_url": "panelURL", "silence_url": "silenceURL"}
):
    dashboard_url: str | None = None
    panel_url: str | None = None
    silence_url: str | None = None


_FORM: Final[Form[_GrafanaAlert]] = envelope(_GrafanaAlert)


def parse(body: bytes, now: datetime) -> Parsed:
    """Read a webhook body of Grafana's alerting."""
    parsed = read(body, _FORM, lambda alert: _report(alert, now))
    if not parsed.reports:
        raise PayloadError("alerts: expected at least one alert")
    return parsed


def _report(alert: _GrafanaAlert, now: datetime) -> AlertReport:
    """Keep Grafana's links as annotations, where the alert has none of that name."""
    links = {
        "dashboard_url": alert.dashboard_url,
        "panel_url": alert.panel_url,
        "silence_url": alert.silence_url,
    }
    return told(alert, now, {name: link for name, link in links.items() if link} | (alert.annotations or {}))
