"""The running server, as commands ask it: its API by HTTP, with the token of ALERTROUTER_API_TOKEN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, TypeAlias, TypeVar
from urllib.parse import quote

import msgspec
import typer

from alertrouter.cli.terminal import plain
from alertrouter.errors import AlertrouterError, NotFound
from alertrouter.settings import Settings

_T = TypeVar("_T")
Query: TypeAlias = Mapping[str, str | int | Sequence[str]]

TokenOption = Annotated[
    str,
    typer.Option(
        metavar="TOKEN",
        help="Shown to the server. Better in ALERTROUTER_API_TOKEN: others on this machine can read options.",
        show_default=False,
    ),
]


_INCIDENTS: Final = "/api/v1/incidents"


class NoServer(AlertrouterError):
    """The server can't be reached, or what answers is no alertrouter."""


class NotAllowed(AlertrouterError):
    """The server wants a token, or another one."""


class Said(msgspec.Struct, frozen=True):
    """What the server said to an action; it was done when `status` is 200."""

    status: int
    text: str
    transition: str | None = None
    version: int = 0


class _Answer(msgspec.Struct, frozen=True):
    text: str = ""
    error: str = ""
    transition: str | None = None
    version: int = 0


class _Fault(msgspec.Struct, frozen=True):
    loc: list[str | int]
    msg: str
    type: str


class _Faults(msgspec.Struct, frozen=True):
    detail: list[_Fault]


class Server:
    """One running alertrouter."""

    def __init__(self, settings: Settings, url: str = "", token: str = "") -> None:
        self.url = (url or settings.local_url).rstrip("/")
        token = token or settings.api_token
        # As bytes: a token may hold any UTF-8.
        self._headers = {b"Authorization": b"Bearer " + token.encode()} if token else {}

    def get(self, path: str, query: Query | None = None) -> bytes:
        """Read from the API; `path` stands behind `/api/v1/incidents`."""
        status, body = self._ask("GET", path, query=query)
        if status != 200:
            raise NoServer(f"{self._address(path)}: answered {status}: {plain(_text(body))}")
        return body

    def read(self, path: str, kind: type[_T], query: Query | None = None) -> _T:
        """Read from the API as a value."""
        return self.decode(self.get(path, query), kind)

    def decode(self, body: bytes, kind: type[_T]) -> _T:
        """Take what the server said as a value."""
        try:
            return msgspec.json.decode(body, type=kind)
        except (ValueError, RecursionError) as error:
            raise NoServer(f"{self.url}: the answer is none of alertrouter's: {error}") from None

    def act(self, incident: str, action: str, body: Mapping[str, str | bool]) -> Said:
        """Do something to an incident; what the server refuses is told in its words."""
        path = f"/{quote(incident, safe='')}/{action}"
        status, answered = self._ask("POST", path, content=msgspec.json.encode(body))
        if status not in (200, 202, 409):
            raise NoServer(f"{self._address(path)}: answered {status}: {plain(_text(answered))}")
        answer = self.decode(answered, _Answer)
        return Said(status, answer.text or answer.error, answer.transition, answer.version)

    def _ask(
        self, method: str, path: str, *, query: Query | None = None, content: bytes | None = None
    ) -> tuple[int, bytes]:
        status, answered = self.ask(method, f"{_INCIDENTS}{path}", query=query, content=content)
        if status == 404 and path and _error(answered).startswith("there is no incident"):
            raise NotFound(plain(_error(answered)))
        if status in (400, 422):
            raise typer.BadParameter(plain(_text(answered)))
        return status, answered

    def ask(
        self, method: str, path: str, *, query: Query | None = None, content: bytes | None = None
    ) -> tuple[int, bytes]:
        """Ask any of its addresses; gives the status and the body. Raises `NoServer` or `NotAllowed`."""
        import httpx2

        headers = {**self._headers, **({b"Content-Type": b"application/json"} if content is not None else {})}
        try:
            answer = httpx2.request(
                method,
                f"{self.url}{path}",
                params=dict(query or {}),
                content=content,
                headers=headers,
                timeout=10,
                trust_env=False,
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise NoServer(
                f"{self.url}: no alertrouter answers there ({error}). "
                "Start one with `alertrouter up`, or give its --url"
            ) from None
        if answer.status_code in (401, 403) and _error(answer.content):
            raise NotAllowed(
                f"{self.url}: {plain(_error(answer.content))}. Commands take theirs from ALERTROUTER_API_TOKEN"
            )
        return answer.status_code, answer.content

    def _address(self, path: str) -> str:
        return f"{self.url}{_INCIDENTS}{path}"


def incident_id(text: str) -> str:
    """Read an incident's id as people write it: `INC-142`, `inc-142` or `142`."""
    text = text.strip()
    return f"INC-{text}" if text.isdigit() else text.upper()


def _error(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Answer).error
    except (ValueError, RecursionError):
        return ""


def _text(body: bytes) -> str:
    try:
        faults = msgspec.json.decode(body, type=_Faults).detail
    except (ValueError, RecursionError):
        faults = []
    if faults:
        # A body that may have several forms is refused by each: the form that was meant is the one that found its keys.
        fault = next((one for one in faults if one.type not in ("missing", "extra_forbidden")), faults[0])
        return f"{fault.loc[-1]}: {fault.msg}"
    return _error(body) or body[:200].decode(errors="replace")
