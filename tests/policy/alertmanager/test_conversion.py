"""An `alertmanager.yml` becomes a policy that does the same; what has no equivalent is said, no secret stays."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertrouter.policy.alertmanager.conversion import Conversion, convert
from alertrouter.policy.alertmanager.grammar import CARRIED, OTHERS
from alertrouter.policy.load import load
from alertrouter.policy.policy import Policy
from alertrouter.policy.receiver import EmailOptions, PagerDutyOptions, SlackOptions, WebhookOptions

EVERYTHING = (Path(__file__).parent / "everything.yml").read_text(encoding="utf-8")
SECRETS = ("abcdefghijklmnopqrstuvwx", "0123456789abcdef", "correct-horse", "s3cret", "user:pass", "00000000-0000")


def converted(content: str) -> tuple[Conversion, Policy]:
    """What becomes of a configuration, and the policy of that."""
    found = convert("alertmanager.yml", content)
    return found, load(found.files)


def with_receiver(integration: str) -> str:
    """A configuration with one receiver that has this integration."""
    return f"route: {{receiver: x}}\nreceivers:\n- name: x\n  {integration}\n"


def options(content: str) -> object:
    """The options of the only integration."""
    return converted(content)[1].receivers["x"].integrations[0].options


def test_no_secret_stays_in_what_is_written() -> None:
    """Neither in the policy nor in the notes, faults, or the repr of what was found; each has a variable."""
    found = convert("alertmanager.yml", EVERYTHING)

    written = "".join(found.files.values()) + "".join(map(str, found.notes)) + repr(found.secrets)
    assert not [secret for secret in SECRETS if secret in written]
    assert {one.name for one in found.secrets} >= {"SLACK_WEBHOOK_URL", "PAGERDUTY_KEY_PAGER", "SMTP_PASSWORD"}
    assert all(f"${{{one.name}}}" in written for one in found.secrets if one.name != "SMTP_PASSWORD")


def test_a_secret_in_a_block_is_what_stands_in_it() -> None:
    """The line break at the end of a block of YAML is none of it, and no placeholder either."""
    block = "pagerduty_configs:\n  - routing_key: |\n      k\n  - routing_key: |\n      $KEY\n"
    found, policy = converted(with_receiver(block))

    assert [(one.name, one.value) for one in found.secrets] == [("PAGERDUTY_KEY_X", "k")]
    keys = [one.options for one in policy.receivers["x"].integrations]
    assert [one.routing_key for one in keys if isinstance(one, PagerDutyOptions)] == ["${PAGERDUTY_KEY_X}", "${KEY}"]


def test_a_fault_never_shows_a_secret() -> None:
    """The offending line is shown with it masked."""
    found = convert(
        "alertmanager.yml",
        with_receiver("slack_configs: [{api_url: 'https://hooks.slack.com/services/T0/B0/XYZXYZ', chanel: a}]"),
    )

    assert len(found.problems) == 1
    assert "did you mean `channel`" in str(found.problems[0])
    assert "XYZXYZ" not in str(found.problems[0])


def test_receivers_are_carried_over() -> None:
    """Slack, PagerDuty, email and webhook with their defaults: Slack and email don't tell the end unless asked to."""
    found, policy = converted(EVERYTHING)

    named = {name: [one.options for one in receiver.integrations] for name, receiver in policy.receivers.items()}
    assert named["default"] == [
        SlackOptions(channel="#alerts", webhook_url="${SLACK_WEBHOOK_URL}"),
        SlackOptions(channel="${SLACK_CHANNEL_DEFAULT_2}", webhook_url="${SLACK_OTHER_WEBHOOK}", send_resolved=False),
    ]
    assert named["pager"][0] == PagerDutyOptions(routing_key="${PAGERDUTY_KEY_PAGER}")
    assert named["team-x"] == [EmailOptions(to=("x@example.org", "Why <y@example.org>"))]
    assert named["db"][0] == WebhookOptions(
        url="http://bridge.internal:8080/alerts", bearer_token="${WEBHOOK_TOKEN_DB}", max_alerts=10
    )
    assert policy.receivers["silent"].integrations == ()
    assert found.variables["SMTP_HOST"] == "smtp.example.org"
    assert found.variables["PAGERDUTY_EVENTS_URL"] == "https://events.eu.pagerduty.com"


