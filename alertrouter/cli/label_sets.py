"""Label sets as people and programs give them: `LABEL=VALUE` words, JSON lines, amtool's output."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

from alertrouter.alert import Labels
from alertrouter.errors import PayloadError

_COMMA_BEFORE_LABEL: Final = re.compile(r",(?=[^,=\"]+=)")
_SPACE: Final = re.compile(r"\s*")
_DECODER: Final = json.JSONDecoder()


def read_words(words: Iterable[str]) -> Labels:
    """Read `component=ai severity="critical"`. Raises `ValueError`, also for a matcher that isn't `=`."""
    labels: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.strip() or name.endswith("!") or value.startswith("~"):
            raise ValueError(f"found {word!r}, expected LABEL=VALUE")
        if name.strip() in labels:
            raise ValueError(f"found {name.strip()!r} twice, expected each label once")
        labels[name.strip()] = _unquoted(value)
    return labels


def read_listed(text: str) -> Labels:
    """Read `alertname=NodeDown,instance=web-1`. A comma parts labels only where another `LABEL=` follows."""
    return read_words(part for part in _COMMA_BEFORE_LABEL.split(text) if part.strip())


def read_json(text: str, name: str) -> tuple[Labels, ...]:
    """Read JSON values one after another, each with one label set or many; `name` says in errors where they stand.

    A value is an object of labels, an object whose `labels` are one (an alert, as amtool and the APIs print it), an
    array of these, or an object whose `alerts` are such an array (a webhook's body). Raises `PayloadError`.
    """
    found: list[Labels] = []
    for value, line in _values(text, name):
        try:
            found += _label_sets(value)
        except PayloadError as fault:
            raise PayloadError(f"{name}:{line}: {fault}") from None
    return tuple(found)


def _values(text: str, name: str) -> Iterator[tuple[object, int]]:
    """Every JSON value in the text, with the line on which it begins."""
    place, line, counted_to = _skip_space(text, 0), 1, 0
    while place < len(text):
        line, counted_to = line + text.count("\n", counted_to, place), place
        try:
            value, place = _DECODER.raw_decode(text, place)
        except json.JSONDecodeError as fault:
            raise PayloadError(f"{name}:{fault.lineno}:{fault.colno}: no JSON: {fault.msg}") from None
        except RecursionError:
            raise PayloadError(f"{name}:{line}: nested too deeply") from None
        yield value, line
        place = _skip_space(text, place)


def _skip_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _label_sets(value: object, path: str = "") -> Iterator[Labels]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield _label_set(item, f"{path}[{number}]")
    elif isinstance(value, dict) and isinstance(value.get("alerts"), list):
        yield from _label_sets(value["alerts"], "alerts")
    else:
        yield _label_set(value, path)


def _label_set(value: object, path: str) -> Labels:
    labels = value["labels"] if isinstance(value, dict) and isinstance(value.get("labels"), dict) else value
    where = f"{path}: " if path else ""
    if not isinstance(labels, dict):
        raise PayloadError(f"{where}found {_kind(labels)}, expected an object of labels")
    for label, text in labels.items():
        if not isinstance(text, str):
            raise PayloadError(f"{where}label {label!r}: found {_kind(text)}, expected a string")
    return labels


def _kind(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    kinds: dict[type, str] = {dict: "an object", list: "an array", str: "a string"}
    return kinds.get(type(value), "a number")


def _unquoted(value: str) -> str:
    """Take off the quotes that amtool's users write: `severity="critical"`."""
    if len(value) < 2 or not (value.startswith('"') and value.endswith('"')):
        return value
    try:
        text = json.loads(value)
    except ValueError:
        return value
    return text if isinstance(text, str) else value
