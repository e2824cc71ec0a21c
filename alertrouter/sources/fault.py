"""Says what is wrong with a body: the path of the first fault, what was found, what was expected."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

FAULTS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Whatever msgspec raises for bytes that it can't decode."""

_WHERE: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_LONGEST: Final = 300
"""Characters of a reason: it may quote what was sent."""

_BYTE: Final = re.compile(r"\(byte (\d+)\)$")
_MISSING: Final = re.compile(r"^Object missing required field `([^`]+)`$")
_TYPE: Final = re.compile(r"`(\w+)(?: \| null)?`")
_JSON_NAMES: Final = {
    "str": "string",
    "int": "number",
    "float": "number",
    "bool": "boolean",
    "datetime": "RFC 3339 time",
}


def reason(error: Exception, body: bytes, path: str = "$", begin: int = 0, end: int | None = None) -> str:
    """Word a fault of `FAULTS` that was found at `body[begin:end]`, the value that stands at `path`.

    Gives `alerts[3].labels: expected object, got array` or `$: not JSON (line 1, column 5)`.
    """
    end = len(body) if end is None else end
    if isinstance(error, msgspec.ValidationError):
        found = _WHERE.match(str(error))
        what, inner = (found["what"], found["path"] or "$") if found else (str(error), "$")
        if inner.endswith("[...]"):
            inner = _name_the_member(inner, body[begin:end])
        if missing := _MISSING.match(what):
            return f"{join(path, inner)}.{missing[1]}: missing".removeprefix("$.")
        return f"{join(path, inner)}: {_plain(what)}"[:_LONGEST]
    if isinstance(error, UnicodeDecodeError):
        return f"{path}: text that is not UTF-8"
    if isinstance(error, RecursionError):
        return f"{path}: nested too deeply"
    at = _BYTE.search(str(error))
    offset = begin + int(at[1]) if at else end
    line = body.count(b"\n", 0, offset) + 1
    column = offset - body.rfind(b"\n", 0, offset)
    return f"{path}: not JSON (line {line}, column {column})"


def join(path: str, inner: str) -> str:
    """Put a path as msgspec writes it (`$.labels`) behind that of the value it starts at (`alerts[3]`)."""
    rest = inner.removeprefix("$")
    return (path + rest) if path != "$" else (rest.removeprefix(".") or "$")


def _plain(what: str) -> str:
    text = _TYPE.sub(lambda found: _JSON_NAMES.get(found[1], found[1]), what)
    return text[:1].lower() + text[1:]


def _name_the_member(inner: str, raw: bytes) -> str:
    """Turn `$.labels[...]` into `$.labels.size`: msgspec doesn't say which member has the wrong type."""
    path = inner.removesuffix("[...]")
    try:
        value: Any = msgspec.json.decode(raw)
        for step in re.findall(r"[^.\[\]]+", path.removeprefix("$")):
            value = value[int(step) if isinstance(value, list) else step]
    except (*FAULTS, KeyError, IndexError, ValueError, TypeError):
        return path
    if not isinstance(value, dict):
        return path
    wrong = next((name for name, text in value.items() if not isinstance(text, str)), None)
    return path if wrong is None else f"{path}.{wrong[:64]}"
