"""Summaries: a storm of incidents is one message, a digest is one an hour; each incident climbs by itself."""

from __future__ import annotations

from alertrouter.delivery import Delivery
from alertrouter.engine.engine import Engine
from alertrouter.events import Acknowledged
from alertrouter.incident import State
from alertrouter.notice import Notice
from alertrouter.policy.load import load
from alertrouter.simulate.timeline import live
from tests.engine.ladder import MINUTE
from tests.engine.story import START, Story, at, persisted

HOUR = 60 * MINUTE

POLICY = """
severities: [info, critical]
storm: {incidents: 3, within: 1m}
receivers:
  chat: {slack: {channel: "#ops"}}
  pager: {pagerduty: {routing_key: "${PD}"}}
  leads: {email: {to: [leads@example.com]}}
escalation_policies:
  page: {deliver_within: 2m, levels: [{notify: [chat, pager]}, {after: 5m, notify: leads}]}
  note: {levels: [{notify: chat, digest: 1h}]}
route:
  receiver: chat
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1m
  escalate: {critical: page, info: note}
"""


def storm(count: int = 8, *, hold: bool = False) -> Story:
    """So many incidents at once."""
    story = Story(POLICY, hold=hold)
    story.fire(0, *(f"Alert{number}" for number in range(count)), severity="critical")
    story.advance(0)
    return story


def summaries(story: Story, to: str = "chat") -> list[Delivery]:
    """The messages that tell of several incidents."""
    return [one for one in story.deliveries if one.entries and one.receiver == to]


def own(story: Story, to: str = "chat") -> list[str]:
    """The incidents that a receiver was told of in messages of their own."""
    return [one.incident for one in story.deliveries if one.receiver == to and not one.entries and not one.redraw]


def test_a_storm_is_told_in_one_message() -> None:
    """Three by themselves, the other five together ten seconds later; the pager rings for each."""
    story = storm()

    story.advance(10)

    assert own(story) == ["INC-1", "INC-2", "INC-3"]
    (summary,) = summaries(story)
    assert [entry.incident for entry in summary.entries] == ["INC-4", "INC-5", "INC-6", "INC-7", "INC-8"]
    assert summary.born_at == at(10)
    assert own(story, "pager") == [f"INC-{number}" for number in range(1, 9)]


def test_each_incident_of_a_storm_escalates_by_itself() -> None:
    """One of those that were told together is taken: the leads hear of the seven others."""
    story = storm()
    story.advance(10)
    story.act(60, Acknowledged, incident="INC-5")

    story.advance(5 * MINUTE + 10)

    (summary,) = summaries(story, "leads")
    told = own(story, "leads") + [entry.incident for entry in summary.entries]
    assert told == ["INC-1", "INC-2", "INC-3", "INC-4", "INC-6", "INC-7", "INC-8"]


def test_who_was_told_by_a_summary_is_told_of_the_end_by_one() -> None:
    """Of each, once; and nothing is left of them then."""
    story = storm()
    story.advance(20)

    story.end(2 * MINUTE, *(f"Alert{number}" for number in range(8)), severity="critical")
    story.advance(4 * MINUTE)

    first, last = summaries(story)
    assert [entry.incident for entry in last.entries] == [entry.incident for entry in first.entries]
    assert not any(entry.fires for entry in last.entries)
    assert last.reason == "resolved"
    assert all(not to.told for one in story.engine.state.incidents.values() for to in one.destinations)
    story.advance(HOUR)
    assert story.engine.state.incidents == {}


def test_what_was_taken_before_the_summary_left_is_not_in_it() -> None:
    """Nor is what was over by then: nobody heard of its beginning."""
    story = storm()
    story.act(5, Acknowledged, incident="INC-4")
    story.end(6, "Alert4", severity="critical")

    story.advance(10)

    (summary,) = summaries(story)
    assert [entry.incident for entry in summary.entries] == ["INC-6", "INC-7", "INC-8"]


def test_one_that_is_left_alone_has_a_message_of_its_own() -> None:
    """A summary of one would only hide it."""
    story = storm(4)

    story.advance(10)

    assert summaries(story) == []
    assert own(story) == ["INC-1", "INC-2", "INC-3", "INC-4"]


def test_summaries_are_apart_by_what_makes_a_storm() -> None:
    """Another burst half a minute later waits until a minute after the first summary."""
    story = storm()
    story.advance(30)

    story.fire(30, *(f"Later{number}" for number in range(4)), severity="critical")
    story.advance(70)

    assert [one.born_at for one in summaries(story)] == [at(10), at(70)]
    assert len(summaries(story)[1].entries) == 4


