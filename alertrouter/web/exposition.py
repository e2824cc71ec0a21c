"""The numbers in the store, in Prometheus's words: every metric's name, its help and its labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from alertrouter import __version__
from alertrouter.incident import State
from alertrouter.shadow import Standing, Sums
from alertrouter.store.metrics import Bucket, Latency, Metrics
from alertrouter.transition import Transition
from alertrouter.web.alertmanager.reading import REVISION, SPOKEN


@dataclass(frozen=True, slots=True)
class Counted:
    """How a counter is shown. One named `name:x` has `x` as the value of `label`; those in `always` are shown at 0."""

    help: str
    label: str = ""
    always: tuple[str, ...] = ()


EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

COUNTERS: Final[Mapping[str, Counted]] = {
    "bodies_accepted": Counted("Request bodies with alerts that were accepted.", "source"),
    "alerts_set_aside": Counted("Alerts that could not be read while others in the same body could.", "source"),
    "alerts_received": Counted("Alert reports that the router applied.", "status", ("firing", "resolved")),
    "alerts_deduplicated": Counted("Alert reports that said nothing new."),
    "alerts_suppressed": Counted(
        "Times that something held an alert back.", "reason", ("inhibited", "silenced", "outside_hours")
    ),
    "transitions": Counted("What happened to incidents.", "transition", tuple(Transition)),
    "acknowledgement_seconds": Counted("Seconds from opening to acknowledgement, of all that was acknowledged (ACK)."),
    "deliveries_born": Counted("Messages that the router decided on.", "channel"),
    "deliveries_settled_late": Counted("Outcomes that came for a delivery nobody waited for any more."),
    "incidents_parked": Counted("Incidents whose timer failed; they are tried again."),
    "incidents_given_up": Counted("Incidents whose end could not be told within a day."),
    "heartbeats_missed": Counted("Times that an expected heartbeat did not come."),
    "silences_set": Counted("Silences that were set or changed."),
    "silences_expired": Counted("Silences that ended."),
    "reconcile_polls": Counted(
        "Polls of Alertmanagers: agreed, doubtful (what is missing there proves nothing) or failed.", "outcome"
    ),
    "reconcile_healed": Counted(
        "Alerts that an Alertmanager's webhook missed and a poll healed.", "direction", ("opened", "resolved")
    ),
    "policies_activated": Counted("Policies that came into force."),
}
"""Counters by the name before their `:`; shown as `alertrouter_<name>_total`."""


class Snapshot(Collector):
    """The numbers at one moment; None when the store does not answer."""

    def __init__(self, numbers: Metrics | None, now: datetime) -> None:
        self._numbers = numbers
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Give every metric."""
        yield _gauges("build_info", "Version of alertrouter; always 1.", "version", {__version__: 1})
        spoken = GaugeMetricFamily(
            "alertmanager_build_info",
            "Version of Alertmanager whose API v2 is spoken here: karma looks for it. Always 1.",
            labels=["version", "revision"],
        )
        spoken.add_metric([SPOKEN, REVISION], 1)
        yield spoken
        yield _gauge("store_up", "Whether Redis answers.", float(self._numbers is not None))
        if self._numbers is not None:
            yield from _counters(self._numbers.counters)
            yield from _labelled(self._numbers)
            yield from _plain(self._numbers, self._now)
            yield _latency(self._numbers.latency)
            if self._numbers.shadow is not None:
                yield from _shadow(self._numbers.shadow)


def _counters(counters: Mapping[str, int]) -> Iterator[Metric]:
    values: dict[str, dict[str, int]] = {
        name: dict.fromkeys(counted.always if counted.label else ("",), 0) for name, counted in COUNTERS.items()
    }
    for counter, value in counters.items():
        name, _, label = counter.partition(":")
        if name in values:
            values[name][label] = value
    for name, counted in COUNTERS.items():
        labels = [counted.label] if counted.label else []
        family = CounterMetricFamily(f"alertrouter_{name}", counted.help, labels=labels)
        for label, value in sorted(values[name].items()):
            family.add_metric([label] if counted.label else [], value)
        yield family


