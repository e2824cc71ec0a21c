"""`pagerduty_configs` → a service of PagerDuty's Events API v2."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from alertrouter.policy.alertmanager.fallbacks import PAGERDUTY_URL
from alertrouter.policy.alertmanager.fields import at_most_one, flag, given, items, section
from alertrouter.policy.alertmanager.integration import Options, Reading
from alertrouter.policy.alertmanager.left_out import left_out
from alertrouter.policy.alertmanager.notes import HIDDEN
from alertrouter.policy.alertmanager.yamlwriter import pairs, scalar
from alertrouter.policy.reading.receivers import PAGERDUTY_SEVERITIES
from alertrouter.policy.reading.value import Fields, Value

_ENQUEUE: Final = "/v2/enqueue"
_OWN_SEVERITY: Final = re.compile(
    r"\{\{-?\s*(?:\.(?:Common|Group)Labels\.severity|index \.(?:Common|Group)Labels \"severity\")"
    r"(?:\s*\|\s*toLower)?\s*-?\}\}"
)


def pagerduty(reading: Reading, name: str, fields: Fields) -> Options:
    """Read one integration of `pagerduty_configs`: its options and comments."""
    comments: list[str] = []
    at_most_one(fields, "routing_key", "routing_key_file")
    at_most_one(fields, "service_key", "service_key_file")
    options = _key(reading, name, fields, comments)
    options += _severity(reading, name, fields, comments)
    if not fields.take("send_resolved", flag, True):
        options.append(("send_resolved", "false"))
    _address(reading, name, fields, comments)
    path = f"receivers[{name}].pagerduty_configs"
    reading.text(fields, "description", "pagerduty/summary.j2", path)
    for key in ("source", "class", "component", "group"):
        reading.text(fields, key, f"pagerduty/{key}.j2", path)
    fields.take("links", partial(_links, reading, f"{path}.links"), None)
    left_out(reading.report, name, fields, "pagerduty", comments)
    return tuple(options), tuple(comments)


def _links(reading: Reading, path: str, value: Value) -> None:
    for item in items(value):
        with section(item, ("text",)) as fields:
            reading.link(fields, ("href", "text"), "pagerduty/links.j2", path)


def _address(reading: Reading, name: str, fields: Fields, comments: list[str]) -> None:
    """Where its events go, as the one setting that all of PagerDuty has: `/v2/enqueue` is added to it when posting."""
    place, url = given(fields, "url") or (fields.value.node.place, reading.globals.pagerduty_url)
    if "generic" in url:
        return  # the address of Events API v1, which `service_key` speaks
    url = url.rstrip("/")
    base = url.removesuffix(_ENQUEUE)
    set_already, reading.pagerduty = reading.pagerduty, reading.pagerduty or base
    said: tuple[str, str, str] | None = None
    if set_already and set_already != base:
        said = (
            f"the address `{url}` is left out",
            f"all of PagerDuty has one address, and `{set_already}` comes first",
            "put a proxy at PAGERDUTY_EVENTS_URL that serves both",
        )
    elif "$" in url or url == HIDDEN:
        base = ""
        said = (
            f"the address `{url}` isn't known here",
            "a setting has no placeholders",
            f"set PAGERDUTY_EVENTS_URL to it, without `{_ENQUEUE}`",
        )
    elif not url.endswith(_ENQUEUE):
        said = (
            f"events go to `{base}{_ENQUEUE}`",
            "the Events API v2 is there, below PAGERDUTY_EVENTS_URL",
            "see that what listens there knows that path",
        )
    if said:
        what, why, todo = said
        key = f"receivers[{name}].pagerduty_configs.url"
        comments.append(reading.report.note(place, key, what, why=why, todo=todo))
    if reading.pagerduty + _ENQUEUE != PAGERDUTY_URL:
        reading.variables.setdefault("PAGERDUTY_EVENTS_URL", base)


def _key(reading: Reading, name: str, fields: Fields, comments: list[str]) -> list[tuple[str, str]]:
    old = given(fields, "service_key") or given(fields, "service_key_file")
    key, file = given(fields, "routing_key"), given(fields, "routing_key_file")
    if not (key or file or old):
        fields.wrong("found no `routing_key` and no `service_key`, expected one")
        return []
    if old and not (key or file):
        comments.append(
            reading.report.note(
                old[0],
                f"receivers[{name}].pagerduty_configs",
                "`service_key` becomes `routing_key`",
                why="only PagerDuty's Events API v2 is spoken, the key is one of the Prometheus integration (v1)",
                todo="add an Events API v2 integration to the PagerDuty service and use its key",
            )
        )
    if old_file := given(fields, "service_key_file"):
        file = file or old_file
    found = key or given(fields, "service_key")
    if found:
        return [
            ("routing_key", scalar(reading.report.secret(found[1], reading.variable("PAGERDUTY_KEY", name), found[0])))
        ]
    return [reading.report.secret_file("routing_key", file, reading.variable("PAGERDUTY_KEY", name))] if file else []


def _severity(reading: Reading, name: str, fields: Fields, comments: list[str]) -> list[tuple[str, str]]:
    place, severity = given(fields, "severity") or (fields.value.node.place, "error")
    severity = severity.strip()
    if severity in PAGERDUTY_SEVERITIES:
        return [("severity", pairs((each, severity) for each in reading.severities))]
    if not _OWN_SEVERITY.fullmatch(severity):
        comments.append(
            reading.report.note(
                place,
                f"receivers[{name}].pagerduty_configs.severity",
                f"the severity `{severity}` is left out",
                why="PagerDuty is told the alert's own severity",
                todo="say in `severity` which of the policy's severities is which of PagerDuty's",
            )
        )
    return []
