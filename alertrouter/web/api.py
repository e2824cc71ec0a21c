"""The incidents as JSON: the list, and of each its story, its alerts and its deliveries."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, FastAPI, Query
from starlette.requests import Request
from starlette.responses import Response

from alertrouter.alert import Alert
from alertrouter.incident import Incident, State
from alertrouter.policy.matcher import Matcher, MatcherError, parse_matcher
from alertrouter.settings import Settings
from alertrouter.store.doorstore import DoorStore
from alertrouter.web import api_actions, api_policies
from alertrouter.web.api_access import Access, may_read
from alertrouter.web.api_terms import ERRORS, PREFIX, UNKNOWN_INCIDENT, IncidentId, Unreadable, answer_errors, find
from alertrouter.web.silence_scope import scope_of
from alertrouter.web.views import AlertView, DeliveryView, ErrorView, IncidentView, LineView, ScopeView

MOST: Final = 10_000

Limit = Annotated[int, Query(ge=1, le=MOST, description="So many at most.")]
States = Annotated[list[State] | None, Query(description="Only these states; may be given several times.")]
Severities = Annotated[list[str] | None, Query(description="Only these severities; may be given several times.")]
Matchers = Annotated[
    list[str] | None,
    Query(
        max_length=20,
        description='Only incidents with an alert of these labels, as component="ai" or model=~"gpt.*"; all must hold.',
    ),
]
Before = Annotated[int | None, Query(ge=1, le=2**53, description="Only incidents with a lower number.")]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which incidents are asked for."""

    states: frozenset[State]
    severities: frozenset[str]
    before: int | None

    def lets(self, incident: Incident) -> bool:
        """Tell whether an incident is among them."""
        return (
            (not self.states or incident.state in self.states)
            and (not self.severities or incident.severity in self.severities)
            and (self.before is None or incident.number < self.before)
        )


def mount(app: FastAPI, store: DoorStore, settings: Settings) -> None:
    """Add the API to the application."""
    app.state.access = Access(settings.api_tokens, settings.host)
    app.include_router(_reading(store))
    app.include_router(api_actions.router(store))
    app.include_router(api_policies.router(store))
    answer_errors(app)
    api_actions.answer_refusals(app)
    app.add_exception_handler(api_policies.Refused, api_policies.refused)


def _reading(store: DoorStore) -> APIRouter:
    api = APIRouter(prefix=PREFIX, tags=["incidents"], dependencies=[Depends(may_read)], responses=ERRORS)

    @api.get("", responses={400: {"model": ErrorView, "description": "A matcher can't be read"}})
    async def incidents(
        request: Request,
        response: Response,
        state: States = None,
        severity: Severities = None,
        match: Matchers = None,
        before: Before = None,
        limit: Limit = 1000,
    ) -> list[IncidentView]:
        """List the incidents, newest first. When there are more, `Link` names the next page."""
        matchers = _matchers(match or [])
        wanted = Filter(frozenset(state or ()), frozenset(severity or ()), before)
        found = [one for one in await store.incidents() if wanted.lets(one)]
        if matchers:
            alerts = await store.alerts()
            found = await asyncio.to_thread(_matching, found, alerts, matchers)
        if len(found) > limit:
            following = request.url.include_query_params(before=found[limit - 1].number)
            response.headers["Link"] = f'<{following}>; rel="next"'
        return [IncidentView.of(one) for one in found[:limit]]

    _offer_stories(api, store)
    _offer_one(api, store)
    return api


def _offer_stories(api: APIRouter, store: DoorStore) -> None:
    @api.get("/{incident}/timeline", responses=UNKNOWN_INCIDENT)
    async def timeline(incident: IncidentId, limit: Limit = 100) -> list[LineView]:
        """Tell what happened to an incident, oldest first; also of one that is long over."""
        lines = await store.timeline(incident, limit)
        if not lines:
            await find(store, incident)
        return [LineView.of(line) for line in lines]

    @api.get("/{incident}/deliveries", responses=UNKNOWN_INCIDENT)
    async def deliveries(incident: IncidentId, limit: Limit = 100) -> list[DeliveryView]:
        """Tell the fate of its newest deliveries, oldest first; for a week, also when the incident is long over."""
        rows = await store.deliveries(incident, limit)
        if not rows and not await store.timeline(incident, 1):
            await find(store, incident)
        return [DeliveryView.of(row) for row in rows]


def _offer_one(api: APIRouter, store: DoorStore) -> None:
    @api.get("/{incident}/alerts", responses=UNKNOWN_INCIDENT)
    async def alerts(incident: IncidentId, limit: Limit = 1000) -> list[AlertView]:
        """Show its alerts, the oldest first, and why each is held back."""
        found = await find(store, incident)
        known = await store.alerts()
        ours = await asyncio.to_thread(lambda: [one for one in known if incident in one.incidents])
        return AlertView.list_of(found, ours, datetime.now(UTC))[:limit]

    @api.get("/{incident}", responses=UNKNOWN_INCIDENT)
    async def one(incident: IncidentId) -> IncidentView:
        """Show one incident."""
        return IncidentView.of(await find(store, incident))

    @api.get("/{incident}/scope", responses=UNKNOWN_INCIDENT)
    async def scope(incident: IncidentId) -> ScopeView:
        """Give the matchers of a silence that would hide it and what joins it; none when that would hide too much."""
        found = await find(store, incident)
        return ScopeView(matchers=[str(one) for one in scope_of(found, await store.policy())])


def _matchers(texts: Iterable[str]) -> tuple[Matcher, ...]:
    try:
        return tuple(map(parse_matcher, texts))
    except MatcherError as error:
        raise Unreadable(f"match: {error}") from None


def _matching(incidents: Sequence[Incident], alerts: Iterable[Alert], matchers: Sequence[Matcher]) -> list[Incident]:
    """Give the incidents of which one alert meets all matchers; one whose alerts are forgotten goes by its group."""
    labels: defaultdict[str, list[Mapping[str, str]]] = defaultdict(list)
    for alert in alerts:
        for incident in alert.incidents:
            labels[incident].append(alert.labels)
    return [
        one
        for one in incidents
        if any(
            all(matcher.matches(found) for matcher in matchers) for found in labels.get(one.id) or [one.group_labels]
        )
    ]
