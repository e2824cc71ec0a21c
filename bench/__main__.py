"""`python -m bench`: run rows, systems interleaved, and print the table."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from bench.figures import Result, gather
from bench.machine import Watch
from bench.programs import BenchError
from bench.pump import Endpoint, Pump
from bench.rows import Bench, Measured, Row
from bench.systems import EVERYSEC
from bench.table import Report, as_json, as_table, as_text
from bench.work import all_rows
from bench.work.guard import guard_rows

QUIET_LOAD: Final = 0.5
GUARD_WITHIN: Final = 30.0
"""Seconds after which the guard begins nothing more."""


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; 1 when a target was missed or a measurement failed, 0 for the guard whatever it finds."""
    asked = _parser().parse_args(arguments)
    rows = _chosen(guard_rows() if asked.guard else all_rows(), asked.only)
    if asked.list:
        listed = rows if asked.only or asked.guard else all_rows()
        _say("\n".join(f"{row.name:20} {row.about}{' (only when named)' if row.long else ''}" for row in listed))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the table is printed nonetheless
    if os.getloadavg()[0] > QUIET_LOAD:
        _say(f"The machine is busy (load {os.getloadavg()[0]:.2f}): figures will be worse, and ratios less sure.")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=asked.directory) as directory, Endpoint() as endpoint:
        bench = Bench(Pump(Path(directory)), endpoint, Path(directory), scale=asked.scale)
        watch = Watch(Path(directory))
        repetitions = 1 if asked.guard else asked.repeat
        within = GUARD_WITHIN if asked.guard else float("inf")
        results: list[Result] = []
        try:
            whole = _run(rows, bench, repetitions, results, everysec=not asked.no_everysec, within=within)
        except (KeyboardInterrupt, SystemExit):
            _say("Stopped: the table has the rows that were measured until then.")
            whole = False
        conditions = watch.conditions()
    report = Report(machine=conditions, repetitions=repetitions, scale=asked.scale, results=results)
    sys.stdout.buffer.write(as_json(report) + b"\n" if asked.output == "json" else as_text(report).encode())
    return 0 if asked.guard else int(not whole or bool(report.missed))


def _run(
    rows: Sequence[Row], bench: Bench, repetitions: int, results: list[Result], *, everysec: bool, within: float
) -> bool:
    """Add each row's figures to `results` as they come; each repetition of a row goes through all systems.

    Tell whether every row was measured: one that fails is left out, and the rest goes on. No row begins later than
    `within` seconds after the first.
    """
    whole = True
    began_all = time.monotonic()
    for row in rows:
        if time.monotonic() - began_all > within:
            _say(f"{row.name} left out: this takes too long already")
            continue
        systems = [name for name in row.systems if everysec or name != EVERYSEC]
        measured: dict[str, list[Measured]] = {name: [] for name in systems}
        try:
            for repetition in range(repetitions):
                for name in systems if repetition % 2 == 0 else reversed(systems):
                    began = time.monotonic()
                    measured[name].append(row.measure(bench, name))
                    _say(f"{row.name} {repetition + 1}/{repetitions} {name}: {time.monotonic() - began:.1f} s")
        except BenchError as error:
            _say(f"{row.name} FAILED: {error}")
            whole = False
        results += (found := gather(row.name, row.figures, measured))
        _say(as_table(found))
    return whole


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="ROW", help="this row; * and ? as in file names")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions of each row (3)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the alerts, for a quick look (1)")
    parser.add_argument("--no-everysec", action="store_true", help="leave out the column with the weaker durability")
    parser.add_argument("--guard", action="store_true", help="half a minute, wide margins; tells, never fails")
    parser.add_argument("--list", action="store_true", help="name the rows")
    parser.add_argument(
        "--directory", help="where the systems keep their files; in memory (/dev/shm) fsync costs nothing"
    )
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    return parser


def _chosen(rows: list[Row], patterns: Sequence[str]) -> list[Row]:
    for pattern in patterns:
        if not any(fnmatch(row.name, pattern) for row in rows):
            raise SystemExit(f"no row {pattern!r}; there are {', '.join(row.name for row in rows)}")
    if not patterns:
        return [row for row in rows if not row.long]
    return [row for row in rows if any(fnmatch(row.name, pattern) for pattern in patterns)]


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
