"""A notice as Slack's Block Kit: headline, colour bar, what fires, links; escaped, and within Slack's limits.

Those are: header 150, section 3000, 50 blocks, and about 13,200 characters over all blocks (not documented,
answered as `msg_blocks_too_long`: https://github.com/slackapi/bolt-js/issues/2509). The parts here add up to 12,000.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from slack_sdk.models.attachments import BlockAttachment
from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ContextBlock,
    HeaderBlock,
    InteractiveElement,
    LinkButtonElement,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from alertrouter.incident import Reason
from alertrouter.notice import Notice
from alertrouter.notifiers.slack_buttons import buttons
from alertrouter.render import Renderer, Template, cut_markup, look

MAX_TITLE: Final = 150
MAX_SUMMARY: Final = 1600
MAX_STANDING: Final = 700
MAX_ALERTS: Final = 2600
MAX_FIELD: Final = 150
MOST_FIELDS: Final = 10
MAX_URLS: Final = 4500
"""All addresses of the buttons that open a link."""
MOST_LINKS: Final = 10
MAX_CONTEXT: Final = 600
MAX_PAGE: Final = 200
"""A longer address of an incident's page would leave no room for the rest."""
MAX_TEXT: Final = 500
SHOWN_ALERTS: Final = 10

_NEWS: Final = {
    Reason.RESOLVED: False,
    Reason.REPEATED: True,
    Reason.REOPENED: True,
    Reason.FLAPPING: True,
    Reason.ESCALATED: True,
    Reason.RAISED: True,
    Reason.LAPSED: True,
    Reason.LAPSING: False,
    Reason.UNSILENCING: True,
    Reason.UNSILENCED: True,
}
"""What a reader of the thread must know, and no more.

True: the whole channel too, for an update in place rings no bell; but never for a message that is only redrawn.
"""


@dataclass(frozen=True, slots=True)
class Message:
    """A message in the form that both the Web API and incoming webhooks take; `text` is for notifications.

    `mention` is the id of a user whom Slack notifies of it.
    """

    text: str
    headline: HeaderBlock
    attachment: BlockAttachment
    mention: str = ""

    def fields(self) -> dict[str, object]:
        """Its part of the request body."""
        called = [SectionBlock(text=_markdown(f"<@{self.mention}>"))] if self.mention else []
        return {
            "text": f"<@{self.mention}> {self.text}" if self.mention else self.text,
            "blocks": [block.to_dict() for block in (self.headline, *called)],
            "attachments": [self.attachment.to_dict()],
            "unfurl_links": False,
            "unfurl_media": False,
        }


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply in the message's thread."""

    text: str
    to_channel: bool


def message(
    notice: Notice, renderer: Renderer, *, hears: bool = False, ack_link: str = "", mention: str = ""
) -> Message:
    """The whole picture as one message; with buttons if we hear of clicks on them, else with the link, if any."""
    title = cut_markup(look.one_line(renderer.render(Template.SLACK_TITLE, notice)), MAX_TITLE)
    summary = cut_markup(renderer.render(Template.SLACK_SUMMARY, notice), MAX_SUMMARY)
    standing = cut_markup(renderer.render(Template.SLACK_STANDING, notice), MAX_STANDING)
    fields = [_markdown(cut_markup(look.one_line(line), MAX_FIELD)) for line in _rows(notice, renderer)]
    blocks: list[Block] = [SectionBlock(text=_markdown(summary))] if summary else []
    blocks += [SectionBlock(fields=fields)] if fields else []
    blocks += [SectionBlock(text=_markdown(text)) for text in (standing, _alerts(notice, renderer)) if text]
    actions = buttons(notice) if hears else None
    if actions is not None:
        blocks.append(actions)
    openers = _openers(notice, renderer)
    if ack_link and actions is None:
        text = PlainTextObject(text="Acknowledge")
        openers.insert(0, LinkButtonElement(text=text, url=ack_link, action_id="open_ack", style="primary"))
    if openers:
        blocks.append(ActionsBlock(elements=openers))
    blocks.append(ContextBlock(elements=[_markdown(_context(notice))]))
    return Message(
        text=cut_markup(f"{title}: {look.one_line(summary)}" if summary else title, MAX_TEXT),
        headline=HeaderBlock(text=PlainTextObject(text=title, emoji=True)),
        attachment=BlockAttachment(blocks=blocks, color=look.look_of(notice).colour),
        mention=mention if notice.firing else "",
    )


def reply(notice: Notice, renderer: Renderer, *, mention: str = "") -> Reply | None:
    """What the thread of an updated message is told, None when the update says it all."""
    if notice.reason not in _NEWS:
        return None
    to_channel = _NEWS[notice.reason] and not notice.redraw
    text = renderer.render(Template.SLACK_THREAD, notice)
    return Reply(f"<@{mention}> {text}" if mention and to_channel else text, to_channel=to_channel)


def _rows(notice: Notice, renderer: Renderer) -> list[str]:
    """The short lines that stand in two columns."""
    written = renderer.render(Template.SLACK_FIELDS, notice).splitlines()
    return [line for line in written if line.strip()][:MOST_FIELDS]


def _openers(notice: Notice, renderer: Renderer) -> list[InteractiveElement]:
    """The buttons that open a link, as many as fit; no two have the same id, which Slack would refuse."""
    found: dict[str, InteractiveElement] = {}
    left = MAX_URLS
    for link in look.links_in(renderer.render(Template.SLACK_LINKS, notice))[:MOST_LINKS]:
        left -= len(link.url)
        if left < 0:
            break
        name = f"open_{link.text.lower()}"
        name = f"{name}_{len(found)}" if name in found else name
        found[name] = LinkButtonElement(text=PlainTextObject(text=link.text), url=link.url, action_id=name)
    return list(found.values())


def _alerts(notice: Notice, renderer: Renderer) -> str:
    """The first alerts, one on each line, as many as fit whole; then how many there are besides."""
    lines: list[str] = []
    length = 0
    for alert in notice.alerts[:SHOWN_ALERTS]:
        line = look.one_line(renderer.render(Template.SLACK_ALERT, notice, alert=alert))
        length += len(line) + 1
        if length > MAX_ALERTS - 40:
            break
        lines.append(line)
    missing = len(notice.alerts) - len(lines)
    if missing:
        lines.append(f"… and {missing} more" if lines else f"{missing} alerts")
    return "\n".join(lines)


def _context(notice: Notice) -> str:
    labels = [f"{name} {look.cut(value, 60)}" for name, value in notice.group_labels.items() if name != "alertname"]
    before, behind = [notice.severity, *labels[:4]], [f"to {notice.receiver}"]
    behind += [f"trace {notice.trace_id}"] if notice.trace_id else []
    incident, page = _escaped(notice.incident), _escaped(look.web_url(notice.page))
    linked = f"<{page}|{incident}>" if 0 < len(page) <= MAX_PAGE else incident
    parts = [*map(_part, before), linked, *map(_part, behind)]
    escaped = " · ".join(parts)
    since = f"<!date^{int(notice.opened_at.timestamp())}^{{date_short_pretty}} {{time}}|"
    since += f"{look.clock_text(notice.opened_at)}>"
    return f"{cut_markup(escaped, MAX_CONTEXT - 120)} · since {since}"


def _part(text: str) -> str:
    return _escaped(look.cut(look.one_line(text), 100))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _markdown(text: str) -> MarkdownTextObject:
    """Slack text in which only what we marked up is markup: no address or `@here` in a value becomes a link."""
    return MarkdownTextObject(text=text, verbatim=True)
