"""Turns the routes and receivers of an Alertmanager configuration into a policy text, for the recorded cases only."""

from __future__ import annotations

import json
from collections.abc import Mapping

import yaml

from alertrouter.policy.matcher import Matcher, Op


def policy_text(configuration: str) -> str:
    """Write the policy that says the same as this `alertmanager.yml`. JSON is YAML, too."""
    read = yaml.load(configuration, Loader=yaml.BaseLoader)  # noqa: S506 -- makes texts, lists and mappings only
    policy = {
        "receivers": {receiver["name"]: {} for receiver in read["receivers"]},
        "time_intervals": {each["name"]: each["time_intervals"] for each in read.get("time_intervals", ())},
        "route": _route(read["route"]),
    }
    return json.dumps(policy, ensure_ascii=False)


def _route(node: Mapping[str, object]) -> dict[str, object]:
    route = {key: value for key, value in node.items() if key not in ("match", "match_re")}
    old = [Matcher(name, Op.EQUAL, value) for name, value in _texts(node.get("match")).items()]
    old += [Matcher(name, Op.REGEX, f"^(?:{value})$") for name, value in _texts(node.get("match_re")).items()]
    new = node.get("matchers", [])
    assert isinstance(new, list)
    if old or new:
        route["matchers"] = [*map(str, old), *new]
    if "continue" in route:
        route["continue"] = route["continue"] == "true"
    children = node.get("routes", [])
    assert isinstance(children, list)
    return {**route, "routes": [_route(child) for child in children]}


def _texts(node: object) -> dict[str, str]:
    return {name: str(value) for name, value in node.items()} if isinstance(node, dict) else {}
