"""The engine against an independent interpreter of the escalation rules, on random policies and random events."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.engine.pair import Pair, Step, sites, stories
from tests.engine.rulebook import Site


@settings(max_examples=700, deadline=None)
@given(sites, stories)
def test_the_engine_pages_whom_the_rules_say(site: Site, steps: list[Step]) -> None:
    """The same pages at the same seconds, the same state, severity and answers, whatever happens."""
    Pair(site).live_through(steps)


@pytest.mark.soak
@settings(max_examples=7000, deadline=None)
@given(sites, stories)
def test_the_engine_pages_whom_thousands_of_policies_say(site: Site, steps: list[Step]) -> None:
    """The same for some minutes."""
    Pair(site).live_through(steps)
