"""What a message in Slack holds: within its limits, with nothing in it that a label wrote as mark-up."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec.structs import replace

from alertrouter.incident import Ack, Reason, Snooze, State
from alertrouter.links import Links
from alertrouter.notice import Notice, NoticeAlert
from alertrouter.notifiers import slack_blocks
from alertrouter.policy.receiver import SlackOptions
from alertrouter.render import Renderer
from alertrouter.render.samples import sample_alert, sample_notice
from alertrouter.settings import from_environment
from tests.notifiers.far_sides import made
from tests.standins import SlackMessage, SlackStandIn
from tests.standins.slack import blocks_of, texts_of

RENDERER = Renderer()
PAGE = "<http://127.0.0.1:9080/incidents/INC-1|INC-1>"
OURS = re.compile(r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|\d{4}-\d\d-\d\d \d\d:\d\d UTC>|" + re.escape(PAGE))
"""The only mark-up in angle brackets that our templates write into text."""


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({}, f" · {PAGE} · "),
        ({"external_url": "http://127.0.0.1:9080/"}, f" · {PAGE} · "),
        ({"external_url": ""}, " · INC-1 · "),
        ({"external_url": "javascript:alert(1)"}, " · INC-1 · "),
        ({"external_url": f"http://{'a' * 200}.example.com"}, " · INC-1 · "),
        ({"incident": "test-20260302T100000"}, " · test-20260302T100000 · "),
        ({"shared": True}, " · INC-1 · "),
    ],
)
def test_the_number_of_the_incident_leads_to_its_page(change: dict[str, object], shown: str) -> None:
    """Where its whole story is; not when the address isn't known or long, or what is told has no page."""
    body = slack_blocks.message(replace(sample_notice(), **change), RENDERER, hears=True).fields()

    assert shown in blocks_of(json.loads(json.dumps(body)))[-1]["elements"][0]["text"]


def test_a_link_stands_in_for_the_buttons_where_a_click_is_not_heard(slack: SlackStandIn) -> None:
    """On webhooks and deaf bots, while nobody has the incident; which reader uses it can't be told."""
    secret = {"ALERTROUTER_LINK_SECRET": "a-secret-that-signs-links", "HOOK": slack.webhook_url}
    bot = {**secret, "SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": slack.token}
    hearing = made(SlackOptions(channel="#ai"), {**bot, "SLACK_SIGNING_SECRET": "s"})
    deaf = made(SlackOptions(channel="#ai"), bot)
    hook = made(SlackOptions(webhook_url="${HOOK}"), secret)
    taken = Ack(by="lena (api)", at=sample_notice().at, until=None, level=0)

    for notifier in (hearing, deaf, hook):
        notifier.send(sample_notice())
    hook.send(replace(sample_notice(), state=State.ACKNOWLEDGED, ack=taken))

    shown = [_ack_links(message) for message in slack.messages]
    readers = [Links(from_environment(secret)).read(link.rpartition("/")[2]) for found in shown for link in found]
    assert [len(found) for found in shown] == [0, 1, 1, 0]
    assert [read and read.actor() for read in readers] == [
        "somebody in #ai (slack link)",
        "somebody in ai-channel (slack link)",
    ]
    for notifier in (hearing, deaf, hook):
        notifier.close()


def test_many_alerts_are_counted() -> None:
    """The first ones are shown with the labels that tell them apart, the rest is counted."""
    notice = sample_notice(firing=tuple(sample_alert(number) for number in range(47)))

    texts = texts_of(blocks_of(slack_blocks.message(notice, RENDERER).fields()))

    (alerts,) = [text for text in texts if "gpu-0:9100" in text]
    assert len(re.findall(r"`instance=gpu-\d+:9100`", alerts)) == 10
    assert alerts.endswith("… and 37 more")


def test_links_become_buttons() -> None:
    """Runbook, dashboard and source; nothing but http and https."""
    alert = sample_alert(1)
    alert.annotations["dashboard_url"] = "javascript:alert(1)"

    blocks = blocks_of(slack_blocks.message(sample_notice(firing=(alert,)), RENDERER).fields())

    (actions,) = [block for block in blocks if block["type"] == "actions"]
    assert [(button["text"]["text"], button["url"]) for button in actions["elements"]] == [
        ("Runbook", "https://runbooks.example.org/ai/model-latency"),
        ("Source", "https://prometheus.example.org/graph?g0.expr=latency"),
    ]


