"""Figures: what a row measures, what it is to reach, and whether it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final, Literal

import msgspec

from bench.systems import ALERTMANAGER, ALERTROUTER

Against = Literal["alertmanager", "nothing"]
HELD: Final = "held"
MISSED: Final = "MISSED"
UNMEASURED: Final = "not measured"


class Target(msgspec.Struct, frozen=True):
    """A bound on the ratio to Alertmanager in the same run, or (`against` nothing) on alertrouter's own figure."""

    sign: Literal["≥", "≤"]
    bound: float
    against: Against = "alertmanager"

    def __str__(self) -> str:
        """As the table shows it."""
        return f"{self.sign} {self.bound:g}" + (" x" if self.against == "alertmanager" else "")

    def reached(self, value: float) -> bool:
        """Tell whether a ratio or figure holds the target."""
        return value >= self.bound if self.sign == "≥" else value <= self.bound


class Figure(msgspec.Struct, frozen=True):
    """One line of the table. `name` is the key in what a row measures."""

    name: str
    unit: str
    target: Target | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """All samples of one figure, by system, in the order of the repetitions."""

    row: str
    figure: Figure
    samples: dict[str, list[float]]

    def middle(self, system: str) -> float | None:
        """The median of a system's samples."""
        values = self.samples.get(system)
        return median(values) if values else None

    @property
    def ratio(self) -> float | None:
        """The median of the ratios to Alertmanager, each within its own repetition."""
        ours, theirs = self.samples.get(ALERTROUTER, []), self.samples.get(ALERTMANAGER, [])
        ratios = [one / other for one, other in zip(ours, theirs, strict=False) if other]
        return median(ratios) if ratios else None

    @property
    def verdict(self) -> str:
        """Held or missed; empty when there is no target or nothing to hold against it."""
        target = self.figure.target
        if target is None:
            return ""
        value = self.ratio if target.against == "alertmanager" else self.middle(ALERTROUTER)
        if value is None:
            return UNMEASURED
        return HELD if target.reached(value) else MISSED


def gather(row: str, figures: Sequence[Figure], measured: Mapping[str, Sequence[Mapping[str, float]]]) -> list[Result]:
    """Put a row's repetitions together, figure by figure; a system need not have every figure."""
    return [
        Result(
            row=row,
            figure=figure,
            samples={
                system: samples
                for system, repetitions in measured.items()
                if (samples := [values[figure.name] for values in repetitions if figure.name in values])
            },
        )
        for figure in figures
    ]
