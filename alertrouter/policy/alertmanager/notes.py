"""What a conversion says of an `alertmanager.yml`, and the secrets that it keeps out of the policy."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import Final

from alertrouter.policy.alertmanager.yamlwriter import scalar
from alertrouter.policy.reading.faults import Place
from alertrouter.policy.reading.receivers import SECRET_FILE

_NAME: Final = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(:-[^{}$]*)?\}|([A-Za-z_][A-Za-z0-9_]*)|\(([A-Za-z_]\w*)\))")
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9]+")

HIDDEN: Final = "<secret>"
"""What Alertmanager's own API and `amtool config show` put in the place of a secret."""


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One thing that isn't carried over as it stood. `line` and `column` are those of the `alertmanager.yml`."""

    line: int
    column: int
    key: str
    what: str
    why: str
    todo: str

    def __str__(self) -> str:
        """Give `12:5: key: what; why → what to do`."""
        return f"{self.line}:{self.column}: {self.key}: {self.what}; {self.why} → {self.todo}"


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that stood in the file: `name` is the variable that must hold it now, `value` None when not shown."""

    name: str
    value: str | None = field(repr=False)
    line: int = 0


@dataclass(slots=True)
class Report:
    """Gathers notes and secrets while a configuration is read; `directory` is where relative paths begin in it."""

    directory: str
    notes: list[Note] = field(default_factory=list)
    secrets: dict[str, Secret] = field(default_factory=dict)

    def note(self, place: Place, key: str, what: str, *, why: str, todo: str) -> str:
        """Keep a note; gives it in one line, for a comment in the policy."""
        note = Note(place.line, place.column, key, what, why, todo)
        if note not in self.notes:
            self.notes.append(note)
        return f"line {place.line}: {what}; {why}: {todo}"

    def secret(self, value: str, wanted: str, place: Place) -> str:
        """Give the placeholder for a secret: its own when it is one already, else a variable named after `wanted`."""
        value = value.strip()  # a block of YAML ends in a line break, which no file of settings can hold
        given = placeholders(value)
        if given is not None:
            return given
        hidden = value == HIDDEN
        for known in self.secrets.values():
            if known.value == value and not hidden:
                return f"${{{known.name}}}"
        base = name = _NO_NAME.sub("_", wanted).strip("_").upper()
        number = 1
        while name in self.secrets and not (hidden and self.secrets[name].value is None):
            number += 1
            name = f"{base}_{number}"
        self.keep(name, value, place)
        return f"${{{name}}}"

    def keep(self, name: str, value: str, place: Place) -> None:
        """Keep a secret under this name."""
        self.secrets[name] = Secret(name, None if value == HIDDEN else value, place.line)

    def secret_file(self, option: str, file: tuple[Place, str], wanted: str) -> tuple[str, str]:
        """Give the option that reads a secret from its file, by its whole path.

        A path that a policy can't hold becomes a variable named after `wanted`, and a note.
        """
        place, path = file
        whole = posixpath.normpath(posixpath.join(self.directory, path))
        if SECRET_FILE.fullmatch(whole):
            return f"{option}_file", scalar(whole)
        variable = self.secret(HIDDEN, wanted, place)
        self.note(
            place,
            f"{option}_file",
            f"the file {path} isn't read",
            why="the path of a secret's file has no `{`, `}`, `$` in it here",
            todo=f"set {variable.strip('${}')} to what stands in the file, or name another file",
        )
        return option, variable


def setting(
    variables: dict[str, str], report: Report, name: str, value: str, place: Place, key: str
) -> tuple[str, ...]:
    """Make a variable of a value; one that isn't known here is to be set by hand, which is said once."""
    if not value or name in variables:
        return ()
    variables[name] = "" if unsettled(value) else value
    if variables[name]:
        return ()
    why = "a setting has no placeholders and is no template"
    return (report.note(place, key, f"`{value}` isn't known here", why=why, todo=f"set {name} to what it stands for"),)


def unsettled(text: str) -> bool:
    """Tell whether something is to be filled in first: a placeholder, or a template."""
    return placeholders(text) is not None or any(sign in text for sign in ("${", "$(", "{{"))


def placeholders(text: str) -> str | None:
    """The text with its environment placeholders as a policy writes them; None when it isn't made of them alone."""
    rest = _NAME.sub("", text)
    return _NAME.sub(_placeholder, text) if not rest.strip() and rest != text else None


def with_placeholders(text: str) -> str:
    """The text with `$(NAME)` written as `${NAME}`, as those that stand so already; a lone `$NAME` may be a text."""
    return _NAME.sub(lambda found: _placeholder(found) if found[1] or found[4] else found[0], text)


def _placeholder(found: re.Match[str]) -> str:
    return f"${{{found[1] or found[3] or found[4]}{found[2] or ''}}}"
