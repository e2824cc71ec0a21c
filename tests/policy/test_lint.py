"""Each check finds what it looks for, at its place, and nothing where there is nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alertrouter import policydir
from alertrouter.policy.lint.finding import Check, Finding
from alertrouter.policy.lint.linting import lint
from alertrouter.policy.load import load

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
ROOT = Path(__file__).parents[2]

BASE = """\
receivers:
  chat: {slack: {channel: "#a"}}
  pager: {pagerduty: {routing_key: "${KEY}"}}
  mail: {email: {to: a@example.org}}
people:
  lena: {pagerduty: "${LENA}"}
  omar: {pagerduty: "${OMAR}"}
schedules:
  rota: {fallback: mail, layers: [{people: [lena, omar], start: 2026-01-05}]}
teams:
  ops: {channel: chat, oncall: pager, second: rota, managers: mail}
time_intervals:
  office: [{weekdays: ["monday:friday"], times: [{start_time: "09:00", end_time: "18:00"}]}]
escalation_policies:
  note:
    levels: [{notify: channel}]
  page:
    ack_timeout: 30m
    levels:
      - {notify: [channel, oncall]}
      - {after: 10m, notify: [second, managers]}
    repeat: {every: 30m}
route:
  team: ops
  escalate: {info: note, warning: note, critical: page}
  routes:
    - matchers: [a="1"]
      routes:
        - matchers: [b="1"]
    - matchers: [a=~"2|3"]
inhibit_rules:
  - {name: one, source_matchers: [s="x"], target_matchers: [s="y"], equal: [instance]}
"""

RAISED = """\
note:
    raise: {to: critical, after: 10m, during: office}
    levels: [{notify: channel}, {after: 20m, notify: managers}]"""

FIRES: dict[Check, tuple[str, str, str]] = {
    Check.UNREACHABLE: ('b="1"', 'a="2"', 'matchers: [a="2"]'),
    Check.SHADOWED: ('[a=~"2|3"]', '[a="1", c="1"]', '[a="1", c="1"]'),
    Check.CONTRADICTION: ('[a=~"2|3"]', '[a="2", a!="2"]', 'a!="2"'),
    Check.NO_EQUAL: (", equal: [instance]", "", "name: one"),
    Check.CIRCULAR: (
        "equal: [instance]}",
        'equal: [instance]}\n  - {name: two, source_matchers: [s="y"], target_matchers: [s="x"], equal: [instance]}',
        "name: two",
    ),
    Check.NEVER_OPEN: ('weekdays: ["monday:friday"]', 'years: ["2020:2024"]', "office:"),
    Check.ALWAYS_MUTED: (
        '    - matchers: [a="1"]',
        '    - mute_time_intervals: [ever]\n      matchers: [a="1"]',
        "ever",
    ),
    Check.REPEAT_BELOW_GROUP: ("  team: ops\n", "  team: ops\n  repeat_interval: 1m\n", "team: ops"),
    Check.NO_POLICY: ("info: note, ", "", "team: ops"),
    Check.AFTER_RAISE: (
        "note:\n    levels: [{notify: channel}]",
        RAISED.replace(", during: office", ""),
        "after: 20m",
    ),
    Check.NO_REPEAT: ("    repeat: {every: 30m}\n", "", "page:"),
    Check.NO_ACK_TIMEOUT: ("    ack_timeout: 30m\n", "", "page:"),
    Check.SCHEDULE_GAP: ("start: 2026-01-05}", "start: 2026-01-05, during: office}", "rota:"),
    Check.HELD_PAGE: (
        "{notify: [channel, oncall]}\n      - {after: 10m, notify: [second, managers]}",
        "{notify: [channel]}\n      - {after: 10m, notify: [oncall, second, managers], during: office}",
        "during: office",
    ),
    Check.SAME_FALLBACK: (
        "{notify: [channel, oncall]}\n      - {after: 10m, notify: [second, managers]}",
        "{notify: oncall}\n      - {after: 10m, notify: oncall}",
        "page:",
    ),
    Check.SECRET: ("  team: ops\n", "  team: ops # hooks.slack.com/services/T0/B0/abc\n", "hooks"),
    Check.TELLS_NOBODY: ("mail: {email: {to: a@example.org}}", "mail: {}", "managers: mail"),
    Check.UNUSED: ("teams:\n", "teams:\n  idle: {channel: chat}\n", "idle:"),
    Check.NO_PAGE: ("oncall]}\n      - {after: 10m, notify: [second, managers]}", "managers]}", "page:"),
    Check.BARE_IGNORE: (
        "  team: ops\n",
        "  team: ops # alertrouter: ignore=AR001 no such thing here\n",
        "ignore=AR001",
    ),
}
"""Of each check: what in the base is changed to what, and what stands in the line that it then names."""


def base(check: Check) -> str:
    """The policy in which the check finds nothing."""
    ever = check is Check.ALWAYS_MUTED
    return BASE.replace("time_intervals:\n", "time_intervals:\n  ever: [{}]\n") if ever else BASE


def found(text: str) -> tuple[Finding, ...]:
    """What stays of the findings in one file."""
    files = {"policy.yml": text}
    return lint(load(files), files, NOW)[0]


@pytest.mark.parametrize("check", [check for check in Check if check is not Check.TEMPLATE])
def test_a_check_finds_what_it_looks_for(check: Check) -> None:
    """At the line where it stands; without the change it finds nothing."""
    old, new, at = FIRES[check]
    text = base(check).replace(old, new)
    assert text != base(check)

    findings = [one for one in found(text) if one.check is check]

    assert not [one for one in found(base(check)) if one.check is check]
    assert len(findings) == 1, findings
    assert at in text.splitlines()[findings[0].place.line - 1]
    assert findings[0].night
    assert findings[0].mend


def test_pages_of_several_hours_name_them_all() -> None:
    """Somebody is paged outside of the first ones: it would not be true of those alone."""
    levels = "{notify: [oncall], during: office}\n      - {after: 10m, notify: [second], during: evenings}"
    text = BASE.replace("time_intervals:\n", "time_intervals:\n  evenings: [{}]\n")
    text = text.replace("{notify: [channel, oncall]}\n      - {after: 10m, notify: [second, managers]}", levels)

    (held,) = [one for one in found(text) if one.check is Check.HELD_PAGE]

    assert held.what == "every page of `page`, for `critical`, is for office and evenings only"
    assert held.night == "outside of office and evenings nobody is paged for it"


def test_a_spotless_policy_has_no_finding() -> None:
    """Nor have the built-in one and its reasons."""
    built_in = policydir.read(ROOT / "policies")

    assert found(BASE) == ()
    stay, ignored = lint(load(built_in), built_in, NOW)
    assert stay == ()
    assert [one.check for one in ignored] == [Check.NO_PAGE]


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# alertrouter: ignore=AR012 they sit at their desks", []),
        ("# alertrouter: ignore=AR011,AR012 they sit at their desks", [Check.BARE_IGNORE]),
        ("# alertrouter: ignore=AR012", [Check.BARE_IGNORE, Check.NO_ACK_TIMEOUT]),
        ("# alertrouter: ignore=AR999 what is that", [Check.BARE_IGNORE, Check.NO_ACK_TIMEOUT]),
    ],
)
def test_a_finding_is_ignored_for_a_reason(comment: str, expected: list[Check]) -> None:
    """On its line or alone above it; without a reason, or of what isn't there, the comment is a finding itself."""
    without = BASE.replace("    ack_timeout: 30m\n", "")

    beside = found(without.replace("  page:\n", f"  page: {comment}\n"))
    above = found(without.replace("  page:\n", f"  {comment}\n  page:\n"))

    assert sorted(one.check for one in beside) == sorted(expected)
    assert sorted(one.check for one in above) == sorted(expected)