@pytest.mark.parametrize(
    ("integration", "expected"),
    [
        (
            "pagerduty_configs: [{routing_key: '${KEY}'}]",
            PagerDutyOptions(
                routing_key="${KEY}", severity=(("info", "error"), ("warning", "error"), ("critical", "error"))
            ),
        ),
        (
            "slack_configs: [{api_url_file: /etc/hook, send_resolved: yes}]",
            SlackOptions(webhook_url="${file:/etc/hook}"),
        ),
        (
            "slack_configs: [{app_token: xoxb-1, channel: ops, send_resolved: true}]",
            SlackOptions(channel="ops", token="${SLACK_BOT_TOKEN}"),
        ),
        (
            """slack_configs: [{api_url: 'https://slack.com/api/chat.postMessage', channel: ops, send_resolved: on,
    http_config: {authorization: {credentials_file: /etc/token}}}]""",
            SlackOptions(channel="ops", token="${file:/etc/token}"),
        ),
        (
            "slack_configs: [{api_url_file: secrets/../hook, send_resolved: yes}]",
            SlackOptions(webhook_url="${file:/etc/alertmanager/hook}"),
        ),
        (
            "slack_configs: [{api_url_file: 'a{b}', send_resolved: yes}]",
            SlackOptions(webhook_url="${SLACK_WEBHOOK_URL_X}"),
        ),
        ("webhook_configs: [{url: $HOOK}]", WebhookOptions(url="${HOOK}")),
        ("webhook_configs: [{url: 'http://${HOST}/x'}]", WebhookOptions(url="http://${HOST}/x")),
        ("webhook_configs: [{url: <secret>}]", WebhookOptions(url="${WEBHOOK_URL_X}")),
        (
            "webhook_configs: [{url: 'http://e/x', http_config: {basic_auth: {username: u, password: p}}}]",
            WebhookOptions(url="http://e/x", username="u", password="${WEBHOOK_PASSWORD_X}"),
        ),
        ("webhook_configs: [{url_file: url}]", WebhookOptions(url="${file:/etc/alertmanager/url}")),
    ],
)
def test_an_integration_becomes_ours(integration: str, expected: object) -> None:
    """Placeholders survive, files stay files, what is hidden or secret becomes a variable."""
    assert options(with_receiver(integration)) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (
            "slack_api_url_file",
            SlackOptions(channel="ops", webhook_url="${file:/home/am/secrets/slack}", send_resolved=False),
        ),
        (
            "slack_app_token_file",
            SlackOptions(channel="ops", token="${file:/home/am/secrets/slack}", send_resolved=False),
        ),
    ],
)
def test_a_file_is_looked_for_beside_the_configuration(key: str, expected: SlackOptions) -> None:
    """As Alertmanager does."""
    content = f"global: {{{key}: secrets/slack}}\n" + with_receiver("slack_configs: [{channel: ops}]")

    policy = load(convert("alertmanager.yml", content, directory="/home/am").files)

    assert [one.options for one in policy.receivers["x"].integrations] == [expected]


@pytest.mark.parametrize("kind", [*CARRIED, *OTHERS])
def test_all_eighteen_receivers_are_known(kind: str) -> None:
    """Those without a channel here deliver to the inbox, and one line says what to do."""
    assert len((*CARRIED, *OTHERS)) == 18
    if kind in CARRIED:
        return

    found, policy = converted(with_receiver(f"{kind}_configs:\n  - send_resolved: true"))

    assert [one.channel for one in policy.receivers["x"].integrations] == ["inbox"]
    (note,) = found.notes
    assert (note.line, note.what) == (5, f"`{kind}` becomes the inbox")
    assert note.why
    assert note.todo


def test_time_intervals_of_both_lists_hold_what_they_held() -> None:
    """The old list's times go by their own zone."""
    _, policy = converted(EVERYTHING)

    evening = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)
    assert [any(one.contains(evening) for one in policy.time_intervals[name]) for name in ("offhours", "weekends")] == [
        True,
        False,
    ]


