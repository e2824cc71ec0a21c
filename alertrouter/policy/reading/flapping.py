"""`flapping:` → from when on an incident flaps, and until when."""

from __future__ import annotations

from alertrouter.policy.flapping import FlappingRule
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
