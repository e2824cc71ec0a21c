"""What fires, for whom, and what holds it back: `alerts`, `alerts/groups`, `receivers` and `status`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cmp_to_key
from typing import Any, Final, TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alertrouter import __version__
from alertrouter.incident import Incident
from alertrouter.policy.alertmanager.original import as_alertmanager
from alertrouter.policy.matcher import Matcher, MatcherError, Op, parse_matcher
from alertrouter.policy.policy import Policy
from alertrouter.store.catalogue import Catalogue, Shown
from alertrouter.web.alertmanager.shapes import AlertGroup, GettableAlert, Named, answer, fault
from alertrouter.web.api_access import reads

Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]

SPOKEN: Final = "0.25.0"
"""The version of Alertmanager whose API this is: karma chooses by it how to read what comes."""

REVISION: Final = f"alertrouter {__version__}"
"""What stands for Alertmanager's revision: who really answers."""

NO_ROUTE: Final = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
"""The configuration while no policy is in force: one that can be read."""

MOST_MATCHERS: Final = 50
_TRUE: Final = frozenset({"true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"})
"""What Alertmanager's framework takes for a yes."""


class BadFilter(ValueError):
    """The query can't be read."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts are asked for."""

    matchers: tuple[Matcher, ...]
    receiver: Matcher | None
    active: bool
    silenced: bool
    inhibited: bool

    @classmethod
    def of(cls, request: Request) -> Wanted:
        """Read the query; raises `BadFilter`. What isn't known is ignored, as in Alertmanager."""
        query = request.query_params
        receiver = query.get("receiver")

        def flag(name: str) -> bool:
            # Grafana writes a true one as `active`, with no value: that is no word against it.
            return (query.get(name) or "true").lower() in _TRUE

        try:
            pattern = Matcher("receiver", Op.REGEX, receiver) if receiver else None
        except MatcherError as error:
            raise BadFilter(f"failed to parse receiver param: {error}") from None
        return cls(matchers_of(request), pattern, flag("active"), flag("silenced"), flag("inhibited"))

    def lets(self, shown: Shown) -> bool:
        """Tell whether an alert is asked for, as far as its state goes."""
        if shown.silences and not self.silenced:
            return False
        if shown.inhibited_by and not self.inhibited:
            return False
        return self.active or bool(shown.silences or shown.inhibited_by)

    def goes_to(self, receivers: Iterable[str]) -> bool:
        """Tell whether one of these receivers is asked for."""
        return self.receiver is None or any(self.receiver.matches({"receiver": name}) for name in receivers)


