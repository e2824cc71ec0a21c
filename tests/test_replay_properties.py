"""Whatever happened: a replay of what was recorded of it, under the same policy, tells what was told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from alertrouter.alert import AlertReport
from alertrouter.delivery import Outcome
from alertrouter.engine.changes import Changes
from alertrouter.engine.engine import Engine
from alertrouter.engine.state import EngineState
from alertrouter.events import AlertsReceived, Event, SilenceExpired, SilenceSet
from alertrouter.policy.load import load
from alertrouter.record import Record, Told, pack, unpack
from alertrouter.silence import SilenceMatcher, SilenceState
from alertrouter.simulate.acts import settled
from alertrouter.simulate.quiet import with_those_before
from alertrouter.simulate.replay import Message, live_again
from alertrouter.store.records import records_of
from tests.times import START, at

POLICY = load(
    {
        "policy.yml": """
receivers: {chat: {inbox: {}}, pager: {pagerduty: {routing_key: "${KEY}"}}}
teams: {ai: {channel: chat, oncall: pager}}
escalation_policies:
  page:
    levels: [{notify: channel}, {after: 10m, notify: oncall}]
    repeat: {every: 20m, from: 2}
route: {team: ai, group_by: [alertname], group_wait: 10s, group_interval: 5m, escalate: {critical: page}}
time_intervals: {window: [{times: [{start_time: "10:20", end_time: "10:50"}]}]}
maintenance: [{name: moving, matchers: ['alertname="C"'], during: window}]
"""
    }
)


class Router:
    """An engine that gets events, as a router has it; whatever it sends arrives at once."""

    def __init__(self) -> None:
        state = EngineState(policies={POLICY.revision: {}}, active=POLICY.revision)
        self.engine = Engine(state, now=START, loaded={POLICY.revision: POLICY})
        self.records: list[Record] = []
        self._keys = 0

    def come_to(self, moment: datetime) -> None:
        """Let what is due before a moment happen."""
        while (due := self.engine.next_due()) is not None and due < moment:
            self._keep(self.engine.advance(due))

    def happens(self, what: tuple[str, ...], moment: datetime) -> None:
        """Let something happen, if it can."""
        self.come_to(moment)
        self._keys += 1
        event = self._event(what, moment, f"k{self._keys}")
        if event is not None:
            self._keep(self.engine.apply(event))

    def _event(self, what: tuple[str, ...], moment: datetime, key: str) -> Event | None:
        lasting = [one for one in self.engine.state.silences.values() if one.state is not SilenceState.EXPIRED]
        match what:
            case ("fires" | "ends" as how, name):
                ends = moment if how == "ends" else None
                labels = {"alertname": name, "severity": "critical"}
                report = AlertReport.of(labels, starts_at=moment, ends_at=ends)
                return AlertsReceived(at=moment, actor="t", key=key, alerts=(report,))
            case ("silence", name, minutes, with_alerts):
                return SilenceSet(
                    at=moment,
                    actor="lena",
                    key=key,
                    matchers=(SilenceMatcher("alertname", name, is_regex=True),),
                    starts_at=moment,
                    ends_at=moment + timedelta(minutes=int(minutes)),
                    created_by="lena",
                    with_alerts=with_alerts == "yes",
                )
            case ("change", minutes) if lasting:
                old = lasting[-1]
                return SilenceSet(
                    at=moment,
                    actor="omar",
                    key=key,
                    matchers=old.matchers,
                    starts_at=old.starts_at,
                    ends_at=moment + timedelta(minutes=int(minutes)),
                    created_by="omar",
                    silence=old.id,
                )
            case ("expire",) if lasting:
                return SilenceExpired(at=moment, actor="omar", key=key, silence=lasting[0].id)
        return None

    def _keep(self, changes: Changes) -> None:
        self.records += unpack(pack(records_of(changes, self.engine.clock)))
        for delivery in changes.deliveries:
            self._keep(self.engine.apply(settled(delivery, self.engine.clock, Outcome.SENT)))


NAMES = st.sampled_from("ABC")
MINUTES = st.sampled_from(["5", "20", "60"])
SILENCED = st.sampled_from(["A", "A|B", ".+"])
WHAT = st.one_of(
    st.tuples(st.just("fires"), NAMES),
    st.tuples(st.just("ends"), NAMES),
    st.tuples(st.just("silence"), SILENCED, MINUTES, st.sampled_from(["", "yes"])),
    st.tuples(st.just("change"), MINUTES),
    st.tuples(st.just("expire")),
)
HAPPENINGS = st.lists(st.tuples(st.sampled_from([0, 10, 60, 300, 600, 900]), WHAT), min_size=5, max_size=15)
"""Each so many seconds after the one before."""


def lived(happenings: Iterable[tuple[int, tuple[str, ...]]]) -> list[Record]:
    """What a router records of these, until half an hour later. It begins with an alert, so that the records do."""
    router, second = Router(), 0
    router.happens(("fires", "Z"), START)
    for after, what in happenings:
        second += after
        router.happens(what, at(seconds=second))
    router.come_to(at(minutes=30, seconds=second))
    return router.records


def told(records: Iterable[Record]) -> list[tuple[datetime, str, bool]]:
    """What was told."""
    return sorted((one.at, one.receiver, one.over) for one in records if isinstance(one, Told))


def retold(messages: Iterable[Message], until: datetime) -> list[tuple[datetime, str, bool]]:
    """What a replay tells until a moment; it goes on for an hour."""
    return sorted((one.at, one.receiver, one.over) for one in messages if one.at <= until)


@given(HAPPENINGS)
@hypothesis_settings(max_examples=50, deadline=None)
def test_a_replay_tells_what_was_told(happenings: list[tuple[int, tuple[str, ...]]]) -> None:
    """Alerts and silences come and go; some silences end with their alerts, one is the policy's."""
    records = lived(happenings)

    found = live_again(with_those_before(records), POLICY).messages

    assert retold(found, records[-1].at) == told(records)
