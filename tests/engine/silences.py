"""What the stories of silences have in common: their policies, and what somebody asks for."""

from __future__ import annotations

from alertrouter.engine.changes import Answer
from alertrouter.events import SilenceExpired, SilenceSet
from alertrouter.silence import Silence, SilenceMatcher
from tests.engine.story import Story, at

PLAIN = """
receivers: {chat: {inbox: {}}}
route: {receiver: chat, group_by: [alertname], group_wait: 30s, group_interval: 5m, repeat_interval: 4h}
"""
CLIMBING = """
receivers: {chat: {inbox: {}}, pager: {pagerduty: {routing_key: "${KEY}"}}}
teams: {db: {channel: chat, oncall: pager}}
escalation_policies:
  page: {ack_timeout: 1h, levels: [{notify: channel}, {after: 10m, notify: oncall}]}
route: {team: db, group_by: [alertname], group_wait: 30s, group_interval: 5m, escalate: {warning: page, critical: page}}
"""
IN_THE_MORNING = """
time_intervals: {morning: [{times: [{start_time: "09:00", end_time: "11:00"}]}]}
receivers: {chat: {inbox: {}}}
route:
  {receiver: chat, group_wait: 30s, group_interval: 5m, routes: [{group_by: [], active_time_intervals: [morning]}]}
"""
HOUR = 3600


def matching(**labels: str) -> tuple[SilenceMatcher, ...]:
    """Matchers for labels to be equal."""
    return tuple(SilenceMatcher(name, value) for name, value in labels.items())


def ask(story: Story, second: float, *, until: float, start: float | None = None, **more: object) -> Answer:
    """Somebody asks for silence about the alert `Disk`, unless `matchers` say otherwise."""
    key = str(more.pop("key", f"silence-{second}"))
    given = {"matchers": matching(alertname="Disk"), "created_by": "sam", "comment": "new disk", **more}
    event = SilenceSet(
        at=at(second),
        actor="sam",
        key=key,
        starts_at=at(second if start is None else start),
        ends_at=at(until),
        **given,  # type: ignore[arg-type]  # as the caller gave them
    )
    return story.take(story.engine.apply(event)).answers[key]


def end(story: Story, second: float, silence: str) -> Answer:
    """Somebody ends a silence."""
    event = SilenceExpired(at=at(second), actor="sam", key=f"end-{second}", silence=silence)
    return story.take(story.engine.apply(event)).answers[event.key]


def only(story: Story) -> Silence:
    """The one silence that there is."""
    (silence,) = story.engine.state.silences.values()
    return silence


def texts(story: Story) -> list[str]:
    """The lines of INC-1's story that silences wrote."""
    return [line.text for line in story.timeline if line.reason and line.reason.value.startswith("silence")]
