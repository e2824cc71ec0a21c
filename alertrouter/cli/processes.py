"""The commands that run alertrouter: all in one, or one process each."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from alertrouter.cli.app import app
from alertrouter.settings import Settings, from_environment

Policy = Annotated[
    Path | None,
    typer.Option("--policy", metavar="DIR", help="The policy's directory, in place of ALERTROUTER_POLICY."),
]


@app.command()
def up(policy: Policy = None) -> None:
    """Run all of it: an embedded Valkey (unless ALERTROUTER_REDIS_URL is set), web, router and workers."""
    from alertrouter.supervisor import Roles, run_up

    raise typer.Exit(run_up(_settings(policy), Roles(load=_load, run=_run)))


@app.command()
def web() -> None:
    """Run the web door: takes alerts in, shows the inbox. Any number of them may run."""
    from alertrouter.web.app import run_web

    run_web(from_environment())


@app.command()
def router(policy: Policy = None) -> None:
    """Run the router, which decides. One is active; further ones stand by."""
    from alertrouter.router import run_router

    run_router(_settings(policy))


@app.command()
def worker() -> None:
    """Run a worker, which carries messages out. Any number of them may run."""
    from alertrouter.worker import run_worker

    run_worker(from_environment())


@app.command("slack-socket")
def slack_socket() -> None:
    """Hear of clicks and commands in Slack by Socket Mode (SLACK_APP_TOKEN), for sites that Slack can't reach."""
    from alertrouter.web.slack_socket import run_slack_socket

    run_slack_socket(from_environment())


def _load() -> None:
    """Import what the roles below run on, so that the processes which `up` forks share it; web's server included."""
    from uvicorn.lifespan import on as on
    from uvicorn.loops import uvloop as uvloop
    from uvicorn.protocols.http import httptools_impl as httptools_impl

    from alertrouter import router as router
    from alertrouter import worker as worker
    from alertrouter.web import app as app


def _run(role: str) -> None:
    """Be one of the commands below, as if it had been typed."""
    app([role])


def _settings(policy: Path | None) -> Settings:
    settings = from_environment()
    return dataclasses.replace(settings, policy=policy) if policy else settings
