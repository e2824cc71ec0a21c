"""Random Alertmanager configurations: trees with all forms of matchers, as people write them."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

import yaml

NAMES = ("team", "severity", "env", "service", "alertname", "region")
VALUES = ("a", "db", "critical", "warning", "prod", "web-1", "with space", 'a "b"', "x,y", "ä", "1", "true", "a=b", "")
PATTERNS = ("a|db", "prod.*", ".+", "", "web-[0-9]+", "(?i)PROD", "^(db|ai)$", "[^a]*", r"x\,y", "wi.h space", "a|")


def configuration(chance: random.Random, number: int) -> str:
    """A whole configuration as JSON, which is YAML; its receivers are named `c{number}-…`."""
    names = [f"c{number}-{letter}" for letter in "abcdef"]
    root = {**_node(chance, names, depth=0), "receiver": names[0]}
    return json.dumps({"route": root, "receivers": [{"name": name} for name in names]}, ensure_ascii=False)


def combined(texts: list[str]) -> str:
    """One configuration that routes every alert through all of these."""
    read: list[Mapping[str, Any]] = [json.loads(text) for text in texts]
    routes = [{**one["route"], "continue": True} for one in read]
    receivers = [receiver for one in read for receiver in one["receivers"]]
    return yaml.safe_dump(
        {"route": {"receiver": "root", "routes": routes}, "receivers": [{"name": "root"}, *receivers]}
    )


def _node(chance: random.Random, names: list[str], depth: int) -> dict[str, object]:
    node: dict[str, object] = {}
    children = [_child(chance, names, depth + 1) for _ in range(chance.randrange(4 if depth < 3 else 1))]
    if children:
        node["routes"] = children
    if chance.random() < 0.3:
        node["group_by"] = chance.choice([[], ["..."], ["team", "env"]])
    return node


def _child(chance: random.Random, names: list[str], depth: int) -> dict[str, object]:
    node = _node(chance, names, depth)
    if chance.random() < 0.7:
        node["receiver"] = chance.choice(names)
    if chance.random() < 0.4:
        node["continue"] = True
    if chance.random() < 0.35:
        node["match"] = {chance.choice(NAMES): chance.choice(VALUES)}
    if chance.random() < 0.35:
        node["match_re"] = {chance.choice(NAMES): chance.choice(PATTERNS)}
    if chance.random() < 0.6:
        node["matchers"] = [_matcher(chance) for _ in range(chance.randrange(1, 3))]
    return node


def _matcher(chance: random.Random) -> str:
    name = chance.choice(NAMES)
    if chance.random() < 0.5:
        value, operator = chance.choice(VALUES), chance.choice(("=", "!="))
    else:
        value, operator = chance.choice(PATTERNS), chance.choice(("=~", "!~"))
    quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    bare = value.isalnum() and value.isascii() and chance.random() < 0.5
    space = chance.choice(("", " "))
    written = f"{name}{space}{operator}{space}{value if bare else quoted}"
    return f"{{{written}}}" if chance.random() < 0.1 else written
