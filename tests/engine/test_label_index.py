"""Which alerts have a label, asked while alerts come and go."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from alertrouter.alert import Alert, Fingerprint, fingerprint, pack
from alertrouter.engine.label_index import NAMES, LabelIndex

names = st.sampled_from(["host", "job", "zone"])
values = st.sampled_from(["a", "b", "c"])
label_sets = st.dictionaries(names, values, max_size=3)
asked = st.tuples(names, st.lists(values, min_size=1, max_size=2, unique=True))


def alert(labels: dict[str, str]) -> Alert:
    """An alert that fires."""
    at = datetime(2026, 3, 2, tzinfo=UTC)
    return Alert(
        fingerprint=fingerprint(labels),
        packed_labels=pack(labels),
        packed_annotations=pack({}),
        starts_at=at,
        ends_at=None,
        updated_at=at,
    )


@given(st.lists(label_sets.map(alert) | asked))
def test_it_finds_what_a_look_at_all_alerts_finds(steps: list[Alert | tuple[str, list[str]]]) -> None:
    """An alert that is there goes, another comes; a name is indexed from its first question on."""
    alerts: dict[Fingerprint, Alert] = {}
    index = LabelIndex(alerts)
    for step in steps:
        if isinstance(step, Alert):
            if alerts.pop(step.fingerprint, None):
                index.remove(step)
            else:
                alerts[step.fingerprint] = step
                index.add(step)
            continue
        name, wanted = step
        assert index.having(name, wanted) == {mark for mark, one in alerts.items() if one.labels.get(name) in wanted}


def test_names_beyond_the_limit_have_no_index() -> None:
    """Whoever asks for more names than that looks at all alerts, and the index doesn't grow."""
    one = alert({"host": "a"})
    index = LabelIndex({one.fingerprint: one})

    found = [index.having(f"name-{number}", ["a"]) for number in range(NAMES + 1)]

    assert found == [set()] * NAMES + [None]
    assert index.having("host", ["a"]) is None
