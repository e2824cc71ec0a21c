"""YAML files → Policy, or every fault at its place."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from alertrouter.errors import PolicyError, Problem
from alertrouter.policy.contacts import person_receivers
from alertrouter.policy.policy import Policy, in_maintenance, muted_by, outside
from alertrouter.policy.reading.escalations import escalation_policies, teams
from alertrouter.policy.reading.faults import Faults, Place
from alertrouter.policy.reading.flapping import flapping, storm
from alertrouter.policy.reading.heartbeats import Reader as Heartbeats
from alertrouter.policy.reading.heartbeats import ahead_of
from alertrouter.policy.reading.intervals import time_intervals, timezone
from alertrouter.policy.reading.maintenance import maintenance
from alertrouter.policy.reading.matchers import inhibit_rules
from alertrouter.policy.reading.names import Names
from alertrouter.policy.reading.oncall import calendars, people, schedules, slack_allowed
from alertrouter.policy.reading.receivers import receivers
from alertrouter.policy.reading.routes import route_tree, shortcut
from alertrouter.policy.reading.tests import policy_tests
from alertrouter.policy.reading.value import Fields, Value, each_of, one_of, unique
from alertrouter.policy.reading.yamltext import Entry, Scalar, Table, parse
from alertrouter.policy.route import Route

DEFAULT_SEVERITIES: Final = ("info", "warning", "critical")
CALENDARS: Final = "calendars"
"""The file in which the router adds what it has read of the calendars."""

REOPEN_WITHIN: Final = timedelta(minutes=10)


def load(files: Mapping[str, str]) -> Policy:
    """Check and build the policy of these texts (file name → YAML). Pure: reads no file. Raises `PolicyError`."""
    if not files:
        raise PolicyError((Problem("", 0, 0, "", "found no file, expected at least one"),))
    faults = Faults(files)
    with Value(_merged(files, faults), "", faults).fields() as fields:
        fields.blanks_absent = True
        policy = _policy(fields, revision(files))
    faults.raise_if_any()
    assert policy is not None  # noqa: S101 -- None only with a fault, which has been raised
    return policy


def load_each(
    texts: Mapping[str, Mapping[str, str]], known: Mapping[str, Policy]
) -> tuple[dict[str, Policy], dict[str, PolicyError]]:
    """The policies of these texts by revision, and the faults of those that can't be loaded; some are `known`."""
    policies: dict[str, Policy] = {}
    unloadable: dict[str, PolicyError] = {}
    for revision, files in texts.items():
        try:
            policies[revision] = known.get(revision) or load(files)
        except PolicyError as error:
            unloadable[revision] = error
    return policies, unloadable


def revision(files: Mapping[str, str]) -> str:
    """The content hash that names a policy: the same texts, the same name, on any machine."""
    content = hashlib.sha256()
    for name, text in sorted(files.items()):
        for part in (name.encode(errors="surrogatepass"), text.encode(errors="surrogatepass")):
            content.update(len(part).to_bytes(8) + part)
    return content.hexdigest()[:12]


def own_revision(files: Mapping[str, str]) -> str:
    """The revision of what people wrote, whatever the calendars say: two with the same one are one policy to them."""
    return revision({name: text for name, text in files.items() if name != CALENDARS})


def _merged(files: Mapping[str, str], faults: Faults) -> Table:
    """One mapping made of all files. A file that isn't YAML ends the reading: half a policy refers to nothing."""
    entries: dict[str, Entry] = {}
    roots = {file: parse(file, text, faults) for file, text in files.items()}
    for file, root in roots.items():
        if isinstance(root, Table):
            for key, entry in root.entries.items():
                if key in entries:
                    first = entries[key].place
                    where = f"{first.file}:{first.line}"
                    faults.add(
                        entry.place, key, f"found `{key}` again, expected it only in {where}, where it stands first"
                    )
                entries.setdefault(key, entry)
        elif root is not None and not (isinstance(root, Scalar) and root.null):
            faults.add(Place(file, 1, 1), "", "expected a mapping of keys such as `route` and `receivers`")
    if None in roots.values():
        faults.raise_if_any()
    return Table(Place(next(iter(files)), 1, 1), entries, len(entries), 1)


