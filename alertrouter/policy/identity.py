"""Which of the policy's people somebody is who comes by Slack, PagerDuty or a mail's link; and who is whom."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from alertrouter.policy.oncall import Person

ANONYMOUS: Final = "anonymous"
"""Who acts where nobody has to say who they are."""

_THROUGH: Final = re.compile(r" \([^()]*\)\Z")


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


def same_person(one: str, other: str) -> bool:
    """Tell whether two actors are one person, whatever each came through: `Lena (slack)` and `Lena (pagerduty)`.

    Whom the policy doesn't know has the name of one door alone: `@lena (slack)` may be anybody elsewhere, and so may
    `anonymous`. They are compared as they are.
    """
    return _name(one) == _name(other)


def _name(actor: str) -> str:
    name = _THROUGH.sub("", actor)
    return actor if name == ANONYMOUS or name.startswith("@") else name
