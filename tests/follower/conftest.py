"""The router that a shadow is followed beside, in the namespace of the test."""

from __future__ import annotations

import pytest
import redis

from tests.follower.watched import LIVE, SettingsFor, Watched


@pytest.fixture
def watched(settings_for: SettingsFor, client: redis.Redis) -> Watched:
    """A router that has LIVE in force."""
    return Watched(settings_for(LIVE), client)