def test_the_zone_of_alertmanagers_machine_is_said() -> None:
    """`Local` is no zone of a policy: its times go by UTC until somebody names one."""
    interval = "{weekdays: [monday], location: Local}"
    found, policy = converted(
        f"{with_receiver('labels: {}')}time_intervals: [{{name: w, time_intervals: [{interval}]}}]\n"
    )

    assert found.problems == ()
    assert [note.key for note in found.notes if "Local" in note.what] == [
        "time_intervals[0].time_intervals[0].location"
    ]
    (monday,) = policy.time_intervals["w"]
    assert monday.contains(datetime(2026, 3, 2, 23, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("integration", "said"),
    [
        (
            "webhook_configs: [{url: 'http://e/', http_config: {authorization: {type: Basic, credentials: x}}}]",
            "found `Basic`, which has a key of its own: `basic_auth`",
        ),
        (
            "pagerduty_configs: [{routing_key: k, http_config: {authorization: {type: basic}}}]",
            "found `Basic`, which has a key of its own: `basic_auth`",
        ),
        (
            "email_configs: [{to: a@example.org, from: b@example.org, smarthost: mail}]",
            "found `mail`, expected a host and a port, as smtp.example.org:587",
        ),
    ],
)
def test_what_alertmanager_refuses_is_one_fault(integration: str, said: str) -> None:
    """At its place, and not a second one for what follows from it."""
    assert [one.message for one in converted(with_receiver(integration))[0].problems] == [said]


def test_a_match_of_nothing_is_the_empty_text() -> None:
    """As in Alertmanager: the label must be missing."""
    found, policy = converted("route: {receiver: x, routes: [{match: {a: }}]}\nreceivers: [{name: x}]\n")

    assert found.problems == ()
    assert [str(one) for one in policy.root.routes[0].matchers] == ['a=""']


def test_inhibition_rules_of_both_forms_become_matchers() -> None:
    """A side without matchers is every alert, and a note says so."""
    found, policy = converted(EVERYTHING)

    assert [rule.name for rule in policy.inhibit_rules][1] == "node down"
    assert policy.inhibit_rules[0].equal == ("alertname", "cluster")
    assert policy.inhibit_rules[2].source_matchers[0].matches({})
    assert any(note.what == "the source is every alert" for note in found.notes)


def test_severities_are_those_that_the_file_speaks_of() -> None:
    """In the order that their names have; without others the usual three."""
    assert converted(EVERYTHING)[1].severities == ("info", "warning", "critical", "page")
    assert converted(with_receiver("{}".replace("{}", "labels: {a: b}")))[1].severities == (
        "info",
        "warning",
        "critical",
    )


def test_an_empty_group_by_makes_one_group() -> None:
    """As in Alertmanager from 0.31 on; before, it said nothing, and the route inherited."""
    _, policy = converted(
        "route:\n  receiver: x\n  group_by: [cluster]\n  routes:\n  - group_by: []\n    match: {team: db}\n"
        "  - group_by: ['...']\n    routes: [{group_by: []}]\nreceivers: [{name: x}]\n"
    )

    database, rest = policy.root.routes
    assert database.options.group_by == ()
    assert rest.routes[0].options.group_by == ()


def test_faults_are_told_at_their_place_and_the_rest_is_usable() -> None:
    """As people have them: `body` in an email, a receiver that is missing, a matcher that can't be read."""
    found, policy = converted(
        "global: {smtp_smarthost: 'mail:25', smtp_from: a@example.org}\n"
        "route:\n  receiver: ops\n  routes:\n  - matchers: [team=x]\n    receiver: missing\n"
        "  - matchers: ['!!']\n    receiver: ops\n"
        "receivers:\n- name: ops\n  email_configs:\n  - to: ops@example.org\n    body: hello\n"
    )

    assert [(problem.line, problem.column) for problem in found.problems] == [(6, 15), (7, 16), (13, 5)]
    assert "undefined receiver" in found.problems[0].message
    assert "unknown key `body`" in found.problems[2].message
    assert policy.receivers["missing"].integrations[0].channel == "inbox"
    assert policy.receivers["ops"].integrations[0].options == EmailOptions(to=("ops@example.org",), send_resolved=False)


@pytest.mark.parametrize("content", ["route: [", "\x00", "- a", "route: 5", "a: &a [*a]"])
def test_what_cannot_be_understood_makes_no_policy(content: str) -> None:
    """The fault has its place, and nothing is written."""
    found = convert("alertmanager.yml", content)

    assert found.problems
    assert not found.files


VALUES = ("5", "null", "[]", "{}", "[a]", "{a: b}", "yes", '""', '"{{"', "${X}", "-1", "[")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(("drop", "indent", *VALUES))), min_size=1, max_size=4)
)
def test_a_damaged_file_is_refused_at_its_places_and_the_rest_is_a_policy(damage: list[tuple[int, str]]) -> None:
    """Whatever is missing, misplaced or of another kind: never an error of ours, and what comes out loads."""
    lines = EVERYTHING.splitlines()
    for where, what in damage:
        place = where % len(lines)
        key, colon, _ = lines[place].partition(":")
        if what == "drop":
            del lines[place]
        elif what == "indent":
            lines[place] = f"  {lines[place]}"
        elif colon:
            lines[place] = f"{key}: {what}"

    found = convert("alertmanager.yml", "\n".join(lines))

    assert all(problem.line for problem in found.problems)
    assert found.files or found.problems
    if found.files:
        load(found.files)


def test_a_faulty_integration_becomes_the_inbox() -> None:
    """With a comment, so that nothing is lost in silence; a root without a receiver tells the first one."""
    found, policy = converted(
        "route: {group_by: [a]}\nreceivers:\n- name: x\n  pagerduty_configs: [{severity: error}]\n"
        "  webhook_configs: [{url: 'ftp://e/'}]\n"
    )

    assert len(found.problems) == 3
    assert policy.root.options.receiver == "x"
    assert [one.channel for one in policy.receivers["x"].integrations] == ["inbox"]
    assert "is faulty: its alerts go to the inbox" in found.files["receivers.yml"]
