"""Hosts and containers."""

from typing import Final

from dashboards.panel import Board, Kind, Panel, Row, prom

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
