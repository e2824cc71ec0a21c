"""The built-in inbox: shows on a page what would have been sent, and stands in for channels without credentials."""

from __future__ import annotations

from alertrouter.notice import Inbox, InboxMessage, Notice
from alertrouter.notifiers.notifier import Sent
from alertrouter.policy.receiver import Channel
from alertrouter.render import Renderer, Template, look


class InboxNotifier:
    """Keeps one card for each incident and destination; a later message takes the earlier one's place, on top."""

    channel = Channel.INBOX

    def __init__(self, inbox: Inbox, renderer: Renderer, instead_of: str = "") -> None:
        self._inbox = inbox
        self._renderer = renderer
        self._instead_of = instead_of

    def lane(self) -> str:
        """One lane for all."""
        return "inbox"

    def send(self, notice: Notice) -> Sent:
        """Keep the message as a card."""
        card_id = f"{notice.incident}@{notice.destination}"
        self._inbox.keep(
            InboxMessage(
                id=card_id,
                incident=notice.incident,
                receiver=notice.receiver,
                severity=notice.severity,
                severity_rank=notice.severity_rank,
                severity_count=notice.severity_count,
                status=notice.status,
                title=look.cut(look.one_line(notice.title), 200),
                html=self._renderer.render(Template.INBOX_CARD, notice, instead_of=self._instead_of),
                at=notice.at,
                sequence=notice.sequence,
                instead_of=self._instead_of,
            )
        )
        return Sent(reference=card_id)

    def close(self) -> None:
        """Nothing is kept open."""
