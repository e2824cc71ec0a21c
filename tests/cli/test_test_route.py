"""`test-route`: what it prints for people and programs, and how it exits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertrouter import policydir
from alertrouter.alert import Labels
from alertrouter.policy.load import load
from tests.cli.routed import HELD, routed
from tests.cli.running import POLICIES, ROOT


def test_people_see_the_path_and_who_is_told(policy: Path) -> None:
    """The tree with every node that was tried, the group, the levels with receivers, and what would hold it."""
    found = routed(policy, "component=ai", "severity=critical", "alertname=Slow", "--at", "2026-03-02 10:00")

    assert (found.code, found.err) == (0, "")
    lines = found.out.splitlines()
    assert lines[0] == '{alertname="Slow", component="ai", severity="critical"}'
    assert lines[1] == "severity critical, Mon 2026-03-02 10:00 CET"
    assert [line.split("  ")[0] for line in lines[3:6]] == [
        "✓ root",
        '├─ ✓ component="ai"',
        "└─ 1 more not tried: the one above took it",
    ]
    assert lines[4].endswith("  mine/all.yml:28")
    for line in (
        "goes to           team ai",
        "told at once      ai-channel",
        'group             {}/{component="ai"}:{alertname="Slow"}',
        "timing            wait 30s, then every 5m, repeated after 4h",
        "escalation        page",
        "  after 5m        ai-pager",
        "  after 20m       ai-leads (during business_hours)",
        "held back by      nothing",
    ):
        assert line in lines


def test_people_see_what_would_hold_it(policy: Path) -> None:
    """An inhibition rule with the alert that explains; a time interval of the route."""
    found = routed(
        policy,
        *("component=batch", "severity=warning", "instance=web-1", "--at", "2026-03-08 10:00"),
        *("--also", "alertname=Down,instance=web-1"),
    )

    lines = found.out.splitlines()
    assert '├─ ✗ component="ai"' in lines[4]
    assert lines[-3:] == [
        "held back by      down",
        '  because of      {alertname="Down", instance="web-1"}',
        "held back         outside business_hours",
    ]


def test_programs_get_one_object_a_label_set(policy: Path) -> None:
    """Labels, receivers, routes with path, id, group key and options in force, and what suppresses it."""
    found = routed(
        policy,
        *("component=batch", "severity=warning", "instance=web-1", "--at", "2026-03-08T10:00:00Z", "-o", "json"),
        *("--also", "alertname=Down,instance=web-1"),
    )

    (view,) = found.json
    (route,) = view.pop("routes")
    assert (found.code, found.err) == (0, "")
    assert view.pop("tree")
    assert view == {
        "labels": {"component": "batch", "severity": "warning", "instance": "web-1"},
        "at": "2026-03-08T10:00:00Z",
        "severity": "warning",
        "receivers": ["ai-channel"],
        "suppressed_by": ["down", "outside business_hours"],
        "inhibited_by": [{"rule": "down", "source": {"alertname": "Down", "instance": "web-1"}}],
    }
    assert route == {
        "path": ["{}", '{component="batch"}'],
        "id": '{}/{component="batch"}',
        "file": str(policy / "all.yml"),
        "line": 29,
        "receivers": ["ai-channel"],
        "group_key": '{}/{component="batch"}:{}',
        "group_labels": {},
        "options": {
            "receiver": "ai-channel",
            "team": None,
            "group_by": [],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "4h",
            "escalate": {},
            "mute_time_intervals": [],
            "active_time_intervals": ["business_hours"],
            "labels": {},
        },
        "escalation": None,
        "held_by": "outside business_hours",
    }


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["component", "severity", "alertname", "instance"]),
            st.sampled_from(["ai", "audit", "node", "business", "HostDown", "critical", "warning", ""]),
        ),
        min_size=1,
    )
)
def test_it_agrees_with_the_policy(label_sets: list[Labels]) -> None:
    """For any label sets, receivers, routes and groups are those that the engine would be given."""
    policy = load(policydir.read(POLICIES))
    text = "\n".join(map(json.dumps, label_sets))

    found = routed(POLICIES, "--from", "-", "-o", "json", stdin=text)

    assert found.code == 0
    for labels, view in zip(label_sets, found.json, strict=True):
        present = {name: value for name, value in labels.items() if value}
        matches = policy.routes(present)
        severity = policy.severity(present)
        assert view["labels"] == present
        assert view["receivers"] == [name for one in matches for name in policy.receivers_for(one.route, severity)]
        assert [(one["id"], one["group_key"], one["group_labels"]) for one in view["routes"]] == [
            (one.route.id, one.group_key, one.group_labels) for one in matches
        ]


def test_it_takes_what_amtool_prints() -> None:
    """`amtool alert query -o json`, word for word; together, its alerts inhibit one another."""
    printed = (Path(__file__).parent / "amtool_alert.json").read_text(encoding="utf-8")

    alone = routed(POLICIES, "--from", "-", "-o", "json", stdin=printed)
    together = routed(POLICIES, "--from", "-", "--together", "-o", "json", stdin=printed)

    assert [(view["labels"]["alertname"], view["receivers"]) for view in alone.json] == [
        ("HighInferenceLatency", ["ai-alerts"]),
        ("ModelLoadFailure", ["ai-alerts", "pager"]),
    ]
    assert [view["suppressed_by"] for view in alone.json] == [[], []]
    assert [view["suppressed_by"] for view in together.json] == [
        ["model not loaded hides its latency and accuracy"],
        [],
    ]


def test_a_file_is_read_and_without_one_that_is_said(tmp_path: Path) -> None:
    """JSON lines from a file; a missing one, and one that isn't UTF-8, are named."""
    (tmp_path / "sets.jsonl").write_text('{"component": "ai"}\n{"component": "db"}\n', encoding="utf-8")
    (tmp_path / "latin1").write_bytes(b'{"component": "\xe4"}')

    found = routed(POLICIES, "--from", str(tmp_path / "sets.jsonl"), "-o", "json")
    missing = routed(POLICIES, "--from", str(tmp_path / "none"))
    latin = routed(POLICIES, "--from", str(tmp_path / "latin1"))

    assert [view["receivers"] for view in found.json] == [["ai-alerts"], ["database-alerts"]]
    assert (missing.code, missing.out, missing.err) == (
        1,
        "",
        f"{tmp_path / 'none'}: can't be read: No such file or directory\n",
    )
    assert (latin.code, latin.out, latin.err) == (1, "", f"{tmp_path / 'latin1'}: expected UTF-8, found byte 0xe4\n")


