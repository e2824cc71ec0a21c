"""Alerts take the same routes as in Alertmanager, with the same options, route keys and group keys."""

from __future__ import annotations

import msgspec
import pytest

from alertrouter.policy.alertmanager.conversion import convert
from alertrouter.policy.load import load
from alertrouter.policy.route import Match


class Taken(msgspec.Struct, frozen=True):
    """A route that the alert takes, with the options in force there. `['...']` shows as no labels to group by."""

    receiver: str | None
    group_by: list[str]
    group_wait_s: float
    group_interval_s: float
    repeat_interval_s: float
    mute_time_intervals: list[str]
    active_time_intervals: list[str]
    route_labels: dict[str, str]
    route_key: str
    group_labels: dict[str, str]
    group_key: str


class Case(msgspec.Struct):
    """A configuration, an alert, and where it goes."""

    id: str
    config: str
    labels: dict[str, str]
    receivers: list[str]
    routes: list[Taken]


def _taken(match: Match) -> Taken:
    options = match.route.options
    return Taken(
        receiver=options.receiver,
        group_by=["..."] if options.group_by is None else sorted(options.group_by),
        group_wait_s=options.group_wait.total_seconds(),
        group_interval_s=options.group_interval.total_seconds(),
        repeat_interval_s=options.repeat_interval.total_seconds(),
        mute_time_intervals=list(options.mute_time_intervals),
        active_time_intervals=list(options.active_time_intervals),
        route_labels=dict(options.labels),
        route_key=match.route.key,
        group_labels=dict(match.group_labels),
        group_key=match.group_key,
    )


@pytest.mark.conformance("routes.json", Case)
def test_an_alert_takes_the_routes_that_alertmanager_takes(case: Case) -> None:
    """The same receivers in the same order, and the same options on each route."""
    found = convert("alertmanager.yml", case.config)
    policy = load(found.files)

    matches = policy.routes(case.labels)

    assert not found.problems
    assert [match.route.options.receiver for match in matches] == case.receivers
    assert [_taken(match) for match in matches] == case.routes
