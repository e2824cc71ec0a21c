"""AI models, and the business that is built on them.

Longer than other files: it is a list, one entry for each panel.
"""

from typing import Final

from dashboards.panel import Board, Kind, Panel, Row, prom

AI: Final = Board(
    uid="ar-ai-models",
    title="AI models",
    says="Are the models right, fast and there? By model, whatever serves it.",
    folder="AI",
    variable="model_name",
    of='{__name__=~"ai:requests:rate5m|ai_model_accuracy|ai_model_loaded"}',
    rows=(
        Row(
            title="Quality",
            panels=(
                Panel(
                    title="Accuracy",
                    unit="percentunit",
                    top=1,
                    alert="AiModelAccuracyLow",
                    says="As evaluations found it.",
                    queries=(
                        prom(
                            'max by (model_name, model_version) (ai_model_accuracy{model_name=~"$model_name"})',
                            "{{model_name}} {{model_version}}",
                        ),
                    ),
                ),
                Panel(
                    title="Scores",
                    kind=Kind.TABLE,
                    says="Other scores of the latest evaluation.",
                    queries=(
                        prom(
                            'max by (model_name, evaluation) (ai_model_evaluation_score{model_name=~"$model_name"})',
                            "{{model_name}} {{evaluation}}",
                        ),
                    ),
                ),
                Panel(
                    title="Last evaluation",
                    kind=Kind.NUMBER,
                    unit="s",
                    says="How long ago.",
                    alert="AiEvaluationStale",
                    queries=(
                        prom(
                            'time() - max by (model_name) (ai_model_evaluation_timestamp_seconds{model_name=~"$model_name"})',
                            "{{model_name}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            title="Requests",
            panels=(
                Panel(
                    title="Requests",
                    unit="reqps",
                    says="A second, by model.",
                    queries=(
                        prom('sum by (model_name) (ai:requests:rate5m{model_name=~"$model_name"})', "{{model_name}}"),
                    ),
                ),
                Panel(
                    title="Failed",
                    unit="percentunit",
                    alert="AiErrorRateHigh",
                    says="Share of requests.",
                    queries=(
                        prom('ai:request_errors:ratio_rate5m{model_name=~"$model_name"}', "{{model_name}} {{source}}"),
                    ),
                ),
                Panel(
                    title="Errors by kind",
                    kind=Kind.TABLE,
                    says="In the time shown.",
                    queries=(
                        prom(
                            "sum by (model_name, error_type) "
                            '(increase(ai_model_requests_total{status="error", model_name=~"$model_name"}[$__range])) > 0',
                            "{{model_name}} {{error_type}}",
                        ),
                        prom(
                            "sum by (gen_ai_request_model, error_type) (increase(gen_ai_client_operation_duration_seconds_count"
                            '{error_type!="", gen_ai_request_model=~"$model_name"}[$__range])) > 0',
                            "{{gen_ai_request_model}} {{error_type}}",
                        ),
                    ),
                ),
                Panel(
                    title="p95 latency",
                    unit="s",
                    alert="AiInferenceLatencyHigh",
                    says="From request to last byte.",
                    queries=(
                        prom(
                            'ai:inference_latency_seconds:p95_rate5m{model_name=~"$model_name"}',
                            "{{model_name}} {{source}}",
                        ),
                    ),
                ),
                Panel(
                    title="p95 time to the first token",
                    unit="s",
                    alert="AiTimeToFirstTokenHigh",
                    says="When people see that it answers.",
                    queries=(
                        prom(
                            'ai:time_to_first_token_seconds:p95_rate5m{model_name=~"$model_name"}',
                            "{{model_name}} {{source}}",
                        ),
                    ),
                ),
                Panel(
                    title="Latency",
                    kind=Kind.HEAT,
                    unit="s",
                    says="Of all requests that the exporter counts.",
                    queries=(
                        prom(
                            "sum by (le) (increase("
                            'ai_model_inference_latency_seconds_bucket{model_name=~"$model_name"}[$__rate_interval]))',
                            "{{le}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            title="Capacity",
            panels=(
                Panel(
                    title="Output tokens",
                    unit="cps",
                    says="A second.",
                    queries=(
                        prom(
                            'sum by (model_name) (ai:output_tokens:rate5m{model_name=~"$model_name"})', "{{model_name}}"
                        ),
                    ),
                ),
                Panel(
                    title="Requests that wait",
                    alert="AiRequestQueueBacklog",
                    says="In the servers' queues.",
                    queries=(prom('ai:requests_waiting:sum{model_name=~"$model_name"}', "{{model_name}} {{source}}"),),
                ),
                Panel(
                    title="KV cache",
                    unit="percentunit",
                    top=1,
                    alert="AiKvCacheSaturated",
                    says="Full, new requests wait.",
                    queries=(
                        prom('ai:kv_cache_utilisation:ratio{model_name=~"$model_name"}', "{{model_name}} {{source}}"),
                    ),
                ),
                Panel(
                    title="GPU memory",
                    unit="percentunit",
                    top=1,
                    alert="AiGpuMemoryExhausted",
                    says="By GPU.",
                    queries=(prom("ai:gpu_memory_utilisation:ratio", "{{instance}} {{gpu}}"),),
                ),
                Panel(
                    title="Model memory",
                    kind=Kind.BARS,
                    unit="bytes",
                    alert="AiModelMemoryHigh",
                    says="By device.",
                    queries=(
                        prom(
                            'sum by (model_name, device) (ai_model_memory_bytes{model_name=~"$model_name"})',
                            "{{model_name}} {{device}}",
                        ),
                    ),
                ),
                Panel(
                    title="Loaded",
                    kind=Kind.STATES,
                    alert="AiModelNotLoaded",
                    words={"0": "not loaded", "1": "loaded"},
                    says="Whether some server has it in memory.",
                    queries=(
                        prom('max by (model_name) (ai_model_loaded{model_name=~"$model_name"})', "{{model_name}}"),
                    ),
                ),
            ),
        ),
        Row(
            title="GPUs and money",
            collapsed=True,
            panels=(
                Panel(
                    title="GPU utilisation",
                    unit="percent",
                    top=100,
                    says="Share of time that a kernel ran.",
                    queries=(prom("DCGM_FI_DEV_GPU_UTIL", "{{instance}} {{gpu}}"),),
                ),
                Panel(
                    title="GPU temperature",
                    unit="celsius",
                    alert="AiGpuHot",
                    says="It slows down when hot.",
                    queries=(prom("DCGM_FI_DEV_GPU_TEMP", "{{instance}} {{gpu}}"),),
                ),
                Panel(
                    title="Spend",
                    unit="currencyUSD",
                    says="Dollars an hour.",
                    queries=(
                        prom(
                            'sum by (model_name) (ai:cost_dollars:rate1h{model_name=~"$model_name"}) * 3600',
                            "{{model_name}}",
                        ),
                    ),
                ),
            ),
        ),
    ),
)

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
                    queries=(prom("sum by (status) (rate(tasks_finished_total[$__rate_interval]))", "{{status}}"),),
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
                    queries=(
                        prom("sum by (service) (rate(user_sessions_started_total[$__rate_interval]))", "{{service}}"),
                    ),
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
                    queries=(prom("sum by (intent) (rate(assistant_requests_total[$__rate_interval]))", "{{intent}}"),),
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
