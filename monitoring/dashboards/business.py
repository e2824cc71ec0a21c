"""The business that is built on the models: tasks, users, pipelines."""

from typing import Final

from dashboards.panel import Board, Kind, Panel, Row, prom, rates

BUSINESS: Final = Board(
    uid="ar-business",
    title="Business",
    says="What people get out of it: tasks, users, the assistant, data.",
    folder="Business",
    rows=(
        Row(
            title="Tasks",
            panels=(
                Panel(
                    title="Completion rate",
                    kind=Kind.DIAL,
                    unit="percentunit",
                    top=1,
                    alert="TaskFailureRateHigh",
                    says="Share of tasks that succeeded within an hour.",
                    queries=(prom("task_completion_rate", "{{task_type}}"),),
                ),
                Panel(
                    title="Finished",
                    unit="cps",
                    stacked=True,
                    says="Tasks a second, by how they ended.",
                    queries=(rates("tasks_finished_total", "status"),),
                ),
                Panel(
                    title="Waiting",
                    alert="TaskQueueStalled",
                    says="Tasks in the queue.",
                    queries=(prom("sum by (task_type) (tasks_queued)", "{{task_type}}"),),
                ),
            ),
        ),
        Row(
            title="Users",
            panels=(
                Panel(
                    title="Active users",
                    alert="UserEngagementDrop",
                    says="Now, and at the same hour last week.",
                    queries=(
                        prom("job_service:active_users:sum", "{{service}}"),
                        prom("job_service:active_users:avg_same_hour_last_week", "{{service}} last week"),
                    ),
                ),
                Panel(
                    title="Sessions begun",
                    unit="cps",
                    says="A second.",
                    queries=(rates("user_sessions_started_total", "service"),),
                ),
                Panel(
                    title="Session length, median",
                    unit="s",
                    says="How long people stay.",
                    queries=(
                        prom(
                            "histogram_quantile(0.5, sum by (le, service) "
                            "(rate(user_session_duration_seconds_bucket[$__rate_interval])))",
                            "{{service}}",
                        ),
                    ),
                ),
                Panel(
                    title="Satisfaction",
                    kind=Kind.DIAL,
                    top=5,
                    alert="UserSatisfactionLow",
                    says="How people rate it, of 5.",
                    queries=(prom("avg by (service) (user_satisfaction_score)", "{{service}}"),),
                ),
                Panel(
                    title="What the assistant is asked",
                    unit="cps",
                    stacked=True,
                    says="By intent.",
                    queries=(rates("assistant_requests_total", "intent"),),
                ),
                Panel(
                    title="Learning progress and adaptability",
                    top=1,
                    says="Scores that evaluations report by these names.",
                    queries=(
                        prom(
                            "max by (model_name, evaluation) "
                            '(ai_model_evaluation_score{evaluation=~"learning_progress|adaptability"})',
                            "{{model_name}} {{evaluation}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            title="Data",
            panels=(
                Panel(
                    title="Pipelines, age of their interval",
                    kind=Kind.BARS,
                    alert="DataPipelineStale",
                    width=12,
                    says="Above 2, its data is out of date.",
                    queries=(
                        prom(
                            "(time() - pipeline_last_success_timestamp_seconds) / pipeline_interval_seconds",
                            "{{pipeline}}",
                        ),
                    ),
                ),
                Panel(
                    title="Rejected records",
                    unit="percentunit",
                    alert="DataQualityLow",
                    width=12,
                    says="Share of all.",
                    queries=(prom("pipeline:records_rejected:ratio_rate30m", "{{pipeline}}"),),
                ),
            ),
        ),
    ),
)
