"""`test-route` and the tests that a policy has of its own: what passes, what differs and where, for people and CI."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from tests.cli.routed import HELD, routed


def with_tests(policy: Path, tests: str) -> Path:
    """The policy with these tests in the place of its own."""
    (policy / "all.yml").write_text(HELD.partition("tests:")[0] + f"tests:\n{tests}", encoding="utf-8")
    return policy


def test_the_policys_own_tests_are_run(policy: Path) -> None:
    """Without labels: every test by name, and how many passed."""
    found = routed(policy)

    assert found.code == 0
    assert found.out.splitlines() == ["✓ pages", "", f"{policy}: 1 passed, 0 failed"]


def test_a_failed_test_shows_the_difference_and_its_place(policy: Path) -> None:
    """Expected and found, file and line; exit 3."""
    tests = """\
  - {name: fine, alert: {severity: critical}, receivers: [ai-channel]}
  - name: to the pager
    alert: {component: ai, severity: critical}
    receivers: [ai-pager]
    escalation: none
"""

    found = routed(with_tests(policy, tests))

    line = HELD.partition("tests:")[0].count("\n") + 3
    assert found.code == 3
    assert found.out.splitlines() == [
        "✓ fine",
        "✗ to the pager",
        f'  {policy}/all.yml:{line}: {{component="ai", severity="critical"}}',
        "  - receivers: [ai-pager]",
        "  + receivers: [ai-channel]",
        "  - escalation: []",
        "  + escalation: [page]",
        "",
        "- expected   + found",
        "",
        f"{policy}: 1 passed, 1 failed",
    ]


def test_results_of_tests_for_programs(policy: Path) -> None:
    """The same as JSON, with the same exit code."""
    tests = "  - {name: to the pager, alert: {severity: critical}, receivers: [ai-pager], expect: []}\n"

    found = routed(with_tests(policy, tests), "-o", "json")

    line = HELD.partition("tests:")[0].count("\n") + 2
    assert found.code == 3
    assert found.json == [
        {
            "policy": str(policy),
            "passed": 0,
            "failed": 1,
            "tests": [
                {
                    "name": "to the pager",
                    "file": str(policy / "all.yml"),
                    "line": line,
                    "passed": False,
                    "differences": [
                        {"what": "receivers", "expected": ["ai-pager"], "found": ["ai-channel"]},
                        {"what": "expect", "expected": [], "found": ["0m ai-channel"]},
                    ],
                }
            ],
        }
    ]


def test_a_failed_timeline_is_shown_line_by_line(policy: Path) -> None:
    """What was expected and what came of it, in one; exit 3."""
    tests = """\
  - name: climbs
    alert: {component: ai, severity: critical}
    at: 2026-03-02 10:00
    until: 1h
    expect: [0m ai-channel, 6m ai-pager, 20m ai-leads, 50m ai-pager]
"""

    found = routed(with_tests(policy, tests))

    assert found.code == 3
    assert found.out.splitlines()[2:7] == [
        "    0m ai-channel",
        "  - 6m ai-pager",
        "  + 5m ai-pager",
        "    20m ai-leads",
        "    50m ai-pager",
    ]


def test_results_are_written_for_ci(policy: Path, tmp_path: Path) -> None:
    """JUnit XML: every test with its place, a failed one with what was expected and found."""
    tests = """\
  - {name: fine, alert: {severity: critical}, receivers: [ai-channel]}
  - {name: "<never>", alert: {component: ai, severity: critical}, expect: [5m ai-pager]}
"""

    found = routed(with_tests(policy, tests), "--junit", str(tmp_path / "results.xml"))
    missing = routed(policy, "--junit", str(tmp_path / "none" / "results.xml"))

    (suite,) = ElementTree.parse(tmp_path / "results.xml").getroot()  # noqa: S314  we wrote it
    fine, failed = suite
    assert found.code == 3
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert (fine.get("name"), len(fine)) == ("fine", 0)
    assert (failed.get("name"), failed[0].get("message")) == ("<never>", "not as expected: expect")
    assert failed[0].text == "expect:\n  - 5m ai-pager\n  + 0m ai-channel\n  + 5m ai-pager"
    assert (missing.code, missing.err) == (
        1,
        f"{tmp_path}/none/results.xml: can't be written: No such file or directory\n",
    )
