"""What all addresses of the API share: how an incident is named and found, and how it is said that it can't be done."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

from fastapi import FastAPI, Path
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from alertrouter.errors import AlertrouterError, NotFound
from alertrouter.incident import Incident
from alertrouter.store.doorstore import DoorStore
from alertrouter.web.api_access import Forbidden, Unknown
from alertrouter.web.views import ErrorView

PREFIX: Final = "/api/v1/incidents"

IncidentId = Annotated[str, Path(max_length=512, description="The incident's id, as INC-142.")]

Responses: TypeAlias = dict[int | str, dict[str, Any]]  # FastAPI's own form of it
ERRORS: Final[Responses] = {
    401: {"model": ErrorView, "description": "A token is wanted"},
    503: {"model": ErrorView, "description": "Redis does not answer"},
}
UNKNOWN_INCIDENT: Final[Responses] = {404: {"model": ErrorView, "description": "There is no such incident"}}


class Unreadable(AlertrouterError):
    """A part of the request can't be read."""


async def find(store: DoorStore, incident: str) -> Incident:
    """Give an incident that still matters, or raise `NotFound`."""
    found = await store.incident(incident)
    if found is None:
        raise NotFound(f"there is no incident {incident!r}")
    return found


def answer_errors(app: FastAPI) -> None:
    """Let the application tell the API's errors in the API's form."""
    app.add_exception_handler(Unknown, _unknown)
    app.add_exception_handler(Forbidden, _forbidden)
    app.add_exception_handler(Unreadable, _unreadable)
    app.add_exception_handler(HTTPException, _refused)


async def _unknown(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 401, {"WWW-Authenticate": 'Bearer realm="alertrouter"'})


async def _forbidden(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 403)


async def _unreadable(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


async def _refused(_: Request, error: Exception) -> Response:
    """Say in the API's form what the framework refuses by itself: an unknown address, another method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)
