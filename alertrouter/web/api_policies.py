"""Policies through the API: publish one, put one in force, go back to the one before, and what happened so far.

A policy is checked whole before it is kept, and checked again by the router before it is in force. To publish changes
nothing yet: it gives a revision, which can be compared, watched and activated.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Final

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from alertrouter.errors import NotFound, PolicyError
from alertrouter.events import PolicyActivated, encode
from alertrouter.policy.load import load, own_revision
from alertrouter.policy.policy import Policy
from alertrouter.store.doorstore import DoorStore
from alertrouter.store.revisions import Happened, Revision
from alertrouter.web.api_access import may_read, may_write
from alertrouter.web.api_shadow import ShadowDetailsView, Shadows, ShadowView
from alertrouter.web.api_terms import ERRORS, Responses
from alertrouter.web.small_body import SmallBody
from alertrouter.web.views import ErrorView

PREFIX: Final = "/api/v1/policies"
LARGEST: Final = 4 * 1024 * 1024
MOST_FILES: Final = 200

Writer = Annotated[str, Depends(may_write)]
RevisionId = Annotated[str, Path(pattern=r"^[0-9a-f]{6,64}$", description="The revision, as publishing gave it.")]


class PublishedPolicy(BaseModel):
    """A policy's files: their texts by file name. `calendars` is what the router added: the shifts it has read."""

    model_config = ConfigDict(extra="forbid")

    files: dict[Annotated[str, Field(pattern=r"^([A-Za-z0-9_.-]{1,200}\.yml|calendars)$")], str] = Field(
        min_length=1, max_length=MOST_FILES, json_schema_extra={"additionalProperties": False}
    )


class FaultsView(BaseModel):
    """Why a policy is refused: every fault at its place."""

    error: str
    faults: list[str]


class RevisionView(BaseModel):
    """What happened to a policy: `published` or `activated`, when and by whom."""

    revision: str
    happened: Happened
    at: datetime
    actor: str

    @classmethod
    def of(cls, one: Revision) -> RevisionView:
        """Show it without its texts."""
        return cls(revision=one.revision, happened=one.happened, at=one.at, actor=one.actor)


class PoliciesView(BaseModel):
    """The revision in force ("": none), why the directory's files are refused, and what happened, newest first.

    `shadow` is the one that decides beside it and tells nobody; null: there is none.
    """

    active: str
    refused: list[str]
    shadow: ShadowView | None
    revisions: list[RevisionView]


class PolicyTextView(BaseModel):
    """A policy's files: their texts by file name."""

    revision: str
    files: dict[str, str]


class DoneView(BaseModel):
    """What is in force now, what was published, or what is the shadow."""

    revision: str
    text: str


ANSWERS: Final[Responses] = {
    **ERRORS,
    400: {"model": ErrorView, "description": "The body is no JSON"},
    403: {"model": ErrorView, "description": "The token may only read"},
    413: {"model": ErrorView, "description": f"The body is larger than {LARGEST} bytes"},
    409: {"model": FaultsView, "description": "The policy is refused; `faults` say why"},
}
UNKNOWN: Final[Responses] = {404: {"model": ErrorView, "description": "There is no such revision"}}
NO_SHADOW: Final[Responses] = {404: {"model": ErrorView, "description": "There is no shadow"}}
UNANSWERED: Final[Responses] = {
    202: {"model": DoneView, "description": "Written down; no router answered in time"},
}


class PolicyBody(SmallBody):
    """A route that takes a whole policy."""

    largest: ClassVar[int] = LARGEST


class Refused(Exception):
    """A policy has these faults, or can't be what somebody wants it to be."""

    def __init__(self, error: PolicyError | str) -> None:
        self.faults = [] if isinstance(error, str) else [str(problem) for problem in error.problems]
        super().__init__(error if isinstance(error, str) else "the policy is refused, nothing has changed")


