"""The importer refuses the configurations that Alertmanager refuses, and makes a sound policy of all others."""

from __future__ import annotations

import msgspec
import pytest

from alertrouter.policy.alertmanager.conversion import convert
from alertrouter.policy.load import load


class Case(msgspec.Struct):
    """A whole configuration, and whether Alertmanager loads it."""

    id: str
    name: str
    config: str
    valid: bool


@pytest.mark.conformance("config_validity.json", Case)
def test_a_configuration_is_refused_when_alertmanager_refuses_it(case: Case) -> None:
    """With at least one fault, at its place; what is taken becomes a policy that loads."""
    found = convert("alertmanager.yml", case.config)

    assert bool(found.problems) is not case.valid, found.problems
    if case.valid:
        load(found.files)
    else:
        assert all(problem.line for problem in found.problems), found.problems
