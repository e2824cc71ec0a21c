"""A month lived again under two policies: what `alertrouter replay` takes."""

from __future__ import annotations

import random  # noqa: TID251 -- the same month in each repetition
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from alertrouter.alert import fingerprint
from alertrouter.record import Ended, Fired, Moved, Record, lines
from alertrouter.transition import Transition
from bench.figures import Figure, Target
from bench.programs import BenchError
from bench.rows import OURS, Bench, Measured, Row

EVENTS: Final = 50_000
MONTH: Final = timedelta(days=30)
LASTS: Final = ((50, 3), (30, 10), (15, 30), (5, 240))
"""How many in a hundred alerts last how many minutes."""

_BEGAN: Final = datetime(2026, 3, 1, tzinfo=UTC)
_COMPONENTS: Final = ("ai", "infra", "database", "security", "business", "node")
_SEVERITIES: Final = ("info", "warning", "warning", "critical")
_ROOT: Final = Path(__file__).parents[2]


def month(events: int) -> list[Record]:
    """Alerts that begin and end, every tenth of them taken by somebody; the same ones each time."""
    chance = random.Random(1)  # noqa: S311 -- it guards nothing
    found: list[Record] = []
    for number in range(int(events / 2.1)):
        at = _BEGAN + MONTH * chance.random()
        labels = {
            "alertname": f"Alert{chance.randrange(40)}",
            "component": chance.choice(_COMPONENTS),
            "instance": f"host-{chance.randrange(300)}",
            "severity": chance.choice(_SEVERITIES),
        }
        (lasts,) = chance.choices([minutes for _, minutes in LASTS], [share for share, _ in LASTS])
        mark, incident = fingerprint(labels), f"INC-{number}"
        found += [
            Fired(at=at, alert=mark, labels=labels, starts_at=at, incidents=(incident,)),
            Ended(at=at + timedelta(minutes=lasts), alert=mark),
        ]
        if chance.random() < 0.1:
            taken = at + timedelta(minutes=2)
            found.append(Moved(at=taken, incident=incident, transition=Transition.ACK, by="omar"))
    return sorted(found, key=lambda record: record.at)


def _measure(bench: Bench, _: str) -> Measured:
    records = month(bench.scaled(EVENTS))
    with TemporaryDirectory(dir=bench.directory) as directory:
        file = Path(directory) / "history.jsonl"
        file.write_bytes(b"".join(lines(records)))
        policies = str(_ROOT / "policies")
        began = time.perf_counter()
        ran = subprocess.run(  # noqa: S603 -- our own program
            [
                *(sys.executable, "-m", "alertrouter", "replay", "--from", str(file)),
                *("--policy", policies, "--against", policies, "-o", "json"),
            ],
            check=False,
            stdout=subprocess.DEVNULL,
        )
        if ran.returncode:
            raise BenchError(f"alertrouter replay ended with {ran.returncode}")
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "events": len(records) / seconds}


def rows() -> list[Row]:
    """One row, ours alone."""
    return [
        Row(
            name="replay",
            about="a month of 50,000 events under the built-in policy, and again beside it",
            figures=(Figure("seconds", "s", Target("≤", 30, "nothing")), Figure("events", "events/s")),
            measure=_measure,
            systems=OURS,
        )
    ]
