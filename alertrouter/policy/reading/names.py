"""The names that a policy defines, known before anything that refers to them is read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What there is to refer to. A thing counts as known even when its own text is wrong: one fault, one error.

    `roles` are those of any team, `addressees` all that a role may stand for: receivers, schedules and people.
    """

    severities: tuple[str, ...]
    receivers: tuple[str, ...]
    teams: tuple[str, ...]
    roles: tuple[str, ...]
    policies: tuple[str, ...]
    intervals: tuple[str, ...]
    people: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()

    @property
    def addressees(self) -> tuple[str, ...]:
        """Whatever can be told something, under its own name."""
        return (*self.receivers, *self.schedules, *self.people)