def test_fields_and_links_are_lines_of_templates(slack: SlackStandIn, tmp_path: Path) -> None:
    """Within what Slack takes, escaped; two buttons of one name have an id each, and what is no address is left out."""
    (tmp_path / "slack").mkdir()
    fields = "*Model*: {{ notice.common_labels.severity }} <!here>\n\n*Why*: {{ notice.common_annotations.why }}\n"
    (tmp_path / "slack" / "fields.j2").write_text(fields + f"*Long*: {'&amp;' * 30}\n" * 20)
    links = "https://wiki/?a=1&b=2 Wiki & more\nhttps://other/ Wiki & more\njavascript:alert(1) No\n"
    (tmp_path / "slack" / "links.j2").write_text(links + f"https://{'l' * 1400}/\n" * 9)
    alert = sample_alert(1)
    alert.annotations["why"] = "<b> & @channel"

    environ = {"SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": slack.token}

    with closing(made(SlackOptions(channel="#ai"), environ, templates=tmp_path)) as notifier:
        notifier.send(sample_notice(firing=(alert,)))

    (posted,) = slack.messages

    shown = [text["text"] for block in blocks_of(posted.body) for text in block.get("fields", [])]
    assert shown[:2] == ["*Model*: critical <!here>", "*Why*: &lt;b&gt; &amp; @channel"]
    assert (len(shown), max(map(len, shown)) <= 150, shown[9].endswith("&amp;…")) == (10, True, True)
    (actions,) = [block for block in blocks_of(posted.body) if block["type"] == "actions"]
    assert [(one["text"]["text"], one["url"]) for one in actions["elements"]][:2] == [
        ("Wiki & more", "https://wiki/?a=1&b=2"),
        ("Wiki & more", "https://other/"),
    ]
    assert len({one["action_id"] for one in actions["elements"]}) == len(actions["elements"]) == 5


TEXT = some.text(max_size=40) | some.sampled_from(
    ["<!channel>", "<https://evil.example|click>", "&lt;", "x" * 5000, "<" * 3000, "`", "\n\n", "*_~", "\x00"]
)
TEXTS = some.dictionaries(
    some.sampled_from(["alertname", "instance", "summary", "description", "runbook_url", "dashboard_url"]) | TEXT,
    TEXT | some.just("https://runbooks.example.org/<x>|y?" + "z" * 1400),
    max_size=12,
)
ALERTS = some.builds(
    NoticeAlert,
    status=some.just("firing"),
    labels=TEXTS,
    annotations=TEXTS,
    starts_at=some.just(datetime(2026, 3, 2, 10, tzinfo=UTC)),
    ends_at=some.none() | some.just(datetime(2026, 3, 2, 11, tzinfo=UTC)),
    generator_url=TEXT,
)
MOMENT = datetime(2026, 3, 2, 11, tzinfo=UTC)
STANDINGS = some.fixed_dictionaries(
    {
        "state": some.sampled_from(State),
        "climbs": some.booleans(),
        "version": some.integers(0, 10**6),
        "raised": TEXT,
        "ack": some.builds(
            Ack,
            by=TEXT,
            at=some.just(MOMENT),
            until=some.none() | some.just(MOMENT),
            level=some.just(0),
            others=some.lists(TEXT, max_size=5).map(tuple),
        ),
        "snooze": some.none() | some.builds(Snooze, by=TEXT, until=some.just(MOMENT)),
    }
)
SAMPLES = some.builds(
    sample_notice,
    firing=some.lists(ALERTS, max_size=15).map(tuple),
    resolved=some.lists(ALERTS, max_size=5).map(tuple),
    reason=some.sampled_from(Reason),
    severity=TEXT,
    receiver=TEXT,
)
NOTICES = some.builds(lambda notice, standing: replace(notice, **standing), SAMPLES, STANDINGS)


@settings(deadline=None)  # a busy machine is no fault
@given(NOTICES)
def test_whatever_alerts_say_the_message_is_within_limits_and_escaped(notice: Notice) -> None:
    """No label, annotation or name can break a limit of Slack's or write mark-up."""
    body = json.loads(json.dumps(slack_blocks.message(notice, RENDERER, hears=True).fields()))
    reply = slack_blocks.reply(notice, RENDERER)

    blocks = blocks_of(body)
    texts = texts_of(blocks)
    assert len(blocks) <= 50
    assert sum(map(len, texts)) + len(body["text"]) <= 12_000
    assert all(1 <= len(block["text"]["text"]) <= 3000 for block in blocks if block["type"] == "section")
    assert 1 <= len(blocks[0]["text"]["text"]) <= 150
    for text in [*texts, body["text"], reply.text if reply else ""]:
        rest = OURS.sub("", text)
        assert "<" not in rest
        assert ">" not in rest
        assert not text.startswith("https://") or text.isprintable()


@settings(deadline=None)  # a busy machine is no fault
@given(NOTICES)
def test_no_template_fails_on_what_alerts_say(notice: Notice) -> None:
    """The built-in templates cope with any labels and annotations."""
    slack_blocks.message(notice, RENDERER)
    slack_blocks.reply(notice, RENDERER)

    assert [str(fault) for fault in RENDERER.faults()] == []


def _ack_links(message: SlackMessage) -> list[str]:
    buttons = [one for block in blocks_of(message.body) for one in block.get("elements", [])]
    return [str(one["url"]) for one in buttons if one.get("action_id") == "open_ack"]
