"""Whether a request comes from Slack: its signature over the raw body, and its age."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

MOST_AGE: Final = timedelta(minutes=5)
"""An older request may be one that somebody recorded."""

TIMESTAMP: Final = "X-Slack-Request-Timestamp"
SIGNATURE: Final = "X-Slack-Signature"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature of a body, as Slack gives it."""
    signed = b"v0:" + timestamp.encode("utf-8", "replace") + b":" + body
    return "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


class Signatures:
    """The signing secrets that are taken: the present one, and the one before while it is being changed."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(secrets)

    def __bool__(self) -> bool:
        """Tell whether there is a secret at all."""
        return bool(self._secrets)

    def fault(self, timestamp: str, signature: str, body: bytes, now: datetime) -> str:
        """Say why a request is refused, "" when it is Slack's. What was sent may be anything."""
        if not re.fullmatch(r"[0-9]{1,12}", timestamp):
            return f"{TIMESTAMP} is missing or no number"
        if abs(now.timestamp() - int(timestamp)) > MOST_AGE.total_seconds():
            return f"{TIMESTAMP} is more than {MOST_AGE.seconds // 60} minutes off: an old request, or a wrong clock"
        given = signature.encode("utf-8", "replace")
        matches = [hmac.compare_digest(given, sign(secret, timestamp, body).encode()) for secret in self._secrets]
        return "" if any(matches) else f"{SIGNATURE} is missing or wrong"