class Policies:
    """The addresses of policies."""

    def __init__(self, store: DoorStore) -> None:
        self._store = store
        self._shadows = Shadows(store)

    async def overview(self) -> PoliciesView:
        """Tell which revision is in force, which is in its shadow, and what happened to policies, newest first."""
        active, found = await self._store.revisions()
        standing = await self._store.shadow.standing()
        return PoliciesView(
            active=active,
            refused=await self._store.refused(),
            shadow=ShadowView.of(standing) if standing else None,
            revisions=[RevisionView.of(one) for one in found],
        )

    async def show(self, revision: RevisionId) -> PolicyTextView:
        """Give the files of a revision."""
        _, found = await self._store.revisions()
        one = await self._named(found, revision)
        return PolicyTextView(revision=one.revision, files=one.files)

    async def publish(self, actor: Writer, body: PublishedPolicy) -> DoneView:
        """Check a policy and keep it, without putting it in force."""
        policy = await _checked(body.files)
        now = datetime.now(UTC)
        await self._store.keep(
            Revision(happened=Happened.PUBLISHED, revision=policy.revision, at=now, actor=actor, files=dict(body.files))
        )
        active, _ = await self._store.revisions()
        stands = "in force already" if policy.revision == active else "not in force yet"
        return DoneView(revision=policy.revision, text=f"revision {policy.revision} is published, and {stands}")

    async def rollback(self, actor: Writer) -> DoneView | JSONResponse:
        """Put the policy in force that was in force before this one."""
        active, found = await self._store.revisions()
        before = next((o for o in _in_force(found) if not _is_same(found, active, o)), None)
        if before is None:
            raise NotFound("no other policy was in force before")
        return await self._activate(before, actor)

    async def activate(self, revision: RevisionId, actor: Writer) -> DoneView | JSONResponse:
        """Put a published policy in force. Open incidents keep theirs."""
        _, found = await self._store.revisions()
        return await self._activate(await self._named(found, revision), actor)

    async def begin_shadow(self, revision: RevisionId, actor: Writer) -> DoneView:
        """Let a published policy decide beside the one in force, in place of another shadow. It tells nobody."""
        active, found = await self._store.revisions()
        chosen = await self._named(found, revision)
        if _is_same(found, active, chosen):
            raise Refused(f"revision {active} is in force itself: in its own shadow there is nothing to see")
        await _checked(chosen.files)
        return DoneView(revision=chosen.revision, text=await self._shadows.begin(chosen, actor))

    async def _named(self, found: list[Revision], revision: str) -> Revision:
        """Find what was published or in force; what is in the shadow is kept as long as it is there."""
        for one in found:
            if one.revision == revision:
                return one
        in_shadow = await self._store.shadow.policy()
        if in_shadow is not None and in_shadow.revision == revision:
            return in_shadow
        raise NotFound(f"there is no policy of revision {revision!r} among the newest")

    async def _activate(self, chosen: Revision, actor: str) -> DoneView | JSONResponse:
        await _checked(chosen.files)
        key = f"policy.{secrets.token_hex(8)}"
        event = PolicyActivated(
            at=datetime.now(UTC), actor=actor, key=key, revision=chosen.revision, files=chosen.files
        )
        answer = await self._store.ask(encode(event), key)
        if answer is None:
            text = "written down and will be done: no router has answered yet"
            return JSONResponse(DoneView(revision=chosen.revision, text=text).model_dump(), 202)
        return DoneView(revision=chosen.revision, text=answer.text)


def router(store: DoorStore) -> APIRouter:
    """Give the routes."""
    api = APIRouter(prefix=PREFIX, tags=["policies"], responses=ANSWERS, route_class=PolicyBody)
    policies = Policies(store)
    reading = [Depends(may_read)]
    api.get("", response_model=PoliciesView, dependencies=reading)(policies.overview)
    api.post("/publish", response_model=DoneView, status_code=201)(policies.publish)
    api.post("/rollback", response_model=DoneView, responses=UNKNOWN | UNANSWERED)(policies.rollback)
    one = "/revisions/{revision}"
    api.get(one, response_model=PolicyTextView, dependencies=reading, responses=UNKNOWN)(policies.show)
    api.post(f"{one}/activate", response_model=DoneView, responses=UNKNOWN | UNANSWERED)(policies.activate)
    api.post(f"{one}/shadow", response_model=DoneView, responses=UNKNOWN)(policies.begin_shadow)
    shadows = Shadows(store)
    api.get("/shadow", response_model=ShadowDetailsView, dependencies=reading, responses=NO_SHADOW)(shadows.show)
    api.post("/shadow/stop", response_model=ShadowView, responses=NO_SHADOW)(shadows.stop)
    return api


async def refused(_: Request, error: Exception) -> Response:
    """Say every fault of a policy."""
    assert isinstance(error, Refused)  # noqa: S101 - registered for nothing else
    return JSONResponse(FaultsView(error=str(error), faults=error.faults).model_dump(), 409)


async def _checked(files: Mapping[str, str]) -> Policy:
    try:
        return await asyncio.to_thread(load, files)
    except PolicyError as error:
        raise Refused(error) from None


def _in_force(found: list[Revision]) -> Iterator[Revision]:
    return (one for one in found if one.happened is Happened.ACTIVATED)


def _is_same(found: list[Revision], active: str, other: Revision) -> bool:
    """Tell whether a policy is the one in force, whatever its calendars said."""
    now = next((one for one in _in_force(found) if one.revision == active), None)
    return other.revision == active or (now is not None and own_revision(now.files) == own_revision(other.files))
