"""Nothing of an `alertmanager.yml` is lost in silence: what a policy has no place for is said, each at its line."""

from __future__ import annotations

import pytest

from alertrouter.policy.alertmanager.conversion import Conversion, convert
from alertrouter.policy.alertmanager.fallbacks import CHAT_POST_MESSAGE
from alertrouter.policy.load import load
from alertrouter.policy.policy import Policy
from alertrouter.policy.receiver import EmailOptions, PagerDutyOptions, SlackOptions, WebhookOptions

MAIL = "global: {smtp_smarthost: 'mail:25', smtp_from: a@example.org}\n"


def converted(content: str) -> tuple[Conversion, Policy]:
    """What becomes of a configuration, and the policy of that."""
    found = convert("alertmanager.yml", content)
    return found, load(found.files)


def with_receiver(integration: str) -> str:
    """A configuration with one receiver that has this integration."""
    return f"route: {{receiver: x}}\nreceivers:\n- name: x\n  {integration}\n"


@pytest.mark.parametrize(
    ("content", "key", "todo"),
    [
        (
            with_receiver("webhook_configs: [{url: 'http://e/', http_config: {authorization: {type: Token}}}]"),
            "receivers[x].webhook_configs.http_config.authorization",
            "post to a proxy that adds the header",
        ),
        (
            with_receiver("webhook_configs: [{url: 'http://e/', timeout: 5s}]"),
            "receivers[x].webhook_configs.timeout",
            "nothing",
        ),
        (
            with_receiver("slack_configs: [{api_url: 'http://e/', link_names: true}]"),
            "receivers[x].slack_configs.link_names",
            "templates/slack/summary.j2",
        ),
        (
            MAIL
            + with_receiver("email_configs: [{to: b@example.org, headers: {Subject: s, Reply-To: c@example.org}}]"),
            "receivers[x].email_configs.headers.Reply-To",
            "by the sender or the subject",
        ),
        (
            "global: {smtp_tls_config: {insecure_skip_verify: true}}\n" + with_receiver("labels: {}"),
            "global.smtp_tls_config",
            "SMTP_CA_FILE",
        ),
        (
            "global: {http_config: {proxy_url: 'http://p'}}\n" + with_receiver("labels: {}"),
            "global.http_config",
            "see whether that is enough",
        ),
    ],
)
def test_what_has_no_place_is_said(content: str, key: str, todo: str) -> None:
    """With what to do about it."""
    found, _ = converted(content)

    assert [note.todo for note in found.notes if note.key == key and todo in note.todo]


@pytest.mark.parametrize("address", ["url: 'http://e/x'", "url_file: /run/url", "url: 'http://{{ .Receiver }}/'"])
@pytest.mark.parametrize(
    ("user", "username", "password"),
    [
        ("username: u, password: p", "u", "${WEBHOOK_PASSWORD_X}"),
        ("username: u, password_file: p", "u", "${file:/etc/alertmanager/p}"),
        ("username_file: /run/u, password: $P", "${file:/run/u}", "${P}"),
        ("username: u", "u", ""),
        ("password: p", "", "${WEBHOOK_PASSWORD_X}"),
        ("username: 'a$b', password: p", "${WEBHOOK_USERNAME_X}", "${WEBHOOK_PASSWORD_X}"),
    ],
)
def test_the_user_of_a_webhook_is_carried_over(user: str, username: str, password: str, address: str) -> None:
    """Without them it would get 401 for ever; a file stays a file, however the address is found."""
    _, policy = converted(with_receiver(f"webhook_configs: [{{{address}, http_config: {{basic_auth: {{{user}}}}}}}]"))

    (integration,) = policy.receivers["x"].integrations
    assert isinstance(integration.options, WebhookOptions)
    assert (integration.options.username, integration.options.password) == (username, password)


def test_each_receiver_has_variables_of_its_own() -> None:
    """Also where names differ by nothing that a variable can show."""
    each = ", ".join(f"{{name: {name}, webhook_configs: [{{url: <secret>}}]}}" for name in ("a-b", "a.b", "a b"))

    _, policy = converted(f"route: {{receiver: a-b}}\nreceivers: [{each}]\n")

    options = [one.options for receiver in policy.receivers.values() for one in receiver.integrations]
    urls = [one.url for one in options if isinstance(one, WebhookOptions)]
    assert urls == ["${WEBHOOK_URL_A_B}", "${WEBHOOK_URL_A_B_2}", "${WEBHOOK_URL_A_B_3}"]


def test_two_addresses_of_a_receiver_are_two_variables() -> None:
    """Secrets that `amtool config show` hides, and templates."""
    found, policy = converted(
        with_receiver(
            "webhook_configs: [{url: 'http://{{ .Status }}'}, {url: $A}, {url: <secret>},"
            " {url: 'http://{{ .Status }}'}, {url: 'https://e/x?token=1'}]"
        )
    )

    urls = [one.options.url for one in policy.receivers["x"].integrations if isinstance(one.options, WebhookOptions)]
    assert urls == ["${WEBHOOK_URL_X}", "${A}", *(f"${{WEBHOOK_URL_X_{number}}}" for number in (3, 4, 5))]
    assert {*found.variables, *(secret.name for secret in found.secrets)} == {url.strip("${}") for url in urls} - {"A"}


