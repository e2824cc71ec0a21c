"""Security: threats, user activity, the models' own, compliance."""

from dataclasses import replace
from typing import Final

from dashboards.panel import Board, Kind, Panel, Row, logs, prom, rates
from dashboards.router import TIME_TO_ACKNOWLEDGE
from dashboards.stack import BACKUPS

THREATS: Final = Board(
    uid="ar-security-threats",
    title="Threats",
    says="Is somebody where they may not be, and does something leave?",
    folder="Security",
    rows=(
        Row(
            title="Now",
            panels=(
                Panel(
                    title="Security alerts firing",
                    kind=Kind.NUMBER,
                    says="Of all severities.",
                    queries=(prom('count(ALERTS{alertstate="firing", component="security"}) or vector(0)'),),
                ),
                Panel(
                    title="Security events",
                    alert="UnauthorizedAccess",
                    says="In each interval, by type.",
                    queries=(
                        prom(
                            "sum by (event_type) (increase(security_events_total[$__rate_interval]))", "{{event_type}}"
                        ),
                    ),
                ),
                Panel(
                    title="Failed logins",
                    alert="AuthFailureBurst",
                    says="Within 5 minutes, by service.",
                    queries=(
                        prom('sum by (service) (increase(auth_attempts_total{result="failure"}[5m]))', "{{service}}"),
                    ),
                ),
                Panel(
                    title="Calls denied or not found",
                    unit="percentunit",
                    alert="SuspiciousApiErrorRate",
                    says="Share of all; a scanner shows here.",
                    queries=(prom("job:http_requests_denied:ratio_rate5m", "{{job}}"),),
                ),
                Panel(
                    title="Sent, against the daily mean",
                    alert="DataExfiltrationSuspected",
                    says="How many times as much as usual each host sends.",
                    queries=(
                        prom(
                            "topk(10, instance:node_network_transmit_bytes:rate5m / instance:node_network_transmit_bytes:avg1d)",
                            "{{instance}}",
                        ),
                    ),
                ),
                Panel(
                    title="Records read",
                    unit="cps",
                    alert="BulkDataAccess",
                    says="A second, by who reads.",
                    queries=(rates("data_records_read_total", "service", "principal_type"),),
                ),
                Panel(
                    title="Security log",
                    kind=Kind.LOGS,
                    width=24,
                    says="All events.",
                    queries=(logs('{job="security"} | json | event_type!=""'),),
                ),
            ),
        ),
    ),
)

USERS: Final = Board(
    uid="ar-security-users",
    title="User activity",
    says="Who logs in, and who cannot.",
    folder="Security",
    rows=(
        Row(
            title="Logins",
            panels=(
                Panel(
                    title="Open sessions",
                    says="By service.",
                    queries=(prom("sum by (service) (active_sessions)", "{{service}}"),),
                ),
                Panel(
                    title="Logins",
                    unit="cps",
                    stacked=True,
                    says="A second, by how they ended.",
                    queries=(rates("auth_attempts_total", "result"),),
                ),
                Panel(
                    title="Share that fails",
                    unit="percentunit",
                    top=1,
                    alert="AuthFailureRatioHigh",
                    says="Above a half: an attack, or an outage.",
                    queries=(
                        prom(
                            'sum by (service) (rate(auth_attempts_total{result="failure"}[15m]))'
                            " / sum by (service) (rate(auth_attempts_total[15m]))",
                            "{{service}}",
                        ),
                    ),
                ),
                Panel(
                    title="No right to it",
                    unit="cps",
                    width=12,
                    says="Denials a second, by what was asked for.",
                    queries=(rates("authz_denials_total", "service", "resource_type"),),
                ),
                Panel(
                    title="SSH",
                    kind=Kind.LOGS,
                    width=12,
                    says="Logins that were taken and refused.",
                    queries=(logs('{job="auth"} |~ "Accepted|Failed password"'),),
                ),
            ),
        ),
    ),
)

MODELS: Final = Board(
    uid="ar-security-ai",
    title="AI model security",
    says="What is tried on the models.",
    folder="Security",
    rows=(
        Row(
            title="Inputs",
            panels=(
                Panel(
                    title="Anomalous inputs",
                    unit="percentunit",
                    alert="AnomalousAiInput",
                    says="Share of requests that a detector warned of or blocked.",
                    queries=(
                        prom(
                            'sum by (model_name) (rate(ai_model_input_anomalies_total{verdict!="allow"}[10m]))'
                            " / sum by (model_name) (rate(ai_model_requests_total[10m]))",
                            "{{model_name}}",
                        ),
                    ),
                ),
                Panel(
                    title="By detector",
                    unit="cps",
                    says="A second, and what was done.",
                    queries=(rates("ai_model_input_anomalies_total", "detector", "verdict"),),
                ),
                Panel(
                    title="Guardrails",
                    unit="cps",
                    alert="AiGuardrailBlocking",
                    says="The proxy's calls of guardrails a second.",
                    queries=(rates("litellm_guardrail_requests_total", "guardrail_name", "status"),),
                ),
                Panel(
                    title="Blocked prompts",
                    kind=Kind.LOGS,
                    width=24,
                    says="As the agents log them.",
                    queries=(logs('{job="ai-agents"} | json | event_type="guardrail" | verdict=~"deny|block"'),),
                ),
            ),
        ),
    ),
)

COMPLIANCE: Final = Board(
    uid="ar-security-compliance",
    title="Compliance",
    says="Is everything recorded, kept, and answered in time?",
    folder="Security",
    rows=(
        Row(
            title="Audit",
            panels=(
                Panel(
                    title="Audit events",
                    unit="cps",
                    says="A second, by action and outcome.",
                    queries=(rates("audit_events_total", "action", "outcome"),),
                ),
                Panel(
                    title="What people did to incidents",
                    kind=Kind.TABLE,
                    says="Acknowledged, given back, snoozed, closed; in the time shown.",
                    queries=(
                        prom(
                            "sum by (transition) (increase("
                            'alertrouter_transitions_total{transition=~"ACK|UNACK|SNOOZE|CLOSE"}[$__range]))',
                            "{{transition}}",
                        ),
                    ),
                ),
                replace(TIME_TO_ACKNOWLEDGE, width=8),
                Panel(
                    title="Last clearing of old logs",
                    kind=Kind.NUMBER,
                    unit="s",
                    width=6,
                    says="How long ago Loki deleted what is past its time.",
                    queries=(
                        prom("time() - max(loki_compactor_apply_retention_last_successful_run_timestamp_seconds)"),
                    ),
                ),
                replace(BACKUPS, width=6),
                Panel(
                    title="Audit trail",
                    kind=Kind.LOGS,
                    width=12,
                    says="As it is written.",
                    queries=(logs('{job="audit"}'),),
                ),
            ),
        ),
    ),
)
