"""The inbox: one card for each incident and destination, safe to show."""

from __future__ import annotations

from html.parser import HTMLParser

from alertrouter.incident import Reason
from alertrouter.policy.receiver import InboxOptions, SlackOptions
from alertrouter.render.samples import NOTICES, sample_alert, sample_notice
from tests.notifiers.far_sides import Cards, made


def test_a_later_message_takes_the_place_of_the_earlier() -> None:
    """An incident has one card at a destination, which shows how it stands now."""
    cards = Cards()
    notifier = made(InboxOptions(), {}, inbox=cards)

    notifier.send(sample_notice())
    notifier.send(sample_notice(number=2))
    notifier.send(sample_notice(firing=(), resolved=(sample_alert(1, over=True),), reason=Reason.RESOLVED, sequence=2))

    newest = list(cards.cards.values())[-1]
    assert len(cards.cards) == 2
    assert (newest.incident, newest.status, newest.sequence) == ("INC-1", "resolved", 2)
    assert "ar-card--resolved" in newest.html


def test_a_card_shows_what_the_message_would() -> None:
    """Title, summary, the first alerts and how many more, links, and what it stands in for."""
    cards = Cards()
    notifier = made(SlackOptions(channel="#ai-alerts"), {}, inbox=cards)

    notifier.send(NOTICES[1])

    (card,) = cards.cards.values()
    assert card.title == "ModelLatencyHigh"
    for text in ("instance=gpu-0:9100", "… and 37 more", "Runbook", "for Slack #ai-alerts", "ar-card--warning"):
        assert text in card.html


class _Elements(HTMLParser):
    """Collects the elements and the attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.open.append(tag)
        self.seen.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        assert not [name for name, _ in attrs if name.startswith("on") or name == "style"]

    def handle_endtag(self, tag: str) -> None:
        """Note its end."""
        assert self.open.pop() == tag


def test_a_card_is_well_formed_and_holds_nothing_that_runs() -> None:
    """Whatever labels say, the card has only our elements, no inline style, no script, and links to the web alone."""
    cards = Cards()
    notifier = made(InboxOptions(), {}, inbox=cards)
    hostile = {"note": '"><img src=x onerror=alert(1)>', "<b>": "</article><script>alert(1)</script>"}
    alert = sample_alert(1, more=hostile)
    alert.annotations.update({"runbook_url": "javascript:alert(1)", "summary": "<iframe>", "description": "</p>"})

    notifier.send(sample_notice(firing=(alert,)))

    elements = _Elements()
    elements.feed(next(iter(cards.cards.values())).html)
    assert elements.open == []
    assert elements.seen <= {
        *("article", "div", "header", "span", "time", "h3", "p", "ul", "li", "code", "nav", "a", "footer")
    }
    assert all(link.startswith("https://") for link in elements.links)
