"""`alertrouter diff` shows which alerts two policies treat differently, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import run
from tests.policy.texts import SOUND


def policies(tmp_path: Path, old: str, new: str) -> tuple[str, str]:
    """The directories of two policies."""
    for name, text in (("old", old), ("new", new)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "policy.yml").write_text(text, encoding="utf-8")
    return str(tmp_path / "old"), str(tmp_path / "new")


def test_equal_policies_do_not_differ(tmp_path: Path) -> None:
    """Whatever their texts look like."""
    ran = run("diff", *policies(tmp_path, SOUND, SOUND + "# a comment\n"), "--exit-code", "--samples", "300")

    assert (ran.code, ran.out) == (0, "✓ 300 label sets are treated the same by both\n")


@pytest.mark.parametrize(
    ("old", "new", "labels", "parts"),
    [
        ('component="ai"', 'component=~"ai|ml"', {"component": "ml"}, {"group_labels"}),
        ("after: 5m", "after: 6m", {"severity": "critical"}, {"levels"}),
        ("group_by: [alertname]}", "group_by: [alertname], group_wait: 1m}", {"component": "ai"}, {"timing"}),
        ("receiver: ai-channel, mute", "receiver: ai-leads, mute", {"component": "batch"}, {"receivers"}),
        (", mute_time_intervals: [business_hours]", "", {"component": "batch"}, {"hours"}),
    ],
)
def test_a_change_is_shown_by_the_fewest_labels(
    tmp_path: Path, old: str, new: str, labels: dict[str, str], parts: set[str]
) -> None:
    """With all that differs for them, and only that; exit 3 when asked for."""
    changed = SOUND.replace(old, new)
    assert changed != SOUND

    ran = run("diff", *policies(tmp_path, SOUND, changed), "-o", "json", "--samples", "500", "--exit-code")

    assert ran.code == 3
    (said,) = ran.json
    shown = [one for one in said["differences"] if labels.items() <= one["labels"].items()]
    assert shown, said["differences"]
    (before,), (after,) = shown[0]["old"], shown[0]["new"]
    assert parts <= {name for name in before if before[name] != after[name]}
    assert said["differing"] == sum(one["count"] for one in said["differences"])


def test_rules_that_came_or_went_are_told(tmp_path: Path) -> None:
    """Inhibition needs other alerts, so it is told of by rule."""
    ran = run("diff", *policies(tmp_path, SOUND, SOUND.replace("name: down", "name: dead")), "--samples", "100")

    assert "rule `down` is gone: what it held back is told" in ran.out
    assert "rule `dead` is new: it may hold alerts back" in ran.out
