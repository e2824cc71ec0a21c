"""Silences: a storm among 10,000 silences of other alerts. And the API: one question among 100,000 alerts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from statistics import median
from typing import Final
from urllib.parse import urlencode

from bench.figures import Figure, Target
from bench.programs import BenchError
from bench.pump import Load
from bench.rows import APART, Bench, Measured, Row
from bench.shape import Shape
from bench.systems import System
from bench.work.storm import storm

SILENCES: Final = 10_000
ASKERS: Final = 32
ALERTS: Final = 100_000
QUESTIONS: Final = 10


def _measure_storm(bench: Bench, system: str) -> Measured:
    """Set the silences, then storm."""
    alerts = bench.scaled(10_000)
    with bench.running(system, Shape(group_wait="1s", group_interval="30s"), warm=False) as running:
        bench.load(running, storm(alerts=200, groups=20, from_=APART))
        began = time.monotonic()
        _silence(running, bench.scaled(SILENCES))
        setting = time.monotonic() - began
        stormed = bench.load(running, storm(alerts=alerts, groups=alerts // 10))
    return {"time": stormed.seconds, "CPU": stormed.cpu, "silences set": bench.scaled(SILENCES) / setting}


def _silence(system: System, count: int) -> None:
    """Set silences of hosts that never fire, each by a job that all share and a name of its own."""

    def ask(share: range) -> None:
        connection = HTTPConnection("127.0.0.1", system.port, timeout=60)
        for number in share:
            matchers = [("job", "node-exporter"), ("instance", f"quiet-{number:08d}.example.com:9100")]
            body = {
                "matchers": [{"name": name, "value": value, "isRegex": False} for name, value in matchers],
                "startsAt": "2026-01-01T00:00:00Z",
                "endsAt": "2100-01-01T00:00:00Z",
                "createdBy": "bench",
                "comment": "quiet",
            }
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/api/v2/silences", json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200:
                raise BenchError(f"{system.name}: a silence was answered {answer.status}: {said[:200]!r}")
        connection.close()

    with ThreadPoolExecutor(ASKERS) as askers:
        list(askers.map(ask, (range(start, count, ASKERS) for start in range(ASKERS))))


def _measure_get(bench: Bench, system: str) -> Measured:
    """Ask for one alert, and for the hundred of a group, one question after another."""
    alerts = bench.scaled(ALERTS)
    with bench.running(system, Shape(), warm=False) as running:
        bench.load(running, Load(alerts=alerts, groups=alerts // 100))
        one = [(f'instance="host-{number:08d}.example.com:9100"', 1) for number in range(QUESTIONS)]
        hundred = [(f'group="g-{number:08d}"', 100) for number in range(QUESTIONS)]
        first, *singles = _times(running, one)
        _, *groups = _times(running, hundred)
    return {"one of them": median(singles), "a hundred": median(groups), "the first question": first}


def _times(system: System, questions: list[tuple[str, int]]) -> Iterator[float]:
    """Milliseconds that each question takes, over one connection."""
    connection = HTTPConnection("127.0.0.1", system.port, timeout=60)
    for matcher, expected in questions:
        began = time.monotonic()
        connection.request("GET", "/api/v2/alerts?" + urlencode({"filter": matcher}))
        answer = connection.getresponse()
        body = answer.read()
        took = (time.monotonic() - began) * 1000
        found = json.loads(body)
        if answer.status != 200 or len(found) != expected:
            raise BenchError(f"{system.name}: {matcher} found {len(found)} alerts, {expected} are there")
        yield took
    connection.close()


def rows() -> list[Row]:
    """Two rows."""
    return [
        Row(
            name="silenced-storm",
            about="the storm, while 10,000 silences of other alerts are in force",
            figures=(
                Figure("time", "s", Target("≤", 0.25)),
                Figure("CPU", "s"),
                Figure("silences set", "a second"),
            ),
            measure=_measure_storm,
        ),
        Row(
            name="get-filter",
            about="GET /api/v2/alerts with an equal label, 100,000 alerts firing",
            figures=(
                Figure("one of them", "ms", Target("≤", 0.2)),
                Figure("a hundred", "ms", Target("≤", 0.2)),
                Figure("the first question", "ms"),
            ),
            measure=_measure_get,
        ),
    ]
