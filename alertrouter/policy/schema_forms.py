"""The forms that a policy's values have, as JSON Schema says them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"
Schema: TypeAlias = dict[str, Json]


def mapping(fields: Mapping[str, Schema], *needed: str) -> Schema:
    """A mapping with these keys and no others."""
    made: Schema = {"type": "object", "additionalProperties": False, "properties": dict(fields)}
    return {**made, "required": list(needed)} if needed else made


def named(value: Schema, what: str) -> Schema:
    """A mapping with names of the author's choice."""
    return {"type": "object", "description": what, "additionalProperties": value}


def ref(name: str, what: str = "") -> Schema:
    """What stands under a name in `$defs`."""
    return {"$ref": f"#/$defs/{name}", "description": what} if what else {"$ref": f"#/$defs/{name}"}


def list_of(value: Schema, what: str = "") -> Schema:
    """A list of these."""
    made: Schema = {"type": "array", "items": value}
    return {**made, "description": what} if what else made


def one_or_more(value: Schema, what: str = "") -> Schema:
    """One of these, or a list of them."""
    made: Schema = {"anyOf": [value, list_of(value)]}
    return {**made, "description": what} if what else made


def text(what: str) -> Schema:
    """A text."""
    # Numbers count as the text that was written.
    return {"type": ["string", "number"], "description": what}


def flag(what: str, default: bool) -> Schema:
    """True or false."""
    return {"type": "boolean", "description": what, "default": default}


def choice(what: str, *values: str) -> Schema:
    """One of these words."""
    return {"enum": list(values), "description": what}


def secret(key: str, what: str) -> dict[str, Schema]:
    """A secret: a placeholder, or a file that holds it."""
    return {
        key: {"type": "string", "pattern": r"\$\{", "description": f"{what}: ${{NAME}}, from the environment"},
        f"{key}_file": text(f"{what}: an absolute path, read at the moment of sending"),
    }
