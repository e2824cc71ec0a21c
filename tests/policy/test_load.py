"""A policy is read whole, or every fault in it is told at its place."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertrouter.errors import PolicyError
from alertrouter.policy.load import load, revision
from tests.policy.texts import SOUND, changed, only_problem, problems


def test_a_sound_policy_is_read() -> None:
    """Every section arrives in the values that the rest works with."""
    policy = load({"policy.yml": SOUND})

    page = policy.escalation_policies["page"]
    assert [level.notify for level in page.levels] == [("channel",), ("oncall",), ("managers",)]
    assert page.levels[2].during == "business_hours"
    assert page.repeat is not None
    assert page.repeat.from_level == 2
    assert policy.escalation_policies["warn"].raises is not None
    assert policy.receivers["ai-leads"].integrations[0].id == "ai-leads/email"
    assert policy.teams["ai"].roles["oncall"] == "ai-pager"
    assert policy.inhibit_rules[0].equal == ("instance",)
    assert policy.default_severity == "warning"
    assert policy.reopen_within == timedelta(minutes=10)
    assert policy.tests[0].file == "policy.yml"


def test_a_fault_shows_its_line_and_what_was_meant() -> None:
    """File, line, column, key, the line with a caret under the value, and the name that was nearly written."""
    shown = only_problem(changed("channel: ai-channel, oncall", "channel: ai-chanel, oncall"))

    assert shown == (
        "a.yml:11:17: teams.ai.channel: unknown receiver `ai-chanel`, did you mean `ai-channel`?\n"
        "      ai: {channel: ai-chanel, oncall: ai-pager, managers: ai-leads}\n"
        "                    ^"
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("team: ai", "team: ia", "a.yml:25:9: route.team: unknown team `ia`, did you mean `ai`?"),
        ("receiver: ai-channel", "receiver: ai-chanel", "unknown receiver `ai-chanel`, did you mean `ai-channel`?"),
        ("warning: warn,", "warning: wran,", "unknown escalation policy `wran`, did you mean `warn`?"),
        ("{warning: warn", "{warnin: warn", "unknown severity `warnin`, did you mean `warning`?"),
        ("to: critical", "to: critcal", "unknown severity `critcal`, did you mean `critical`?"),
        ("notify: oncall", "notify: onkall", "unknown role or receiver `onkall`, did you mean `oncall`?"),
        ("during: business_hours", "during: busines_hours", "unknown time interval `busines_hours`, did you mean"),
        ("[business_hours]", "[busines_hours]", "unknown time interval `busines_hours`, did you mean"),
        ("receivers: [ai-channel]", "receivers: [ai-chanel]", "unknown receiver `ai-chanel`, did you mean"),
        ("group_by: [alertname]", "group_bi: [alertname]", "unknown key `group_bi`, did you mean `group_by`?"),
        ("timezone: Europe/Berlin", "timezone: Berlin", "unknown time zone `Berlin`, did you mean `Europe/Berlin`?"),
        ("timezone:", "timezon:", "a.yml:2:1: timezon: unknown key `timezon`, did you mean `timezone`?"),
        ('"monday:friday"', '"monday:fryday"', "weekdays[0]: expected a weekday like monday, found 'fryday'"),
        ("ack_timeout: 30m", "ack_timeout: 30 m", "'30 m' is not a duration"),
        ("{slack: {", "{slak: {", "unknown key `slak`, did you mean `slack`?"),
        ('{channel: "#ai-models"}', "{}", "found neither `channel` nor `webhook_url`"),
        ('slack: {channel: "#ai-models"}', "webhook: {}", "found neither `url` nor `url_file`, expected one of them"),
        ('slack: {channel: "#ai-models"}', "webhook: {url: 'http://e/', url_file: /u}", "found both `url` and `url_f"),
        (
            'slack: {channel: "#ai-models"}',
            "webhook: {url: 'http://e/', bearer_token: '${T}', basic_auth: {username: u}}",
            "found both `basic_auth` and a bearer token, expected one of them",
        ),
        (
            'slack: {channel: "#ai-models"}',
            "webhook: {url: 'http://e/', basic_auth: {}}",
            "found neither `username` nor `password`, expected one of them, or both",
        ),
        (
            'slack: {channel: "#ai-models"}',
            "webhook: {url: 'http://e/', basic_auth: {username: u, username_file: /u}}",
            "found both `username` and `username_file`, expected one of them",
        ),
        ("to: ai-leads@example.com", "to: [ai-leads]", "found `ai-leads`, expected an email address"),
        ("['component=\"ai\"']", "['component=\"a']", "a.yml:28:30: route.routes[0].matchers[0]: "),
        ("['component=\"ai\"']", "[{component: ai}]", "found a mapping, expected a matcher in quotes"),
        ("matchers: ['component=\"ai\"']", "match: {component: ai}", "found Alertmanager's old `match`"),
        ("group_by: [alertname]", "group_by: [alertname, ...]", "found `...` among label names, expected it alone"),
        ("group_by: [alertname]", "group_by: [a, a]", "found `a` twice, expected it once"),
        ("group_by: [alertname]", "group_interval: 0s", "found `0s`, expected a duration greater than 0"),
        ("group_by: [alertname]", "continue: yes", "found `yes`, expected true or false"),
        ("team: ai", "team: ai\n  matchers: []", "found `matchers` on the root"),
        ("team: ai", "team: ai\n  continue: true", "found `continue` on the root"),
        ("team: ai", "team: ai\n  receiver: ai-channel", "found both `receiver` and `team`"),
        ("after: 20m, notify: managers", "after: 2m, notify: managers", "level 3 comes after 2m, expected 5m or more"),
        ("{notify: channel}]", "{notify: channel, digest: 0s}]", "found `0s`, expected a duration greater than 0"),
        ("timezone:", "storm: {within: 1m}\ntimezone:", "found no `incidents`, expected one"),
        ("timezone:", "flapping: {flips: 1}\ntimezone:", "found `1`, expected from 2 to 100"),
        ("{notify: channel}]", "{notify: channel, if: {alerts: 5}}]", "expected a comparison in quotes, such as"),
        ("{notify: channel}]", '{notify: channel, if: {alerts: ">=5 in 1 m"}}]', "expected a comparison in quotes"),
        ("{notify: channel}]", '{notify: channel, if: {alerts: ">=5 in 5x"}}]', "'5x' is not a duration"),
        ("{notify: channel}]", '{notify: channel, if: {alerts: ">=5 in 0s"}}]', "expected a duration greater than 0"),
        ("{notify: channel}]", "{notify: channel, if: {}}]", "found no `alerts`, expected one"),
        ("{notify: channel}]", "{notify: channel, else: skip}]", "found `else` without `during`"),
        ("[{notify: channel}]", "[]", "found no level, expected at least one"),
        ("from: 2", "from: 4", "found level 4, expected one from 1 to 3"),
        ("{to: critical, after: 45m}", "{to: warning, after: 45m}", "raises to `warning`, expected something higher"),
        ('source_matchers: [alertname="Down"]', "source_matchers: []", "found no matcher, expected at least one"),
        ("receivers: [ai-channel]}", "at: 2026-03-02 10:00}", "found no expectation, expected at least one of"),
        ("receivers: [ai-channel]}", "expect: [soon ai-channel]}", "expected a duration, then what happens"),
        ("receivers: [ai-channel]}", "expect: [20m ai-chanel]}", "unknown receiver `ai-chanel`, did you mean"),
        ("receivers: [ai-channel]}", "expect: [20m severity=high]}", "unknown severity `high`, expected one of"),
        ("receivers: [ai-channel]}", "expect: [20m resolved]}", "expected who is told of the end, as `40m resolved"),
        ("receivers: [ai-channel]}", "expect: [5w ai-channel]}", "found 5w, expected 31d at most"),
        ("receivers: [ai-channel]}", "until: 20m, expect: [21m ai-channel]}", "expected nothing after `until`"),
        ("receivers: [ai-channel]", "receivers: [ai-channel], events: [7m ack]", "found `events` without `expect`"),
        ("receivers: [ai-channel]", "receivers: [ai-channel], until: 2h", "found `until` without `expect`"),
        ("receivers: [ai-channel]", "until: 5w, expect: []", "found 5w, expected 31d at most"),
        ("receivers: [ai-channel]", "expect: [], events: [7m akc]", "unknown event `akc`, did you mean `ack`?"),
        ("receivers: [ai-channel]", "expect: [], events: [7m ack omar]", "more or who does it, such as `@omar`"),
        ("receivers: [ai-channel]", "expect: [], events: [7m snooze]", "expected a duration, such as `12m snooze 30m`"),
        ("receivers: [ai-channel]", "expect: [], events: [7m snooze 0s]", "expected a duration greater than 0"),
        ("receivers: [ai-channel]", "expect: [], events: [7m severity]", "expected a severity, such as"),
        ("receivers: [ai-channel]", "expect: [], events: [7m others]", "expected `others fire` or `others resolve`"),
        ("receivers: [ai-channel]", "expect: [], events: [7m resolve @omar]", "found `@omar` behind `resolve`"),
        ("name: pages,", "name: pages, at: 0001-01-01 10:00,", "expected a year from 1970 to 2999"),
        ("receivers: [ai-channel]}", "suppressed_by: [dwon]}", "`dwon`, did you mean `down`?"),
        ("name: pages,", "name: pages, at: tomorrow,", "found `tomorrow`, expected a date and time"),
        ("severities: [info, warning, critical]", "severities: [info, warning, critical, info]", "found `info` twice"),
    ],
)  # fmt: skip
def test_one_fault_gives_one_error(old: str, new: str, said: str) -> None:
    """What was found, what was expected; and nothing that only follows from it."""
    assert said in only_problem(changed(old, new))


def test_a_role_that_a_team_lacks_is_found_where_the_route_hands_it_the_policy() -> None:
    """Each pair of team and policy is told of once, however many routes bring them together."""
    text = changed("group_by: [alertname]}", "team: business}").replace(
        "inhibit_rules:", "    - {matchers: [a=b], team: business}\ninhibit_rules:"
    )

    found = problems(text)

    assert [problem.message for problem in found] == [
        "team `business` has no role `oncall`, which level 2 of escalation policy `page` notifies",
        "team `business` has no role `managers`, which level 3 of escalation policy `page` notifies",
    ]
    assert found[0].key == "route.routes[0].team"


def test_a_team_without_a_channel_is_found_when_a_route_would_need_it() -> None:
    """A severity without an escalation policy is told to the team's channel."""
    text = changed("business: {channel:", "business: {managers:").replace("group_by: [alertname]}", "team: business}")
    text = text.replace("  warn:\n", "  leads: {levels: [{notify: ai-leads}]}\n  warn:\n")

    shown = only_problem(text.replace("{warning: warn, critical: page}", "{warning: leads, critical: leads}"))

    assert "team `business` has no role `channel`, which is told of severity `info`" in shown