def test_expected_receivers_can_be_verified(policy: Path) -> None:
    """As with amtool: in order; different ones are shown as a difference and exit 3."""
    labels = ("component=ai", "severity=critical")

    met = routed(policy, *labels, "--verify.receivers=ai-channel")
    unmet = routed(policy, *labels, "--verify.receivers=ai-channel,ai-pager", "-o", "json")

    assert (met.code, met.err) == (0, "")
    assert unmet.code == 3
    assert unmet.json[0]["receivers"] == ["ai-channel"]
    assert unmet.err.splitlines() == [
        '{component="ai", severity="critical"}: receivers',
        "  - [ai-channel, ai-pager]  expected",
        "  + [ai-channel]  found",
    ]


def test_nothing_to_verify_is_not_verified(policy: Path) -> None:
    """An empty input meets no expectation; without one it is only said."""
    silent = routed(policy, "--from", "-", stdin="[]")
    verified = routed(policy, "--from", "-", "--verify.receivers=ai-channel", stdin="[]")

    assert (silent.code, silent.out, silent.err) == (0, "", "stdin: holds no label set\n")
    assert verified.code == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["component"], "found 'component', expected LABEL=VALUE"),
        (["component=ai", "--at", "soon"], "found 'soon', expected a time as 2026-03-02 10:00"),
        (["component=ai", "--also", "x"], "found 'x', expected LABEL=VALUE"),
        (["component=ai", "--from", "-"], "found labels and --from"),
        (["--at", "2026-03-02 10:00"], "found no labels"),
        (["--verify.receivers", "ai-channel"], "found no labels"),
        (["--for", "2h"], "found no labels"),
        (["component=ai", "--for", "soon"], "'soon' is not a duration"),
        (["component=ai", "--for", "5m", "--ack", "7m"], "found `7m ack`, expected nothing after --for 5m"),
        (["component=ai", "--event", "7m akc"], "unknown event `akc`, did you mean `ack`?"),
        (["component=ai", "--together", "--for", "2h"], "found --together"),
        (["component=ai", "--junit", "results.xml"], "found labels and --junit"),
    ],
)
def test_wrong_usage_exits_2(policy: Path, arguments: list[str], said: str) -> None:
    """And says on stderr what was expected."""
    found = routed(policy, *arguments)

    assert (found.code, found.out) == (2, "")
    assert said in " ".join(found.err.replace("│", " ").split())


def test_a_wrong_policy_is_shown_at_its_place(policy: Path) -> None:
    """With the file's path, so that an editor can jump there; exit 1, nothing on stdout."""
    (policy / "all.yml").write_text(HELD.replace("team: ai\n", "team: aii\n"), encoding="utf-8")

    found = routed(policy, "component=ai", "-o", "json")

    assert (found.code, found.out) == (1, "")
    assert found.err.splitlines() == [
        f"{policy}/all.yml:25:9: route.team: unknown team `aii`, did you mean `ai`?",
        "      team: aii",
        "            ^",
    ]


def test_a_label_can_not_steer_the_terminal(policy: Path) -> None:
    """Control characters are shown, not obeyed."""
    found = routed(policy, "--from", "-", stdin=json.dumps({"component": "\x1b[2J\nai"}))

    assert "\x1b" not in found.out
    assert r"\x1b[2J\nai" in found.out


def test_one_label_set_needs_no_server_side() -> None:
    """It is typed by hand and in editors: nothing slow is loaded on the way."""
    program = (
        "import sys; from alertrouter.cli.app import app\nimport alertrouter.cli\n"
        "try: app(['test-route', 'component=ai', '-o', 'json'])\n"
        "except SystemExit as done: assert done.code == 0, done\n"
        "slow = {'redis', 'httpx2', 'fastapi', 'rq', 'jinja2', 'rich', 'structlog', 'slack_sdk', 'pagerduty'}\n"
        "print(sorted(slow & set(sys.modules)), file=sys.stderr)\n"
    )

    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stderr) == (0, "[]\n")
    assert json.loads(ran.stdout)["receivers"] == ["ai-alerts"]
