"""What the recorded history says of some days: who was paged when, how fast people were, what made the noise. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from statistics import fmean, median
from typing import Final

from alertrouter.alert import Fingerprint
from alertrouter.policy.contacts import names_of_people
from alertrouter.policy.interval import TimeInterval
from alertrouter.policy.policy import Policy
from alertrouter.record import Ended, Fired, Moved, Record, Told
from alertrouter.simulate.replay import PAGES
from alertrouter.transition import Transition

SOON: Final = timedelta(minutes=30)
"""An alert that fires again this soon after its end flaps."""

FEWEST_FLAPS: Final = 3
MOST_NAMED: Final = 10

_GONE: Final = "(no longer in the policy)"
_OVER: Final = frozenset({Transition.RESOLVE, Transition.CLOSE})
_TAKEN: Final = frozenset({Transition.ACK, Transition.ACK_TOO})


@dataclass(frozen=True, slots=True)
class Spans:
    """How long something took: how often it was seen, the mean (MTTA, MTTR), the median, what nine of ten take at most.

    In seconds.
    """

    count: int
    mean: float | None
    median: float | None
    ninth: float | None

    @classmethod
    def of(cls, spans: Sequence[timedelta]) -> Spans:
        """Sum them up."""
        if not spans:
            return cls(0, None, None, None)
        ordered = sorted(span.total_seconds() for span in spans)
        return cls(len(ordered), fmean(ordered), median(ordered), ordered[-(-len(ordered) * 9 // 10) - 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The pages of one person, or of one receiver that isn't a person's."""

    who: str
    pages: int
    out_of_hours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Untaken:
    """An incident that paged and that nobody took before it was over."""

    incident: str
    title: str
    at: datetime
    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A stretch of time, summed up, as `report -o json` prints it. Hours are those of the policy's zone, 0 to 23.

    `ran_out` counts by escalation policy and team how often no level was left.
    """

    since: datetime | None
    until: datetime | None
    alerts: int
    incidents: int
    messages: int
    pages: int
    pages_by_team: Mapping[str, int]
    pages_by_hour: Mapping[int, int]
    pages_by_day: Mapping[str, int]
    to_acknowledge: Spans
    to_resolve: Spans
    loads: tuple[Load, ...]
    noisiest: Mapping[str, int]
    flapping: Mapping[str, int]
    never_acknowledged: tuple[Untaken, ...]
    ran_out: Mapping[str, int]


@dataclass(slots=True)
class _Story:
    """What is known of one incident."""

    route: str = ""
    opened: datetime | None = None
    taken: datetime | None = None
    over: datetime | None = None
    pages: list[datetime] = field(default_factory=list)
    title: str = ""


def report(records: Iterable[Record], policy: Policy, hours: Sequence[TimeInterval]) -> Report:
    """Sum the records up; teams and zone are the policy's, `hours` those in which people are at work."""
    reader = _Reader(policy, hours)
    for record in records:
        reader.take(record)
    return reader.report()