def test_all_faults_are_told_at_once_in_file_order() -> None:
    """Nobody mends a policy one error at a time."""
    text = changed("to: critical, after: 45m", "to: critcal, after: soon").replace("team: ai\n", "team: ia\n")

    found = problems(text, "receivrs: {}\nroute: {}\n")

    assert [(problem.file, problem.line, problem.key) for problem in found] == [
        ("a.yml", 15, "escalation_policies.warn.raise.to"),
        ("a.yml", 15, "escalation_policies.warn.raise.after"),
        ("a.yml", 25, "route.team"),
        ("b.yml", 1, "receivrs"),
        ("b.yml", 2, "route"),
    ]


def test_files_are_merged_by_their_top_level_keys() -> None:
    """It doesn't matter in which file a key stands, so long as it stands in one only."""
    head, tail = SOUND.split("teams:\n")

    split = load({"places.yml": head, "rest.yml": f"teams:\n{tail}"})

    assert split.root.file == "rest.yml"
    assert list(split.teams) == ["ai", "business"]
    assert "b.yml:1:1: route: found `route` again, expected it only in a.yml:24" in only_problem(SOUND, "route: {}")


@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-1234-5678-abcdefghij",
        "https://hooks.slack.com/services/T000/B000/XXXX",
        "0123456789abcdef0123456789abcdef",
        "any-other-text",
        "${NAME} and-more",
    ],
)
@pytest.mark.parametrize("key", ["token", "webhook_url", "routing_key", "bearer_token", "password"])
def test_a_secret_is_refused_and_not_shown(key: str, secret: str) -> None:
    """Where a secret belongs only a placeholder may stand; the error shows neither the secret nor its line as it is."""
    options = {
        "token": f'slack: {{channel: "#a", token: "{secret}"}}',
        "webhook_url": f'slack: {{webhook_url: "{secret}"}}',
        "routing_key": f'pagerduty: {{routing_key: "{secret}"}}',
        "password": f'webhook: {{url: "http://h/", basic_auth: {{username: a, password: "{secret}"}}}}',
        "bearer_token": f'webhook: {{url: "http://h/", bearer_token: "{secret}"}}',
    }

    shown = only_problem(changed('slack: {channel: "#ai-models"}', options[key]))

    assert f"found a secret written down, expected `${{NAME}}` from the environment, or the key `{key}_file`" in shown
    assert secret.startswith("$") or secret not in shown


