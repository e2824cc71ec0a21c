"""How long the dashboards' queries take: seven days of made-up data for 50 hosts, in a real Prometheus.

`python -m bench.panels` writes the data with `promtool tsdb create-blocks-from openmetrics`, starts Prometheus on it,
asks each dashboard's queries over all seven days, six at a time as a browser does, and prints the slowest first.
"""

from __future__ import annotations

import itertools
import json
import math
import re
import subprocess
import tempfile
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from urllib.parse import urlencode
from urllib.request import urlopen

from dashboards.files import BOARDS
from dashboards.panel import Board, Kind, Query, Source

DAYS: Final = 7
STEP: Final = 120
"""Seconds between two samples of a series."""
HOSTS: Final = 50
POINTS: Final = 500
"""Points of a line, as the panels ask for."""
AT_ONCE: Final = 6
MOST_SERIES: Final = 400
"""Series of one metric; 50 hosts with four file systems and two containers each are less."""
PORT: Final = 9158
END: Final = 1_767_225_600
"""The moment that is taken for now: 2026-01-01."""
BEGIN: Final = END - DAYS * 86_400
BUCKETS: Final = ("0.01", "0.05", "0.1", "0.5", "1.0", "2.5", "5.0", "10.0", "30.0", "60.0", "300.0", "+Inf")
VALUES: Final = {
    "instance": [f"host-{number:02}:9100" for number in range(HOSTS)],
    "name": ["web", "worker"],
    "mountpoint": ["/", "/var", "/home", "/data"],
    "le": list(BUCKETS),
    "job": [f"service-{number:02}" for number in range(20)],
    "model_name": [f"model-{number}" for number in range(10)],
}
_HOST_METRICS: Final = ("node_", "instance", "name:container", "container_", "machine_")
_SELECTOR: Final = re.compile(r"(?<![\w:])([a-zA-Z_:][\w:]*)(?![\w:])(?!\s*\()(?:\{([^}]*)\})?")
_MATCHER: Final = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_GROUPED: Final = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")


def main() -> None:
    """Make the data, ask, print."""
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        series = _series()
        count = sum(map(len, series.values()))
        print(f"{count} series, {count * DAYS * 86_400 // STEP:,} samples")  # noqa: T201  a command speaks
        began = time.perf_counter()
        _write(directory, series)
        print(f"written in {time.perf_counter() - began:.0f} s")  # noqa: T201  as above
        with _prometheus(directory):
            found = sorted(((_ask(board), board.title) for board in BOARDS), reverse=True)
    print(f"{'dashboard':<24} {'all panels':>11}  slowest query")  # noqa: T201  as above
    for (seconds, slowest, query), title in found:
        print(f"{title:<24} {seconds:>9.2f} s  {slowest:.2f} s  {query[:90]}")  # noqa: T201  as above


def _ask(board: Board) -> tuple[float, float, str]:
    """Seconds for all panels that are open, and the slowest query."""
    panels = [panel for row in board.rows if not row.collapsed for panel in row.panels]
    asked = [(query, panel.kind) for panel in panels for query in panel.queries if query.source is Source.PROMETHEUS]
    began = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        times = list(pool.map(lambda one: _query(*one), asked))
    if not asked:
        return 0.0, 0.0, "none for Prometheus"
    slowest, query = max(zip(times, (query.expr for query, _ in asked), strict=True))
    return time.perf_counter() - began, slowest, query