CHAIN = '\n  - {source_matchers: [s="y"], target_matchers: [s="z"], equal: [x]}'


@pytest.mark.parametrize(
    "text",
    [
        BASE.replace('[a=~"2|3"]', '[a="1", c="1"]').replace('[a="1"]\n', '[a="1"]\n      continue: true\n'),
        BASE.replace('[a=~"2|3"]', '[a=~"1.*"]'),
        BASE.replace('b="1"', 'a!="2"'),
        BASE.replace("equal: [instance]}", f"equal: [instance]}}{CHAIN}"),
        BASE.replace("note:\n    levels: [{notify: channel}]", RAISED),
    ],
)
def test_what_only_looks_alike_is_no_finding(text: str) -> None:
    """A route behind `continue`, a regex that may fit more, a chain of rules, a raise that waits for hours."""
    assert text != BASE
    assert found(text) == ()


def test_a_fallback_of_a_policy_that_is_paged_already_is_found() -> None:
    """It is to be another way."""
    same = BASE.replace("    ack_timeout: 30m\n", "    ack_timeout: 30m\n    fallback: oncall\n")
    other = BASE.replace("      - {after: 10m, notify: [second, managers]}\n", "    fallback: managers\n")

    assert [one.check for one in found(same)] == [Check.SAME_FALLBACK]
    assert Check.SAME_FALLBACK not in {one.check for one in found(other)}


def test_a_fallback_that_is_on_call_already_is_found() -> None:
    """Whoever can't be reached is nobody's fallback."""
    text = BASE.replace("{fallback: mail, layers: [{people: [lena, omar]", "{fallback: lena, layers: [{people: [lena]")

    assert {one.check for one in found(text)} == {Check.SAME_FALLBACK, Check.UNUSED}


def test_whoever_may_stand_in_a_calendar_is_on_call_by_it() -> None:
    """Its people are not known here, so nobody is called unused and the page is taken for one."""
    text = BASE.replace("layers: [{people: [lena, omar], start: 2026-01-05}]", 'ical: "${ROTA}"')
    paged = text.replace("{notify: [channel, oncall]}", "{notify: channel}")

    assert paged != text != BASE
    assert {one.check for one in found(paged)} <= {Check.SCHEDULE_GAP, Check.UNUSED}
    assert not [one for one in found(text) if "person" in one.what]


def test_the_page_lists_every_check() -> None:
    """With its id, its grade and what it looks for, in the words of the code."""
    page = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")

    rows = re.findall(r"^\| (AR\d{3}) \| (\w+) \| (.+?) \|$", page, re.MULTILINE)

    assert rows == [(check.value, check.grade.value, check.looks_for) for check in Check]