@pytest.mark.parametrize("place", ["url: http://user:hunter2secret@host/", "url: http://h/xoxb-hunter2secret"])
def test_a_secret_where_none_belongs_is_refused_too(place: str) -> None:
    """Passwords in addresses, and whatever has a token's shape."""
    shown = only_problem(changed('slack: {channel: "#ai-models"}', f'webhook: {{"url": "{place[5:]}"}}'))

    assert "found a secret written down" in shown
    assert "hunter2secret" not in shown


def test_a_syntax_error_beside_a_secret_does_not_show_it() -> None:
    """Also a line that can't be read is shown without what looks like a secret."""
    shown = only_problem("receivers:\n  a: {slack: {token: xoxb-hunter2secret, ]}")

    assert "a.yml:2:" in shown
    assert "hunter2secret" not in shown


def test_secrets_come_from_the_environment_or_from_files() -> None:
    """A `…_file` key becomes the placeholder that is filled in with the file's content when it is needed."""
    policy = load({"a.yml": changed(
        'slack: {channel: "#ai-models"}',
        'slack: [{webhook_url: "${A:-${B}}"}, {webhook_url_file: /run/secrets/slack}]',
    )})  # fmt: skip

    first, second = policy.integrations("ai-channel")

    assert (first.id, second.id) == ("ai-channel/slack", "ai-channel/slack/1")
    assert "webhook_url='${A:-${B}}'" in repr(first.options)
    assert "webhook_url='${file:/run/secrets/slack}'" in repr(second.options)


