"""`flapping:` and `storm:` → when an incident flaps, and what is too much for one destination at once."""

from __future__ import annotations

from datetime import timedelta

from alertrouter.policy.flapping import FlappingRule, Storm
from alertrouter.policy.reading.value import Value


def flapping(value: Value) -> FlappingRule:
    """Read when an incident flaps; what isn't said is as usual."""
    usual = FlappingRule()
    with value.fields() as fields:
        rule = FlappingRule(
            flips=fields.take("flips", Value.count, usual.flips),
            within=fields.take("within", Value.long_duration, usual.within),
            stable_for=fields.take("stable_for", Value.long_duration, usual.stable_for),
        )
        if not 2 <= rule.flips <= 100:
            fields.wrong(f"found `{rule.flips}`, expected from 2 to 100", "flips")
        return rule


def storm(value: Value) -> Storm:
    """Read what a storm is."""
    with value.fields() as fields:
        rule = Storm(
            incidents=fields.need("incidents", Value.count, 20),
            within=fields.take("within", Value.long_duration, timedelta(minutes=1)),
        )
        if not 1 <= rule.incidents <= 1000:
            fields.wrong(f"found `{rule.incidents}`, expected from 1 to 1000", "incidents")
        return rule
