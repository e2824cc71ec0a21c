"""Labels that cannot grow without end, and counters that alerts see from their first event on."""

import pytest
from ai_metrics_exporter.bounded import SETTLE
from ai_metrics_exporter.metrics import AiMetrics
from ai_metrics_exporter.reports import Request
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families


class Hand:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The moment that it was turned to."""
        return self.now


@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=300), max_size=60))
@example(["half a pair: \ud800"])
def test_whatever_is_reported_the_series_are_few_and_readable(names: list[str]) -> None:
    """At most as many as allowed and `__other__`; no event is lost; Prometheus can read it."""
    metrics = AiMetrics(CollectorRegistry(), most_values=10)

    for name in names:
        metrics.assistant_asked("portal", name)

    text = generate_latest(metrics.registry).decode()
    found = [one for family in text_string_to_metric_families(text) for one in family.samples]
    asked = [one for one in found if one.name == "assistant_requests_total"]
    assert len(asked) <= 11
    assert sum(one.value for one in asked) == len(names)


@pytest.mark.parametrize(
    "count", [-1, 2**53 + 1, pytest.param(10**400, id="more than any float"), float("inf"), float("nan")]
)
def test_a_number_that_no_scrape_could_show_is_refused_and_the_others_are_shown(count: int) -> None:
    """The program that says it hears so; its metrics go on."""
    metrics = AiMetrics(CollectorRegistry())

    with pytest.raises(ValueError, match="count: expected 0 to 9007199254740992"):
        metrics.task_finished("mail", "failed", count)
    metrics.tasks_waiting("mail", 2**53)

    assert b'tasks_queued{task_type="mail"} 9.007199254740992e+' in generate_latest(metrics.registry)


def test_each_request_counts_once_where_it_belongs_and_each_unknown_model_is_told() -> None:
    """Series are remembered by the kind of call; what is beyond a label's bound is not, for each time is told."""
    metrics = AiMetrics(CollectorRegistry(), most_values=2)
    value = metrics.registry.get_sample_value

    for name in ("a", "b", "c", "a", "c", "d", "a"):
        Request(model_name=name, seconds=0.3, error_type="timeout" if name == "b" else "", output_tokens=4).apply(
            metrics, 0
        )

    def counted(name: str, status: str = "success", error: str = "") -> float | None:
        kind = {"model_name": name, "model_version": "", "provider": "", "operation": "chat"}
        return value("ai_model_requests_total", {**kind, "status": status, "error_type": error})

    assert [counted("a"), counted("b"), counted("__other__")] == [3, None, 3]
    assert counted("b", "error", "timeout") == 1
    tokens = {"model_name": "a", "provider": "", "direction": "output"}
    assert value("ai_model_tokens_total", tokens) == 12
    assert value("ai_model_tokens_total", {**tokens, "direction": "input"}) == 0
    assert value("ai_exporter_series_dropped_total", {"label": "model_name"}) == 3


def test_a_rare_event_is_seen_from_its_first_on() -> None:
    """Its series shows 0 at the first scrape, and to a second Prometheus, before it shows the event: that is a rise."""
    clock = Hand()
    metrics = AiMetrics(CollectorRegistry(), clock=clock)

    def shown() -> float | None:
        labels = {"service": "api", "event_type": "unauthorized_access"}
        return metrics.registry.get_sample_value("security_events_total", labels)

    assert shown() is None
    metrics.security_event("api", "unauthorized_access")
    clock.now += 3600
    assert shown() == 0
    clock.now += SETTLE
    assert shown() == 0
    clock.now += 0.1
    assert shown() == 1
    metrics.security_event("api", "unauthorized_access")
    assert shown() == 2


def test_all_results_of_a_task_are_there_from_its_first_one_on() -> None:
    """A completion rate needs the failures to be 0, not absent."""
    metrics = AiMetrics(CollectorRegistry())

    metrics.task_finished("mail", "succeeded", 3)

    found = [
        one for family in metrics.registry.collect() for one in family.samples if one.name == "tasks_finished_total"
    ]
    assert {one.labels["status"] for one in found} == {"succeeded", "failed", "cancelled"}
