"""docs/operations.md and docs/monitoring.md say nothing that isn't so, as far as that can be looked up here."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from alertrouter.cli.app import app
from tests.journeys.programs import installed
from tests.monitoring.test_compose import services
from tests.monitoring.tools import CHECKOUT

OPERATIONS = (CHECKOUT / "docs" / "operations.md").read_text(encoding="utf-8")
MONITORING = (CHECKOUT / "docs" / "monitoring.md").read_text(encoding="utf-8")
GOOD = OPERATIONS.partition("## Commands that don't work")[0]


def test_the_queries_can_be_asked(tmp_path: Path) -> None:
    """Prometheus's own parser takes each."""
    queries = re.findall(r"query instant \S+ '([^']+)'", GOOD.replace("\\|", "|"))
    assert len(queries) >= 6
    rules = [{"record": f"operations:{number}", "expr": query} for number, query in enumerate(queries)]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "operations", "rules": rules}]}))

    checked = subprocess.run(
        [installed("promtool"), "check", "rules", "queries.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_command_of_alertrouter_exists() -> None:
    """With the name that it is called by."""
    known = {one.name or getattr(one.callback, "__name__", "") for one in app.registered_commands}
    named = set(re.findall(r"alertrouter-web alertrouter ([a-z-]+)", GOOD))

    assert {"explain", "doctor", "incidents"} <= named <= known


def test_each_service_that_is_spoken_to_exists() -> None:
    """`docker compose exec loki` and the like."""
    named = set(re.findall(r"docker compose (?:exec|stop|restart|logs)(?: --since \w+)? ([a-z-]+)", GOOD))

    assert {"prometheus", "loki", "grafana"} <= named <= set(services())


@pytest.mark.parametrize("script", ["deploy_monitoring.sh", "backup_monitoring.sh"])
def test_each_option_of_a_script_exists(script: str) -> None:
    """It is one of those that the script's own help names."""
    help_text = (CHECKOUT / "scripts" / script).read_text(encoding="utf-8").partition("set -euo")[0]
    used = {
        option
        for text in (OPERATIONS, MONITORING)
        for call in re.findall(rf"{re.escape(script)}([^`\n#(]*)", text)
        for option in re.findall(r"--[a-z-]+", call)
    }

    assert used, "nothing was looked at"
    assert {option for option in used if option not in help_text} == set()


def test_a_command_that_does_not_work_stands_only_where_it_says_so() -> None:
    """The table of wrong commands is the last place for them."""
    for wrong in ("docker-compose ", "create-blocks-from", "grafana-cli", "export-dashboard", "admin:password"):
        assert wrong not in GOOD.replace("docker-compose*.yml", ""), wrong
        assert wrong in OPERATIONS, wrong


@pytest.mark.parametrize("page", ["operations.md", "monitoring.md", "logs.md"])
def test_links_and_files_lead_somewhere(page: str) -> None:
    """Each page, test and file that is named is there."""
    text = (CHECKOUT / "docs" / page).read_text(encoding="utf-8")
    linked = {link.partition("#")[0] for link in re.findall(r"\]\(([^)h][^)]*)\)", text)}
    tests = set(re.findall(r"`((?:[a-z_]+/)*test_[a-z_]+\.py)`", text))
    files = set(re.findall(r"`((?:monitoring|scripts|policies|docs)/[\w./*-]+)`", text))

    assert {link for link in linked if not (CHECKOUT / "docs" / link).exists()} == set()
    assert {name for name in tests if not (CHECKOUT / "tests" / name).exists()} == set()
    beside = [CHECKOUT, CHECKOUT / "tests"]
    assert {name for name in files if "*" not in name and not any((at / name).exists() for at in beside)} == set()
