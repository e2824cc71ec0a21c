"""Simulating an alert: it agrees with the policy's own answers, and says how it came about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from textwrap import dedent
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertrouter.alert import Labels
from alertrouter.policy.load import load
from alertrouter.simulate.judging import Difference, run_tests
from alertrouter.simulate.routing import Explained, moment, route_alert, route_together
from tests.policy.texts import SOUND

POLICY = load(
    {
        "a.yml": dedent("""\
        timezone: Europe/Berlin
        time_intervals:
          business_hours: [{weekdays: ["monday:friday"], times: [{start_time: "09:00", end_time: "18:00"}]}]
          nights: [{times: [{start_time: "22:00", end_time: "24:00"}]}]
        receivers: {ai-channel: {}, ai-pager: {}, ai-leads: {}, archive: {}, default: {}, batch: {}}
        teams:
          ai: {channel: ai-channel, oncall: ai-pager, managers: ai-leads}
        escalation_policies:
          page:
            levels:
              - {notify: [channel, archive]}
              - {after: 5m, notify: [oncall, ai-pager]}
              - {after: 20m, notify: managers, during: business_hours}
        route:
          receiver: default
          routes:
            - {matchers: ['severity=~"warning|critical"'], receiver: archive, continue: true}
            - matchers: ['component="ai"']
              team: ai
              group_by: [alertname]
              escalate: {critical: page}
              routes:
                - {matchers: ['alertname="Slow"', 'host!=""'], mute_time_intervals: [nights]}
                - {matchers: ['alertname="Slow"'], group_by: ['...']}
            - {matchers: ['component=~"batch|report.*"'], receiver: batch, active_time_intervals: [business_hours]}
            - {matchers: ['host=~".+"'], receiver: default}
        inhibit_rules:
          - {name: host down, source_matchers: [alertname="Down"], target_matchers: [alertname!="Down"], equal: [host]}
          - {name: one is enough, source_matchers: [severity="critical"], target_matchers: [severity="warning"]}
        """)
    }
)
MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
LABELS = st.fixed_dictionaries(
    {},
    optional={
        "component": st.sampled_from(["ai", "batch", "reporting", "web", ""]),
        "severity": st.sampled_from(["info", "warning", "critical", "none"]),
        "alertname": st.sampled_from(["Slow", "Down", "Full"]),
        "host": st.sampled_from(["a", "b", ""]),
    },
)


@given(labels=LABELS, others=st.lists(LABELS, max_size=4), minutes=st.integers(0, 7 * 24 * 60))
def test_it_agrees_with_the_policy_and_with_the_tree(labels: Labels, others: list[Labels], minutes: int) -> None:
    """Routes, groups, receivers and holds are the policy's; the path through the tree leads to just those routes."""
    now = MONDAY + timedelta(minutes=minutes)

    found = route_alert(POLICY, labels, now=now, also_firing=others)

    matches = POLICY.routes({name: value for name, value in labels.items() if value})
    severity = POLICY.severity(labels)
    assert tuple(taken.match for taken in found.taken) == matches
    assert [taken.receivers for taken in found.taken] == [POLICY.receivers_for(m.route, severity) for m in matches]
    assert [taken.held for taken in found.taken] == [POLICY.held_by(match.route, now) for match in matches]
    assert [step.route.id for step in found.steps if step.answers] == [match.route.id for match in matches]
    for step in found.steps:
        assert step.failed == tuple(m for m in step.route.matchers if not m.matches(labels))
        assert step.untried == 0 or (step.matched and not step.route.continues)
    for taken in found.taken:
        assert taken.path[0] is POLICY.root
        assert taken.path[-1] is taken.match.route
        assert all(below in above.routes for above, below in zip(taken.path, taken.path[1:], strict=False))
    for by in found.explained:
        assert by.source in [{name: value for name, value in other.items() if value} for other in others]


def test_the_path_names_every_node_that_was_tried() -> None:
    """In walking order, with what did not hold, and with how many were not tried at all."""
    labels = {"component": "ai", "alertname": "Slow", "severity": "critical"}

    found = route_alert(POLICY, labels, now=MONDAY)

    assert [(s.depth, s.route.line, [str(m) for m in s.failed], s.answers, s.untried) for s in found.steps] == [
        (0, 15, [], False, 0),
        (1, 17, [], True, 0),
        (1, 18, [], False, 2),
        (2, 23, ['host!=""'], False, 0),
        (2, 24, [], True, 0),
    ]


def test_levels_name_receivers_not_roles() -> None:
    """Each level of the escalation policy with who is told, once each, when, and inside which hours."""
    found = route_alert(POLICY, {"component": "ai", "severity": "critical"}, now=MONDAY)

    *_, taken = found.taken
    assert taken.escalation is POLICY.escalation_policies["page"]
    assert [(level.after, level.receivers, level.during) for level in taken.levels] == [
        (timedelta(), ("ai-channel", "archive"), None),
        (timedelta(minutes=5), ("ai-pager",), None),
        (timedelta(minutes=20), ("ai-leads",), "business_hours"),
    ]
    assert found.receivers == ("archive", "ai-channel", "archive")


