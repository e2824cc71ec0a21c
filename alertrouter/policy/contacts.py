"""People as receivers: `person:lena`, and `person:lena@ai` where team ai has a Slack channel to call for her in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from alertrouter.policy.escalation import Team
from alertrouter.policy.oncall import Person
from alertrouter.policy.receiver import (
    Channel,
    EmailOptions,
    Integration,
    Options,
    PagerDutyOptions,
    Receiver,
    SlackOptions,
)

PREFIX: Final = "person:"
"""What the names of these receivers begin with, and no other's."""


def receiver_of(person: str, team: str = "") -> str:
    """The name of the receiver that a person is, for a team with a Slack channel or for none."""
    return f"{PREFIX}{person}@{team}" if team else f"{PREFIX}{person}"


def names_of_people(people: Iterable[str], teams: Iterable[str]) -> dict[str, str]:
    """Who the receivers of people are, under their own names."""
    sides = ("", *teams)
    return {receiver_of(person, team): person for person in people for team in sides}


def person_receivers(
    people: Iterable[Person], teams: Iterable[Team], receivers: Mapping[str, Receiver]
) -> dict[str, Receiver]:
    """Make the receivers of all people.

    In Slack a person is mentioned in the channel of the team, so that the others see it; without such a channel they
    get a message of their own.
    """
    channels = {team.name: options for team in teams if (options := _slack_of(team, receivers)) is not None}
    made: dict[str, Receiver] = {}
    for person in people:
        own = SlackOptions(channel=person.slack) if person.slack else None
        made[receiver_of(person.name)] = _receiver(receiver_of(person.name), person, own)
        for team, options in channels.items() if person.slack else ():
            name = receiver_of(person.name, team)
            made[name] = _receiver(name, person, replace(options, mention=person.slack))
    return made


def _receiver(name: str, person: Person, slack: SlackOptions | None) -> Receiver:
    ways: list[tuple[Channel, Options]] = []
    if slack is not None:
        ways.append((Channel.SLACK, slack))
    if person.pagerduty:
        ways.append((Channel.PAGERDUTY, PagerDutyOptions(routing_key=person.pagerduty)))
    if person.email:
        ways.append((Channel.EMAIL, EmailOptions(to=(person.email,))))
    return Receiver(
        name=name,
        integrations=tuple(
            Integration(id=f"{name}/{channel}", receiver=name, channel=channel, options=options)
            for channel, options in ways
        ),
    )


def _slack_of(team: Team, receivers: Mapping[str, Receiver]) -> SlackOptions | None:
    receiver = receivers.get(team.roles.get("channel", ""))
    found = [one.options for one in receiver.integrations if isinstance(one.options, SlackOptions)] if receiver else []
    return found[0] if found else None