def test_a_summary_that_is_refused_is_told_to_the_next_level() -> None:
    """For each of its incidents, as a page of its own would be."""
    story = storm(hold=True)
    for delivery in list(story.deliveries):
        story.settle(delivery, 1)
    story.advance(10)
    (summary,) = summaries(story)

    story.settle(summary, 11, sent=False)
    story.advance(30)

    (told,) = summaries(story, "leads")
    assert len(own(story, "leads")) + len(told.entries) == 5


def test_an_acknowledgement_does_not_take_back_the_summary_of_others() -> None:
    """It is on its way, and tells of four more."""
    story = storm(hold=True)
    story.advance(10)

    story.act(11, Acknowledged, incident="INC-5")

    assert summaries(story)[0].id not in story.last.recalled


def test_a_summary_survives_a_restart() -> None:
    """What waits for it is persisted."""
    story = storm()

    story.take(story.engine.touched_changes())
    story.engine = Engine(persisted(story.engine.state), now=at(1))
    story.advance(10)

    assert len(summaries(story)[0].entries) == 5


def test_a_digest_collects_for_its_time() -> None:
    """What fires within an hour is one message at its end; what came and went is in it as over."""
    story = Story(POLICY)
    story.fire(0, "Backup", severity="info")
    story.fire(20 * MINUTE, "Disk", severity="info")
    story.advance(20 * MINUTE)
    story.end(30 * MINUTE, "Disk", severity="info")

    story.advance(59 * MINUTE)
    before = list(story.deliveries)
    story.advance(HOUR)

    (digest,) = summaries(story)
    assert before == []
    assert [(entry.incident, entry.fires) for entry in digest.entries] == [("INC-1", True), ("INC-2", False)]


def test_the_end_of_what_a_digest_told_is_in_the_next_one() -> None:
    """Two that fire are told, and an hour after their end that they are over."""
    story = Story(POLICY)
    story.fire(0, "Backup", "Disk", severity="info")
    story.advance(HOUR)

    story.end(90 * MINUTE, "Backup", "Disk", severity="info")
    story.advance(4 * HOUR)

    first, last = summaries(story)
    assert [entry.fires for entry in (*first.entries, *last.entries)] == [True, True, False, False]
    assert story.engine.state.incidents == {}


def test_what_gets_worse_does_not_wait_for_the_digest() -> None:
    """It waited for one as info; critical, the channel and the pager hear at once, and the digest leaves it out."""
    story = Story(POLICY)
    story.fire(0, "Disk", severity="info")
    story.advance(MINUTE)

    story.fire(10 * MINUTE, "Disk", severity="critical")
    story.advance(2 * HOUR)

    assert [second for second, to in story.pages() if to == "chat/slack"] == [10 * MINUTE]
    assert summaries(story) == []


def test_the_timeline_shows_when_a_digest_leaves() -> None:
    """On the virtual clock as well."""
    policy = load({"policy.yml": POLICY})

    timeline = live(policy, {"alertname": "Disk", "severity": "info"}, start=START, until=at(2 * HOUR) - START)

    assert [str(one) for one in timeline.expectations] == ["1h chat"]


def test_a_summary_reads_as_a_message_about_many() -> None:
    """Its incidents stand where alerts stand in others; there is nothing to press that would mean all of them."""
    story = storm()
    story.advance(10)

    notice = Notice.of(summaries(story)[0], {}, severity_count=2, now=at(10))

    assert (notice.title, notice.status, notice.version) == ("5 incidents", "firing", 0)
    assert [alert.labels["incident"] for alert in notice.firing] == ["INC-4", "INC-5", "INC-6", "INC-7", "INC-8"]
    assert "acknowledged by its number" in notice.common_annotations["summary"]


def test_a_summary_stays_as_it_is_when_one_of_many_is_taken_and_says_so() -> None:
    """Each line of it, too, when other incidents of it are over: nobody takes it for how things stand now."""
    story = storm()
    story.advance(10)
    before = len(story.deliveries)

    story.act(60, Acknowledged, incident="INC-5")
    story.advance(2 * MINUTE)

    assert [one.reason for one in story.deliveries[before:] if one.destination == "chat/slack"] == []
    said = Notice.of(summaries(story)[0], {}, severity_count=2, now=at(10)).firing[0].annotations["summary"]
    assert "isn't drawn anew when one is taken" in said
    assert len(said) <= 160, "a line of an alert in Slack has that much"


def test_without_a_storm_in_the_policy_each_is_told_by_itself() -> None:
    """However many there are."""
    story = Story(POLICY.replace("storm: {incidents: 3, within: 1m}\n", ""))

    story.fire(0, *(f"Alert{number}" for number in range(50)), severity="critical")
    story.advance(10)

    assert len(own(story)) == 50
    assert story.engine.state.summaries == {}
    assert story.incident().state is State.TRIGGERED
