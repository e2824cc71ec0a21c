"""Alertmanager's webhook, version 4. Only its alerts count: groups are made here anew.

Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from alertrouter.errors import PayloadError
from alertrouter.sources import Parsed
from alertrouter.sources.body import Form, envelope, read
from alertrouter.sources.report import ToldAlert, told

_FORM: Final[Form[ToldAlert]] = envelope(ToldAlert)


def parse(body: bytes, now: datetime) -> Parsed:
    """Read a webhook body of Alertmanager; it never sends one without alerts."""
    parsed = read(body, _FORM, lambda alert: told(alert, now))
    if not parsed.reports:
        raise PayloadError("alerts: expected at least one alert")
    return parsed
