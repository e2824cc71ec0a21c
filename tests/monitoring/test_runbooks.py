"""The runbooks: each has what somebody needs who was just woken, and nothing in it is made up."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from rulebook.logs import log_alerts, read_logs
from rulebook.source import read_areas

from alertrouter.cli.app import app
from tests.journeys.programs import installed

RUNBOOKS = Path(__file__).resolve().parent.parent.parent / "docs" / "runbooks"
FROM_LOGS = dict(log_alerts(read_logs()))
ALERTS = {name for area in read_areas().values() for name in area.alerts} | set(FROM_LOGS)
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in RUNBOOKS.glob("*.md") if path.stem != "README"}
OTHER_NAMES = {"PagerDuty", "OpenTelemetry"}


def test_there_is_a_page_for_each_alert_and_for_nothing_else() -> None:
    """A page whose alert is gone misleads."""
    assert set(PAGES) == ALERTS


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_says_what_it_means_where_to_look_and_what_to_do(name: str) -> None:
    """In this order, and short: it is read at three in the morning."""
    page = PAGES[name]

    title, *sections = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    assert [title, *sections] == [name, "Look first", "What to do", "When it fires"]
    meaning, looking, doing, facts = re.split(r"^## .+$", page, flags=re.MULTILINE)
    assert len(meaning.split()) > 8
    assert "```" in looking or "<http" in looking or "Loki:" in looking
    assert doing.strip().startswith("- ")
    assert ("```logql" if name in FROM_LOGS else "```promql") in facts
    assert len(page.splitlines()) < 60


def test_alerts_from_logs_lead_to_their_page() -> None:
    """Loki's own rules carry the link themselves."""
    for path in (RUNBOOKS.parent.parent / "monitoring/loki/rules/fake").glob("*.yml"):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in (rule for rule in group["rules"] if "alert" in rule):
                assert rule["annotations"]["runbook_url"] == f"http://localhost:9080/runbooks/{rule['alert']}"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_names_only_alerts_that_there_are(name: str) -> None:
    """`see HostHighCpu` has to lead somewhere."""
    prose = re.sub(r"```.*?```|`[^`]*`|<!--.*?-->|<http[^>]*>", "", PAGES[name], flags=re.DOTALL)

    named = set(re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z0-9]+)+\b", prose))

    assert named - ALERTS - OTHER_NAMES == set()


def test_the_queries_can_be_asked(tmp_path: Path) -> None:
    """Prometheus's own parser takes each, with its placeholders."""
    queries = [query for page in PAGES.values() for query in _blocks("promql", page)]
    rules = [{"record": f"runbook:{number}", "expr": query} for number, query in enumerate(queries)]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": rules}]}))

    checked = subprocess.run(
        [installed("promtool"), "check", "rules", str(path)], capture_output=True, text=True, check=False
    )

    assert len(queries) > len(PAGES)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_commands_of_alertrouter_are_there() -> None:
    """`alertrouter ack` and the like, in the pages and in their README."""
    known = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    texts = [*PAGES.values(), (RUNBOOKS / "README.md").read_text(encoding="utf-8")]

    used = {
        word
        for text in texts
        for block in _blocks("sh", text)
        for word in re.findall(r"\balertrouter (\w[\w-]*)", block)
    }

    assert used >= {"ack", "snooze", "explain"}
    assert used - known == set()


def _blocks(language: str, text: str) -> list[str]:
    blocks = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]
