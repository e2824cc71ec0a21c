"""The web process: puts the doors together and serves them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from alertrouter import __version__, garbage, log, tracing
from alertrouter.errors import NotFound, StoreUnavailable
from alertrouter.links import Links
from alertrouter.settings import Settings
from alertrouter.store.catalogue import Catalogue
from alertrouter.store.connection import connect_async
from alertrouter.store.doorstore import DoorStore
from alertrouter.store.embedded import redis_url
from alertrouter.store.keys import Keys
from alertrouter.web import alertmanager, api, hooks, slack
from alertrouter.web.auth import Senders
from alertrouter.web.console import Console
from alertrouter.web.direct import direct_to_hooks
from alertrouter.web.heartbeat import Heartbeats
from alertrouter.web.incident_page import IncidentPage
from alertrouter.web.links import AckPage
from alertrouter.web.ops import Ops
from alertrouter.web.page import Pages
from alertrouter.web.pagerduty import PagerDutyHook
from alertrouter.web.runbooks import Runbooks
from alertrouter.web.shadow_keeper import ShadowKeeper

STATIC: Final = Path(__file__).parent / "static"
GRACE: Final = 8
"""Seconds that requests under way get after SIGTERM."""
MOST_CONNECTIONS: Final = 2000
"""Beyond it uvicorn answers 503 by itself."""


def create_app(settings: Settings) -> FastAPI:
    """Make the application. It starts without Redis, and answers 503 until that is there."""
    redis = connect_async(redis_url(settings))
    keys = Keys(settings.namespace)
    store = DoorStore(redis, keys, max_backlog=settings.max_backlog)

    shadow_keeper = ShadowKeeper(store)
    traces = tracing.start(settings, "web")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        garbage.settle()
        shadow_keeper.start()
        yield
        await shadow_keeper.stop()
        await redis.aclose()
        if traces:
            await asyncio.to_thread(traces.stop)

    app = FastAPI(
        title="alertrouter",
        version=__version__,
        lifespan=lifespan,
        openapi_url="/api/v1/openapi.json",
        # Its pages load their scripts from elsewhere, which the pages' own rules forbid.
        docs_url=None,
        redoc_url=None,
    )
    _add_doors(app, store, Catalogue(redis, keys), settings, traces)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(StoreUnavailable, _unavailable)
    return app


def _add_doors(
    app: FastAPI, store: DoorStore, catalogue: Catalogue, settings: Settings, traces: tracing.Tracing | None
) -> None:
    pages = Pages()
    senders = Senders(settings.ingest_tokens, settings.ingest_users)
    app.router.routes += hooks.routes(store, senders, settings.max_body, traces)
    app.router.routes += Heartbeats(store, senders, settings.max_body).routes()
    app.router.routes += slack.routes(store, settings)
    app.router.routes += Ops(store).routes()
    app.router.routes += Runbooks().routes()
    app.router.routes += PagerDutyHook(store, settings).routes()
    app.router.routes += AckPage(store, Links(settings), pages).routes()
    app.router.routes += Console(store, catalogue, settings, pages).routes()
    app.router.routes += IncidentPage(store, catalogue, pages).routes()
    app.router.routes += alertmanager.routes(store, catalogue, senders, settings, traces)
    api.mount(app, store, settings)


def run_web(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first."""
    log.configure(settings, process="web")
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=direct_to_hooks(app),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=GRACE,
    )
    uvicorn.Server(config).run()


async def _not_found(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 404)


async def _unavailable(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 503, {"Retry-After": hooks.RETRY_AFTER})
