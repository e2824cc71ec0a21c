"""Which alerts two policies treat differently: by generated label sets, summed up by what changes for them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from alertrouter.alert import Labels
from alertrouter.policy.duration import format_duration
from alertrouter.policy.escalation import EscalationPolicy
from alertrouter.policy.policy import Policy
from alertrouter.policy.route import Match
from alertrouter.simulate.label_sets import Choose, label_sets


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What happens to an alert on one route, by all that a person would notice."""

    receivers: tuple[str, ...]
    escalation: str
    ladder: tuple[str, ...]
    group_labels: tuple[str, ...]
    timing: str
    hours: tuple[str, ...]

    def parts(self) -> Iterator[tuple[str, str]]:
        """Give each part in words, with its name."""
        yield "told at once", ", ".join(self.receivers) or "nobody"
        yield "escalation", self.escalation or "none"
        yield "levels", "; ".join(self.ladder) or "none"
        yield "grouped by", ", ".join(self.group_labels) or "the route alone"
        yield "timing", self.timing
        yield "hours", ", ".join(self.hours) or "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One change, with the fewest labels that show it, and for how many label sets it was found."""

    labels: Labels
    severity: str
    old: tuple[Treatment, ...]
    new: tuple[Treatment, ...]
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two policies side by side. `inhibition` tells rules that came, went or changed, by name."""

    tried: int
    differing: int
    differences: tuple[Difference, ...]
    inhibition: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Tell whether no difference was found."""
        return not self.differences and not self.inhibition


def compare(old: Policy, new: Policy, *, number: int, choose: Choose) -> Compared:
    """Try that many label sets, made of what the matchers of both speak of; the most frequent change first."""
    found: dict[tuple[tuple[Treatment, ...], tuple[Treatment, ...]], Difference] = {}
    differing = 0
    for labels in islice(_with_severity(old, new, choose), number):
        before, after = treatments(old, labels), treatments(new, labels)
        if before == after:
            continue
        differing += 1
        known = found.get((before, after))
        if known:
            found[before, after] = replace(known, count=known.count + 1)
            continue
        fewest = _fewest(old, new, labels)
        found[before, after] = Difference(
            labels=fewest,
            severity=new.severity(fewest),
            old=treatments(old, fewest),
            new=treatments(new, fewest),
        )
    merged = _merged(found.values())
    return Compared(
        tried=number,
        differing=differing,
        differences=tuple(sorted(merged, key=lambda one: (-one.count, sorted(one.labels.items())))),
        inhibition=tuple(_inhibition(old, new)),
    )


def treatments(policy: Policy, labels: Labels) -> tuple[Treatment, ...]:
    """What a policy does with an alert, route by route."""
    severity = policy.severity(labels)
    return tuple(_treatment(policy, match, severity) for match in policy.routes(labels))


def _treatment(policy: Policy, match: Match, severity: str) -> Treatment:
    options = match.route.options
    ladder = policy.escalation(match.route, severity)
    wait, interval, repeat = map(format_duration, (options.group_wait, options.group_interval, options.repeat_interval))
    hours = [f"muted in {name}" for name in options.mute_time_intervals]
    hours += [f"only in {name}" for name in options.active_time_intervals]
    return Treatment(
        receivers=policy.receivers_for(match.route, severity),
        escalation=ladder.name if ladder else "",
        ladder=tuple(_levels(policy, match, ladder)) if ladder else (),
        group_labels=tuple(match.group_labels),
        timing=f"wait {wait}, then every {interval}, repeated after {repeat}",
        hours=tuple(hours),
    )


def _levels(policy: Policy, match: Match, ladder: EscalationPolicy) -> Iterator[str]:
    for level in ladder.levels:
        names = dict.fromkeys(policy.receiver_named(name, match.route) for name in level.notify)
        during = f" in {level.during}" if level.during else ""
        condition = f" if {level.alerts}" if level.alerts else ""
        yield f"{format_duration(level.after)} {', '.join(names)}{during}{condition}"
    if ladder.raises:
        yield f"{format_duration(ladder.raises.after)} raised to {ladder.raises.to}"
    if ladder.repeat:
        yield f"again every {format_duration(ladder.repeat.every)}"
    yield f"taken for {format_duration(ladder.ack_timeout)}" if ladder.ack_timeout else "taken until it is over"


def _with_severity(old: Policy, new: Policy, choose: Choose) -> Iterator[Labels]:
    """Label sets that also carry the severities of both."""
    severities = tuple(dict.fromkeys((*old.severities, *new.severities)))
    for labels in label_sets([old.root, new.root], choose):
        if "severity" in labels or not choose(len(severities) + 1):
            yield labels
        else:
            yield {**labels, "severity": severities[choose(len(severities))]}


def _fewest(old: Policy, new: Policy, labels: Labels) -> Labels:
    """The labels without those that the difference doesn't need."""
    kept = dict(labels)
    for name in sorted(labels, key=lambda name: (name != "alertname", name)):
        fewer = {key: value for key, value in kept.items() if key != name}
        if _delta(old, new, fewer) == _delta(old, new, kept):
            kept = fewer
    return kept


def _delta(old: Policy, new: Policy, labels: Labels) -> tuple[object, ...]:
    """What changes, without what both have: the group's labels change with the labels themselves."""
    before, after = treatments(old, labels), treatments(new, labels)
    if len(before) != len(after):
        return (before, after)
    return tuple(
        tuple(
            (name, left, right) for (name, left), (_, right) in zip(a.parts(), b.parts(), strict=True) if left != right
        )
        for a, b in zip(before, after, strict=True)
    )


def _merged(differences: Iterable[Difference]) -> Iterator[Difference]:
    """Those whose fewest labels and changes are equal are one."""
    found: dict[tuple[object, ...], Difference] = {}
    for one in differences:
        key = (tuple(sorted(one.labels.items())), one.old, one.new)
        known = found.get(key)
        found[key] = replace(known, count=known.count + one.count) if known else one
    yield from found.values()


def _inhibition(old: Policy, new: Policy) -> Iterator[str]:
    before = {rule.name: rule for rule in old.inhibit_rules}
    after = {rule.name: rule for rule in new.inhibit_rules}
    for name in dict.fromkeys((*before, *after)):
        if name not in after:
            yield f"rule `{name}` is gone: what it held back is told"
        elif name not in before:
            yield f"rule `{name}` is new: it may hold alerts back"
        elif before[name] != after[name]:
            yield f"rule `{name}` has changed"
