"""System overview, infrastructure, and the monitoring itself.

Longer than other files: it is a list, one entry for each panel.
"""

from typing import Final

from dashboards.panel import UP, Board, Kind, Panel, Row, logs, prom

SYSTEM: Final = Board(
    uid="ar-system-overview",
    title="System overview",
    says="Is everything there, and is it fast enough?",
    folder="Overview",
    rows=(
        Row(
            title="Now",
            panels=(
                Panel(
                    title="Targets down",
                    kind=Kind.NUMBER,
                    width=6,
                    says="Scrape targets that do not answer.",
                    queries=(prom("count(up == 0) or vector(0)"),),
                ),
                Panel(
                    title="Alerts firing",
                    kind=Kind.NUMBER,
                    width=6,
                    says="By severity, the Watchdog left out.",
                    queries=(
                        prom(
                            'count by (severity) (ALERTS{alertstate="firing", alertname!="Watchdog"})', "{{severity}}"
                        ),
                    ),
                ),
                Panel(
                    title="Open incidents",
                    kind=Kind.NUMBER,
                    width=6,
                    says="What alertrouter has open, by state.",
                    queries=(
                        prom('max by (state) (alertrouter_incidents{state=~"triggered|acknowledged"})', "{{state}}"),
                    ),
                ),
                Panel(
                    title="Hosts",
                    kind=Kind.NUMBER,
                    width=6,
                    says="Hosts whose node exporter answers.",
                    queries=(prom('sum(up{job="node"})'),),
                ),
                Panel(
                    title="Service health",
                    kind=Kind.STATES,
                    width=24,
                    alert="ServiceDown",
                    words=UP,
                    says="Whether each service that people use answers.",
                    queries=(prom('max by (job, instance) (up{tier="service"})', "{{job}} {{instance}}"),),
                ),
            ),
        ),
        Row(
            title="Resources",
            panels=(
                Panel(
                    title="CPU, busiest hosts",
                    unit="percentunit",
                    top=1,
                    alert="HostHighCpu",
                    says="Share of all cores that is busy.",
                    queries=(prom("topk(10, instance:node_cpu_utilisation:ratio_rate5m)", "{{instance}}"),),
                ),
                Panel(
                    title="Memory, fullest hosts",
                    unit="percentunit",
                    top=1,
                    alert="HostHighMemory",
                    says="Share that could not be given to anybody.",
                    queries=(prom("topk(10, instance:node_memory_utilisation:ratio)", "{{instance}}"),),
                ),
                Panel(
                    title="Fullest file systems",
                    kind=Kind.BARS,
                    unit="percentunit",
                    top=1,
                    alert="HostDiskSpaceLow",
                    says="The ten that fill first.",
                    queries=(
                        prom(
                            "topk(10, instance_mountpoint:node_filesystem_utilisation:ratio)",
                            "{{instance}} {{mountpoint}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            title="Services",
            panels=(
                Panel(
                    title="Requests",
                    unit="reqps",
                    says="Answered requests a second.",
                    queries=(prom("job:http_requests:rate5m", "{{job}}"),),
                ),
                Panel(
                    title="5xx",
                    unit="percentunit",
                    alert="ApiHighErrorRate",
                    says="Share of answers with a server's error.",
                    queries=(prom("job:http_requests_5xx:ratio_rate5m", "{{job}}"),),
                ),
                Panel(
                    title="p95 latency",
                    unit="s",
                    alert="ApiHighLatency",
                    says="95 of 100 requests are answered within.",
                    queries=(prom("job:http_request_duration_seconds:p95_rate5m", "{{job}}"),),
                ),
                Panel(
                    title="Probes",
                    unit="s",
                    alert="EndpointProbeSlow",
                    says="How long addresses take to answer from outside.",
                    queries=(prom("max by (instance) (probe_duration_seconds)", "{{instance}}"),),
                ),
                Panel(
                    title="PostgreSQL connections",
                    kind=Kind.DIAL,
                    unit="percentunit",
                    top=1,
                    alert="PostgresConnectionsHigh",
                    says="Share of max_connections.",
                    queries=(
                        prom(
                            "sum by (instance) (pg_stat_activity_count) / on (instance) "
                            "max by (instance) (pg_settings_max_connections)",
                            "{{instance}}",
                        ),
                    ),
                ),
                Panel(
                    title="Longest transaction",
                    unit="s",
                    alert="PostgresLongTransaction",
                    says="By database.",
                    queries=(prom("max by (datname) (pg_stat_activity_max_tx_duration)", "{{datname}}"),),
                ),
                Panel(
                    title="Redis memory",
                    unit="bytes",
                    width=12,
                    says="What it holds.",
                    queries=(prom("redis_memory_used_bytes", "{{instance}}"),),
                ),
                Panel(
                    title="Redis commands",
                    unit="ops",
                    width=12,
                    says="Commands a second.",
                    queries=(
                        prom(
                            "sum by (instance) (rate(redis_commands_processed_total[$__rate_interval]))", "{{instance}}"
                        ),
                    ),
                ),
            ),
        ),
    ),
)

INFRASTRUCTURE: Final = Board(
    uid="ar-infrastructure",
    title="Infrastructure",
    says="Hosts and containers: CPU, memory, disk, network.",
    folder="Overview",
    variable="instance",
    of='up{job=~"node|cadvisor"}',
    rows=(
        Row(
            title="Hosts",
            panels=(
                Panel(
                    title="CPU",
                    unit="percentunit",
                    top=1,
                    alert="HostHighCpu",
                    says="Share of all cores that is busy.",
                    queries=(
                        prom('instance:node_cpu_utilisation:ratio_rate5m{instance=~"$instance"}', "{{instance}}"),
                    ),
                ),
                Panel(
                    title="Load per core",
                    says="Above 1, processes wait.",
                    queries=(prom('instance:node_load5_per_cpu:ratio{instance=~"$instance"}', "{{instance}}"),),
                ),
                Panel(
                    title="CPU by mode, all hosts",
                    stacked=True,
                    says="iowait is the disk, steal the neighbours.",
                    queries=(prom('mode:node_cpu_seconds:rate5m{mode!="idle"}', "{{mode}}"),),
                ),
                Panel(
                    title="Memory",
                    unit="percentunit",
                    top=1,
                    alert="HostHighMemory",
                    says="Share that could not be given to anybody.",
                    queries=(prom('instance:node_memory_utilisation:ratio{instance=~"$instance"}', "{{instance}}"),),
                ),
                Panel(
                    title="Swap used",
                    unit="bytes",
                    says="A host that swaps is slow.",
                    queries=(
                        prom(
                            'node_memory_SwapTotal_bytes{instance=~"$instance"} - node_memory_SwapFree_bytes',
                            "{{instance}}",
                        ),
                    ),
                ),
                Panel(
                    title="Kernel out of memory",
                    kind=Kind.TABLE,
                    alert="HostOomKill",
                    says="Processes that it killed.",
                    queries=(
                        prom('increase(node_vmstat_oom_kill{instance=~"$instance"}[$__range]) > 0', "{{instance}}"),
                    ),
                ),
            ),
        ),
        Row(
            title="Disks and network",
            panels=(
                Panel(
                    title="File systems",
                    kind=Kind.BARS,
                    unit="percentunit",
                    top=1,
                    alert="HostDiskSpaceLow",
                    says="The twenty fullest.",
                    queries=(
                        prom(
                            'topk(20, instance_mountpoint:node_filesystem_utilisation:ratio{instance=~"$instance"})',
                            "{{instance}} {{mountpoint}}",
                        ),
                    ),
                ),
                Panel(
                    title="Disks busy",
                    unit="percentunit",
                    top=1,
                    alert="HostDiskBusy",
                    says="The busiest disk of each host.",
                    queries=(prom('instance:node_disk_io_time:max_rate5m{instance=~"$instance"}', "{{instance}}"),),
                ),
                Panel(
                    title="Read and written",
                    unit="Bps",
                    says="Below zero: read.",
                    queries=(
                        prom('instance:node_disk_written_bytes:rate5m{instance=~"$instance"}', "{{instance}} written"),
                        prom('-instance:node_disk_read_bytes:rate5m{instance=~"$instance"}', "{{instance}} read"),
                    ),
                ),
                Panel(
                    title="Network",
                    unit="Bps",
                    says="Below zero: sent.",
                    queries=(
                        prom(
                            'instance:node_network_receive_bytes:rate5m{instance=~"$instance"}', "{{instance}} received"
                        ),
                        prom(
                            '-instance:node_network_transmit_bytes:rate5m{instance=~"$instance"}', "{{instance}} sent"
                        ),
                    ),
                ),
                Panel(
                    title="TCP connections",
                    says="That are established.",
                    queries=(prom('node_netstat_Tcp_CurrEstab{instance=~"$instance"}', "{{instance}}"),),
                ),
                Panel(
                    title="Certificates, days left",
                    kind=Kind.TABLE,
                    alert="TlsCertificateExpiring",
                    says="Of the addresses that are probed.",
                    queries=(
                        prom("min by (instance) (probe_ssl_earliest_cert_expiry - time()) / 86400", "{{instance}}"),
                    ),
                ),
            ),
        ),
        Row(
            title="Containers",
            panels=(
                Panel(
                    title="CPU",
                    unit="none",
                    says="Cores; the ten that take most.",
                    width=6,
                    queries=(
                        prom('topk(10, name:container_cpu_usage_seconds:rate5m{instance=~"$instance"})', "{{name}}"),
                    ),
                ),
                Panel(
                    title="Memory",
                    unit="bytes",
                    says="The ten that take most.",
                    width=6,
                    queries=(
                        prom(
                            'topk(10, name:container_memory_working_set_bytes:max{instance=~"$instance"})', "{{name}}"
                        ),
                    ),
                ),
                Panel(
                    title="Memory of its limit",
                    kind=Kind.BARS,
                    unit="percentunit",
                    top=1,
                    alert="ContainerNearMemoryLimit",
                    says="The ten nearest to it.",
                    width=6,
                    queries=(
                        prom(
                            'topk(10, name:container_memory_limit_utilisation:ratio{instance=~"$instance"})', "{{name}}"
                        ),
                    ),
                ),
                Panel(
                    title="Restarts within an hour",
                    kind=Kind.TABLE,
                    alert="ContainerRestarting",
                    says="More than two in a quarter of an hour alert.",
                    width=6,
                    queries=(
                        prom(
                            'sum by (name) (changes(container_start_time_seconds{name!="", instance=~"$instance"}[1h])) > 0',
                            "{{name}}",
                        ),
                    ),
                ),
            ),
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
                    queries=(
                        prom(
                            "sum by (integration) (rate(alertmanager_notifications_failed_total[$__rate_interval]))",
                            "{{integration}}",
                        ),
                    ),
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
                Panel(
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
                ),
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
