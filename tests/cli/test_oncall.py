"""`alertrouter oncall`, and what `check` remarks on schedules."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import run
from tests.policy.texts import SOUND

PEOPLE = """
people:
  lena: {slack: U024BE7LH}
  omar: {email: omar@example.com}
schedules:
  ops:
    layers: [{people: [lena, omar], start: 2026-03-02, handover: "09:00"}]
    fallback: ai-leads
  research:
    timezone: America/New_York
    layers: [{people: [omar], start: 2026-01-01, until: 2026-06-01}]
    overrides: [{person: lena, from: 2026-03-08 00:00, until: 2026-03-09 00:00}]
    fallback: lena
"""
NO_COLOURS = {"NO_COLOR": "1"}


@pytest.fixture
def directory(tmp_path: Path) -> str:
    """A policy with two schedules."""
    (tmp_path / "policy.yml").write_text(SOUND + PEOPLE)
    return str(tmp_path)


def test_it_says_who_is_on_call_and_why(directory: str) -> None:
    """A time without an offset is in the policy's zone."""
    ran = run("oncall", "--policy", directory, "--at", "2026-03-08 12:00", environ=NO_COLOURS)

    assert (ran.code, ran.out) == (0, "ops       lena (layer 1)\nresearch  lena (override)\n")


def test_with_next_it_says_until_when_by_the_clock_of_the_schedule(directory: str) -> None:
    """Over the night in which New York's clocks change."""
    ran = run("oncall", "research", "--next", "--policy", directory, "--at", "2026-03-08 12:00", environ=NO_COLOURS)

    assert ran.out == "research  lena (override) until Mon 2026-03-09 00:00 EDT, then omar (layer 1)\n"


def test_where_nobody_else_comes_it_says_so(directory: str) -> None:
    """Behind the end of the only layer."""
    ran = run("oncall", "research", "--next", "--policy", directory, "--at", "2027-01-01 00:00", environ=NO_COLOURS)

    assert ran.out == "research  lena (fallback) with no hand-over in sight\n"


def test_programs_get_one_object_a_schedule(directory: str) -> None:
    """The next hand-over is always in it."""
    ran = run("oncall", "-o", "json", "--policy", directory, "--at", "2026-03-08 12:00")

    assert ran.json[0] == {
        "schedule": "ops",
        "at": "2026-03-08T12:00:00+01:00",
        "who": "lena",
        "why": "layer 1",
        "next": {"at": "2026-03-09T09:00:00+01:00", "who": "omar", "why": "layer 1"},
    }
    assert ran.json[1]["schedule"] == "research"


def test_without_at_it_is_now(directory: str) -> None:
    """Somebody always is on call."""
    ran = run("oncall", "ops", "-o", "json", "--policy", directory)

    assert ran.json[0]["who"] in {"lena", "omar"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["opps"], "unknown schedule `opps`, did you mean `ops`?"),
        (["--at", "soon"], "2026-03-02 10:00"),
        (["--at", "9999-12-31 23:59"], "2026-03-02 10:00"),
    ],
)
def test_wrong_usage_exits_with_2(directory: str, arguments: list[str], said: str) -> None:
    """With what was meant."""
    ran = run("oncall", *arguments, "--policy", directory)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_policy_without_schedules_has_nobody_on_call(tmp_path: Path) -> None:
    """That is no fault."""
    (tmp_path / "policy.yml").write_text(SOUND)

    ran = run("oncall", "--policy", str(tmp_path))

    assert (ran.code, ran.out, ran.err) == (0, "", "The policy has no schedules.\n")
