"""Inhibition rules: an alert that explains another one holds it back."""

from __future__ import annotations

from dataclasses import dataclass

from alertrouter.alert import Labels
from alertrouter.policy.matcher import Matcher


@dataclass(frozen=True, slots=True, kw_only=True)
class InhibitRule:
    """While a source fires, targets with the same values of the `equal` labels are held back."""

    name: str
    source_matchers: tuple[Matcher, ...]
    target_matchers: tuple[Matcher, ...]
    equal: tuple[str, ...]

    def is_source(self, labels: Labels) -> bool:
        """Tell whether an alert with these labels can hold others back."""
        return all(matcher.matches(labels) for matcher in self.source_matchers)

    def is_target(self, labels: Labels) -> bool:
        """Tell whether an alert with these labels can be held back."""
        return all(matcher.matches(labels) for matcher in self.target_matchers)

    def key(self, labels: Labels) -> tuple[str, ...]:
        """The values that source and target must share; a missing label is the empty string."""
        return tuple(labels.get(name, "") for name in self.equal)
