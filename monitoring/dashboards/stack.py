"""The monitoring itself: does it work, what does it cost."""

from typing import Final

from dashboards.panel import UP, Board, Kind, Panel, Row, logs, prom, rates

BACKUPS: Final = Panel(
    title="Backups, hours old",
    kind=Kind.TABLE,
    alert="BackupStale",
    says="There should be one each day.",
    queries=(
        prom(
            "(time() - max by (component_name) (alertrouter_backup_last_success_timestamp_seconds)) / 3600",
            "{{component_name}}",
        ),
    ),
)

STACK: Final = Board(
    uid="ar-stack-health",
    title="Monitoring stack",
    says="Does the monitoring itself work, and what does it cost?",
    folder="Monitoring",
    rows=(
        Row(
            title="Collecting",
            panels=(
                Panel(
                    title="Targets",
                    kind=Kind.STATES,
                    width=24,
                    alert="ExporterDown",
                    words=UP,
                    says="Every scrape target.",
                    queries=(prom("max by (job, instance) (up)", "{{job}} {{instance}}"),),
                ),
                Panel(
                    title="Series",
                    alert="PrometheusCardinalityHigh",
                    says="Series that Prometheus holds in memory.",
                    queries=(prom("prometheus_tsdb_head_series", "{{instance}}"),),
                ),
                Panel(
                    title="Samples",
                    unit="cps",
                    alert="PrometheusNotIngesting",
                    says="Stored a second.",
                    queries=(
                        prom("rate(prometheus_tsdb_head_samples_appended_total[$__rate_interval])", "{{instance}}"),
                    ),
                ),
                Panel(
                    title="Size on disk",
                    unit="bytes",
                    says="Blocks of the time series database.",
                    queries=(prom("prometheus_tsdb_storage_blocks_bytes", "{{instance}}"),),
                ),
                Panel(
                    title="Slowest rule groups",
                    kind=Kind.BARS,
                    unit="s",
                    alert="PrometheusRuleGroupSlow",
                    says="How long their last evaluation took.",
                    queries=(prom("topk(10, prometheus_rule_group_last_duration_seconds)", "{{rule_group}}"),),
                ),
                Panel(
                    title="Query time, p90",
                    unit="s",
                    says="By part of the engine.",
                    queries=(
                        prom('max by (slice) (prometheus_engine_query_duration_seconds{quantile="0.9"})', "{{slice}}"),
                    ),
                ),
                Panel(
                    title="CPU of monitoring",
                    kind=Kind.DIAL,
                    unit="percentunit",
                    top=0.1,
                    alert="MonitoringOverheadHigh",
                    says="Share of each host's cores; the budget is 2 %.",
                    queries=(
                        prom(
                            "sum by (instance) (name:container_cpu_usage_seconds:rate5m"
                            '{name=~".*(prometheus|alertmanager|loki|alloy|tempo|grafana|cadvisor|exporter|alertrouter).*"})'
                            " / on (instance) max by (instance) (machine_cpu_cores)",
                            "{{instance}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            title="Telling and keeping",
            panels=(
                Panel(
                    title="Alertmanager's failures",
                    unit="cps",
                    alert="AlertmanagerNotificationsFailing",
                    says="Notifications that it could not deliver, a second.",
                    queries=(rates("alertmanager_notifications_failed_total", "integration"),),
                ),
                Panel(
                    title="Log lines",
                    unit="cps",
                    alert="LogIngestionStopped",
                    says="That Loki received, a second.",
                    queries=(prom("sum(rate(loki_distributor_lines_received_total[$__rate_interval]))", "lines"),),
                ),
                Panel(
                    title="Loki, p99",
                    unit="s",
                    says="How long its requests take.",
                    queries=(
                        prom(
                            "histogram_quantile(0.99, sum by (le, route) "
                            "(rate(loki_request_duration_seconds_bucket[$__rate_interval])))",
                            "{{route}}",
                        ),
                    ),
                ),
                Panel(
                    title="Alloy, components that fail",
                    kind=Kind.NUMBER,
                    alert="AlloyComponentUnhealthy",
                    says="Parts that do not work.",
                    queries=(
                        prom('sum(alloy_component_controller_running_components{health_type!="healthy"}) or vector(0)'),
                    ),
                ),
                BACKUPS,
                Panel(
                    title="Its own errors",
                    kind=Kind.LOGS,
                    says="Of Prometheus, Alertmanager, Loki and Alloy.",
                    queries=(
                        logs('{service_name=~"prometheus|alertmanager|loki|alloy|grafana"} |~ "level=(error|warn)"'),
                    ),
                ),
            ),
        ),
    ),
)
