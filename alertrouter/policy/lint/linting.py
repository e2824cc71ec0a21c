"""All checks of a policy at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from alertrouter.policy.lint import escalations, routing, usage
from alertrouter.policy.lint.finding import Finding
from alertrouter.policy.lint.ignoring import heeded, secrets
from alertrouter.policy.lint.places import Places
from alertrouter.policy.policy import Policy


def lint(
    policy: Policy, files: Mapping[str, str], now: datetime, also: Iterable[Finding] = ()
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """What is found in a sound policy, made of these files, and what of that is ignored, both in file order.

    `now` is where schedules and time intervals are looked at from; `also` are findings from elsewhere.
    """
    places = Places(files)
    found = [
        *routing.findings(policy, places, now),
        *escalations.findings(policy, places, now),
        *usage.findings(policy, places),
        *secrets(files),
        *also,
    ]
    stay, ignored = heeded(found, files)
    order = {file: number for number, file in enumerate(files)}

    def place(finding: Finding) -> tuple[int, int, int, str]:
        where = finding.place
        return order.get(where.file, len(order)), where.line, where.column, finding.check.value

    return tuple(sorted(stay, key=place)), tuple(sorted(ignored, key=place))