class Reading:
    """The addresses that change nothing."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._started_at = datetime.now(UTC)
        self._written = "", ""

    async def alerts(self, request: Request) -> Response:
        """List what fires, by fingerprint."""
        now = datetime.now(UTC)
        wanted = Wanted.of(request)
        receivers = Receivers(await self._catalogue.policy(), now)
        found = []
        for shown in await self._catalogue.firing(wanted.matchers, now):
            names = receivers.of_alert(shown)
            if wanted.lets(shown) and wanted.goes_to(names):
                found.append(GettableAlert.of(shown, names, now))
        return answer(found)

    async def groups(self, request: Request) -> Response:
        """List what fires by incident and receiver, sorted by the labels of the group."""
        now = datetime.now(UTC)
        wanted = Wanted.of(request)
        receivers = Receivers(await self._catalogue.policy(), now)
        groups: dict[tuple[str, str], AlertGroup] = {}
        for shown in await self._catalogue.firing(wanted.matchers, now):
            if not wanted.lets(shown):
                continue
            # Here Alertmanager names only those receivers of an alert that were asked for, by name.
            named = sorted(name for name in receivers.of_alert(shown) if wanted.goes_to([name]))
            for incident in shown.incidents:
                names = receivers.of_incident(incident)
                for name in (one for one in names if wanted.goes_to([one])):
                    group = AlertGroup([], incident.group_labels, Named(name))
                    alerts = groups.setdefault((incident.id, name), group).alerts
                    alerts.append(GettableAlert.of(shown, named, now))
        return answer(sorted(groups.values(), key=cmp_to_key(_in_order)))

    async def receivers(self, _: Request) -> Response:
        """List the receivers of the policy in force."""
        policy = await self._catalogue.policy()
        return answer([Named(name) for name in (policy.receivers if policy else ())])

    async def status(self, _: Request) -> Response:
        """Say what runs here. There is no cluster: routers stand by one another through Redis."""
        version = dict.fromkeys(("branch", "buildDate", "buildUser", "goVersion"), "")
        return answer(
            {
                "cluster": {"peers": [], "status": "disabled"},
                "config": {"original": await self._configuration()},
                "uptime": self._started_at,
                "versionInfo": {**version, "version": SPOKEN, "revision": REVISION},
            }
        )

    async def _configuration(self) -> str:
        """Write the policy in force down, once each, and beside the event loop: a large one takes a while."""
        policy = await self._catalogue.policy()
        if policy is None:
            return NO_ROUTE
        revision, written = self._written
        if revision != policy.revision:
            written = await asyncio.to_thread(as_alertmanager, policy)
            self._written = policy.revision, written
        return written

    def routes(self) -> list[Route]:
        """Give the routes."""
        addresses = {
            "/api/v2/alerts": self.alerts,
            "/api/v2/alerts/groups": self.groups,
            "/api/v2/receivers": self.receivers,
            "/api/v2/status": self.status,
        }
        return [Route(path, checked(reads(handler)), methods=["GET"]) for path, handler in addresses.items()]


class Receivers:
    """Who hears of an incident first, by the policy in force; remembered for as long as one request lasts."""

    def __init__(self, policy: Policy | None, now: datetime) -> None:
        self._policy = policy
        self._now = now
        self._known: dict[tuple[str, str], tuple[str, ...]] = {}

    def of_alert(self, shown: Shown) -> tuple[str, ...]:
        """The receivers of all its incidents, in the order of its routes."""
        return tuple(dict.fromkeys(name for one in shown.incidents for name in self.of_incident(one)))

    def of_incident(self, incident: Incident) -> tuple[str, ...]:
        """The receivers of an incident; when its route is gone from the policy, those that were told."""
        route = incident.route, incident.severity
        if route not in self._known:
            self._known[route] = self._find(incident)
        return self._known[route]

    def _find(self, incident: Incident) -> tuple[str, ...]:
        route = self._policy.route(incident.route) if self._policy else None
        if self._policy is None or route is None:
            return tuple(dict.fromkeys(one.id.partition("/")[0] for one in incident.destinations))
        return self._policy.receivers_for(route, incident.severity, self._now)


def matchers_of(request: Request) -> tuple[Matcher, ...]:
    """Read the `filter`s of a query, each one matcher; raises `BadFilter`."""
    texts = request.query_params.getlist("filter")
    if len(texts) > MOST_MATCHERS:
        raise BadFilter(f"{len(texts)} filters, expected at most {MOST_MATCHERS}")
    try:
        return tuple(map(parse_matcher, texts))
    except MatcherError as error:
        raise BadFilter(f"bad matcher format: {error}") from None


def checked(handler: Handler) -> Handler:
    """Answer 400 to a query that can't be read."""

    async def answers(request: Request) -> Response:
        try:
            return await handler(request)
        except BadFilter as error:
            return fault(400, str(error))

    return answers


def _in_order(one: AlertGroup, other: AlertGroup) -> int:
    """Compare groups as Alertmanager does: fewer labels first, then by the first label that one lacks or has smaller.

    Source: https://github.com/prometheus/common/blob/main/model/labelset.go, Before.
    """
    if len(one.labels) != len(other.labels):
        return len(one.labels) - len(other.labels)
    for name in sorted({*one.labels, *other.labels}):
        ours, theirs = one.labels.get(name), other.labels.get(name)
        if ours != theirs:
            return -1 if ours is None or (theirs is not None and ours < theirs) else 1
    return (one.receiver.name > other.receiver.name) - (one.receiver.name < other.receiver.name)
