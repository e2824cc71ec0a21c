"""Matchers: one condition on one label, in Alertmanager's grammar."""

from __future__ import annotations

from alertrouter.alert import Labels


class Matcher:
    """One condition on one label. A label that is not there equals the empty string. Regexes are RE2, anchored."""

    name: str
    op: str  # "=", "!=", "=~", "!~"
    value: str

    def matches(self, labels: Labels) -> bool:
        """Tell whether a label set meets the condition."""
        raise NotImplementedError
