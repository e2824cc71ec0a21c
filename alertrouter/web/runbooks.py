"""The runbooks of the alerts that come with alertrouter, where the links in messages lead: `/runbooks/ServiceDown`.

Plain text, as it is written in docs/runbooks: readable at three in the morning on a telephone, and nothing to break.
Open to whoever reaches the door, like its pages; they hold no secret.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alertrouter.policydir import builtin

INDEX: Final = "README"


class Runbooks:
    """All of them, read when the door starts."""

    def __init__(self, directory: Path | None = None) -> None:
        """`directory` holds them as NAME.md; those that come with alertrouter unless given."""
        found = sorted((directory or builtin("docs/runbooks")).glob("*.md"))
        self._pages = {path.stem: path.read_text(encoding="utf-8") for path in found}

    async def index(self, _: Request) -> Response:
        """What holds for all, and their names."""
        names = "\n".join(name for name in self._pages if name != INDEX)
        return _text(f"{self._pages.get(INDEX, '')}\n{names}\n")

    async def page(self, request: Request) -> Response:
        """One runbook; 404 says where the others are."""
        name = request.path_params["name"].removesuffix(".md")
        page = self._pages.get(name)
        if page is None:
            return _text(f"There is no runbook {name[:100]!r}. All of them: /runbooks\n", 404)
        return _text(page)

    def routes(self) -> list[Route]:
        """Where they are read."""
        return [Route("/runbooks", self.index), Route("/runbooks/{name}", self.page)]


def _text(text: str, status: int = 200) -> Response:
    return PlainTextResponse(text, status, {"X-Content-Type-Options": "nosniff"})
