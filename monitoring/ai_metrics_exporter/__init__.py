"""Metrics of AI models and of what is built on them, under names that the rules and dashboards know.

In a program that calls a model, two lines:

    from ai_metrics_exporter import instrument
    client = instrument(OpenAI(), port=9151)

Without `port` the metrics join those that the program serves already (prometheus_client's default registry). `track` is
for calls by other means, `AiMetrics` for all else: evaluations, tasks, users, pipelines, security.

As a program, `ai_metrics_exporter` receives the same by HTTP and asks Ollama what it has loaded: docs/ai-metrics.md.
"""

from ai_metrics_exporter.instrument import instrument, track
from ai_metrics_exporter.metrics import AiMetrics, default
from ai_metrics_exporter.request import TrackedRequest

__all__ = ["AiMetrics", "TrackedRequest", "default", "instrument", "track"]
