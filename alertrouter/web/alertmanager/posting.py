"""`POST /api/v2/alerts`: a hook like the others that refuses in Alertmanager's words and status codes.

A batch with a bad alert in it is answered 4xx as there, and its good alerts are taken all the same, as there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from alertrouter.sources import prometheus
from alertrouter.store.doorstore import DoorStore
from alertrouter.tracing import Tracing
from alertrouter.web.alertmanager.shapes import fault
from alertrouter.web.auth import Senders
from alertrouter.web.hooks import Answer, Hook, correlation_id

_JSON: Final = "application/json"
_PLAIN: Final = (b"application/json", None)
_MISSING: Final = re.compile(r"\[(\d+)\]\.(\w+): (?:missing|expected \w+, got null)")
_NO_URI: Final = re.compile(r"\[(\d+)\]\.(\w+): must be of type uri")


class PostedAlerts(Hook):
    """Takes what Prometheus, Loki's ruler and amtool post."""

    def __init__(
        self, store: DoorStore, senders: Senders, max_body: int, resolve_timeout: timedelta, traces: Tracing | None
    ) -> None:
        parse = partial(prometheus.parse, resolve_timeout=resolve_timeout)
        super().__init__("prometheus", parse, store=store, senders=senders, max_body=max_body, tracing=traces)

    async def answer(self, request: Request) -> Response:
        """Take a body in, or say why not."""
        given = _media_type(request.headers.get("content-type", _JSON))
        if given != _JSON:
            key = correlation_id(request.headers.get("x-request-id"))
            return _refusal(key, 415, f'unsupported media type "{given}", only [application/json] are allowed', 415)
        return await super().answer(request)

    def welcome(self, headers: Mapping[bytes, bytes], length: int) -> str | None:
        """Give the correlation id of a request that can be taken without `answer`."""
        return super().welcome(headers, length) if headers.get(b"content-type") in _PLAIN else None

    def taken(self, answer: Answer) -> Response:
        """Tell of the first fault, if there was one."""
        return self.unreadable(answer.id, answer.faults[0]) if answer.faults else super().taken(answer)

    def unreadable(self, key: str, error: str) -> Response:
        """Tell what a body lacks, 422 there, from what can't be read, 400."""
        if error == prometheus.EMPTY:
            return _refusal(key, 422, "alerts in body is required", 602)
        if found := _MISSING.fullmatch(error):
            return _refusal(key, 422, f"{found[1]}.{found[2]} in body is required", 602)
        if found := _NO_URI.fullmatch(error):
            return _refusal(key, 422, f"{found[1]}.{found[2]} in body must be of type uri", 601)
        return _refusal(key, 400, error)


def _media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


def _refusal(key: str, status: int, message: str, code: int = 0) -> Response:
    refused = fault(status, message, code)
    refused.headers["X-Request-Id"] = key
    return refused
