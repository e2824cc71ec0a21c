"""What the AI metrics exporter costs: in a program that it counts for, and as a program of its own.

`python -m bench.ai_metrics` prints the share of one core at 100 requests a second, with a scrape every 15 seconds, and
whether it stays under the 2 % that it may cost. CPU seconds are counted, user and system, not how long anything took.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from typing import Final

from ai_metrics_exporter import AiMetrics, instrument
from prometheus_client import CollectorRegistry, generate_latest

RATE: Final = 100
SCRAPE_EVERY: Final = 15
MOST: Final = 0.02
"""Share of a core that monitoring may cost."""
CALLS: Final = 20_000
MODELS: Final = 20
SECONDS: Final = 15
PORT: Final = 9159


class Usage:
    """Tokens, as OpenAI's client gives them."""

    prompt_tokens = 12
    completion_tokens = 40


class Answer:
    """An answer, as OpenAI's client gives it."""

    usage = Usage()


class Client:
    """A client that answers at once, so that only the counting is measured."""

    def chat(self, **_: object) -> Answer:
        """Answer."""
        return Answer()


def main() -> int:
    """Measure and print each; 1 when one costs too much."""
    shares = {"instrumentation in a program": in_a_program(), **{_NAMES[size]: as_a_program(size) for size in _NAMES}}
    for name, share in shares.items():
        verdict = "held" if share < MOST else "missed"
        print(f"{name:45} {share:6.2%} of a core at {RATE}/s, under {MOST:.0%}: {verdict}")  # noqa: T201  a command speaks
    return int(max(shares.values()) >= MOST)


_NAMES: Final = {
    1: "own program, one report a body",
    4: "own program, four reports a body",
    10: "own program, ten reports a body",
}


def in_a_program() -> float:
    """CPU of counting calls, less that of the calls themselves, and of a scrape."""
    metrics = AiMetrics(CollectorRegistry())
    plain, counted = _calls(Client()), _calls(instrument(Client(), metrics=metrics))
    began = time.process_time()
    generate_latest(metrics.registry)
    scrape = time.process_time() - began
    return (counted - plain) / CALLS * RATE + scrape / SCRAPE_EVERY


def as_a_program(batch: int) -> float:
    """CPU of the exporter while reports come in over one connection, evenly."""
    command = [sys.executable, "-m", "ai_metrics_exporter", f"--listen=127.0.0.1:{PORT}"]
    exporter = subprocess.Popen(command)  # noqa: S603  our own program
    try:
        connection = _connected()
        before = _cpu(exporter.pid)
        began = time.perf_counter()
        for number in range(0, RATE * SECONDS, batch):
            time.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            model = f"model-{number // batch % MODELS}"
            report = {"model_name": model, "seconds": 0.4, "output_tokens": 40}
            _ask(connection, "POST", "/v1/requests", json.dumps(report if batch == 1 else [report] * batch))
        _ask(connection, "GET", "/metrics")
        return (_cpu(exporter.pid) - before) / (time.perf_counter() - began)
    finally:
        exporter.terminate()
        exporter.wait()


def _calls(client: Client) -> float:
    began = time.process_time()
    for number in range(CALLS):
        client.chat(model=f"model-{number % MODELS}")
    return time.process_time() - began


def _connected() -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
    for _ in range(100):
        try:
            _ask(connection, "GET", "/-/healthy")
        except ConnectionError:
            connection.close()
            time.sleep(0.1)
        else:
            return connection
    raise SystemExit("the exporter does not answer")


def _ask(connection: http.client.HTTPConnection, method: str, path: str, body: str | None = None) -> None:
    connection.request(method, path, body)
    answer = connection.getresponse()
    answer.read()
    if answer.status >= 400:
        raise SystemExit(f"{method} {path} was answered with {answer.status}")


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has taken (`man 5 proc`: utime and stime, in ticks)."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:  # noqa: PTH123  a file of the kernel
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


if __name__ == "__main__":
    sys.exit(main())
