"""alertrouter itself: incidents, deliveries, backlog, escalations."""

from typing import Final

from dashboards.panel import UP, Board, Kind, Panel, Row, logs, prom, rates

TIME_TO_ACKNOWLEDGE: Final = Panel(
    title="Mean time to acknowledge",
    kind=Kind.NUMBER,
    unit="s",
    width=4,
    says="From opening to acknowledgement, in the time shown.",
    queries=(
        prom(
            "sum(increase(alertrouter_acknowledgement_seconds_total[$__range]))"
            ' / sum(increase(alertrouter_transitions_total{transition="ACK"}[$__range]))'
        ),
    ),
)

ALERTROUTER: Final = Board(
    uid="ar-alertrouter",
    title="alertrouter",
    says="Does what fires reach somebody, and how fast is it taken?",
    folder="Monitoring",
    rows=(
        Row(
            title="Now",
            panels=(
                Panel(
                    title="Up",
                    kind=Kind.NUMBER,
                    width=4,
                    alert="AlertRouterDown",
                    words=UP,
                    says="Whether its door answers.",
                    queries=(prom('min(up{job="alertrouter"})'),),
                ),
                Panel(
                    title="Redis",
                    kind=Kind.NUMBER,
                    width=4,
                    alert="AlertRouterStoreDown",
                    words=UP,
                    says="Whether its store answers.",
                    queries=(prom("min(alertrouter_store_up)"),),
                ),
                Panel(
                    title="Router",
                    kind=Kind.NUMBER,
                    width=4,
                    alert="AlertRouterNoRouter",
                    words={"0": "none", "1": "active"},
                    says="Whether one decides.",
                    queries=(prom("max(alertrouter_router_active)"),),
                ),
                Panel(
                    title="Open and nobody's",
                    kind=Kind.NUMBER,
                    width=4,
                    alert="AlertRouterIncidentsPilingUp",
                    says="Incidents that nobody has acknowledged.",
                    queries=(prom('max(alertrouter_incidents{state="triggered"})'),),
                ),
                TIME_TO_ACKNOWLEDGE,
                Panel(
                    title="Put aside",
                    kind=Kind.NUMBER,
                    width=4,
                    alert="AlertRouterEventQuarantined",
                    says="Events that could not be applied, alerts that could not be read.",
                    queries=(
                        prom("max(alertrouter_quarantined_events)", "events"),
                        prom("max(alertrouter_set_aside_alerts)", "alerts"),
                    ),
                ),
            ),
        ),
        Row(
            title="Incidents",
            panels=(
                Panel(
                    title="Incidents by state",
                    stacked=True,
                    says="As the engine has them.",
                    queries=(prom("max by (state) (alertrouter_incidents)", "{{state}}"),),
                ),
                Panel(
                    title="Escalations",
                    says="Levels that were told, laps and raises of severity; in each interval.",
                    queries=(
                        prom(
                            "sum by (transition) (increase("
                            'alertrouter_transitions_total{transition=~"STEP|LOOP|RAISE|LAPSE|DONE"}[$__rate_interval]))',
                            "{{transition}}",
                        ),
                    ),
                ),
                Panel(
                    title="Opened, acknowledged, resolved",
                    says="In each interval.",
                    queries=(
                        prom(
                            "sum by (transition) (increase("
                            'alertrouter_transitions_total{transition=~"OPEN|ACK|RESOLVE|REOPEN"}[$__rate_interval]))',
                            "{{transition}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            title="In",
            panels=(
                Panel(
                    title="Requests by source",
                    unit="cps",
                    says="Bodies with alerts that were accepted, a second.",
                    queries=(rates("alertrouter_bodies_accepted_total", "source"),),
                ),
                Panel(
                    title="Backlog",
                    alert="AlertRouterBacklogHigh",
                    says="Reports that the router has not applied.",
                    queries=(prom("max(alertrouter_journal_backlog)", "reports"),),
                ),
                Panel(
                    title="Held back, or nothing new",
                    unit="cps",
                    says="Alert reports a second.",
                    queries=(
                        rates("alertrouter_alerts_suppressed_total", "reason"),
                        prom("sum(rate(alertrouter_alerts_deduplicated_total[$__rate_interval]))", "nothing new"),
                    ),
                ),
            ),
        ),
        Row(
            title="Out",
            panels=(
                Panel(
                    title="Deliveries",
                    unit="cps",
                    says="Tries a second, by channel and outcome.",
                    queries=(rates("alertrouter_deliveries_total", "channel", "outcome"),),
                ),
                Panel(
                    title="Given up",
                    unit="percentunit",
                    top=1,
                    alert="AlertRouterDeliveryFailing",
                    says="Share of messages, by channel.",
                    queries=(prom("channel:alertrouter_deliveries_failed:ratio_rate10m", "{{channel}}"),),
                ),
                Panel(
                    title="From report to message",
                    unit="s",
                    alert="AlertRouterDeliverySlow",
                    says="Median and p95, group_wait included.",
                    queries=(
                        prom(
                            "histogram_quantile(0.5, sum by (le) (rate(alertrouter_delivery_latency_seconds_bucket[10m])))",
                            "median",
                        ),
                        prom(
                            "histogram_quantile(0.95, sum by (le) (rate(alertrouter_delivery_latency_seconds_bucket[10m])))",
                            "p95",
                        ),
                    ),
                ),
                Panel(
                    title="Late",
                    unit="s",
                    width=12,
                    alert="AlertRouterTimersLate",
                    says="By how much the oldest timer and the oldest message are late.",
                    queries=(
                        prom("max(alertrouter_timer_lag_seconds)", "timers"),
                        prom("max(alertrouter_delivery_lag_seconds)", "messages"),
                    ),
                ),
                Panel(
                    title="Its warnings and errors",
                    kind=Kind.LOGS,
                    width=12,
                    says="Of all its processes.",
                    queries=(logs('{service_name="alertrouter"} | json | level=~"warning|error|critical"'),),
                ),
            ),
        ),
        Row(
            title="In the shadow",
            collapsed=True,
            panels=(
                Panel(
                    title="Pages, in force and in the shadow",
                    width=12,
                    says="Since the shadow began; nothing without one. `alertrouter shadow` names the incidents.",
                    queries=(prom("max by (policy) (alertrouter_shadow_pages)", "{{policy}}"),),
                ),
                Panel(
                    title="Incidents otherwise",
                    kind=Kind.NUMBER,
                    width=4,
                    says="For which somebody would have been told something else, or at another time.",
                    queries=(prom("max(alertrouter_shadow_changed_incidents)"),),
                ),
                Panel(
                    title="Behind",
                    kind=Kind.NUMBER,
                    unit="s",
                    width=4,
                    says="How far its decisions are behind the present.",
                    queries=(prom("time() - max(alertrouter_shadow_until_timestamp_seconds)"),),
                ),
                Panel(
                    title="The shadow",
                    kind=Kind.NUMBER,
                    width=4,
                    words={"1": "stopped", "0": "decides"},
                    says="Whether it could go on; why not, `alertrouter shadow` says.",
                    queries=(prom("max(alertrouter_shadow_failed)"),),
                ),
            ),
        ),
    ),
)
