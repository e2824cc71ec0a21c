"""The shadow through the API: set it, look at what it would have done, take it away."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

from fastapi import Depends
from pydantic import BaseModel, Field

from alertrouter import log
from alertrouter.errors import NotFound
from alertrouter.shadow import ChangedThen, Details, Standing, Sums, ToldThen
from alertrouter.store.doorstore import DoorStore
from alertrouter.store.revisions import Revision
from alertrouter.web.api_access import may_write

Writer = Annotated[str, Depends(may_write)]
NONE: Final = "there is no shadow: `alertrouter publish --shadow` or `activate REVISION --shadow` sets one"

_log = log.get(__name__)


class ShadowState(StrEnum):
    """How far it has come."""

    STARTING = "starting"
    FOLLOWING = "following"
    ENDED = "ended"
    FAILED = "failed"


class ShadowView(BaseModel):
    """A policy that decides beside the one in force, and what it has come to so far. Pairs are (live, shadow).

    `live` is the revision that it is compared with, `until` how far both have come, `begins` not null when what was
    recorded before is no longer kept, `paged` how many pages really went out, `why` says why it ended or failed.
    """

    revision: str
    since: datetime
    actor: str
    state: ShadowState
    why: str
    live: str
    until: datetime | None
    begins: datetime | None
    events: int
    paged: int
    pages: tuple[int, int]
    messages: tuple[int, int]
    changed_incidents: int = Field(description="Incidents for which somebody would have been told something else.")

    @classmethod
    def of(cls, standing: Standing) -> ShadowView:
        """Show the numbers."""
        shadow = standing.shadow
        sums = standing.sums or Sums(until=shadow.since, live=shadow.against)
        return cls(
            revision=shadow.revision,
            since=shadow.since,
            actor=shadow.actor,
            state=_state(standing.sums),
            why=sums.stopped,
            live=sums.live,
            until=sums.until if standing.sums else None,
            begins=sums.begins,
            events=sums.events,
            paged=sums.paged,
            pages=sums.pages,
            messages=sums.messages,
            changed_incidents=sums.changed,
        )


class ToldView(BaseModel):
    """One message that was, or would have been, sent; `over` tells of an end."""

    at: datetime
    receiver: str
    page: bool
    over: bool

    @classmethod
    def list_of(cls, messages: Iterable[ToldThen]) -> list[ToldView]:
        """Show them in their order."""
        return [cls(at=one.at, receiver=one.receiver, page=one.page, over=one.over) for one in messages]


class ChangedView(BaseModel):
    """Incidents with the same alerts for which something else would have been told; the first 20 messages a side.

    As in the JSON of `replay`: `old` is what is in force, `new` what is in its shadow.
    """

    title: str
    at: datetime
    old: list[ToldView]
    new: list[ToldView]

    @classmethod
    def of(cls, one: ChangedThen) -> ChangedView:
        """Show it."""
        return cls(title=one.title, at=one.at, old=ToldView.list_of(one.live), new=ToldView.list_of(one.shadow))


class ShadowDetailsView(ShadowView):
    """All about it: also by receiver (messages), by team and by hour in `timezone` (pages), and the newest changes."""

    timezone: str
    by_receiver: dict[str, tuple[int, int]]
    by_team: dict[str, tuple[int, int]]
    by_hour: dict[int, tuple[int, int]]
    changed: list[ChangedView] = Field(description="The newest 100.")

    @classmethod
    def with_details(cls, standing: Standing, details: Details) -> ShadowDetailsView:
        """Show all of it."""
        return cls(
            **ShadowView.of(standing).model_dump(),
            timezone=details.timezone,
            by_receiver=dict(details.by_receiver),
            by_team=dict(details.by_team),
            by_hour=dict(details.by_hour),
            changed=list(map(ChangedView.of, details.changed)),
        )


class Shadows:
    """The addresses of the shadow."""

    def __init__(self, store: DoorStore) -> None:
        self._store = store

    async def show(self) -> ShadowDetailsView:
        """Tell what the policy in the shadow would have done differently so far."""
        found = await self._store.shadow.details()
        if found is None:
            raise NotFound(NONE)
        return ShadowDetailsView.with_details(*found)

    async def begin(self, chosen: Revision, actor: str) -> str:
        """Make a policy the shadow, in place of another; gives what was done in words."""
        now = datetime.now(UTC)
        shadow = await self._store.shadow.begin(chosen, actor, now)
        _log.info("shadow set", revision=shadow.revision, against=shadow.against, actor=actor)
        return f"revision {shadow.revision} is the shadow of {shadow.against}: it tells nobody"

    async def stop(self, actor: Writer) -> ShadowView:
        """Take it away. What it came to is given once more, and then forgotten."""
        ended = await self._store.shadow.end()
        if ended is None:
            raise NotFound(NONE)
        _log.info("shadow taken away", revision=ended.shadow.revision, actor=actor)
        return ShadowView.of(ended)


def _state(sums: Sums | None) -> ShadowState:
    if sums is None:
        return ShadowState.STARTING
    if sums.stopped:
        return ShadowState.FAILED if sums.failed else ShadowState.ENDED
    return ShadowState.FOLLOWING
