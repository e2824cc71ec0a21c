"""The whole of an `alertmanager.yml`, read once: the texts of a policy, notes, secrets, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from alertrouter.errors import Problem
from alertrouter.policy.alertmanager import messages
from alertrouter.policy.alertmanager.drafts import Part, ReceiverDraft, written
from alertrouter.policy.alertmanager.fallbacks import Globals, read_globals
from alertrouter.policy.alertmanager.fields import items, place_of, section, shown, text, texts
from alertrouter.policy.alertmanager.integration import Reading, Text
from alertrouter.policy.alertmanager.notes import Note, Report, Secret
from alertrouter.policy.alertmanager.receivers import Receivers
from alertrouter.policy.alertmanager.routes import Node, Routes
from alertrouter.policy.alertmanager.yamlwriter import listed, scalar
from alertrouter.policy.load import DEFAULT_SEVERITIES
from alertrouter.policy.matcher import Matcher, Op
from alertrouter.policy.reading.faults import Faults, Place
from alertrouter.policy.reading.intervals import entry
from alertrouter.policy.reading.value import Fields, Value, Wrong
from alertrouter.policy.reading.yamltext import Listing, Scalar, Table, parse

_RANKS: Final = (
    ("debug", "none", "low", "informational", "notice", "info", "p4", "sev4"),
    ("minor", "medium", "average", "ticket", "warn", "warning", "p3", "sev3"),
    ("major", "high", "error", "p2", "sev2"),
    ("fatal", "disaster", "emergency", "critical", "page", "p1", "sev1"),
)
_ASSUMED: Final = "warning"
"""The severity of an alert whose own is unknown: what a policy that has it takes unless it says otherwise."""
_THAT_MACHINES: Final = "Local"
_ALTERNATIVES: Final = re.compile(r"[\w.-]+(?:\|[\w.-]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What became of an `alertmanager.yml`.

    `files` are the texts of the policy by file name, empty when the file could not be understood at all. `problems` is
    what Alertmanager would refuse. `variables` must be set in the environment (empty: by hand), `secrets` as well.
    `templates` are template files by their path beside the policy.
    """

    files: Mapping[str, str]
    notes: tuple[Note, ...]
    problems: tuple[Problem, ...]
    secrets: tuple[Secret, ...]
    variables: Mapping[str, str]
    templates: Mapping[str, str]


def convert(
    file: str, content: str, templates: Mapping[str, str] | None = None, *, directory: str = "/etc/alertmanager"
) -> Conversion:
    """Read an `alertmanager.yml`; `file` is how its name stands in faults. Pure: reads no file.

    `templates` are the texts of the files that `template_globs` speaks of, by name. `directory` is the file's own,
    where the relative paths in it begin.
    """
    faults = Faults({file: content})
    report = Report(directory)
    reader = _Reader(file, report)
    root = parse(file, content, faults)
    files: Mapping[str, str] = {}
    made: Mapping[str, str] = {}
    if root is not None:
        files = reader.read(Value(root, "", faults))
        defined = messages.definitions(templates or {}, reader.templates_place, report)
        made = messages.written(tuple(reader.texts), defined, file, report)
    return Conversion(
        files=files,
        notes=tuple(sorted(report.notes)),
        problems=faults.found(),
        secrets=tuple(one for one in report.secrets.values() if not files or _asked_for(one.name, files)),
        variables=reader.variables,
        templates=made if files else {},
    )


def template_globs(content: str) -> tuple[str, ...]:
    """Where the definitions of an `alertmanager.yml` are: paths with wildcards, relative to it."""
    root = parse("", content, Faults({"": content}))
    if not isinstance(root, Table) or "templates" not in root.entries:
        return ()
    node = root.entries["templates"].value
    return tuple(item.text for item in node.items if isinstance(item, Scalar)) if isinstance(node, Listing) else ()


