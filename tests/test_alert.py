"""Label sets have one name each, whoever sends them and in whatever order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from alertrouter.alert import alertmanager_fingerprint, fingerprint

LABELS = some.dictionaries(some.text(min_size=1, max_size=8), some.text(max_size=12), max_size=6)


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
        plain = 0xCBF29CE484222325
        parts = [text.encode() + b"\xff" for name in sorted(labels) for text in (name, labels[name])]
        for byte in b"".join(parts):
            plain = (plain ^ byte) * 0x100000001B3 % 2**64
        assert alertmanager_fingerprint(labels) == f"{plain:016x}"
