"""Alertmanagers, and a router that asks them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.reconcile.asking import POLICY, Asking, SettingsFor, asked
from tests.reconcile.upstream import Alertmanager, alertmanagers


@pytest.fixture
def pair() -> Iterator[list[Alertmanager]]:
    """Two Alertmanagers."""
    with alertmanagers(2) as running:
        yield running


@pytest.fixture
def asking(settings_for: SettingsFor, client: redis.Redis, pair: list[Alertmanager]) -> Asking:
    """A router that asks both, as replicas of one cluster."""
    return Asking(settings_for(POLICY, asked(",".join(one.url for one in pair))), client)