def test_what_holds_an_alert_is_named() -> None:
    """Inhibition rules come first, with the alert that explains; then what the time intervals of its routes say."""
    down = {"alertname": "Down", "host": "a"}
    report = {"component": "report-7", "alertname": "Full", "host": "a"}
    sunday = datetime(2026, 3, 8, 12, 0, tzinfo=UTC)

    found = route_alert(POLICY, report, now=sunday, also_firing=[down, {"alertname": "Down", "host": "b"}])

    assert found.explained == (Explained(rule="host down", source=down),)
    assert found.suppressed_by == ("host down", "outside business_hours")
    assert route_alert(POLICY, report, now=MONDAY).suppressed_by == ()
    assert route_alert(POLICY, report, now=None).suppressed_by == ()


def test_alerts_inhibit_one_another_only_together() -> None:
    """Label sets are alone in the world unless they are said to fire at once; none holds back itself."""
    critical = {"severity": "critical", "alertname": "Full"}
    warning = {"severity": "warning", "alertname": "Slow"}

    together = route_together(POLICY, [critical, warning], now=MONDAY)

    assert [one.suppressed_by for one in together] == [(), ("one is enough",)]
    assert route_alert(POLICY, warning, now=MONDAY).suppressed_by == ()


def test_a_label_that_is_empty_is_not_there() -> None:
    """As with alerts that are sent: `host=` is no host."""
    empty = {"component": "ai", "alertname": "Slow", "host": ""}

    found = route_alert(POLICY, empty, now=MONDAY)

    assert found.labels == {"component": "ai", "alertname": "Slow"}
    assert found == route_alert(POLICY, found.labels, now=MONDAY)


def differences_of(expectation: str) -> tuple[Difference, ...]:
    """The differences of a test of a critical AI alert with this expectation."""
    (result,) = run_tests(
        load(
            {
                "a.yml": SOUND.partition("tests:")[0]
                + f"tests:\n  - {{name: it, alert: {{component: ai, severity: critical}}, {expectation}}}\n"
            }
        )
    )
    assert result.passed is not bool(result.differences)
    return result.differences


@pytest.mark.parametrize(
    "expectation",
    ["receivers: [ai-channel]", "escalation: page", "suppressed_by: []", "escalation: page, receivers: [ai-channel]"],
)
def test_a_policy_test_passes_when_all_is_as_expected(expectation: str) -> None:
    """Nothing is said of what it doesn't ask for."""
    assert differences_of(expectation) == ()


@pytest.mark.parametrize(
    ("expectation", "difference"),
    [
        ("receivers: [ai-channel, ai-pager]", ("receivers", ("ai-channel", "ai-pager"), ("ai-channel",))),
        ("receivers: []", ("receivers", (), ("ai-channel",))),
        ("escalation: warn", ("escalation", ("warn",), ("page",))),
        ("escalation: none", ("escalation", (), ("page",))),
        ("suppressed_by: [down]", ("suppressed_by", ("down",), ())),
    ],
)
def test_a_policy_test_says_what_it_found_instead(
    expectation: str, difference: tuple[str, tuple[str, ...], tuple[str, ...]]
) -> None:
    """Expected and found, by the key of the expectation."""
    what, expected, found = difference

    assert differences_of(expectation) == (Difference(what=what, expected=expected, found=found),)


def test_a_policy_test_takes_the_time_and_the_others_into_account() -> None:
    """`at` is in the policy's zone; `also_firing` can explain the alert."""
    text = SOUND.partition("tests:")[0] + dedent("""\
        tests:
          - name: in hours
            alert: {component: batch}
            at: 2026-03-02 17:30
            suppressed_by: [muted by time interval business_hours]
          - {name: after hours, alert: {component: batch}, at: 2026-03-02 18:30, suppressed_by: []}
          - {name: no time, alert: {component: batch}, suppressed_by: []}
          - name: explained
            alert: {severity: warning, instance: web-1}
            also_firing: [{alertname: Down, instance: web-1}]
            suppressed_by: [down]
        """)

    results = run_tests(load({"a.yml": text}))

    assert [(result.test.name, result.differences) for result in results] == [
        ("in hours", ()),
        ("after hours", ()),
        ("no time", ()),
        ("explained", ()),
    ]


def test_a_time_without_an_offset_is_in_the_policys_zone() -> None:
    """What people write is the clock on their wall."""
    berlin = ZoneInfo("Europe/Berlin")

    assert moment("2026-03-02 10:00", berlin) == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert moment("2026-07-01T10:00", berlin) == datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
    assert moment(" 2026-03-02T10:00:00Z ", berlin) == datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    with pytest.raises(ValueError, match="tomorrow"):
        moment("tomorrow", berlin)
