"""Where things stand in a policy's files, by their keys."""

from __future__ import annotations

from collections.abc import Mapping

from alertrouter.policy.reading.faults import Faults, Place
from alertrouter.policy.reading.yamltext import Listing, Node, Table, parse


class Places:
    """Finds the place of a key by the path that leads to it. The files are those of a sound policy."""

    def __init__(self, files: Mapping[str, str]) -> None:
        faults = Faults(files)
        self._roots = [root for file, text in files.items() if isinstance(root := parse(file, text, faults), Table)]
        self._nowhere = Place(next(iter(files)), 1, 1)

    def at(self, *path: str | int) -> Place:
        """The place of the key, or entry of a list, at the end of a path; of the last one that is there."""
        place = self._nowhere
        for root in self._roots:
            if path and path[0] in root.entries:
                node: Node = root
                for step in path:
                    found = _step(node, step)
                    if found is None:
                        break
                    place, node = found
        return place


def _step(node: Node, step: str | int) -> tuple[Place, Node] | None:
    if isinstance(node, Table) and isinstance(step, str) and step in node.entries:
        entry = node.entries[step]
        return entry.place, entry.value
    if isinstance(node, Listing) and isinstance(step, int) and step < len(node.items):
        return node.items[step].place, node.items[step]
    # A single value stands for a list of one.
    return (node.place, node) if step == 0 else None
