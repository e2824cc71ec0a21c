"""How a page is made: templates that escape, and headers under which nothing that senders wrote can run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from alertrouter import __version__
from alertrouter.notice import InboxMessage
from alertrouter.store.doorstore import MOST_ALERTS

if TYPE_CHECKING:
    from jinja2 import Environment

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With no-referrer a form of our own would come without an origin.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""On every page. Messages hold what senders wrote: nothing of it can run here, even if its escaping failed."""


class Pages:
    """The templates in `pages/`, loaded when the first page is asked for: a door that takes alerts needs none."""

    @cached_property
    def _templates(self) -> Environment:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        templates.globals.update(version=__version__, most_alerts=MOST_ALERTS)
        templates.filters.update(safe_card=_card, clock=_clock, minute=_minute, iso=_iso)
        return templates

    def page(self, request: Request, page: str, status: int = 200, **values: object) -> Response:
        """Give a page, or 304 when the browser has it already."""
        text = self._text(page, values)
        tag = f'"{hashlib.sha256(text).hexdigest()[:32]}"'
        headers = {**HEADERS, "ETag": tag}
        if status == 200 and request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(text, status, headers, "text/html")

    def private(
        self, page: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: object
    ) -> Response:
        """Give a page that nobody may keep or list, and whose address is told to nobody."""
        kept_by_nobody = {
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "X-Robots-Tag": "noindex, nofollow",
        }
        return Response(self._text(page, values), status, {**HEADERS, **kept_by_nobody}, "text/html")

    def _text(self, page: str, values: Mapping[str, object]) -> bytes:
        return self._templates.get_template(page).render(values).encode()


def _card(message: InboxMessage) -> Markup:
    """Take a message's HTML as it is: the renderer has escaped it, and the page's CSP stands behind that."""
    return Markup(message.html)  # noqa: S704 - the one place that trusts it, for the reason above


def _clock(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _minute(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
