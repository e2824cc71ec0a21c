"""A file of settings: NAME=VALUE a line, as `docker compose` and a shell read it, without their expansion."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from alertrouter.errors import SettingsError

_LINE: Final = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*?)\s*")
_QUOTED: Final = re.compile(r"(?P<quote>['\"])(?P<inner>.*)(?P=quote)(?:\s+#.*)?")
_PLAIN: Final = re.compile(r"[\w@%+=:,./-]*", re.ASCII)
_REMARK: Final = re.compile(r"(?:^|\s+)#.*")


def parse(text: str, file: str) -> Mapping[str, str]:
    """Read the text of `file`; raises `SettingsError` naming the line, never what stands in it: that may be a secret.

    Empty lines and those that begin with `#` count for nothing, quotes around a value are taken off, and what follows
    ` #` outside of quotes is a remark. A later line for the same name wins.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise SettingsError(f"{file}:{number}: expected NAME=VALUE")
        value = match["value"]
        quoted = _QUOTED.fullmatch(value)
        found[match["name"]] = quoted["inner"] if quoted else _REMARK.sub("", value)
    return found


def line(name: str, value: str) -> str:
    """Write what `parse` reads, and a shell, Docker Compose and systemd too: quotes only where they are needed.

    Of a value with both kinds of quotes, `parse` alone reads all.
    """
    if _PLAIN.fullmatch(value):
        return f"{name}={value}"
    quote = '"' if "'" in value and not re.search(r'["$`\\]', value) else "'"
    return f"{name}={quote}{value}{quote}"