def test_the_token_of_another_client_is_not_slacks() -> None:
    """A `SLACK_BOT_TOKEN` would take the place of the webhook."""
    found, policy = converted(
        "global: {slack_api_url: 'http://slack/', http_config: {authorization: {credentials: t}}}\n"
        + with_receiver("slack_configs: [{channel: ops, send_resolved: true}]")
    )

    (integration,) = policy.receivers["x"].integrations
    assert integration.options == SlackOptions(channel="ops", webhook_url="${SLACK_WEBHOOK_URL}")
    assert [secret.name for secret in found.secrets] == ["SLACK_WEBHOOK_URL"]


def test_the_secret_of_a_mail_server_is_its_password() -> None:
    """Alertmanager has a key of its own for CRAM-MD5, which takes the same password."""
    found, _ = converted(
        "global: {smtp_smarthost: 'mail:25', smtp_from: a@example.org, smtp_auth_username: u, smtp_auth_secret: s}\n"
        + with_receiver("email_configs: [{to: b@example.org}]")
    )

    assert [(secret.name, secret.value) for secret in found.secrets] == [("SMTP_PASSWORD", "s")]


def test_what_a_mail_server_has_from_placeholders_is_asked_for() -> None:
    """A setting has none: without its password the server would refuse each mail. Each is said once."""
    found, _ = converted(
        "global: {smtp_smarthost: '${MAIL}:587', smtp_from: $FROM, smtp_auth_username: $U, smtp_auth_password: $P}\n"
        "route: {receiver: x}\n"
        "receivers: [{name: x, email_configs: [{to: b@example.org}, {to: c@example.org}]}]\n"
    )

    asked = ("SMTP_FROM", "SMTP_HOST", "SMTP_USERNAME", "SMTP_PASSWORD")
    assert found.variables == {**dict.fromkeys(asked, ""), "SMTP_PORT": "587", "SMTP_TLS": "starttls"}
    assert sorted(note.todo for note in found.notes) == sorted(f"set {name} to what it stands for" for name in asked)


def test_a_whole_server_from_a_placeholder_is_asked_for() -> None:
    """Its port as well: what the placeholder holds isn't known."""
    found, _ = converted(
        "global: {smtp_smarthost: '$SERVER', smtp_from: a@example.org}\n"
        + with_receiver("email_configs: [{to: b@example.org}]")
    )

    assert (found.variables["SMTP_HOST"], found.variables["SMTP_PORT"]) == ("", "")


def test_the_password_of_a_mail_server_has_its_variable_whatever_else_is_the_same() -> None:
    """A receiver's key that happens to be the same text is another variable; a file is said once."""
    mail = "smtp_smarthost: 'mail:25', smtp_from: a@example.org, smtp_auth_username: u"
    receivers = "receivers: [{name: x, pagerduty_configs: [{routing_key: same}],"
    receivers += " email_configs: [{to: b@example.org}, {to: c@example.org}]}]\n"

    found, _ = converted(f"global: {{{mail}, smtp_auth_password: same}}\nroute: {{receiver: x}}\n{receivers}")
    of_file, _ = converted(f"global: {{{mail}, smtp_auth_password_file: p}}\nroute: {{receiver: x}}\n{receivers}")

    assert {secret.name for secret in found.secrets} == {"PAGERDUTY_KEY_X", "SMTP_PASSWORD"}
    assert [note.what for note in of_file.notes] == ["the file p isn't read"]


def test_each_address_that_is_a_template_has_a_variable() -> None:
    """Sender and recipient, and those of a second integration."""
    content = MAIL + with_receiver("email_configs: [{to: '{{ .A }}', from: '{{ .B }}'}, {to: '{{ .C }}'}]")

    found, policy = converted(content)

    assert [one.options for one in policy.receivers["x"].integrations] == [
        EmailOptions(to=("${ALERT_EMAIL_X}",), from_address="${ALERT_EMAIL_FROM_X}", send_resolved=False),
        EmailOptions(to=("${ALERT_EMAIL_X_2}",), send_resolved=False),
    ]
    assert len(found.notes) == 3


def test_a_severity_without_a_rank_is_said_and_the_others_keep_theirs() -> None:
    """Nobody knows whether `blau` is worse than `critical`; that `page` is, is known."""
    found, policy = converted(
        "route:\n  receiver: x\n  routes:\n  - matchers: ['severity=~\"page|ticket\"']\n  - match: {severity: blau}\n"
        "receivers: [{name: x}]\n"
    )

    assert policy.severities == ("info", "ticket", "warning", "critical", "page")
    (note,) = found.notes
    assert (note.line, note.what) == (1, "the severity `blau` has no rank")
    assert note.why == "its alerts count as `warning`"


