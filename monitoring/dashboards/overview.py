"""System overview: is everything there, is it fast enough."""

from typing import Final

from dashboards.panel import UP, Board, Kind, Panel, Row, prom, rates

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
                    queries=(rates("redis_commands_processed_total", "instance"),),
                ),
            ),
        ),
    ),
)