class _Reader:
    """Reads the sections in the order in which they refer to one another, and writes the policy's files."""

    def __init__(self, file: str, report: Report) -> None:
        self._file = file
        self._report = report
        self.templates_place: Place | None = None
        self.texts: list[Text] = []
        self.variables: dict[str, str] = {}

    def read(self, value: Value) -> Mapping[str, str]:
        if value.null:
            value.read(partial(_wrong, "found no `route`: no route provided in config"), 0)
            return {}
        return value.read(self._read, {})

    def _read(self, value: Value) -> Mapping[str, str]:
        with section(value) as fields:
            for key in ("tracing", "event_recorder"):
                if key in fields:
                    self._say(fields, key, f"`{key}` is left out", "it is Alertmanager's own", "see docs/settings.md")
            if fields.take("templates", texts, ()):
                self.templates_place = place_of(fields, "templates")
            at = fields.take("global", partial(read_globals, self._report, self.variables), Globals())
            intervals = self._intervals(fields)
            names = _names(fields)
            tree = Routes(self._report, names, tuple(intervals))
            root = fields.take("route", tree.root, None)
            if "route" not in fields:
                fields.wrong("found no `route`: no routes provided")
            rules = list(fields.take("inhibit_rules", lambda value: list(tree.inhibit_rules(value)), []))
            severities, strange = _severities(tree.seen)
            for name in strange:
                why, todo = f"its alerts count as `{_ASSUMED}`", "name it in `severities`, which has the lowest first"
                self._say(fields, "route", f"the severity `{name}` has no rank", why, todo)
            reading = Reading(self._report, at, severities)
            drafts = fields.take("receivers", Receivers(reading).read, ())
            self.texts = reading.texts
            self.variables |= reading.variables
        drafts += self._missing(tree.missing)
        if root is None:
            return {}
        return self._files(root, drafts, intervals, rules, severities)

    def _say(self, fields: Fields, key: str, what: str, why: str, todo: str) -> None:
        path = f"{fields.value.path}.{key}".lstrip(".")
        self._report.note(place_of(fields, key), path, what, why=why, todo=todo)

    def _missing(self, missing: Mapping[str, int]) -> tuple[ReceiverDraft, ...]:
        said = "routes name this receiver and nothing defines it: its alerts go to the inbox until it is written"
        inbox = (Part("inbox"),)
        return tuple(ReceiverDraft(name, line, inbox, (f"line {line}: {said}",)) for name, line in missing.items())

    # time intervals

    def _intervals(self, fields: Fields) -> dict[str, list[str]]:
        """The written lines of every interval by name; the old list and the new one share their names."""
        found: dict[str, list[str]] = {}
        for key in ("mute_time_intervals", "time_intervals"):
            for item in fields.take(key, items, ()):
                item.read(partial(self._interval, found), None)
        return found

    def _interval(self, found: dict[str, list[str]], value: Value) -> None:
        with section(value) as fields:
            name = fields.take("name", text, "")
            if not name:
                fields.wrong("found no `name` in a time interval, expected one")
            if name in found:
                fields.wrong(
                    f"time interval `{name}` is not unique: the old and the new list share their names", "name"
                )
            lines = [f"  {scalar(name)}: # line {value.node.place.line}"]
            for item in map(self._in_some_zone, fields.take("time_intervals", items, ())):
                faults = len(value.faults.found())
                item.read(partial(entry, "UTC"), None)
                if isinstance(item.node, Table) and len(value.faults.found()) == faults:
                    lines.append(f"    - {shown(item.node)}")
            if len(lines) == 1:
                lines = [f"  {scalar(name)}: []"]
            if name:
                found.setdefault(name, lines)

    def _in_some_zone(self, item: Value) -> Value:
        """The entry of a time interval without the `location` that is the zone of Alertmanager's machine."""
        if not isinstance(item.node, Table) or "location" not in item.node.entries:
            return item
        node = item.node.entries["location"].value
        if not isinstance(node, Scalar) or node.text != _THAT_MACHINES:
            return item
        self._report.note(
            node.place,
            f"{item.path}.location",
            f"the location `{_THAT_MACHINES}` is left out",
            why="it is the time zone of the machine that Alertmanager runs on; here it is UTC",
            todo="name the zone in `location`, or for the whole policy in `timezone`",
        )
        rest = {key: one for key, one in item.node.entries.items() if key != "location"}
        return replace(item, node=replace(item.node, entries=rest))

    # writing

    def _files(
        self,
        root: Node,
        drafts: tuple[ReceiverDraft, ...],
        intervals: Mapping[str, list[str]],
        rules: list[str],
        severities: tuple[str, ...],
    ) -> Mapping[str, str]:
        head = [f"# Made from {self._file} by `alertrouter import`; the lines named here are those of that file."]
        files = {
            "routes.yml": [*head, "", "route:", *root.written(2)],
            "receivers.yml": [*head, "", "receivers:", *written(drafts)],
        }
        if severities != DEFAULT_SEVERITIES:
            files["routes.yml"][2:2] = [
                "# The values of the label `severity` that the file names, lowest first.",
                f"severities: {listed(map(scalar, severities))}",
                "",
            ]
        if intervals:
            lines = [line for each in intervals.values() for line in each]
            files["time_intervals.yml"] = [*head, "", "time_intervals:", *lines]
        if any(not line.lstrip().startswith("#") for line in rules):
            files["inhibition.yml"] = [*head, "", "inhibit_rules:", *rules]
        return {name: "\n".join(lines) + "\n" for name, lines in files.items()}


def _names(fields: Fields) -> tuple[str, ...]:
    """The names of all receivers, those too whose text is wrong: one fault, one error."""
    found: list[str] = []
    for item in fields.take("receivers", items, ()):
        if isinstance(item.node, Table) and "name" in item.node.entries:
            node = item.node.entries["name"].value
            found += [getattr(node, "text", "")]
    return tuple(name for name in found if name)


def _asked_for(secret: str, files: Mapping[str, str]) -> bool:
    """Tell whether anything in the policy is filled in with it; the mail server's password is a setting."""
    return secret == "SMTP_PASSWORD" or any(f"${{{secret}}}" in text for text in files.values())  # noqa: S105 -- a name


def _severities(seen: list[Matcher]) -> tuple[tuple[str, ...], list[str]]:
    """The severities that matchers name, lowest first, and those whose names don't say which is higher."""
    named: dict[str, None] = {}
    for one in seen:
        if one.name == "severity" and one.op in (Op.EQUAL, Op.NOT_EQUAL):
            named[one.value] = None
        elif one.name == "severity":
            inner = one.value.removeprefix("^(?:").removesuffix(")$").removeprefix("(").removesuffix(")")
            named.update(dict.fromkeys(inner.split("|") if _ALTERNATIVES.fullmatch(inner) else ()))
    known = [word for rank in _RANKS for word in rank]
    strange = [name for name in named if name and name.lower() not in known]
    ranked = {*DEFAULT_SEVERITIES, *(name for name in named if name.lower() in known)}
    return tuple(sorted(ranked, key=lambda name: (known.index(name.lower()), name))), strange


def _wrong(message: str, _: Value) -> None:
    raise Wrong(message)


__all__ = ["Conversion", "convert", "template_globs"]
