"""Go's `printf` in Jinja.

Source: https://pkg.go.dev/fmt
"""

from __future__ import annotations

import json
import re
from typing import Final

from alertrouter.policy.alertmanager.expression import Expr, printed
from alertrouter.policy.alertmanager.gotree import GoTemplateError

_VERB: Final = re.compile(
    r"(?P<text>[^%]+)|%%|%(?P<flag>[-0]?)(?P<width>\d{0,2})(?P<cut>\.\d{1,2})?(?P<kind>[svdq])|%.{0,5}", re.DOTALL
)


def printf(values: list[Expr]) -> Expr:
    """Give what `printf FORM VALUE…` writes; verbs other than `%s`, `%v`, `%d`, `%q` raise `GoTemplateError`."""
    form, *rest = values
    if not isinstance(form.literal, str):
        raise GoTemplateError("`printf` with a form that isn't a plain text")
    parts: list[str] = []
    for verb in _VERB.finditer(form.literal):
        if verb["text"]:
            parts.append(json.dumps(verb["text"], ensure_ascii=False))
        elif verb[0] == "%%":
            parts.append('"%"')
        elif not verb["kind"]:
            raise GoTemplateError(f"`printf` with `{verb[0]}`")
        elif not rest:
            raise GoTemplateError("`printf` has too few values")
        else:
            value, rest = rest[0], rest[1:]
            parts.append(_formatted(value, verb))
    return Expr(f"({' ~ '.join(parts) or json.dumps('')})")


def _formatted(value: Expr, verb: re.Match[str]) -> str:
    """One value: cut as `%.3s`, in quotes, then filled up to a width as `%-20s`, `%3d`, `%03d`."""
    if verb["cut"] and verb["kind"] != "s":
        raise GoTemplateError(f"`printf` with `{verb[0]}`")
    code = printed(value)
    if verb["cut"]:
        code = f"({code}|string)[:{verb['cut'][1:]}]"
    if verb["kind"] == "q":
        code = f"({code}|tojson)"
    if not verb["width"]:
        return code
    filling = json.dumps(("0" if verb["flag"] == "0" else " ") * int(verb["width"]))
    filling = f"{filling}[({code}|string|length):]"
    return f"{code} ~ {filling}" if verb["flag"] == "-" else f"{filling} ~ {code}"
