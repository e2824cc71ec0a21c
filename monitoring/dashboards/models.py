"""AI models: accuracy, latency, errors, memory, cost."""

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
