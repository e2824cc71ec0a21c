"""`check`: every fault of a policy and of templates at its place, and what a sound policy holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from alertrouter.policy.load import revision
from tests.cli.running import POLICIES, run
from tests.policy.texts import SOUND


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory beside us with the sound policy."""
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    Path("mine/all.yml").write_text(SOUND, encoding="utf-8")
    return Path("mine")


def test_a_sound_policy_is_summed_up(policy: Path) -> None:
    """What it holds, under the name by which the server will know it."""
    found = run("check", "--policy", str(policy))

    assert (found.code, found.err) == (0, "")
    assert found.out.splitlines() == [
        f"✓ mine: a sound policy, revision {revision({'all.yml': SOUND})}",
        "    all.yml",
        "    3 routes, 3 receivers, 2 teams, 2 escalation policies, 1 inhibition rule, 1",
        "    time interval, 1 test",
        "    channels: slack 1, pagerduty 1, email 1",
        "✓ built-in templates: sound",
    ]


def test_every_fault_is_shown_at_its_place(policy: Path) -> None:
    """File, line, column, key, the line itself with a caret, and what was expected; exit 1."""
    (policy / "all.yml").write_text(
        SOUND.replace("\n  team: ai\n", "\n  team: aii\n").replace("group_by:", "group_bye:"), encoding="utf-8"
    )

    found = run("check", "--policy", str(policy))

    assert found.code == 1
    assert found.out.splitlines() == ["✓ built-in templates: sound"]
    assert found.err.splitlines() == [
        "mine/all.yml:25:9: route.team: unknown team `aii`, did you mean `ai`?",
        "      team: aii",
        "            ^",
        "",
        "mine/all.yml:28:38: route.routes[0].group_bye: unknown key `group_bye`, did you mean `group_by`?",
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
    (policy / "all.yml").write_text(SOUND + "rotue: {}\n", encoding="utf-8")
    wrong = run("check", "--policy", str(policy), "-o", "json")

    assert (sound.code, sound.err) == (0, "")
    assert sound.json == [
        {
            "sound": True,
            "policy": {
                "directory": "mine",
                "sound": True,
                "problems": [],
                "revision": revision({"all.yml": SOUND}),
                "holds": {
                    "routes": 3,
                    "receivers": 3,
                    "teams": 2,
                    "escalation_policies": 2,
                    "inhibit_rules": 1,
                    "time_intervals": 1,
                    "tests": 1,
                },
            },
            "templates": {"directory": None, "sound": True, "problems": []},
        }
    ]
    assert (wrong.code, wrong.err) == (1, "")
    (view,) = wrong.json
    assert view["sound"] is False
    (problem,) = view["policy"]["problems"]
    assert (problem["file"], problem["line"], problem["column"], problem["key"]) == ("mine/all.yml", 34, 1, "rotue")
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
