"""A route whose body is small: the framework would read any body to its end before it asks who sends it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Final

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from alertrouter.web import body

LARGEST_BODY: Final = 64 * 1024


class SmallBody(APIRoute):
    """Answers 413 to a body that is larger than `largest` bytes."""

    largest: ClassVar[int] = LARGEST_BODY

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Put the reading of the body before what the framework does."""
        answer = super().get_route_handler()

        async def read_first(request: Request) -> Response:
            try:
                raw = await body.read(request, self.largest)
            except body.TooLarge:
                raise HTTPException(413, f"body too large, expected at most {self.largest} bytes") from None
            except TimeoutError:
                raise HTTPException(408, f"the body did not arrive within {body.PATIENCE:g} s") from None
            except ClientDisconnect:
                raise HTTPException(400, "the body ended before its announced length") from None
            return await answer(_Read(request, raw))

        return read_first


class _Read(Request):
    """A request whose body was read already."""

    def __init__(self, request: Request, raw: bytes) -> None:
        super().__init__(request.scope)
        self._raw = raw

    async def body(self) -> bytes:
        """The whole body."""
        return self._raw
