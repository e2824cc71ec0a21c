"""Two policies side by side through one history: their engines, without a router."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from alertrouter.alert import fingerprint
from alertrouter.calendars.keeper import FILE, written
from alertrouter.policy.load import load
from alertrouter.policy.oncall import Shift
from alertrouter.policy.policy import Policy
from alertrouter.record import Ended, Fired, Moved, Record, Silenced
from alertrouter.silence import SilenceMatcher
from alertrouter.simulate.beside import Beside
from alertrouter.transition import Transition
from tests.follower.watched import LIVE
from tests.times import START, at

ROTA = 'schedules: {rota: {ical: "${ONCALL_ICAL}", fallback: chat}}\n'


def test_the_shifts_of_calendars_are_those_that_the_router_has_read() -> None:
    """So a published policy, which has none yet, calls whom it would call if it were in force."""

    def policy(text: str, who: str) -> Policy:
        shift = Shift(person=who, since=START, until=START + timedelta(days=1))
        return load({"policy.yml": text, FILE: written({"rota": (shift,)})})

    text = LIVE.replace("oncall: pager", "oncall: rota") + ROTA
    beside = Beside(policy(text, "lena"), load({"policy.yml": text.replace("after: 10m", "after: 2m")}), START)
    beside.take(began("Down", 60))
    beside.wait(at(minutes=5))
    (changed,) = beside.sums()[1].changed
    assert [one.receiver for one in changed.shadow] == ["chat", "lena"]

    beside.follow(policy(text, "omar"), at(minutes=6))
    beside.take(began("Slow", 360))
    beside.wait(at(minutes=9))
    slow, _ = beside.sums()[1].changed
    assert [one.receiver for one in slow.shadow] == ["chat", "omar"]


INHIBITING = (
    LIVE
    + """
inhibit_rules:
  - {source_matchers: ['alertname="A"'], target_matchers: ['alertname="B"']}
flapping: {flips: 3, within: 30m, stable_for: 5m}
"""
)
SECONDS = st.integers(0, 720).map(lambda number: 10 * number)
"""As group_wait and all else here are multiples of ten seconds, much falls on the same moment."""


def began(name: str, second: float) -> Fired:
    """An alert that begins so long after the start."""
    labels = {"alertname": name, "severity": "critical"}
    moment = at(seconds=second)
    return Fired(at=moment, alert=fingerprint(labels), labels=labels, starts_at=moment, incidents=(f"INC-{name}",))


@st.composite
def histories(draw: st.DrawFn) -> list[Record]:
    """Alerts that begin and end, some taken or silenced by somebody, within two hours."""
    moments = sorted(draw(st.lists(SECONDS, max_size=30)))
    found: list[Record] = []
    firing: set[str] = set()
    for second in moments:
        name = draw(st.sampled_from("ABCD"))
        labels = {"alertname": name, "severity": draw(st.sampled_from(["warning", "critical"]))}
        mark, moment = fingerprint(labels), at(seconds=second)
        if draw(st.integers(0, 4)) == 0:
            until = moment + timedelta(minutes=draw(st.sampled_from([0, 10, 60])))
            matchers = (SilenceMatcher("alertname", name),)
            found.append(Silenced(at=moment, silence=name, matchers=matchers, starts_at=moment, ends_at=until))
        elif mark in firing and draw(st.booleans()):
            found.append(Moved(at=moment, incident=f"INC-{name}", transition=Transition.ACK, by="omar"))
        elif mark in firing:
            firing.discard(mark)
            found.append(Ended(at=moment, alert=mark))
        else:
            firing.add(mark)
            found.append(Fired(at=moment, alert=mark, labels=labels, starts_at=moment, incidents=(f"INC-{name}",)))
    return found


@given(histories(), st.lists(SECONDS, max_size=3))
@example([began("B", 0), began("A", 10)], [10])  # what is due at the moment of a change comes after it
@hypothesis_settings(max_examples=60)
def test_the_same_policy_is_no_other_whenever_it_comes_into_force_again(
    history: list[Record], activations: list[int]
) -> None:
    """The live side begins a new engine each time; nothing of the old one may be lost, and no timer begin anew."""
    beside = Beside(load({"p.yml": INHIBITING}), load({"p.yml": f"{INHIBITING}# the shadow\n"}), START)
    waiting = sorted(activations)
    for record in history:
        while waiting and at(seconds=waiting[0]) <= record.at:
            second = waiting.pop(0)
            beside.follow(load({"p.yml": f"{INHIBITING}# {second}\n"}), at(seconds=second))
        beside.take(record)
    beside.wait(at(minutes=240))

    sums, details = beside.sums()
    assert sums.changed == 0, details.changed
    assert sums.messages[0] == sums.messages[1]
