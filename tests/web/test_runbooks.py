"""The links in messages lead to pages that the door itself serves."""

import pytest
from rulebook.source import read_areas

from tests.web.door import Door

ALERTS = [name for area in read_areas().values() for name in area.alerts]


@pytest.mark.parametrize("name", ALERTS)
def test_each_alerts_runbook_is_served(door: Door, name: str) -> None:
    """As text, by the name in its `runbook_url`."""
    page = door.http.get(f"/runbooks/{name}")

    assert (page.status_code, page.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert page.text.startswith(f"# {name}\n")
    assert page.headers["x-content-type-options"] == "nosniff"


def test_the_index_names_them(door: Door) -> None:
    """After what holds for all."""
    page = door.http.get("/runbooks")

    assert page.text.startswith("# Runbooks\n")
    assert set(ALERTS) <= set(page.text.splitlines())


@pytest.mark.parametrize("name", ["NoSuchAlert", "..%2Fpolicy.md", "%2e%2e%2f%2e%2e%2fLICENSE"])
def test_what_is_no_runbook_is_not_served(door: Door, name: str) -> None:
    """Only names that were there when the door started; no path is ever opened."""
    assert door.http.get(f"/runbooks/{name}").status_code == 404
