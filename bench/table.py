"""The table that people read, and the same as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from bench.figures import HELD, MISSED, UNMEASURED, Result
from bench.systems import ALERTMANAGER, ALERTROUTER, EVERYSEC

HEADINGS: Final = ("work", "unit", "Alertmanager", "alertrouter", "everysec", "ratio", "target", "")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run. `machine` is what the figures depend on."""

    machine: dict[str, str]
    repetitions: int
    scale: float
    results: list[Result]

    @property
    def missed(self) -> list[Result]:
        """The figures that miss their target."""
        return [result for result in self.results if result.verdict == MISSED]


def as_text(report: Report) -> str:
    """Write the table; in brackets the least and the most of the repetitions."""
    lines = [", ".join(f"{name} {value}" for name, value in report.machine.items())]
    lines += [f"{report.repetitions} repetitions, interleaved; median (least to most)", "", as_table(report.results)]
    count = Counter(result.verdict for result in report.results)
    lines += ["", f"{count[HELD]} targets held, {count[MISSED]} missed, {count[UNMEASURED]} not measured"]
    return "\n".join(lines) + "\n"


def as_table(results: Sequence[Result]) -> str:
    """Write these figures below headings; a column that nothing stands in is left out."""
    rows = [HEADINGS, *(_cells(result) for result in results if result.samples or result.verdict)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    empty = {column for column in range(len(HEADINGS)) if not any(row[column] for row in rows[1:])}
    shown = [[cell.ljust(widths[column]) for column, cell in enumerate(row) if column not in empty] for row in rows]
    return "\n".join("  ".join(cells).rstrip() for cells in shown)


def as_json(report: Report) -> bytes:
    """Write all samples, ratios and verdicts."""
    results = [
        {**msgspec.to_builtins(result), "ratio": result.ratio, "verdict": result.verdict} for result in report.results
    ]
    return msgspec.json.format(msgspec.json.encode({**msgspec.to_builtins(report), "results": results}))


def _cells(result: Result) -> tuple[str, ...]:
    ratio, target = result.ratio, result.figure.target
    return (
        f"{result.row}: {result.figure.name}",
        result.figure.unit,
        *(_shown(result, system) for system in (ALERTMANAGER, ALERTROUTER, EVERYSEC)),
        f"{ratio:.2f} x" if ratio is not None else "",
        str(target) if target else "",
        result.verdict,
    )


def _shown(result: Result, system: str) -> str:
    middle = result.middle(system)
    if middle is None:
        return ""
    values = result.samples[system]
    spread = f" ({_short(min(values))} to {_short(max(values))})" if len(values) > 1 else ""
    return _short(middle) + spread


def _short(value: float) -> str:
    """Three digits that count."""
    if abs(value) >= 10_000:
        return f"{value / 1000:.0f}k"
    if abs(value) >= 1000:
        return f"{value / 1000:.1f}k"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
