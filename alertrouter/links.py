"""Links by which whoever has a message can acknowledge its incident, without an account: signed, and for a day.

A link holds what it is for; nothing is stored until it is used, and the door remembers that (`store/doorstore.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from itsdangerous import BadData, URLSafeSerializer

from alertrouter.incident import State
from alertrouter.notice import Notice
from alertrouter.policy.identity import known_as
from alertrouter.policy.oncall import Person
from alertrouter.policy.receiver import Channel
from alertrouter.settings import Settings

VALID: Final = timedelta(hours=24)
MAX_TOKEN: Final = 1000
"""Characters; a longer one is none of ours."""
MAX_RECIPIENT: Final = 200


class Link(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a link is for. Incident numbers start again when the store is wiped, so `opened` (Unix) is part of it."""

    incident: str
    opened: int
    delivery: str
    recipient: str
    through: str
    expires: int

    @property
    def id(self) -> str:
        """Its name among the used ones; a message that was sent twice has the same link twice."""
        return f"{self.delivery}/{self.opened}"

    def actor(self, people: Iterable[Person] = ()) -> str:
        """Who acts by it, as far as can be told: links are passed on."""
        return f"{known_as(people, email=self.recipient) or self.recipient} ({self.through} link)"

    @property
    def expires_at(self) -> datetime:
        """From then on it can't be used any more."""
        return datetime.fromtimestamp(self.expires, UTC)


class Links:
    """Makes and reads links. The first secret signs, all are read; without one there are no links."""

    def __init__(self, settings: Settings) -> None:
        # itsdangerous signs with the last of its keys.
        self._signer = (
            URLSafeSerializer(
                list(reversed(settings.link_secrets)),
                salt=f"alertrouter/{settings.namespace}/ack",
                signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
            )
            if settings.link_secrets
            else None
        )

    def ack_link(self, notice: Notice, recipient: str, through: Channel = Channel.EMAIL) -> str:
        """Give the address where `recipient` can acknowledge the incident; "" when there is nothing to acknowledge.

        That is when it is over, when somebody has it, when it is many, and when links can't be signed or lead nowhere.
        """
        wanted = notice.status == "firing" and notice.state in (State.PENDING, State.TRIGGERED)
        if self._signer is None or not notice.external_url or not wanted or notice.shared:
            return ""
        link = Link(
            incident=notice.incident,
            opened=int(notice.opened_at.timestamp()),
            delivery=notice.delivery,
            recipient=" ".join(recipient.split())[:MAX_RECIPIENT],
            through=through.value,
            expires=int((notice.at + VALID).timestamp()),
        )
        token = self._signer.dumps(msgspec.to_builtins(link))
        return f"{notice.external_url.rstrip('/')}/ack/{token}" if len(token) <= MAX_TOKEN else ""

    def read(self, token: str) -> Link | None:
        """Read what stands behind `/ack/`; None when we have not signed it. It may have expired."""
        if self._signer is None or len(token) > MAX_TOKEN or not token.isascii():
            return None
        try:
            return msgspec.convert(self._signer.loads(token), Link)
        except (BadData, msgspec.ValidationError):
            return None
