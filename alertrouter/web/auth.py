"""Who may post alerts: bearer tokens and basic auth, several of each so that they can be rotated."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable


class Senders:
    """The credentials that the door takes; with none at all it is open.

    Only digests are kept. Every one is compared, in constant time, so that the answer's delay says nothing.
    """

    def __init__(self, tokens: Iterable[str], users: Iterable[str]) -> None:
        """`users` are `user:password` pairs."""
        self._tokens = tuple(_digest(token.encode()) for token in tokens)
        self._users = tuple(_digest(user.encode()) for user in users)

    def allow(self, authorization: str | None) -> bool:
        """Tell whether an Authorization header opens the door."""
        if not self._tokens and not self._users:
            return True
        scheme, _, value = (authorization or "").partition(" ")
        # Header bytes arrive as latin-1; a credential may hold any UTF-8.
        given = value.strip().encode("latin-1", "replace")
        if scheme.lower() == "bearer":
            return _among(given, self._tokens)
        if scheme.lower() == "basic":
            try:
                return _among(base64.b64decode(given, validate=True), self._users)
            except binascii.Error:
                return False
        return False

    def challenges(self) -> list[str]:
        """Give the WWW-Authenticate headers: what the door would take."""
        basic = ['Basic realm="alertrouter", charset="UTF-8"'] if self._users else []
        return basic + (['Bearer realm="alertrouter"'] if self._tokens else [])


def _digest(credential: bytes) -> bytes:
    return hashlib.sha256(credential).digest()


def _among(given: bytes, known: tuple[bytes, ...]) -> bool:
    digest = _digest(given)
    return sum(hmac.compare_digest(digest, one) for one in known) > 0
