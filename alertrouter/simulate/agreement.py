"""Whether a policy routes alerts as something else does: how many label sets agree, and which don't. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from alertrouter.alert import Labels
from alertrouter.policy.policy import Policy
from alertrouter.simulate.label_sets import Choose, label_sets


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """One label set that goes elsewhere: the receivers here, and there."""

    labels: Labels
    ours: tuple[str, ...]
    theirs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How two trees compare. `reached` of `routes` nodes answered at least one label set."""

    tried: int
    disagreements: tuple[Disagreement, ...]
    reached: int
    routes: int

    @property
    def agreed(self) -> int:
        """How many label sets go to the same receivers in the same order."""
        return self.tried - len(self.disagreements)


def samples(policy: Policy, number: int, choose: Choose) -> tuple[Labels, ...]:
    """Label sets, each another one, that try all branches of a policy; fewer when there are no more."""
    found: dict[tuple[tuple[str, str], ...], Labels] = {}
    for labels in islice(label_sets([policy.root], choose), 4 * number):
        found.setdefault(tuple(sorted(labels.items())), labels)
        if len(found) == number:
            break
    return tuple(found.values())


def compare(policy: Policy, labels: Sequence[Labels], theirs: Sequence[tuple[str, ...]]) -> Agreement:
    """Route every label set here, and compare with where the other one sends it."""
    differing: list[Disagreement] = []
    reached: set[str] = set()
    for one, receivers in zip(labels, theirs, strict=True):
        matches = policy.routes(one)
        reached |= {match.route.id for match in matches}
        ours = tuple(match.route.options.receiver or "" for match in matches)
        if ours != receivers:
            differing.append(Disagreement(labels=one, ours=ours, theirs=receivers))
    return Agreement(
        tried=len(labels),
        disagreements=tuple(differing),
        reached=len(reached),
        routes=sum(1 for _ in policy.root.all()),
    )
