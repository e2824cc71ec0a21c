"""A level that notifies a schedule: whoever is on call when it fires is told, and stays told of the end."""

from __future__ import annotations

from tests.engine.story import Story

POLICY = """
receivers:
  chat: {slack: {channel: "#ops"}}
  leads: {email: {to: leads@example.com}}
people:
  lena: {slack: U024BE7LH, pagerduty: "${PD_LENA}"}
  omar: {email: omar@example.com}
schedules:
  rota:
    layers: [{people: [omar, lena], rotate: 1d, start: 2026-03-01, handover: "10:10", until: 2026-03-03}]
    fallback: leads
teams: {ops: {channel: chat, oncall: rota}}
escalation_policies:
  page: {levels: [{notify: channel}, {after: 5m, notify: oncall}], repeat: {every: 10m, from: 2}}
route: {team: ops, escalate: {warning: page}, group_wait: 0s}
"""


def test_who_is_on_call_when_the_level_fires_is_told_through_all_their_contacts() -> None:
    """After the hand-over it is somebody else; whoever was told hears of the end."""
    story = Story(POLICY)
    story.fire(0, "A")

    story.advance(1000)
    story.end(1000, "A")
    story.advance(2000)

    assert story.pages() == [
        (0, "chat/slack"),
        (300, "person:omar/email"),
        (900, "person:lena@ops/slack"),
        (900, "person:lena@ops/pagerduty"),
        *story.pages()[4:],
    ]
    ended = {told.to for told in story.told if told.reason == "resolved"}
    assert ended == {"chat/slack", "person:omar/email", "person:lena@ops/slack", "person:lena@ops/pagerduty"}


def test_in_a_gap_the_fallback_is_told() -> None:
    """Two days later the schedule has ended."""
    story = Story(POLICY)
    later = 2 * 86_400

    story.fire(later, "A")
    story.advance(later + 300)

    assert story.pages() == [(later, "chat/slack"), (later + 300, "leads/email")]
