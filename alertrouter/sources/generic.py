"""A simple JSON body for scripts and anything else: one alert, a list of alerts, or `{"alerts": […]}`.

An alert is given in full:

    {"labels": {"alertname": "DiskFull", "severity": "critical"}, "annotations": {"summary": "…"},
     "status": "firing", "startsAt": "2026-03-02T10:00:00Z", "endsAt": "…", "generatorURL": "https://…"}

where only `labels` must be there; or flat, for a curl line:

    {"alertname": "DiskFull", "severity": "critical", "host": "db1", "summary": "…"}

In a flat alert every value is a text and `alertname` must be there; `status`, `startsAt`, `endsAt` and `generatorURL`
mean the same, the names in `ANNOTATIONS` are annotations, and every other name is a label.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import msgspec

from alertrouter.alert import AlertReport
from alertrouter.errors import PayloadError
from alertrouter.sources import Parsed
from alertrouter.sources.body import Form, array, envelope, read, read_one
from alertrouter.sources.fault import FAULTS
from alertrouter.sources.report import ToldAlert, told

ANNOTATIONS: Final = frozenset({"summary", "description", "message", "runbook_url", "dashboard_url", "panel_url"})
_FIELDS: Final = frozenset({"status", "startsAt", "endsAt", "generatorURL"})
_OBJECT: Final = re.compile(rb"\s*\{")


class _Members(msgspec.Struct):
    """Which of the members that tell the forms apart are there."""

    labels: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    alerts: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_MEMBERS: Final = msgspec.json.Decoder(_Members)
_FULL: Final = msgspec.json.Decoder(ToldAlert)
_FLAT: Final = msgspec.json.Decoder(dict[str, str])


def parse(body: bytes, now: datetime) -> Parsed:
    """Read one alert or many, in full or flat."""

    def report(alert: ToldAlert) -> AlertReport:
        return told(alert, now)

    if not _OBJECT.match(body):
        parsed = read(body, _LIST, report)
    elif _is_one_alert(body):
        parsed = read_one(body, _one, report)
    else:
        parsed = read(body, _ENVELOPE, report)
    if not parsed.reports:
        raise PayloadError("$: expected at least one alert")
    return parsed


def _is_one_alert(body: bytes) -> bool:
    try:
        return _MEMBERS.decode(body).alerts is msgspec.UNSET
    except FAULTS:
        return False


def _one(raw: bytes) -> ToldAlert:
    if _MEMBERS.decode(raw).labels is not msgspec.UNSET:
        return _FULL.decode(raw)
    flat = _FLAT.decode(raw)
    if not flat.get("alertname"):
        raise PayloadError("$: expected `labels`, or a flat object with `alertname`")
    fields: dict[str, object] = {name: flat.pop(name) for name in _FIELDS & flat.keys()}
    fields["annotations"] = {name: flat.pop(name) for name in ANNOTATIONS & flat.keys()}
    return msgspec.convert(fields | {"labels": flat}, ToldAlert)


_LIST: Final[Form[ToldAlert]] = array(ToldAlert, _one)
_ENVELOPE: Final[Form[ToldAlert]] = envelope(ToldAlert, _one)