@pytest.mark.parametrize(
    ("urls", "variable", "said"),
    [
        (["https://events.eu.pagerduty.com/v2/enqueue"], "https://events.eu.pagerduty.com", []),
        (["http://proxy:8080/pagerduty/v2/enqueue/"], "http://proxy:8080/pagerduty", []),
        (["https://events.pagerduty.com/v2/enqueue"], None, []),
        (["https://events.pagerduty.com/generic/2010-04-15/create_event.json"], None, []),
        (["$PAGERDUTY"], "", ["the address `$PAGERDUTY` isn't known here"]),
        (["http://proxy/pd"], "http://proxy/pd", ["events go to `http://proxy/pd/v2/enqueue`"]),
        (["http://a/v2/enqueue", "http://b/v2/enqueue"], "http://a", ["the address `http://b/v2/enqueue` is left out"]),
        (["", "http://b/v2/enqueue"], None, ["the address `http://b/v2/enqueue` is left out"]),
        (
            ["http://a/v2/enqueue", ""],
            "http://a",
            ["the address `https://events.pagerduty.com/v2/enqueue` is left out"],
        ),
    ],
)
def test_the_address_of_pagerduty_keeps_its_path_and_is_one(
    urls: list[str], variable: str | None, said: list[str]
) -> None:
    """A proxy may have it below a path. There is one setting for all: a second address is said and not taken."""
    each = [f"{{routing_key: k, url: '{url}'}}" if url else "{routing_key: k}" for url in urls]

    found, _ = converted(with_receiver(f"pagerduty_configs: [{', '.join(each)}]"))

    assert found.variables.get("PAGERDUTY_EVENTS_URL") == variable
    assert [note.what for note in found.notes if note.key.endswith("pagerduty_configs.url")] == said


@pytest.mark.parametrize(
    ("severity", "said"),
    [
        ("'{{ .CommonLabels.severity }}'", False),
        ("'{{- .GroupLabels.severity | toLower -}}'", False),
        ("'{{ index .CommonLabels \"severity\" }}'", False),
        ("warning", False),
        ("page", True),
        ("'{{ .CommonLabels.level }}'", True),
        ("'{{ if eq .CommonLabels.severity \"critical\" }}critical{{ else }}error{{ end }}'", True),
    ],
)
def test_a_severity_of_pagerduty_that_is_not_the_alerts_own_is_said(severity: str, said: bool) -> None:
    """What a template makes of it may be another one for some alerts; a word that isn't PagerDuty's it would refuse."""
    found, policy = converted(with_receiver(f"pagerduty_configs: [{{routing_key: k, severity: {severity}}}]"))

    assert [note.key for note in found.notes] == ["receivers[x].pagerduty_configs.severity"] * said
    (integration,) = policy.receivers["x"].integrations
    assert isinstance(integration.options, PagerDutyOptions)
    assert bool(integration.options.severity) is (severity == "warning")


@pytest.mark.parametrize(
    ("integration", "said"),
    [
        ("slack_configs: [{channel: ops, api_url: 'http://e/', http_config: {bearer_token: t}}]", True),
        ("slack_configs: [{channel: ops, api_url: 'http://e/', http_config: {authorization: {credentials: t}}}]", True),
        (
            f"slack_configs: [{{channel: ops, api_url: '{CHAT_POST_MESSAGE}', http_config: {{bearer_token: t}}}}]",
            False,
        ),
        ("pagerduty_configs: [{routing_key: k, http_config: {authorization: {credentials: t}}}]", True),
        ("webhook_configs: [{url: 'http://e/', http_config: {authorization: {credentials: t}}}]", False),
    ],
)
def test_a_token_that_nobody_is_sent_is_said(integration: str, said: bool) -> None:
    """An incoming webhook of Slack's, or one that only looks like it, gets none; nor does PagerDuty."""
    found, _ = converted(with_receiver(integration))

    reasons = [note.why for note in found.notes if ".http_config." in note.key]
    assert reasons == ["only webhooks and Slack's Web API get a token"] * said


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://slack.example.org/api/chat.postMessage", "https://slack.example.org/api/"),
        ("https://slack.com/api/chat.postMessage", "https://slack.com/api/"),
        ("$SLACK", ""),
    ],
)
def test_the_address_of_slacks_api_becomes_a_setting(address: str, expected: str) -> None:
    """Slack's own, or a proxy's, of the whole file."""
    found, _ = converted(
        f"global: {{slack_app_token: xoxb-1, slack_app_url: '{address}'}}\n"
        + with_receiver("slack_configs: [{channel: ops}]")
    )

    assert found.variables["SLACK_API_URL"] == expected
    assert [note.key for note in found.notes] == ["global.slack_app_url"] * (not expected)


def test_a_bot_without_a_channel_is_said_and_its_texts_are_nobody_elses() -> None:
    """Its alerts go to the inbox; the second integration is the first one of Slack then."""
    found, policy = converted(
        "global: {slack_app_token: xoxb-1}\n"
        + with_receiver("slack_configs: [{title: first}, {channel: ops, title: second}]")
    )

    assert [one.id for one in policy.receivers["x"].integrations] == ["x/slack", "x/inbox"]
    assert [note.what for note in found.notes] == ["becomes the inbox"]
    text = found.templates["templates/slack/title.j2"]
    assert ("first" in text, 'notice.destination == "x/slack" %}\nsecond' in text) == (False, True)
