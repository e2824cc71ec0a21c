"""`test-route` through time: what happens to an alert, minute by minute, for people and programs."""

from __future__ import annotations

from pathlib import Path

from tests.cli.routed import routed


def test_people_see_what_happens_through_time(policy: Path) -> None:
    """When, on whose clock, what, and who was told; the acknowledgement says what it cancels; then how it stands."""
    found = routed(
        policy,
        *("component=ai", "severity=critical", "alertname=Slow"),
        *("--at", "2026-03-02 10:00", "--for", "1h", "--ack", "7m"),
    )

    assert (found.code, found.err) == (0, "")
    assert found.out.splitlines() == [
        '{alertname="Slow", component="ai", severity="critical"}',
        "from Mon 2026-03-02 10:00 CET for 1h",
        "",
        "-30s     Mon 09:59  NEW     Slow (critical)",
        "+0m      Mon 10:00  OPEN    1 alert, critical: team ai, mine/all.yml:28",
        "+0m      Mon 10:00  STEP    level 1: ai-channel",
        "+5m      Mon 10:05  STEP    level 2: ai-pager",
        "+7m      Mon 10:07  ACK     by you until 09:37 UTC; cancels level 3 (+20m)",
        "+31m     Mon 10:31          the acknowledgement by you expires at 09:37 UTC",
        "+37m     Mon 10:37  LAPSE   the acknowledgement by you has expired",
        "+37m     Mon 10:37  STEP    level 2: ai-pager",
        "+52m     Mon 10:52  STEP    level 3: ai-leads",
        "",
        "then: triggered, critical; the next level is told at +1h22m",
    ]


def test_programs_get_the_timeline_and_a_test_of_it(policy: Path) -> None:
    """One object a label set; `expect` can be pasted into the policy's tests."""
    found = routed(
        policy,
        *("component=ai", "severity=warning", "--at", "2026-03-02 10:00", "-o", "json"),
        *("--event", "30m severity critical", "--event", "40m resolve", "--for", "45m"),
    )

    (view,) = found.json
    assert view["expect"] == [
        *("0m ai-channel", "30m severity=critical", "30m ai-channel", "35m ai-pager"),
        *("40m resolved ai-channel", "40m resolved ai-pager"),
    ]
    assert (view["at"], view["until"]) == ("2026-03-02T09:00:00Z", "45m")
    worse = next(line for line in view["lines"] if line["transition"] == "WORSE")
    assert (worse["offset"], worse["at"], worse["text"]) == ("30m", "2026-03-02T09:30:00Z", "warning → critical")
    assert view["ahead"] == [{"incident": "INC-1", "state": "resolved", "severity": "critical", "next": {}}]
