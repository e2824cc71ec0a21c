"""Label sets have one name each, whoever sends them and in whatever order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from alertrouter.alert import alertmanager_fingerprint, alertmanager_fingerprints, fingerprint, pack

LABELS = some.dictionaries(some.text(min_size=1, max_size=8), some.text(max_size=12), max_size=6)
ASCII = some.text(some.characters(max_codepoint=0x7F), max_size=40)
PLAIN = some.dictionaries(ASCII, ASCII, max_size=20)


@given(LABELS)
def test_the_order_in_which_labels_are_sent_changes_no_name(labels: dict[str, str]) -> None:
    """Two senders mean the same alert."""
    turned = dict(reversed(labels.items()))

    assert fingerprint(turned) == fingerprint(labels)
    assert alertmanager_fingerprint(turned) == alertmanager_fingerprint(labels)


@given(some.lists(LABELS, max_size=4))
def test_alertmanagers_name_is_fnv_1a_whichever_labels_were_named_before(several: list[dict[str, str]]) -> None:
    """Steps that are remembered give what the plain hash gives."""
    for labels in several:
        assert alertmanager_fingerprint(labels) == plain_fnv_1a(labels)


@given(some.lists(LABELS | PLAIN, max_size=12), some.lists(some.integers(0, 5000), max_size=3))
def test_names_that_are_found_together_are_those_found_one_by_one(
    several: list[dict[str, str]], lengths: list[int]
) -> None:
    """Whatever they share, however long they are, and however often one comes."""
    several += [{"alertname": "DiskFilling", "instance": "x" * length} for length in lengths] + several[:1]

    assert alertmanager_fingerprints(map(pack, several)) == [plain_fnv_1a(labels) for labels in several]


def plain_fnv_1a(labels: dict[str, str]) -> str:
    """The hash as it is defined, byte by byte."""
    value = 0xCBF29CE484222325
    parts = [text.encode() + b"\xff" for name in sorted(labels) for text in (name, labels[name])]
    for byte in b"".join(parts):
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"
