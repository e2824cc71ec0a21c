"""Label sets have the names that Alertmanager gives them."""

from __future__ import annotations

import msgspec
import pytest

from alertrouter.alert import alertmanager_fingerprint


class Case(msgspec.Struct):
    """A label set and its fingerprint."""

    id: str
    labels: dict[str, str]
    fingerprint: str


@pytest.mark.conformance("fingerprints.json", Case, under="labels")
def test_a_label_set_has_alertmanagers_fingerprint(case: Case) -> None:
    """The same 16 hex digits, whatever the characters."""
    assert alertmanager_fingerprint(case.labels) == case.fingerprint
