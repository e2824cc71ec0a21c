"""Silences by Alertmanager's API: list, look at one, set, change, end. The router decides; its answer is waited for."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from alertrouter import events, log
from alertrouter.engine.silences import id_of
from alertrouter.engine.silencing import matcher_of
from alertrouter.errors import PayloadError
from alertrouter.policy.matcher import Matcher
from alertrouter.silence import Silence, SilenceMatcher, SilenceState
from alertrouter.store.catalogue import Catalogue
from alertrouter.store.doorstore import DoorStore
from alertrouter.web import body
from alertrouter.web.alertmanager.reading import checked, matchers_of
from alertrouter.web.alertmanager.shapes import GettableSilence, PostableSilence, answer, fault
from alertrouter.web.api_access import reads, writer_of
from alertrouter.web.small_body import LARGEST_BODY

MOST_MATCHERS: Final = 100
MOST_TEXT: Final = 4096
"""Characters of a comment, a name, or a matcher's value."""

_UUID: Final = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
_MISSING: Final = re.compile(r"missing required field `(\w+)`(?: - at `\$\.?(.*)`)?")
_NULL: Final = re.compile(r"got `null` - at `\$\.(?:(.*)\.)?(\w+)`")
_POSTED: Final = msgspec.json.Decoder(PostableSilence)
_ORDER: Final = (SilenceState.ACTIVE, SilenceState.PENDING, SilenceState.EXPIRED)

_log = log.get(__name__)


def listed(matchers: Iterable[SilenceMatcher], wanted: Iterable[Matcher]) -> bool:
    """Tell whether a silence with these matchers is listed: it has all that the filter wants, word for word."""
    return set(wanted) <= set(map(matcher_of, matchers))


class Silences:
    """The addresses of silences."""

    def __init__(self, store: DoorStore, catalogue: Catalogue) -> None:
        self._store = store
        self._catalogue = catalogue

    async def listed(self, request: Request) -> Response:
        """List silences that have all the matchers of the filter: what ends or begins soonest first."""
        now = datetime.now(UTC)
        wanted = matchers_of(request)
        found = [one for one in (await self._catalogue.silences()).values() if listed(one.matchers, wanted)]
        return answer([GettableSilence.of(one, now) for one in in_order(found, now)])

    async def one(self, request: Request) -> Response:
        """Show one silence."""
        name = str(request.path_params["silence"])
        if not _UUID.fullmatch(name):
            return _no_uuid(name)
        silence = (await self._catalogue.silences()).get(name)
        return answer(GettableSilence.of(silence, datetime.now(UTC))) if silence else Response(status_code=404)

    async def put(self, request: Request) -> Response:
        """Set a silence or change one; gives its id."""
        actor = writer_of(request)
        given = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if given != "application/json":
            return fault(415, "unsupported media type, only [application/json] are allowed", 415)
        try:
            asked = _POSTED.decode(await body.read(request, LARGEST_BODY))
        except body.TooLarge:
            return fault(413, f"body too large, expected at most {LARGEST_BODY} bytes")
        except ClientDisconnect:
            return fault(400, "the body ended before its announced length")
        except TimeoutError:
            return fault(503, f"the body did not arrive within {body.PATIENCE:g} s")
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            return _unreadable(error)
        if refusal := _refusal(asked):
            return refusal
        try:
            return await self._ask(asked, actor)
        except PayloadError as error:
            return fault(400, str(error))

    async def _ask(self, asked: PostableSilence, actor: str) -> Response:
        event = events.SilenceSet(
            at=datetime.now(UTC),
            actor=actor,
            key=f"silence.{secrets.token_hex(16)}",
            matchers=tuple(
                SilenceMatcher(one.name, one.value, one.is_regex, one.is_equal is not False) for one in asked.matchers
            ),
            starts_at=_utc(asked.starts_at, "startsAt"),
            ends_at=_utc(asked.ends_at, "endsAt"),
            created_by=asked.created_by,
            comment=asked.comment,
            silence=asked.id or "",
            with_alerts=asked.with_alerts,
        )
        said = await self._store.ask(events.encode(event), event.key)
        if said is None:
            # It stands in the journal, and its id is known already, unless it changes another one in place.
            return answer({"silenceID": asked.id or id_of(event.key)}, 202)
        _log.info("silence asked for", actor=actor, key=event.key, silence=said.silence, said=said.text)
        if said.silence:
            return answer({"silenceID": said.silence})
        return fault(404 if said.unknown else 400, said.text)

    async def end(self, request: Request) -> Response:
        """End a silence now."""
        actor = writer_of(request)
        name = str(request.path_params["silence"])
        if not _UUID.fullmatch(name):
            return _no_uuid(name)
        key = f"unsilence.{secrets.token_hex(16)}"
        event = events.SilenceExpired(at=datetime.now(UTC), actor=actor, key=key, silence=name)
        said = await self._store.ask(events.encode(event), key)
        if said is None:
            return Response(status_code=202)
        _log.info("silence ended", actor=actor, key=key, silence=name, said=said.text)
        return Response(status_code=404 if said.unknown else 200)

    def routes(self) -> list[Route]:
        """Give the routes."""
        silences, one = "/api/v2/silences", "/api/v2/silence/{silence}"
        return [
            Route(silences, checked(reads(self.listed)), methods=["GET"]),
            Route(silences, self.put, methods=["POST"]),
            Route(one, reads(self.one), methods=["GET"]),
            Route(one, self.end, methods=["DELETE"]),
        ]


def in_order(silences: Iterable[Silence], now: datetime) -> list[Silence]:
    """Sort as Alertmanager does: active ones by their end, pending ones by their start, then the latest ended."""

    def place(silence: Silence) -> tuple[int, float, str]:
        state = silence.state_at(now)
        moment = silence.starts_at if state is SilenceState.PENDING else silence.ends_at
        sign = -1 if state is SilenceState.EXPIRED else 1
        return _ORDER.index(state), sign * moment.timestamp(), silence.id

    return sorted(silences, key=place)


def _utc(moment: datetime, field: str) -> datetime:
    """Give a time in UTC, where one without an offset is, as in Alertmanager. Raises `PayloadError`."""
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:
        raise PayloadError(f"{field}: time out of range") from error


def _unreadable(error: Exception) -> Response:
    """Tell a missing field, 422 in Alertmanager, from a body that can't be read, 400."""
    path = name = ""
    if found := _MISSING.search(str(error)):
        name, path = found.groups("")
    elif found := _NULL.search(str(error)):
        path, name = found.groups("")
    if name:
        path = re.sub(r"\[(\d+)\]", r".\1", path)
        return fault(422, f"{path + '.' if path else ''}{name} in body is required", 602)
    return fault(400, f"parsing silence body failed: {error}", 400)


def _refusal(asked: PostableSilence) -> Response | None:
    """What the router need not be asked about: what no alert can have, and what is too much."""
    if not asked.matchers:
        return fault(422, "matchers in body should have at least 1 items", 612)
    if not all(one.name for one in asked.matchers):
        return fault(400, 'invalid silence: invalid label name ""')
    texts = [asked.comment, asked.created_by, *(text for one in asked.matchers for text in (one.name, one.value))]
    if len(asked.matchers) > MOST_MATCHERS or max(map(len, texts)) > MOST_TEXT:
        return fault(400, f"expected at most {MOST_MATCHERS} matchers, and {MOST_TEXT} characters in a text")
    return None


def _no_uuid(name: str) -> Response:
    return fault(422, f'silenceID in path must be of type uuid: "{name[:100]}"', 601)
