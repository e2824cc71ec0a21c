"""Logs and traces of everything."""

from typing import Final

from dashboards.panel import Board, Kind, Panel, Row, logs, traces

ERRORS: Final = '{service_name=~".+"} | detected_level=~"error|critical|fatal"'

LOGS: Final = Board(
    uid="ar-logs",
    title="Logs and traces",
    says="What everything says: how much, how bad, and the lines.",
    folder="Monitoring",
    rows=(
        Row(
            title="How much",
            panels=(
                Panel(
                    title="Lines by service",
                    unit="cps",
                    width=12,
                    says="A second.",
                    queries=(logs('sum by (service_name) (rate({service_name=~".+"}[$__auto]))'),),
                ),
                Panel(
                    title="Errors by service",
                    unit="cps",
                    width=12,
                    says="A second.",
                    queries=(logs(f"sum by (service_name) (rate({ERRORS} [$__auto]))"),),
                ),
            ),
        ),
        Row(
            title="Lines",
            panels=(
                Panel(
                    title="Errors",
                    kind=Kind.LOGS,
                    width=24,
                    says="Of everything.",
                    queries=(logs(ERRORS),),
                ),
            ),
        ),
        Row(
            title="Agents and the backend",
            collapsed=True,
            panels=(
                Panel(
                    title="Errors of AI agents",
                    kind=Kind.LOGS,
                    width=12,
                    says="With the agent and its task.",
                    queries=(logs('{job="ai-agents"} |= "ERROR" | json | level="ERROR"'),),
                ),
                Panel(
                    title="Requests of more than 5 s",
                    kind=Kind.LOGS,
                    width=12,
                    says="Of the backend.",
                    queries=(logs('{job="sutazai-backend"} | json | duration_seconds > 5'),),
                ),
            ),
        ),
        Row(
            title="Traces (profile traces)",
            collapsed=True,
            panels=(
                Panel(
                    title="Alerts that took more than a second",
                    kind=Kind.TRACES,
                    width=12,
                    says="From webhook to delivery.",
                    queries=(traces('{ resource.service.name = "alertrouter" && duration > 1s }'),),
                ),
                Panel(
                    title="Traces with an error",
                    kind=Kind.TRACES,
                    width=12,
                    says="Of everything.",
                    queries=(traces("{ status = error }"),),
                ),
            ),
        ),
    ),
)
