"""What a system is configured to do, the same for both, written in each one's words: routes, inhibition, times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import yaml

SILENT: Final = "silent"
ENDPOINT: Final = "endpoint"
SOON: Final = "soon"
"""The label `role` of alerts whose ladder has its level after `LEVEL_AFTER` seconds, and not after an hour."""

LEVEL_AFTER: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A configuration. Each route takes one value of the label `service`; groups are made by the label `group`.

    `channel` is how alertrouter notifies; Alertmanager always posts to a webhook. With `ladders` nobody is told when an
    incident opens, but a level later; that is beyond Alertmanager.
    """

    routes: int = 4
    regex: bool = False
    rules: int = 0
    group_wait: str = "10m"
    group_interval: str = "5m"
    channel: str = "webhook"
    ladders: bool = False


def alertmanager_yaml(shape: Shape, endpoint: str) -> str:
    """Alertmanager's configuration."""
    receivers = [{"name": ENDPOINT, "webhook_configs": [{"url": endpoint}]}, {"name": SILENT}]
    return _dump({"route": _route(shape), "receivers": receivers, "inhibit_rules": _rules(shape)})


def policy_yaml(shape: Shape, endpoint: str) -> str:
    """The same as a policy of alertrouter."""
    ways: dict[str, dict[str, Any]] = {
        "webhook": {"url": endpoint},
        "slack": {"channel": "#bench"},
        "pagerduty": {"routing_key": "${PAGERDUTY_SERVICE_KEY}"},
        "email": {"to": ["bench@example.com"]},
        "inbox": {},
    }
    receivers = {ENDPOINT: {shape.channel: ways[shape.channel]}, SILENT: {}}
    config = {"route": _route(shape), "receivers": receivers, "inhibit_rules": _rules(shape)}
    return _dump(config | _ladders() if shape.ladders else config)


def _ladders() -> dict[str, Any]:
    """A level within seconds for some alerts, and an hour away for the others; every alert an incident of its own."""
    later, soon = ({"levels": [{"after": after, "notify": ENDPOINT}]} for after in ("1h", f"{LEVEL_AFTER}s"))
    return {
        "escalation_policies": {"later": later, SOON: soon},
        "route": {
            "receiver": ENDPOINT,
            "group_by": ["group"],
            "group_wait": "0s",
            "escalate": {"critical": "later"},
            "routes": [{"matchers": [f'role="{SOON}"'], "escalate": {"critical": SOON}}],
        },
    }


def _route(shape: Shape) -> dict[str, Any]:
    """The tree, in the words that both share. Sources of inhibition tell nobody."""
    sources = {"receiver": SILENT, "matchers": ['role="source"'], "group_by": [], "group_wait": "10m"}
    routes = [{"receiver": ENDPOINT, "matchers": [_matcher(shape, number)]} for number in range(shape.routes)]
    return {
        "receiver": ENDPOINT,
        "group_by": ["group"],
        "group_wait": shape.group_wait,
        "group_interval": shape.group_interval,
        "repeat_interval": "4h",
        "routes": [*([sources] if shape.rules else []), *routes],
    }


def _matcher(shape: Shape, number: int) -> str:
    return f'service=~"(svc|app)-{number:04d}(-[a-z]+)?"' if shape.regex else f'service="svc-{number:04d}"'


def _rules(shape: Shape) -> list[dict[str, Any]]:
    """Rules that every source and every target meets, but never on the same instance: nothing is inhibited."""
    return [
        {
            "source_matchers": ['role="source"'],
            "target_matchers": ['role="target"', f'job!="rule-{number}"'],
            "equal": ["instance"],
        }
        for number in range(shape.rules)
    ]


def _dump(config: dict[str, Any]) -> str:
    return yaml.safe_dump(config, sort_keys=False)
