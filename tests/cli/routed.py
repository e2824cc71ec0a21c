"""The policy that `test-route` is asked about, and how it is asked."""

from __future__ import annotations

from pathlib import Path

from tests.cli.running import Ran, run
from tests.policy.texts import SOUND

HELD = SOUND.replace("mute_time_intervals: [business_hours]", "active_time_intervals: [business_hours]")


def routed(policy: Path, *arguments: str, stdin: str | bytes = "") -> Ran:
    """Run `test-route` on a policy."""
    return run("test-route", "--policy", str(policy), *arguments, stdin=stdin)
