"""Which of the policy's people somebody is, who comes by Slack, by PagerDuty or by a link in a mail."""

from __future__ import annotations

from collections.abc import Iterable

from alertrouter.policy.oncall import Person


def known_as(people: Iterable[Person], *, slack: str = "", pagerduty: str = "", email: str = "") -> str:
    """The name of the person who has this Slack user id, PagerDuty user id or address; "" when nobody has."""
    for person in people:
        if slack and person.slack == slack:
            return person.name
        if pagerduty and person.pagerduty_user == pagerduty:
            return person.name
        if email and person.email.casefold() == email.casefold():
            return person.name
    return ""