class _Reader:
    """Reads records in order of time."""

    def __init__(self, policy: Policy, hours: Sequence[TimeInterval]) -> None:
        self._policy = policy
        self._zone: tzinfo = policy.timezone
        self._hours = hours
        self._people = names_of_people(policy.people, policy.teams)
        self._stories: dict[str, _Story] = {}
        self._alerts: Counter[str] = Counter()
        self._flaps: Counter[str] = Counter()
        self._ended: dict[Fingerprint, datetime] = {}
        self._told: list[Told] = []
        self._ran_out: Counter[str] = Counter()
        self._first: datetime | None = None
        self._last: datetime | None = None

    def take(self, record: Record) -> None:
        self._first = self._first or record.at
        self._last = record.at
        match record:
            case Fired():
                self._fire(record)
            case Ended(at=at, alert=alert):
                self._ended[alert] = at
            case Told():
                self._told.append(record)
                if record.channel in PAGES and not record.over:
                    self._story(record.incident).pages.append(record.at)
            case Moved():
                self._move(record)

    def _story(self, incident: str) -> _Story:
        return self._stories.setdefault(incident, _Story())

    def _fire(self, record: Fired) -> None:
        name = record.labels.get("alertname", "(no alertname)")
        shown = ", ".join(f"{key}={value}" for key, value in sorted(record.labels.items()))
        self._alerts[name] += 1
        before = self._ended.pop(record.alert, None)
        if before is not None and record.at - before <= SOON:
            self._flaps[shown] += 1
        for incident in record.incidents:
            story = self._story(incident)
            story.title = story.title or name

    def _move(self, record: Moved) -> None:
        story = self._story(record.incident)
        story.route = story.route or record.route
        if record.transition is Transition.OPEN:
            story.opened = story.opened or record.at
        elif record.transition in _TAKEN:
            story.taken = story.taken or record.at
        elif record.transition in _OVER:
            story.over = record.at
        elif record.transition is Transition.DONE:
            self._run_out(record)

    def _run_out(self, record: Moved) -> None:
        """Count an escalation that came to its end. One of a single level has nothing to climb: that is no news."""
        route = self._policy.route(record.route)
        escalation = self._policy.escalation(route, record.severity) if route else None
        if escalation is None:
            self._ran_out[_GONE] += 1
        elif len(escalation.levels) > 1 or escalation.repeat is not None:
            self._ran_out[f"{escalation.name} ({self._team(record.incident)})"] += 1

    # Summing up

    def report(self) -> Report:
        paged = [one for one in self._told if one.channel in PAGES and not one.over]
        local = [one.at.astimezone(self._zone) for one in paged]
        stories = self._stories
        taken = [one.taken - one.opened for one in stories.values() if one.taken and one.opened]
        over = [one.over - one.opened for one in stories.values() if one.over and one.opened]
        untaken = [
            Untaken(incident=name, title=one.title, at=one.pages[0], pages=len(one.pages))
            for name, one in stories.items()
            if one.pages and one.taken is None
        ]
        return Report(
            since=self._first,
            until=self._last,
            alerts=self._alerts.total(),
            incidents=sum(one.opened is not None for one in stories.values()),
            messages=len(self._told),
            pages=len(paged),
            pages_by_team=_ordered(Counter(self._team(one.incident) for one in paged)),
            pages_by_hour=dict(sorted(Counter(at.hour for at in local).items())),
            pages_by_day=dict(sorted(Counter(f"{at:%Y-%m-%d}" for at in local).items())),
            to_acknowledge=Spans.of(taken),
            to_resolve=Spans.of(over),
            loads=self._loads(paged),
            noisiest=_ordered(self._alerts, MOST_NAMED),
            flapping=_ordered(Counter({n: c for n, c in self._flaps.items() if c >= FEWEST_FLAPS}), MOST_NAMED),
            never_acknowledged=tuple(sorted(untaken, key=lambda one: (-one.pages, one.at))[:MOST_NAMED]),
            ran_out=_ordered(self._ran_out),
        )

    def _team(self, incident: str) -> str:
        story = self._stories.get(incident)
        route = self._policy.route(story.route) if story else None
        return (route.options.team or route.options.receiver or "") if route else _GONE

    def _loads(self, paged: Sequence[Told]) -> tuple[Load, ...]:
        pages, late = Counter[str](), Counter[str]()
        for one in paged:
            who = self._people.get(one.receiver, one.receiver)
            pages[who] += 1
            late[who] += not any(interval.contains(one.at) for interval in self._hours)
        return tuple(Load(who=who, pages=count, out_of_hours=late[who]) for who, count in _ordered(pages).items())


def _ordered(counted: Counter[str], most: int | None = None) -> dict[str, int]:
    """The most frequent first."""
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return dict(ranked[:most])
