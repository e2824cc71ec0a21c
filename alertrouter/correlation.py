"""The correlation id of a report, which stands in every event, log line and delivery it causes, and the trace in it.

With tracing on, the id is the span of the request: `<trace id>-<span id>`, in hex. So the trace goes through journal,
engine and ledger with what carries the id anyway, and the engine knows nothing of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_TRACED: Final = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})(?:\.\d+)?")
_SHORTEST: Final = 32 + 1 + 16


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A span that others are part of; both ids in lower-case hex, as W3C's Trace Context writes them."""

    trace_id: str
    span_id: str

    def correlation_id(self) -> str:
        """Give it as an event's key."""
        return f"{self.trace_id}-{self.span_id}"


def trace_of(correlation_id: str) -> TraceContext | None:
    """Give the span that a correlation id names; None when that request was not traced."""
    found = len(correlation_id) >= _SHORTEST and _TRACED.fullmatch(correlation_id)
    return TraceContext(found[1], found[2]) if found else None
