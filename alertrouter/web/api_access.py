"""Who may use the API: bearer tokens that have a name and a scope; without any, this machine alone may write."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Coroutine, Iterable
from ipaddress import ip_address
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from fastapi import Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request
from starlette.responses import Response

from alertrouter.errors import AlertrouterError
from alertrouter.policy.identity import ANONYMOUS
from alertrouter.settings import ApiToken

Bearer = Annotated[
    HTTPAuthorizationCredentials | None,
    Security(HTTPBearer(auto_error=False, description="One of ALERTROUTER_API_TOKENS.")),
]


class Unknown(AlertrouterError):
    """A token is wanted, and this one is missing or wrong."""


class Forbidden(AlertrouterError):
    """Whoever asks may not do that."""


class Access:
    """The tokens. Every one is compared, in constant time, so that the answer's delay says nothing."""

    def __init__(self, tokens: Iterable[ApiToken], host: str) -> None:
        """`host` is the address on which the door listens."""
        self._tokens = tuple((_digest(one.token.encode()), one.name, one.writes) for one in tokens)
        self._local = _is_loopback(host)

    def reader(self, token: str | None) -> None:
        """Let somebody read, or raise `Unknown`."""
        if self._tokens:
            self._known(token)

    def writer(self, token: str | None, request: Request, *, through: str = "api") -> str:
        """Give the name under which somebody acts; raises `Unknown` or `Forbidden`."""
        if self._tokens:
            name, writes = self._known(token)
            if not writes:
                raise Forbidden(f"the token of {name} may only read")
            return f"{name} ({through})"
        if not self._local:
            raise Forbidden("without ALERTROUTER_API_TOKENS only a door on a loopback address takes this")
        if _from_elsewhere(request):
            raise Forbidden("without ALERTROUTER_API_TOKENS only this machine's own programs may do this")
        return f"{ANONYMOUS} ({through})"

    def asks(self, request: Request) -> Literal["token", "nothing", "too much"]:
        """What a person in a browser has to show in order to act here; `too much`: nobody can."""
        if self._tokens:
            return "token"
        return "nothing" if self._local and not _from_elsewhere(request) else "too much"

    def _known(self, token: str | None) -> tuple[str, bool]:
        # Header bytes arrive as latin-1; a token may hold any UTF-8.
        given = _digest((token or "").encode("latin-1", "replace"))
        matching = [(name, writes) for digest, name, writes in self._tokens if hmac.compare_digest(given, digest)]
        if not matching:
            raise Unknown("a token is wanted: Authorization: Bearer, one of ALERTROUTER_API_TOKENS")
        return matching[0]


async def may_read(request: Request, bearer: Bearer) -> None:
    """Let somebody read."""
    access_of(request).reader(bearer.credentials if bearer else None)


def writer_of(request: Request) -> str:
    """Give the name under which somebody acts at an address outside the API's own."""
    return access_of(request).writer(_token(request), request)


async def may_write(request: Request, bearer: Bearer) -> str:
    """Give the name under which somebody acts."""
    return access_of(request).writer(bearer.credentials if bearer else None, request)


Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]


def reads(handler: Handler) -> Handler:
    """Let a plain Starlette handler answer those who may read."""

    async def answers(request: Request) -> Response:
        access_of(request).reader(_token(request))
        return await handler(request)

    return answers


def _token(request: Request) -> str | None:
    """The token that came along: as a bearer, or as the password of basic auth, whatever the user's name."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value.strip(), validate=True).decode("latin-1").partition(":")[2]
    except (binascii.Error, ValueError):
        return None


def access_of(request: Request) -> Access:
    """The rules of the application that answers a request."""
    access: Access = request.app.state.access
    return access


def _from_elsewhere(request: Request) -> bool:
    """Tell whether it came through a proxy, or from another site's page in a browser of this machine."""
    headers = request.headers
    named = {urlsplit(f"//{headers.get('host', '')}").hostname}
    if origin := headers.get("origin"):
        named.add(urlsplit(origin).hostname)
        if urlsplit(origin).netloc != headers.get("host"):
            return True
    if "forwarded" in headers or "x-forwarded-for" in headers:
        return True
    return not all(map(_is_loopback, named))


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
