"""Random configurations, imported, send random alerts where the real amtool sends them.

One run of amtool answers for many configurations: each is a child of one root, takes every alert and `continue`s, and
its receivers carry its number. A fresh seed each time; a failure prints it, ALERTROUTER_SEED repeats it.
"""

from __future__ import annotations

import os
import random
import sys

import pytest

from alertrouter.alert import Labels
from alertrouter.cli import amtool
from alertrouter.policy.alertmanager.conversion import convert
from alertrouter.policy.load import load
from alertrouter.policy.policy import Policy
from alertrouter.simulate.label_sets import label_sets
from tests.conformance.configurations import combined, configuration
from tests.journeys.programs import installed

CONFIGURATIONS = 40
LABEL_SETS = 100


@pytest.fixture
def seed() -> int:
    """Another one each time, unless ALERTROUTER_SEED asks for one again."""
    return int(os.environ.get("ALERTROUTER_SEED") or random.SystemRandom().randrange(1_000_000_000))


def test_imported_configurations_route_as_amtool_does(seed: int) -> None:
    """Four thousand pairs of a configuration and a label set go to the same receivers, in the same order."""
    program = installed("amtool")
    sys.stdout.write(f"seed {seed}\n")  # shown when it fails, and by `pytest -s`
    chance = random.Random(seed)
    texts = [configuration(chance, number) for number in range(CONFIGURATIONS)]
    policies = [_policy(text) for text in texts]
    alerts = label_sets([policy.root for policy in policies], chance.randrange)
    tried = [next(alerts) for _ in range(LABEL_SETS)]

    answers = amtool.routes(program, combined(texts), tried)

    differing = [
        (texts[number], labels, ours, theirs)
        for labels, answer in zip(tried, answers, strict=True)
        for number, policy in enumerate(policies)
        if (ours := _receivers(policy, labels)) != (theirs := [one for one in answer if one.startswith(f"c{number}-")])
    ]
    assert CONFIGURATIONS * LABEL_SETS >= 2000
    assert not differing, f"seed {seed}: {len(differing)} pairs differ, the first: {differing[0]}"


def _policy(text: str) -> Policy:
    found = convert("alertmanager.yml", text)
    assert not found.problems, (text, found.problems)
    return load(found.files)


def _receivers(policy: Policy, labels: Labels) -> list[str]:
    return [match.route.options.receiver or "" for match in policy.routes(labels)]
