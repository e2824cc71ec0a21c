"""What `doctor` finds: one line for each thing it looked at, and how to mend it."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """How it stands. Only `wrong` makes `doctor` exit 1."""

    FINE = "fine"
    WARNING = "warning"
    WRONG = "wrong"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at. `mend` says what to do, empty when all is fine."""

    check: str
    verdict: Verdict
    text: str
    mend: str = ""


def fine(check: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(check=check, verdict=Verdict.FINE, text=text)


def warning(check: str, text: str, mend: str) -> Finding:
    """Works, but not as one may think."""
    return Finding(check=check, verdict=Verdict.WARNING, text=text, mend=mend)


def wrong(check: str, text: str, mend: str) -> Finding:
    """Alerts are or will be lost, late or unseen."""
    return Finding(check=check, verdict=Verdict.WRONG, text=text, mend=mend)
