"""The program `ai_metrics_exporter`: settings from arguments and environment, then serve until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import uvloop
from prometheus_client import REGISTRY

from ai_metrics_exporter.http_server import HttpServer
from ai_metrics_exporter.metrics import AiMetrics
from ai_metrics_exporter.ollama import OllamaPoller
from ai_metrics_exporter.server import Exporter

_SECRET = Path("/run/secrets/ai_exporter_token")


def arguments() -> argparse.ArgumentParser:
    """What the command line and, for what it leaves out, the environment may say."""
    parser = argparse.ArgumentParser(
        prog="ai_metrics_exporter",
        description="Metrics of AI models for Prometheus: takes reports by HTTP, asks Ollama what it has loaded.",
        epilog="Without --token-file: AI_EXPORTER_TOKEN, then /run/secrets/ai_exporter_token. Without a token, reports "
        "are taken on a loopback address only.",
    )
    parser.add_argument("--listen", default="127.0.0.1:9150", help="address and port (default %(default)s)")
    parser.add_argument("--ollama", action="append", default=[], help="a server's address; several times (OLLAMA_URL)")
    parser.add_argument("--every", type=float, default=15, help="seconds between two looks at it (default %(default)s)")
    parser.add_argument(
        "--expect",
        action="append",
        default=[],
        help="a model that should be loaded; several times (AI_EXPORTER_EXPECTED_MODELS, comma-separated)",
    )
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        help="counts only these models by name, others as __other__ (AI_EXPORTER_MODELS)",
    )
    parser.add_argument("--token-file", type=Path, help="file with the token that reports have to show")
    return parser


def main(argv: list[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:  # noqa: TID251  a door
    """Run it; 2 for settings that cannot be, 1 for an address that can't be had."""
    given = arguments().parse_args(argv)
    address, _, port = given.listen.rpartition(":")
    host = address.strip("[]")
    try:
        token = _token(given.token_file, environ)
    except OSError as error:
        return _wrong(f"--token-file: {error}")
    if not port.isdigit():
        return _wrong(f"--listen: expected ADDRESS:PORT, found {given.listen}")
    if not token and host not in ("127.0.0.1", "::1", "localhost"):
        return _wrong(f"--listen: {host} needs a token (AI_EXPORTER_TOKEN or --token-file), or anybody could report")
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    models = [*given.model, *_listed(environ.get("AI_EXPORTER_MODELS", ""))]
    expected = [*given.expect, *_listed(environ.get("AI_EXPORTER_EXPECTED_MODELS", ""))]
    metrics = AiMetrics(REGISTRY, allowed={"model_name": models} if models else None)
    servers = [*given.ollama, *_listed(environ.get("OLLAMA_URL", ""))]
    pollers = tuple(OllamaPoller(url, metrics, expected) for url in servers)
    exporter = Exporter(metrics, token=token, clock=time.time)  # noqa: TID251  a door
    server = HttpServer(exporter, clock=time.time)  # noqa: TID251  a door
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(server, host, int(port), pollers, given.every))
    except OSError as error:
        print(f"ai_metrics_exporter: --listen: {error}", file=sys.stderr)  # noqa: T201  a command speaks
        return 1
    return 0


async def _serve(server: HttpServer, host: str, port: int, pollers: Iterable[OllamaPoller], every: float) -> None:
    """Serve, and ask Ollama, until a signal says that it is enough."""
    enough = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, enough.set)
    await server.start(host, port)
    polls = [loop.create_task(poller.run(every)) for poller in pollers]
    await enough.wait()
    for poll in polls:
        poll.cancel()
    await asyncio.gather(*polls, return_exceptions=True)
    await server.stop()


def _token(path: Path | None, environ: Mapping[str, str]) -> str:
    if path is not None:
        return path.read_text(encoding="utf-8").strip()
    given = environ.get("AI_EXPORTER_TOKEN", "").strip()
    return given if given or not _SECRET.exists() else _SECRET.read_text(encoding="utf-8").strip()


def _listed(text: str) -> list[str]:
    return [word for word in (part.strip() for part in text.split(",")) if word]


def _wrong(what: str) -> int:
    print(f"ai_metrics_exporter: {what}", file=sys.stderr)  # noqa: T201  a command speaks
    return 2


if __name__ == "__main__":
    sys.exit(main())