def _labelled(numbers: Metrics) -> Iterator[Metric]:
    in_states = {state.value: numbers.incidents.get(state, 0) for state in State}
    yield _gauges("incidents", "Incidents by state.", "state", in_states)
    deliveries = CounterMetricFamily(
        "alertrouter_deliveries",
        "Tries to deliver a message, by how they ended: sent, failed or cancelled; retry and unknown are tried again.",
        labels=["channel", "outcome"],
    )
    for one in numbers.deliveries:
        deliveries.add_metric([one.channel, one.outcome], one.count)
    yield deliveries
    holder = {numbers.lease_holder: 1} if numbers.lease_holder else {}
    yield _gauges("lease_holder", "The active router; absent when there is none.", "router", holder)
    yield _gauges(
        "backup_last_success_timestamp_seconds",
        "When the last backup of a part of the stack succeeded; absent when none ever did.",
        "component_name",
        numbers.backups,
    )
    yield _gauges(
        "reconcile_last_success_timestamp_seconds",
        "When an Alertmanager was last read and what it lists was believed; 0 when never, absent when it isn't asked.",
        "source",
        numbers.reconciled,
    )


def _plain(numbers: Metrics, now: datetime) -> Iterator[Metric]:
    yield _gauge("router_active", "Whether a router holds the lease.", float(bool(numbers.lease_holder)))
    yield _gauge("lease_epoch", "Takeovers by a router.", numbers.epoch)
    yield _gauge("journal_backlog", "Journal entries that the router has not applied.", numbers.backlog)
    yield _gauge("timer_lag_seconds", "By how much the router's oldest due timer is late.", numbers.timer_lag(now))
    yield _gauge("delivery_lag_seconds", "By how much the oldest due delivery is late.", numbers.delivery_lag(now))
    yield _gauge("inbox_messages", "Messages in the built-in inbox.", numbers.inbox)
    yield _gauge("quarantined_events", "Events kept aside because they could not be applied.", numbers.quarantined)
    yield _gauge(
        "policy_faults", "Faults for which the policy directory's files were refused; 0: none.", numbers.policy_faults
    )
    yield _gauge("set_aside_alerts", "Alerts kept aside because they could not be read.", numbers.set_aside)


def _shadow(standing: Standing) -> Iterator[Metric]:
    """Gauges, not counters: with another shadow, or when the history is lived again, they begin anew."""
    shadow = standing.shadow
    sums = standing.sums or Sums(until=shadow.since, live=shadow.against)
    info = GaugeMetricFamily(
        "alertrouter_shadow_info",
        "The policy in the shadow and the one it is compared with; absent without one.",
        labels=["revision", "live"],
    )
    info.add_metric([shadow.revision, sums.live], 1)
    yield info
    for name, what, (live, beside) in (
        ("pages", "Pages since the shadow began, as both policies would have sent them.", sums.pages),
        ("messages", "Messages since the shadow began, as both policies would have sent them.", sums.messages),
    ):
        yield _gauges(f"shadow_{name}", what, "policy", {"live": live, "shadow": beside})
    yield _gauge(
        "shadow_changed_incidents", "Incidents for which somebody would have been told something else.", sums.changed
    )
    yield _gauge("shadow_failed", "Whether the shadow could not go on.", float(sums.failed))
    yield _gauge(
        "shadow_until_timestamp_seconds", "How far the shadow has decided.", (sums.until - EPOCH).total_seconds()
    )


def _latency(latency: Latency) -> Metric:
    """With a trace for each bucket that has one; they are shown in OpenMetrics only."""
    family = HistogramMetricFamily(
        "alertrouter_delivery_latency_seconds",
        "From the receipt of the report that caused a message until it was sent.",
    )
    buckets = [_bucket(bucket) for bucket in latency.buckets]
    family.add_metric([], [*buckets, ("+Inf", float(latency.count))], latency.sum_seconds)
    return family


def _bucket(bucket: Bucket) -> tuple[str, float] | tuple[str, float, Exemplar]:
    if (shown := bucket.exemplar) is None:
        return str(bucket.edge), float(bucket.count)
    exemplar = Exemplar({"trace_id": shown.trace_id}, shown.seconds, shown.at)
    return str(bucket.edge), float(bucket.count), exemplar


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"alertrouter_{name}", text, value=value)


def _gauges(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    """One gauge with a value for each of the label's."""
    family = GaugeMetricFamily(f"alertrouter_{name}", text, labels=[label])
    for at, value in values.items():
        family.add_metric([at], value)
    return family