def _policy(fields: Fields, content: str) -> Policy | None:
    """Read the sections, a line each, in the order in which they refer to one another; None when there is no route."""
    names = _names(fields)
    zone = fields.take("timezone", timezone, ZoneInfo("UTC"))
    intervals = fields.take("time_intervals", partial(time_intervals, zone), {})
    places = fields.need("receivers", partial(receivers, names), {})
    persons = fields.take("people", partial(people, names), {})
    rotas = fields.take("schedules", partial(schedules, names, zone, intervals), {})
    shifts = fields.take("calendars", partial(calendars, names), {})
    rotas = {name: replace(rota, shifts=shifts.get(name, ())) for name, rota in rotas.items()}
    sides = fields.take("teams", partial(teams, names), {})
    places = {**places, **person_receivers(persons.values(), sides.values(), places)}
    ladders = fields.take("escalation_policies", partial(escalation_policies, names), {})
    root = fields.need("route", partial(route_tree, names, sides, ladders), None)
    rules = fields.take("inhibit_rules", inhibit_rules, ())
    default_severity = fields.take("default_severity", one_of("severity", names.severities), _usual(names))
    signs = Heartbeats(names, default_severity, partial(shortcut, names, sides, ladders, root) if root else None)
    beats = fields.take("heartbeats", signs.read, {})
    windows = fields.take("maintenance", partial(maintenance, names), ())
    holders = (*(rule.name for rule in rules), *_holds(root), *(in_maintenance(one.name) for one in windows))
    told = replace(names, receivers=tuple(dict.fromkeys((*names.receivers, *names.schedules, *places))))
    tests = fields.take("tests", partial(policy_tests, told, holders), ())
    reopen_within = fields.take("reopen_within", Value.duration, REOPEN_WITHIN)
    flips = fields.take("flapping", flapping, None)
    burst = fields.take("storm", storm, None)
    actors = fields.take("slack", partial(slack_allowed, persons), frozenset())
    if root is None:
        return None
    return Policy(
        revision=content,
        severities=names.severities,
        default_severity=default_severity,
        timezone=zone,
        root=ahead_of(root, signs.routes),
        receivers=places,
        teams=sides,
        escalation_policies=ladders,
        inhibit_rules=rules,
        time_intervals=intervals,
        tests=tests,
        reopen_within=reopen_within,
        flapping=flips,
        storm=burst,
        heartbeats=beats,
        maintenance=windows,
        people=persons,
        schedules=rotas,
        slack_allowed=actors,
    )


def _usual(names: Names) -> str:
    """The severity of alerts without one, unless the policy says otherwise."""
    return "warning" if "warning" in names.severities else names.severities[-1]


def _holds(root: Route | None) -> tuple[str, ...]:
    """All that the time intervals of the routes can say when they hold a message back."""
    holds: list[str] = []
    for route in root.all() if root else ():
        holds += map(muted_by, route.options.mute_time_intervals)
        holds += [outside(route.options.active_time_intervals)] if route.options.active_time_intervals else []
    return tuple(dict.fromkeys(holds))


def _names(fields: Fields) -> Names:
    return Names(
        severities=fields.take("severities", _severities, DEFAULT_SEVERITIES),
        receivers=fields.names("receivers"),
        teams=fields.names("teams"),
        roles=tuple(dict.fromkeys(role for team in fields.names("teams") for role in fields.names("teams", team))),
        policies=fields.names("escalation_policies"),
        intervals=fields.names("time_intervals"),
        people=fields.names("people"),
        schedules=fields.names("schedules"),
    )


def _severities(value: Value) -> tuple[str, ...]:
    severities = unique(each_of(Value.text))(value)
    if not severities:
        raise value.expected("at least one severity, lowest first")
    return severities