def _query(query: Query, kind: Kind) -> float:
    expr = query.expr.replace("$__rate_interval", "20m").replace("$__range", f"{DAYS}d")
    expr = re.sub(r"\$\w+", ".*", expr)
    instant = kind in (Kind.NUMBER, Kind.DIAL, Kind.BARS, Kind.TABLE)
    when = {"time": END} if instant else {"start": BEGIN, "end": END, "step": DAYS * 86_400 // POINTS}
    path = "query" if instant else "query_range"
    began = time.perf_counter()
    with urlopen(f"http://127.0.0.1:{PORT}/api/v1/{path}?{urlencode({'query': expr, **when})}") as answer:
        assert json.load(answer)["status"] == "success"  # noqa: S101  a bench that asked wrongly measures nothing
    return time.perf_counter() - began


def _series() -> dict[str, set[str]]:
    """All series by metric, with the labels and values that the queries ask for."""
    wanted: dict[str, dict[str, set[str]]] = {}
    for query in (one for board in BOARDS for panel in board.panels() for one in panel.queries):
        if query.source is not Source.PROMETHEUS:
            continue
        grouped = {
            label.strip() for found in _GROUPED.findall(query.expr) for label in found.split(",") if label.strip()
        }
        text = re.sub(r"\[[^\]]*\]|\b(?:by|on|ignoring|group_left)\s*\([^)]*\)", "", query.expr)
        for name, matchers in _SELECTOR.findall(re.sub(r'"[^"]*"(?!\s*[,}])', "", text)):
            if "_" not in name and name != "up" and name != "ALERTS":
                continue
            labels = wanted.setdefault(name, {})
            for label, _, value in _MATCHER.findall(matchers):
                if "$" not in value and ".*" not in value:
                    labels.setdefault(label, set()).update({*value.split("|"), "other"})
            for label in grouped:
                labels.setdefault(label, set()).update(VALUES.get(label, ["a", "b", "c", "d"]))
    return {name: set(itertools.islice(_label_sets(name, labels), MOST_SERIES)) for name, labels in wanted.items()}


def _label_sets(name: str, labels: dict[str, set[str]]) -> Iterator[str]:
    if name.startswith(_HOST_METRICS) or name == "up":
        labels = {**labels, "instance": set(VALUES["instance"])}
    if "filesystem" in name:
        labels = {**labels, "mountpoint": set(VALUES["mountpoint"])}
    if name.startswith(("name:container", "container_")):
        labels = {**labels, "name": set(VALUES["name"])}
    if name.startswith("job:"):
        labels = {**labels, "job": set(VALUES["job"])}
    if name.startswith("ai"):
        labels = {**labels, "model_name": set(VALUES["model_name"])}
    if name.endswith("_bucket"):
        labels = {**labels, "le": set(BUCKETS)}
    for values in itertools.product(*(sorted(labels[label]) for label in sorted(labels))):
        yield ",".join(f'{label}="{value}"' for label, value in zip(sorted(labels), values, strict=True))


def _write(directory: Path, series: dict[str, set[str]]) -> None:
    path = directory / "data.om"
    with path.open("w", encoding="ascii") as file:
        for name, label_sets in series.items():
            rising = name.endswith(("_total", "_bucket", "_count", "_sum"))
            file.write(f"# TYPE {name} gauge\n")
            for labels in sorted(label_sets):
                seed = zlib.crc32(f"{name}{labels}".encode())
                pace, phase = 1 + seed % 97, seed % 1000
                for number, moment in enumerate(range(BEGIN, END, STEP)):
                    value = pace * number if rising else round(0.5 + 0.4 * math.sin(phase + number / 300), 4)
                    file.write(f"{name}{{{labels}}} {value} {moment}\n")
        file.write("# EOF\n")
    # One block for all days: promtool reads the whole file for each block, and its usual ones hold two hours.
    blocks = f"--max-block-duration={DAYS * 24}h"
    command = ["promtool", "tsdb", "create-blocks-from", blocks, "openmetrics", str(path), str(directory / "tsdb")]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603  real promtool
    path.unlink()


class _prometheus:  # noqa: N801  it reads as the statement that it is in
    """A Prometheus on the data, without a scrape."""

    def __init__(self, directory: Path) -> None:
        (directory / "prometheus.yml").write_text("scrape_configs: []\n", encoding="utf-8")
        self._command = [
            "prometheus",
            f"--config.file={directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={directory / 'tsdb'}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address=127.0.0.1:{PORT}",
        ]

    def __enter__(self) -> None:
        self._running = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)  # noqa: S603  real Prometheus
        for _ in range(300):
            try:
                with urlopen(f"http://127.0.0.1:{PORT}/-/ready") as _answer:
                    return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("Prometheus is not ready")

    def __exit__(self, *_: object) -> None:
        self._running.terminate()
        self._running.wait()


if __name__ == "__main__":
    main()
