"""Label sets as people and programs give them."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertrouter.alert import Labels
from alertrouter.cli.label_sets import read_json, read_listed, read_words
from alertrouter.errors import PayloadError

LABELS = st.dictionaries(st.text(min_size=1), st.text())


@pytest.mark.parametrize(
    ("words", "labels"),
    [
        (["component=ai", "severity=critical"], {"component": "ai", "severity": "critical"}),
        (['severity="critical"'], {"severity": "critical"}),
        (['path="~/x"', "expr=a=b"], {"path": "~/x", "expr": "a=b"}),
        (['quoted="a \\"b\\""', 'half="a'], {"quoted": 'a "b"', "half": '"a'}),
        (["empty="], {"empty": ""}),
    ],
)
def test_labels_are_written_as_amtools_users_write_them(words: list[str], labels: Labels) -> None:
    """With or without quotes; everything behind the first = is the value."""
    assert read_words(words) == labels


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("component", "found 'component', expected LABEL=VALUE"),
        ("=ai", "found '=ai', expected LABEL=VALUE"),
        ("component=~ai|ml", "found 'component=~ai|ml', expected LABEL=VALUE"),
        ("component!=ai", "found 'component!=ai', expected LABEL=VALUE"),
    ],
)
def test_a_matcher_is_no_label(word: str, said: str) -> None:
    """An alert has values; to take a regex for one would test something else."""
    with pytest.raises(ValueError, match="expected LABEL=VALUE") as error:
        read_words([word])

    assert str(error.value) == said


def test_a_label_stands_once() -> None:
    """Two values for one label are a slip of the pen."""
    with pytest.raises(ValueError, match="found 'a' twice"):
        read_words(["a=1", "a=2"])


def test_a_comma_parts_labels_only_before_another_label() -> None:
    """Values may hold commas."""
    assert read_listed("alertname=Down,instance=a,b,severity=critical") == {
        "alertname": "Down",
        "instance": "a,b",
        "severity": "critical",
    }


@given(st.lists(LABELS))
def test_json_reads_back_in_every_layout(label_sets: list[dict[str, str]]) -> None:
    """Lines, one array, alerts with their labels, a webhook's body, or pretty-printed: the same label sets in order."""
    label_sets = [labels for labels in label_sets if not {"labels", "alerts"} & labels.keys()]
    alerts = [{"labels": labels, "annotations": {"summary": "x"}} for labels in label_sets]

    layouts = (
        "\n".join(json.dumps(labels, ensure_ascii=False) for labels in label_sets),
        "".join(json.dumps(alert, indent=2) for alert in alerts),
        json.dumps(label_sets),
        json.dumps(alerts),
        json.dumps({"version": "4", "alerts": alerts}),
    )

    for layout in layouts:
        assert list(read_json(layout, "stdin")) == label_sets


def test_labels_named_labels_and_alerts_are_labels() -> None:
    """Only an object behind `labels`, only an array behind `alerts`, mean anything else."""
    assert read_json('{"labels": "x", "alerts": "y"}', "stdin") == ({"labels": "x", "alerts": "y"},)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": "1"}\n{"a": 1}', "sets.json:2: label 'a': found a number, expected a string"),
        ('{"a": null}', "sets.json:1: label 'a': found null, expected a string"),
        ('\n\n[{"a": "1"}, {"labels": {"a": true}}]', "sets.json:3: [1]: label 'a': found true, expected a string"),
        ('{"alerts": ["x"]}', "sets.json:1: alerts[0]: found a string, expected an object of labels"),
        ("3", "sets.json:1: found a number, expected an object of labels"),
        ('{"a": "1"}\n{"a"', "sets.json:2:5: no JSON: Expecting ':' delimiter"),
        ("component=ai", "sets.json:1:1: no JSON: Expecting value"),
        ("[" * 100_000, "sets.json:1: nested too deeply"),
    ],
)
def test_what_is_no_label_set_is_named_with_its_place(text: str, said: str) -> None:
    """File, line, path, what was found and what was expected."""
    with pytest.raises(PayloadError) as error:
        read_json(text, "sets.json")

    assert str(error.value) == said


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """Never another error than the one that is shown to people."""
    with contextlib.suppress(PayloadError):
        assert all(isinstance(labels, dict) for labels in read_json(text, "stdin"))