def test_the_revision_names_the_content() -> None:
    """The order of the files doesn't matter; every letter does, and so does which file it stands in."""
    assert revision({"a": "1", "b": "2"}) == revision({"b": "2", "a": "1"})
    assert len({revision({"a": "1", "b": "2"}), revision({"a": "12", "b": ""}), revision({"a": "1", "b": "3"})}) == 3
    assert len(revision({})) == 12


FRAGMENTS = (
    *SOUND.splitlines(keepends=True),
    *(
        "route:",
        "*a",
        "&a ",
        "<<: *a",
        "- ",
        "{",
        "}",
        "[",
        "]",
        "\n",
        "  ",
        ": ",
        "#",
        "'",
        '"',
        "|\n",
        "!!int ",
        "---\n",
    ),
    *("\t", "null", "é", "\u2028", "\x00", "\ufeff", "0x1", "${A", "'a=b'", "? "),
)


def _misplaced(text: str) -> list[str]:
    """The faults in a text that don't stand within it."""
    try:
        load({"any.yml": text})
    except PolicyError as error:
        lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", text.removeprefix("\ufeff"))
        return [
            str(problem)
            for problem in error.problems
            if not (1 <= problem.line <= len(lines) and 1 <= problem.column <= len(lines[problem.line - 1]) + 1)
        ]
    return []


@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), max_size=30).map("".join))
def test_any_text_is_a_policy_or_a_policy_error_in_it(text: str) -> None:
    """No text makes the loader fail otherwise, and every fault stands within the text."""
    assert not _misplaced(text)


@given(st.integers(0, len(SOUND)), st.integers(0, 40), st.text(max_size=8) | st.sampled_from(FRAGMENTS))
def test_a_damaged_policy_is_a_policy_or_a_policy_error_in_it(at: int, length: int, other: str) -> None:
    """The same for texts that are nearly right: something cut out, something else put in."""
    assert not _misplaced(SOUND[:at] + other + SOUND[at + length :])
