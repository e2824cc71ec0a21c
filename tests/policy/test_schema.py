"""The JSON Schema for editors takes what the reader takes, and no key that it doesn't."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from alertrouter.errors import PolicyError
from alertrouter.policy.load import load
from alertrouter.policy.schema import schema
from tests.cli.running import run
from tests.policy.texts import SOUND

ROOT = Path(__file__).parents[2]
EXAMPLES = re.findall(
    r"^```yaml policy\n(.*?)^```$", (ROOT / "docs" / "policy.md").read_text(), re.MULTILINE | re.DOTALL
)
POLICIES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "policies").glob("*.yml"))]
VALIDATOR = jsonschema_rs.validator_for(schema())

FULL: dict[str, Any] = {
    "severities": ["info", "critical"],
    "time_intervals": {
        "office": [
            {"times": [{"start_time": "09:00", "end_time": "18:00"}], "weekdays": ["monday:friday"], "years": [2026]}
        ]
    },
    "receivers": {
        "all": {
            "slack": {"channel": "#a", "webhook_url": "${HOOK}"},
            "pagerduty": {"routing_key": "${KEY}", "severity": {"info": "info"}},
            "email": [{"to": ["a@example.org"]}],
            "webhook": {"url": "http://e/", "basic_auth": {"username": "ops"}},
            "inbox": {},
        }
    },
    "people": {"lena": {"email": "lena@example.org"}},
    "schedules": {
        "rota": {
            "fallback": "all",
            "layers": [{"people": ["lena"], "start": "2026-01-05"}],
            "overrides": [{"person": "lena", "from": "2026-03-07 18:00", "until": "2026-03-08 12:00"}],
        }
    },
    "calendars": {"rota": [{"person": "lena", "from": "2026-03-02 18:00", "until": "2026-03-03 12:00"}]},
    "teams": {"ops": {"channel": "all", "oncall": "rota"}},
    "escalation_policies": {
        "page": {
            "levels": [
                {"notify": "channel", "digest": "1h", "if": {"alerts": ">=5"}},
                {"after": "5m", "notify": ["oncall", "all"]},
            ],
            "raise": {"to": "critical", "after": "1h"},
            "repeat": {"every": "30m", "from": 2, "times": 3},
        }
    },
    "route": {"team": "ops", "escalate": {"info": "page"}, "routes": [{"matchers": ['a="b"'], "group_by": ["..."]}]},
    "flapping": {"flips": 3, "within": "10m", "stable_for": "5m"},
    "slack": {"allowed": ["U024BE7LH"]},
    "storm": {"incidents": 5, "within": "2m"},
    "inhibit_rules": [{"source_matchers": ['a="b"'], "target_matchers": ['a="c"'], "equal": ["x"]}],
    "maintenance": [{"matchers": ['a="b"'], "during": "office"}],
    "heartbeats": {"cron": {"every": "1d", "team": "ops", "labels": {"a": "b"}}},
    "tests": [{"name": "one", "alert": {"a": "b"}, "receivers": ["all"]}],
}
"""A policy with every kind of mapping in it."""


def plain(text: str) -> Any:  # noqa: ANN401 -- whatever stands in a YAML text
    """The YAML as an editor's language server hands it to the schema: texts stay texts."""

    class Loader(yaml.SafeLoader):
        """YAML 1.2's plain values."""

    Loader.yaml_implicit_resolvers = {
        sign: [(tag, expression) for tag, expression in each if not tag.endswith(("timestamp", "int", "float"))]
        for sign, each in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))
    return yaml.load(text, Loader)  # noqa: S506 -- a safe loader with fewer kinds of values


def mappings(
    part: Any,  # noqa: ANN401 -- any part of a schema
    value: Any,  # noqa: ANN401 -- and what stands there
    path: tuple[Any, ...] = (),
) -> Iterator[tuple[tuple[Any, ...], frozenset[str]]]:
    """The places of all mappings with given keys in a value, with the keys that the schema knows there."""
    definitions = schema()["$defs"]
    assert isinstance(definitions, dict)
    if "$ref" in part:
        part = definitions[part["$ref"].removeprefix("#/$defs/")]
    if "anyOf" in part:
        part = part["anyOf"][1] if isinstance(value, list) else part["anyOf"][0]
        yield from mappings(part, value, path)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from mappings(part["items"], item, (*path, number))
    elif isinstance(value, dict):
        known = part.get("properties")
        if known is not None:
            yield path, frozenset(known)
        for key, item in value.items():
            yield from mappings(known[key] if known is not None else part["additionalProperties"], item, (*path, key))


PLACES = [(path, known) for path, known in mappings(schema(), FULL)]


def with_unknown_key(path: tuple[Any, ...]) -> dict[str, Any]:
    """The full policy with a key at a place that nobody knows."""
    changed = copy.deepcopy(FULL)
    at: Any = changed
    for step in path:
        at = at[step]
    at["qqqqqq"] = "x"
    return changed


@pytest.mark.parametrize("text", [*EXAMPLES, *POLICIES, SOUND, json.dumps(FULL)])
def test_what_the_reader_takes_the_schema_takes(text: str) -> None:
    """The built-in policy, the examples of the documentation, and one with everything in it."""
    faults = [f"{list(each.instance_path)}: {each.message}" for each in VALIDATOR.iter_errors(plain(text))]

    assert not faults


def test_the_full_policy_is_sound() -> None:
    """So that what follows fails for the reason that it names."""
    assert load({"policy.yml": json.dumps(FULL)}).severities == ("info", "critical")
    assert len(PLACES) >= 24


@pytest.mark.parametrize(("path", "known"), PLACES, ids=[".".join(map(str, path)) or "top" for path, _ in PLACES])
def test_both_know_the_same_keys(path: tuple[Any, ...], known: frozenset[str]) -> None:
    """A key that is unknown is refused by both, and the reader names those of the schema (policy/schema.py)."""
    changed = with_unknown_key(path)

    with pytest.raises(PolicyError) as refused:
        load({"policy.yml": json.dumps(changed)})

    assert not VALIDATOR.is_valid(changed)
    said = next((one.message for one in refused.value.problems if "unknown key `qqqqqq`" in one.message), None)
    if said is None:
        assert path[-2:-1] == ("times",), refused.value
        return
    assert set(re.findall(r"`(\w+)`", said)) - {"qqqqqq"} == set(known)
    assert "…" not in said


def test_the_committed_schema_is_the_one_that_is_printed() -> None:
    """`alertrouter schema > docs/policy.schema.json` brings it up to date."""
    assert (ROOT / "docs" / "policy.schema.json").read_text(encoding="utf-8") == run("schema").out


@pytest.mark.parametrize(
    "text",
    [
        "route: {team: a, group_wait: soon}",
        "receivers: {a: {slack: {webhook_url: 'https://hooks.slack.com/x'}}}",
        "escalation_policies: {a: {levels: [{after: 5m}]}}",
        "severities: high",
        "receivers: {a: {pagerduty: {routing_key: '${K}', severity: {info: loud}}}}",
    ],
)
def test_the_schema_knows_kinds_of_values(text: str) -> None:
    """Durations, placeholders, what is needed, and the words that there are."""
    assert not VALIDATOR.is_valid(plain(text))
