"""`alertrouter healthcheck ROLE`: what a container's health check asks, of one process of this machine."""

from __future__ import annotations

import socket
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from alertrouter.cli.app import Exit, app
from alertrouter.settings import from_environment

if TYPE_CHECKING:
    from alertrouter.settings import Settings

PATIENCE: Final = 4.0
"""Seconds that the web door has for its answer."""


class Role(StrEnum):
    """The process that is asked about."""

    WEB = "web"
    ROUTER = "router"
    WORKER = "worker"


@app.command()
def healthcheck(
    role: Annotated[Role, typer.Argument(metavar="web|router|worker", help="The process that runs here.")],
) -> None:
    """Exit 0 when it does its work: web takes alerts in, a router is active, this host's worker is at RQ's disposal."""
    settings = from_environment()
    trouble = _web(settings) if role is Role.WEB else _behind(settings, role)
    typer.echo(trouble or f"{role} is healthy")
    raise typer.Exit(Exit.FAILED if trouble else Exit.OK)


def _web(settings: Settings) -> str:
    import httpx2

    try:
        answer = httpx2.get(f"{settings.local_url}/-/ready", timeout=PATIENCE, trust_env=False)
    except httpx2.HTTPError as error:
        return f"the web door does not answer: {error}"
    return "" if answer.status_code == 200 else answer.text.strip()


def _behind(settings: Settings, role: Role) -> str:
    from alertrouter.store.connection import connect
    from alertrouter.store.embedded import redis_url
    from alertrouter.store.keys import Keys
    from alertrouter.store.liveness import router_is_active, worker_hosts

    keys = Keys(settings.namespace)
    with connect(redis_url(settings)) as client:
        if role is Role.ROUTER:
            return "" if router_is_active(client, keys) else "no router is active"
        return "" if socket.gethostname() in worker_hosts(client, keys) else "no worker of this host waits for work"
