"""What the inbox shows, looked at once for all who have the page open.

Each open tab asks every two seconds. Those who ask at the same time share one look; in a store with many incidents,
whose decoding costs something, a look counts for at least a second, and never takes more than a twentieth of the time.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from alertrouter.incident import Incident, State
from alertrouter.notice import InboxMessage
from alertrouter.shadow import Standing
from alertrouter.silence import Silence, SilenceState
from alertrouter.store.catalogue import Catalogue
from alertrouter.store.doorstore import DoorStore
from alertrouter.web.alertmanager.silences import in_order

MANY: Final = 500
LEAST_SECONDS: Final = 1.0
SHARE_OF_TIME: Final = 20
MESSAGES: Final = 50
INCIDENTS: Final = 24
SILENCES: Final = 8


@dataclass(frozen=True, slots=True)
class Glance:
    """The newest messages, the newest open incidents and how many are open, what is wrong, and the policy's shadow.

    `silences` are the first of those in force and to come, `silence_count` how many there are.
    """

    messages: tuple[InboxMessage, ...]
    shown: tuple[Incident, ...]
    open_count: int
    trouble: tuple[str, ...]
    refused: tuple[str, ...]
    shadow: Standing | None
    silences: tuple[Silence, ...]
    silence_count: int


class Glances:
    """Gives what there is to see; for one event loop."""

    def __init__(self, store: DoorStore, catalogue: Catalogue) -> None:
        self._store = store
        self._catalogue = catalogue
        self._look: asyncio.Task[Glance] | None = None
        self._until = 0.0

    async def now(self) -> Glance:
        """Look, or share somebody's look. Raises `StoreUnavailable`."""
        look = self._look
        if look is None or (look.done() and (look.exception() is not None or time.monotonic() >= self._until)):
            self._look = look = asyncio.create_task(self._taken())
        return await asyncio.shield(look)

    async def _taken(self) -> Glance:
        began = time.monotonic()
        messages = await self._store.inbox(MESSAGES)
        incidents = await self._store.incidents()
        now = datetime.now(UTC)
        known = await self._catalogue.silences()
        silences = [one for one in known.values() if one.state_at(now) is not SilenceState.EXPIRED]
        still_open = [one for one in incidents if one.state is not State.RESOLVED]
        glance = Glance(
            messages=tuple(messages),
            shown=tuple(still_open[:INCIDENTS]),
            open_count=len(still_open),
            trouble=tuple(await self._store.trouble()),
            refused=tuple(await self._store.refused()),
            shadow=await self._store.shadow.standing(),
            silences=tuple(in_order(silences, now)[:SILENCES]),
            silence_count=len(silences),
        )
        ends = time.monotonic()
        kept = max(LEAST_SECONDS, SHARE_OF_TIME * (ends - began)) if len(incidents) + len(known) > MANY else 0.0
        self._until = ends + kept
        return glance
