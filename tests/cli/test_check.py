"""`check`: every fault of a policy and of templates at its place, and what a sound policy holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from alertrouter.policy.load import revision
from tests.cli.running import POLICIES, run
from tests.policy.texts import SOUND

SPOTLESS = SOUND.replace("  business: {channel: ai-channel}\n", "").replace(
    "escalate: {warning: warn,", "escalate: {info: warn, warning: warn,"
)
"""The sound policy without what `check` finds in it."""


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory beside us with the sound policy."""
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    Path("mine/all.yml").write_text(SPOTLESS, encoding="utf-8")
    return Path("mine")


def test_a_sound_policy_is_summed_up(policy: Path) -> None:
    """What it holds, under the name by which the server will know it."""
    found = run("check", "--policy", str(policy))

    assert (found.code, found.err) == (0, "")
    assert found.out.splitlines() == [
        f"✓ mine: a sound policy, revision {revision({'all.yml': SPOTLESS})}",
        "    all.yml",
        "    3 routes, 3 receivers, 1 team, 2 escalation policies, 1 inhibition rule, 1",
        "    time interval, 1 test",
        "    channels: slack 1, pagerduty 1, email 1",
        "✓ built-in templates: sound",
    ]


def test_every_fault_is_shown_at_its_place(policy: Path) -> None:
    """File, line, column, key, the line itself with a caret, and what was expected; exit 1."""
    (policy / "all.yml").write_text(
        SPOTLESS.replace("\n  team: ai\n", "\n  team: aii\n").replace("group_by:", "group_bye:"), encoding="utf-8"
    )

    found = run("check", "--policy", str(policy))

    assert found.code == 1
    assert found.out.splitlines() == ["✓ built-in templates: sound"]
    assert found.err.splitlines() == [
        "mine/all.yml:24:9: route.team: unknown team `aii`, did you mean `ai`?",
        "      team: aii",
        "            ^",
        "",
        "mine/all.yml:27:38: route.routes[0].group_bye: unknown key `group_bye`, did you mean `group_by`?",
        "        - {matchers: ['component=\"ai\"'], group_bye: [alertname]}",
        "                                         ^",
        "",
        "✗ mine: 2 faults",
    ]


def test_a_broken_template_is_shown_at_its_place(policy: Path) -> None:
    """It would not swallow a page, but the plain message is not what one wrote it for."""
    Path("forms/slack").mkdir(parents=True)
    Path("forms/slack/title.j2").write_text("{{ notice.severity }\n", encoding="utf-8")

    found = run("check", "--policy", str(policy), "--templates", "forms")

    assert found.code == 1
    assert found.out.splitlines()[0].startswith("✓ mine: a sound policy")
    assert found.err.splitlines() == [
        "forms/slack/title.j2:1:1: unexpected '}'",
        "",
        "✗ forms: templates over the built-in ones: 1 fault, plain messages take their place",
    ]


def test_programs_get_one_object(policy: Path) -> None:
    """Sound or not, with the same exit code; stderr stays empty."""
    sound = run("check", "--policy", str(policy), "-o", "json")
    (policy / "all.yml").write_text(SPOTLESS + "rotue: {}\n", encoding="utf-8")
    wrong = run("check", "--policy", str(policy), "-o", "json")

    assert (sound.code, sound.err) == (0, "")
    assert sound.json == [
        {
            "sound": True,
            "policy": {
                "directory": "mine",
                "sound": True,
                "problems": [],
                "revision": revision({"all.yml": SPOTLESS}),
                "holds": {
                    "routes": 3,
                    "receivers": 3,
                    "teams": 1,
                    "escalation_policies": 2,
                    "inhibit_rules": 1,
                    "time_intervals": 1,
                    "tests": 1,
                },
            },
            "templates": {"directory": None, "sound": True, "problems": []},
            "findings": [],
            "ignored": 0,
        }
    ]
    assert (wrong.code, wrong.err) == (1, "")
    (view,) = wrong.json
    assert view["sound"] is False
    (problem,) = view["policy"]["problems"]
    assert (problem["file"], problem["line"], problem["column"], problem["key"]) == ("mine/all.yml", 33, 1, "rotue")
    assert "did you mean `route`?" in problem["message"]


def test_the_policy_is_found_as_the_server_finds_it(policy: Path, tmp_path: Path) -> None:
    """The option, else ALERTROUTER_POLICY, else ./policies, else the built-in one."""
    environ = {"ALERTROUTER_POLICY": str(tmp_path / "none")}

    by_option = run("check", "--policy", str(policy), environ=environ)
    by_variable = run("check", environ=environ)
    built_in = run("check", "-o", "json")
    policy.rename("policies")
    beside = run("check", "-o", "json")

    assert by_option.code == 0
    assert by_variable.code == 1
    assert f"{tmp_path / 'none'}: there is no such directory" in by_variable.err
    assert Path(built_in.json[0]["policy"]["directory"]).samefile(POLICIES)
    assert beside.json[0]["policy"]["directory"] == "policies"


def test_what_is_found_in_a_sound_policy_is_told(policy: Path) -> None:
    """Id, grade, place, what, what will happen at 3 am, and what to do; exit 1 only when one asks for that."""
    (policy / "all.yml").write_text(SPOTLESS.replace("    ack_timeout: 30m\n", ""), encoding="utf-8")

    found = run("check", "--policy", str(policy))
    strict = run("check", "--policy", str(policy), "--fail-on", "warning")

    assert (found.code, strict.code) == (0, 1)
    assert found.out.startswith("✓ mine: a sound policy")
    assert found.err.splitlines() == [
        "",
        "! AR012 warning  mine/all.yml:16:3",
        "    acknowledgements of `page` never lapse",
        "    At 3 am: somebody acknowledges half asleep, sleeps on, and nobody is told",
        "    again while it burns.",
        "  → add ack_timeout: 30m",
        "",
        "1 finding: docs/lint.md tells of each",
    ]


def test_code_hosts_get_sarif(policy: Path) -> None:
    """Findings, faults of the policy and broken templates, each with rule, level and place."""
    (policy / "all.yml").write_text(SPOTLESS.replace("    ack_timeout: 30m\n", ""), encoding="utf-8")
    Path("forms/slack").mkdir(parents=True)
    Path("forms/slack/title.j2").write_text("{{ notice.severity }\n", encoding="utf-8")

    (log,) = run("check", "--policy", str(policy), "--templates", "forms", "-o", "sarif").json
    (policy / "all.yml").write_text(SPOTLESS + "rotue: {}\n", encoding="utf-8")
    (wrong,) = run("check", "--policy", str(policy), "-o", "sarif").json

    assert (log["version"], wrong["version"]) == ("2.1.0", "2.1.0")
    (run_,) = log["runs"]
    assert {rule["id"] for rule in run_["tool"]["driver"]["rules"]} >= {"AR-FAULT", "AR001", "AR012"}
    assert [(one["ruleId"], one["level"]) for one in run_["results"]] == [("AR017", "error"), ("AR012", "warning")]
    assert run_["results"][1]["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "mine/all.yml"},
                "region": {"startLine": 16, "startColumn": 3},
            }
        }
    ]
    assert [one["ruleId"] for one in wrong["runs"][0]["results"]] == ["AR-FAULT"]
