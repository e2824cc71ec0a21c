"""The routing of an `alertmanager.yml` and nothing else: what another program needs to be asked about it."""

from __future__ import annotations

from typing import Final

from alertrouter.policy.alertmanager.fields import shown
from alertrouter.policy.alertmanager.yamlwriter import listed, pairs, scalar
from alertrouter.policy.reading.faults import Faults
from alertrouter.policy.reading.yamltext import Listing, Node, Scalar, Table, parse

_ROUTING: Final = ("receiver", "match", "match_re", "matchers", "continue")


def skeleton(content: str) -> str:
    """The tree with matchers and receivers as they stand, in YAML; without integrations, timings and secrets.

    Receivers that nobody defines are defined. Raises nothing: a text that isn't YAML gives an empty one.
    """
    root = parse("", content, Faults({"": content}))
    if not isinstance(root, Table) or "route" not in root.entries:
        return ""
    names: dict[str, None] = {}
    route = _route(root.entries["route"].value, names)
    receivers = listed(pairs([("name", scalar(name))]) for name in names)
    return f"route: {route}\nreceivers: {receivers}\n"


def _route(node: Node, names: dict[str, None]) -> str:
    if not isinstance(node, Table):
        return "{}"
    entries: list[tuple[str, str]] = []
    for key, entry in node.entries.items():
        if key == "receiver" and isinstance(entry.value, Scalar) and entry.value.text:
            names[entry.value.text] = None
        if key in _ROUTING and not (isinstance(entry.value, Scalar) and entry.value.null):
            entries.append((key, shown(entry.value)))
        if key == "routes" and isinstance(entry.value, Listing):
            entries.append((key, listed(_route(item, names) for item in entry.value.items)))
    return pairs(entries)
