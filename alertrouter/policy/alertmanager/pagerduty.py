"""`pagerduty_configs` → a service of PagerDuty's Events API v2."""

from __future__ import annotations

from urllib.parse import urlsplit

from alertrouter.policy.alertmanager import grammar
from alertrouter.policy.alertmanager.fallbacks import PAGERDUTY_URL
from alertrouter.policy.alertmanager.fields import at_most_one, flag, given
from alertrouter.policy.alertmanager.integration import Options, Reading
from alertrouter.policy.alertmanager.left_out import left_out
from alertrouter.policy.alertmanager.yamlwriter import pairs, scalar
from alertrouter.policy.reading.value import Fields


def pagerduty(reading: Reading, name: str, fields: Fields) -> Options:
    """Read one integration of `pagerduty_configs`: its options and comments."""
    comments: list[str] = []
    at_most_one(fields, "routing_key", "routing_key_file")
    at_most_one(fields, "service_key", "service_key_file")
    options = _key(reading, name, fields, comments)
    options += _severity(reading, name, fields, comments)
    if not fields.take("send_resolved", flag, True):
        options.append(("send_resolved", "false"))
    url = (given(fields, "url") or (fields.value.node.place, reading.globals.pagerduty_url))[1]
    if url.rstrip("/") != PAGERDUTY_URL and "generic" not in url:
        base = urlsplit(url)
        reading.variables["PAGERDUTY_EVENTS_URL"] = f"{base.scheme}://{base.netloc}"
    reading.text(fields, "description", "pagerduty/summary.j2", f"receivers[{name}].pagerduty_configs")
    left_out(reading.report, name, fields, "pagerduty", grammar.PAGERDUTY, comments)
    return tuple(options), tuple(comments)


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
    given_ = given(fields, "severity")
    severity = given_[1].strip() if given_ else "error"
    if "{{" not in severity:
        if severity not in ("critical", "error", "warning", "info"):
            return []
        return [("severity", pairs((each, severity) for each in reading.severities))]
    if given_ and "severity" not in severity:
        comments.append(
            reading.report.note(
                given_[0],
                f"receivers[{name}].pagerduty_configs.severity",
                f"the severity `{severity}` is left out",
                why="what PagerDuty shows goes by the alert's severity",
                todo="say in `severity` which of the policy's severities is which of PagerDuty's",
            )
        )
    return []
