"""The variables that an imported policy needs: the file that lists them beside it, and the one with its secrets."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alertrouter.errors import PayloadError
from alertrouter.settings_file import line

if TYPE_CHECKING:
    from alertrouter.policy.alertmanager.conversion import Conversion

ENVIRONMENT: Final = "environment"
"""The file beside the policy that lists the variables it needs; no secret stands in it."""

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)")


def environment(found: Conversion, directory: Path) -> str:
    """What stands in the file beside the policy, which is in `directory`. Remarks have lines of their own."""
    lines = ["# The variables that this policy needs, besides those of docs/settings.md. Secrets are left empty."]
    lines += [line(name, value) for name, value in sorted(found.variables.items())]
    if found.templates:
        lines.append(line("ALERTROUTER_TEMPLATES", str(directory / "templates")))
    for one in found.secrets:
        lines += [f"# the secret in line {one.line}", f"{one.name}="]
    if asked := given(found):
        lines += ["# as they were", *(f"{name}=" for name in asked)]
    return "\n".join(lines) + "\n"


def given(found: Conversion) -> list[str]:
    """The variables that the file asked for itself."""
    known = {*found.variables, *(one.name for one in found.secrets)}
    asked = (name for text in found.files.values() for name in _VARIABLE.findall(text))
    return [name for name in dict.fromkeys(asked) if name not in known]


def refuse_other_secrets(path: Path) -> None:
    """Raise `PayloadError` when the file holds something already."""
    if path.is_file() and path.stat().st_size:
        raise PayloadError(f"{path}: is there already; --force writes over it")


def write_secrets(path: Path, found: Conversion) -> None:
    """Write the secrets that stood in the file, for its owner alone."""
    lines = [line(one.name, one.value) for one in found.secrets if one.value is not None]
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.fchmod(descriptor, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    except OSError as error:
        raise PayloadError(f"{path}: can't be written: {error.strerror}") from None
