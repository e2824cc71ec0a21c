"""`alertrouter up`: all of it on one machine. Starts Valkey, router, workers and web, and keeps them running."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TextIO
from urllib.parse import urlsplit

from alertrouter import garbage, log, policydir
from alertrouter.errors import AlertrouterError
from alertrouter.settings import Settings
from alertrouter.store import embedded
from alertrouter.supervisor.child import LOOP, Child, Program, at_most
from alertrouter.supervisor.forked import can_fork

LOOK_EVERY: Final = 0.1
ANSWER_WITHIN: Final = 2.0
REDIS_WITHIN: Final = 10.0
REMIND_EVERY: Final = 10.0
"""While it isn't ready, it says why every so many seconds."""


class StartFailed(AlertrouterError):
    """`up` can't start; the text says why."""


@dataclass(frozen=True, slots=True)
class Roles:
    """What the processes do: `load` imports what they need, `run` is one's whole life, to be called in a fork."""

    load: Callable[[], None]
    run: Callable[[str], object]


def run_up(settings: Settings, roles: Roles) -> int:
    """Run until Ctrl-C or SIGTERM. Checks policy, port and state directory before it starts anything."""
    settings = replace(settings, policy=policydir.find(settings).resolve(), log_format=_log_format(settings))
    environ = {
        **settings.environ,
        "ALERTROUTER_POLICY": str(settings.policy),
        "ALERTROUTER_LOG_FORMAT": settings.log_format,
    }
    log.configure(settings, process="up")
    _check_port(settings)
    look = (sys.executable, "-P", "-m", "alertrouter.supervisor.preflight")
    with subprocess.Popen(look, env=environ, stdout=subprocess.PIPE, text=True) as looking:  # noqa: S603  our own
        if can_fork():
            roles.load()
            garbage.share()
        words, _ = looking.communicate()
    if looking.returncode:
        return looking.returncode
    with ExitStack() as held:
        valkey = (
            () if settings.redis_url else (_valkey(settings, held.enter_context(embedded.lock(settings.state_dir))),)
        )
        return asyncio.run(_Supervisor(settings, environ, valkey, roles).run(words))


class _Supervisor:
    """All children, from the first start to the last stop."""

    def __init__(self, settings: Settings, environ: Mapping[str, str], valkey: Iterable[Program], roles: Roles) -> None:
        def child(program: Program) -> Child:
            return Child(program, environ, log.get(__name__).warning)

        def own(role: str, name: str, *, patience: float) -> Child:
            command = (sys.executable, "-P", "-m", "alertrouter", role)
            return child(Program(name=name, command=command, patience=patience, run=partial(roles.run, role)))

        self._settings = settings
        self._valkey = [child(program) for program in valkey]
        self._router = [own("router", "router", patience=10)]
        self._workers = [own("worker", f"worker-{n + 1}", patience=15) for n in range(settings.workers)]
        self._web = [own("web", "web", patience=10)]
        if settings.slack_app_token:
            self._web.append(own("slack-socket", "slack-socket", patience=10))
        self._running: list[asyncio.Task[None]] = []
        self._asked_to_stop = asyncio.Event()

    async def run(self, ready_words: str) -> int:
        """Start all, stay until asked to stop, stop all. Raises `StartFailed` when it can't start."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ask_to_stop)
        # A terminal that closes ends what was started in it; to a service it means: read the policy again.
        loop.add_signal_handler(signal.SIGHUP, self._ask_to_stop if sys.stdin.isatty() else self._reload)
        try:
            await self._start()
            if not self._asked_to_stop.is_set():
                sys.stdout.write(ready_words)
                sys.stdout.flush()
            await self._asked_to_stop.wait()
        finally:
            await self._stop()
        return 0

    async def _start(self) -> None:
        self._keep_running(self._valkey)
        await self._valkey_answers()
        self._keep_running(self._router + self._workers + self._web)
        await self._ready()

    def _keep_running(self, children: list[Child]) -> None:
        self._running += [asyncio.create_task(child.run(), name=child.program.name) for child in children]

    async def _valkey_answers(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + REDIS_WITHIN
        while self._valkey and not self._asked_to_stop.is_set():
            trouble = embedded.trouble(self._settings.state_dir)
            if not trouble:
                return
            if loop.time() > deadline:
                raise StartFailed(f"{embedded.embedded_url(self._settings.state_dir)}: {trouble}")
            await self._pause()

    async def _ready(self) -> None:
        loop = asyncio.get_running_loop()
        remind_at = loop.time() + REMIND_EVERY
        while not self._asked_to_stop.is_set():
            dying = [child.program.name for child in self._children() if child.recovering()]
            trouble = f"{', '.join(dying)} died" if dying else await _trouble(self._settings)
            if not trouble:
                return
            if loop.time() > remind_at:
                log.get(__name__).warning(f"not ready yet: {trouble}")
                remind_at += REMIND_EVERY
            await self._pause()

    async def _pause(self) -> None:
        looping = [child.program.name for child in self._children() if child.early_deaths >= LOOP]
        if looping:
            raise StartFailed(f"{', '.join(looping)} can't start: the last words stand above")
        await at_most(LOOK_EVERY, self._asked_to_stop)

    def _reload(self) -> None:
        for child in self._router:
            child.tell(signal.SIGHUP)

    def _ask_to_stop(self) -> None:
        if self._asked_to_stop.is_set():
            log.get(__name__).warning("asked twice: killing what still runs")
            for child in self._children():
                child.kill()
        self._asked_to_stop.set()

    async def _stop(self) -> None:
        """Stop the doors first, so that nothing new comes in, and Valkey last, so that all is kept."""
        for floor in (self._web, self._router, self._workers, self._valkey):
            await asyncio.gather(*(child.stop() for child in floor))
        await asyncio.gather(*self._running)

    def _children(self) -> list[Child]:
        return self._valkey + self._router + self._workers + self._web


def _valkey(settings: Settings, lock: TextIO) -> Program:
    command = embedded.command(settings.state_dir, settings.durability)
    return Program(name="valkey", command=command, patience=10, keeps_open=(lock.fileno(),))


def _log_format(settings: Settings) -> str:
    """Text for whoever watches a terminal, unless the setting says otherwise."""
    asked_for = settings.environ.get("ALERTROUTER_LOG_FORMAT", "").strip()
    return settings.log_format if asked_for or not sys.stderr.isatty() else "text"


async def _trouble(settings: Settings) -> str:
    """Ask the web door whether all is ready; a whole HTTP client would stay in memory for this one question."""
    door = urlsplit(settings.local_url)
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            reader, writer = await asyncio.open_connection(door.hostname, door.port)
            writer.write(f"GET /-/ready HTTP/1.0\r\nHost: {door.netloc}\r\n\r\n".encode())
            answer = (await reader.read()).decode(errors="replace")
            writer.close()
    except (OSError, TimeoutError) as error:
        return f"the web door does not answer yet ({type(error).__name__})"
    head, _, body = answer.partition("\r\n\r\n")
    return "" if head.split()[1:2] == ["200"] else body[:500].strip() or "the web door closed the connection"


def _check_port(settings: Settings) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[
            0
        ]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise StartFailed(
            f"can't listen on {settings.host}:{settings.port}: {error.strerror}. Is alertrouter running already? "
            f"Another address: ALERTROUTER_LISTEN={settings.host}:{settings.port + 1}"
        ) from error
