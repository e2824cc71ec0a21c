"""`POST /api/v2/alerts`, as Prometheus and Loki's ruler send to an Alertmanager: an array of alerts with an end.

There is no status: an alert is over at its `endsAt`, which each re-send moves on.
Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/api.go
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from alertrouter.alert import AlertReport
from alertrouter.errors import PayloadError
from alertrouter.sources import Parsed
from alertrouter.sources.body import Form, array, read
from alertrouter.sources.report import PostedAlert, moment, report

RESOLVE_TIMEOUT: Final = timedelta(minutes=5)
"""How long an alert without `endsAt` fires after it was last sent; Alertmanager's default."""

EMPTY: Final = "the body is empty, expected an array of alerts"
"""What is wrong with a body that has nothing in it."""

_URI: Final = re.compile(r"/|[A-Za-z][A-Za-z0-9+.-]*:")
"""How the address of a generator must begin: with a scheme, or with a slash."""


class _SentAlert(PostedAlert):
    """One alert; a time without an offset is in UTC, as Alertmanager has it."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None


_FORM: Final[Form[_SentAlert]] = array(_SentAlert)


def parse(body: bytes, now: datetime, resolve_timeout: timedelta = RESOLVE_TIMEOUT) -> Parsed:
    """Read what Prometheus posts; an empty array is fine, and so is Go's `null` for one, as for Alertmanager."""
    try:
        return read(body, _FORM, partial(_report, now, resolve_timeout))
    except PayloadError:
        match body.strip():
            case b"":
                raise PayloadError(EMPTY) from None
            case b"null":
                return Parsed(())
        raise


def _report(now: datetime, resolve_timeout: timedelta, alert: _SentAlert) -> AlertReport:
    starts_at = moment(alert.starts_at, "startsAt")
    ends_at = moment(alert.ends_at, "endsAt")
    if starts_at is not None and ends_at is not None and ends_at < starts_at:
        raise PayloadError("$.endsAt: start time must be before end time")
    generator_url = alert.generator_url
    if generator_url and not generator_url.startswith(("http://", "https://")) and not _URI.match(generator_url):
        raise PayloadError("$.generatorURL: must be of type uri")
    end = ends_at or now + resolve_timeout
    return report(alert, None, starts_at or ends_at or now, end, now, timeout=ends_at is None)
