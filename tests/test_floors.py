"""The import rules of pyproject.toml hold, and each of them can fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
FLOORS = "Imports go down the floors, never up"
PURE = "Words, policy, engine, sources and simulation touch neither the outside, the clock nor chance"
APART = "The store and the notifiers know nothing of each other"
REDIS = "Only the store speaks to Redis"
RQ = "Only the store queues jobs and only the worker takes them"
JINJA = "Only messages and pages are made from templates"


@pytest.mark.parametrize(
    ("file", "planted", "broken"),
    [
        ("engine/state.py", "import alertrouter.notifiers", FLOORS),
        ("settings.py", "import alertrouter.alert", FLOORS),
        ("store/keys.py", "import alertrouter.render", FLOORS),
        ("utils.py", "", FLOORS),
        ("notifiers/slack.py", "import alertrouter.store.keys", APART),
        ("policy/matcher.py", "import time", PURE),
        ("sources/generic.py", "import logging", PURE),
        ("incident.py", "import random", PURE),
        ("cli/app.py", "import redis", REDIS),
        ("supervisor/child.py", "import rq", RQ),
        ("notifiers/slack.py", "import jinja2", JINJA),
    ],
)
def test_a_planted_import_breaks_its_rule(tmp_path: Path, file: str, planted: str, broken: str) -> None:
    """In a copy of the package, one import too many is found, and the rule is named."""
    copy = _copy(tmp_path)
    target = copy / "alertrouter" / file
    text = target.read_text(encoding="utf-8") if target.exists() else ""
    target.write_text(f"{text}\n{planted}\n", encoding="utf-8")

    found = _lint(copy)

    assert found.returncode == 1, found.stdout
    assert f"{broken} BROKEN" in " ".join(found.stdout.split())


def test_the_package_keeps_its_rules(tmp_path: Path) -> None:
    """The same copy with nothing planted passes: it is the planted import that is found above."""
    copy = _copy(tmp_path)

    found = _lint(copy)

    assert found.returncode == 0, found.stdout


def _copy(directory: Path) -> Path:
    shutil.copytree(CHECKOUT / "alertrouter", directory / "alertrouter", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", directory)
    return directory


def _lint(directory: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run([program, "--no-cache"], cwd=directory, capture_output=True, text=True, check=False)
