"""Which silence would hide one incident, and what comes to its route and group later, and nothing else."""

from __future__ import annotations

from alertrouter.incident import Incident
from alertrouter.policy.matcher import Op
from alertrouter.policy.policy import Policy
from alertrouter.silence import SilenceMatcher


def scope_of(incident: Incident, policy: Policy | None) -> tuple[SilenceMatcher, ...]:
    """Give the labels of its group and the matchers of its route; none when it has neither: that would hide all."""
    group = [SilenceMatcher(name, value) for name, value in sorted(incident.group_labels.items())]
    path = policy.root.path_to(incident.route) if policy else ()
    routes = [
        matcher.of_silence()
        for route in path
        for matcher in route.matchers
        if not (matcher.op is Op.EQUAL and matcher.name in incident.group_labels)
    ]
    found = tuple(dict.fromkeys([*group, *routes]))
    return found if any(one.is_equal and one.value for one in found) else ()
