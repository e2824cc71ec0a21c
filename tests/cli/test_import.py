"""`alertrouter import` writes a policy directory, says what to look at, and proves it with amtool."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from alertrouter.policy.load import load
from alertrouter.policydir import read
from alertrouter.settings_file import parse
from tests.cli.running import ROOT, run
from tests.journeys.programs import installed

EVERYTHING = ROOT / "tests" / "policy" / "alertmanager" / "everything.yml"
FAULTY = "route: {receiver: x}\nreceivers:\n- name: x\n  webhook_configs: [{url: 'http://e/', body: a}]\n"


def test_a_directory_is_written_and_is_a_policy(tmp_path: Path) -> None:
    """With the variables that it needs beside it; each note with its line, what, why and what to do."""
    ran = run("import", str(EVERYTHING), "--output", str(tmp_path / "policy"))

    assert ran.code == 0
    assert len(load(read(tmp_path / "policy")).receivers) == 6
    assert f"! {EVERYTHING}:99" not in ran.out
    assert f"{EVERYTHING}:101:9: receivers[legacy].opsgenie_configs" in ran.out
    assert "SMTP_HOST=smtp.example.org" in (tmp_path / "policy" / "environment").read_text()
    assert run("check", "--policy", str(tmp_path / "policy")).code == 0


def test_secrets_go_where_they_are_sent_and_nowhere_else(tmp_path: Path) -> None:
    """Into a file that only its owner reads."""
    ran = run("import", str(EVERYTHING), "--output", str(tmp_path / "p"), "--secrets", str(tmp_path / "secrets"))

    assert "SMTP_PASSWORD=correct-horse\n" in (tmp_path / "secrets").read_text()
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o600
    written = "".join(path.read_text() for path in (tmp_path / "p").rglob("*") if path.is_file())
    assert "correct-horse" not in written + ran.out + ran.err


def test_secrets_of_somebody_else_are_not_written_over(tmp_path: Path) -> None:
    """An `.env` that is there may hold others, which nothing would bring back."""
    file = tmp_path / ".env"
    file.write_text("MINE=1\n")

    refused = run("import", str(EVERYTHING), "--output", str(tmp_path / "p"), "--secrets", str(file))

    assert refused.code == 1
    assert refused.err.endswith(f"\n{file}: is there already; --force writes over it\n")
    assert file.read_text() == "MINE=1\n"
    assert not (tmp_path / "p").exists()
    new = tmp_path / "new"
    assert run("import", str(EVERYTHING), "--output", str(tmp_path), "--secrets", str(new)).code == 1
    assert not new.exists()
    assert run("import", str(EVERYTHING), "--force", "--secrets", str(file)).code == 0
    assert "SMTP_PASSWORD=correct-horse\n" in file.read_text()


def test_templates_that_are_not_read_are_said(tmp_path: Path) -> None:
    """There may be more of them than anybody writes."""
    for number in range(101):
        (tmp_path / f"{number:03}.tmpl").write_text(f'{{{{ define "t{number}" }}}}{{{{ end }}}}')
    file = tmp_path / "alertmanager.yml"
    file.write_text(f"templates: ['*.tmpl']\n{PLAIN_FILE}")

    ran = run("import", str(file))

    assert (ran.code, ran.err.splitlines()[0]) == (0, f"{file}: of the files at *.tmpl only the first 100 are read")


HARD = {
    "SMTP_FROM": "O'Hara <a@example.org>",
    "SMTP_HOST": "mail",
    "SMTP_PASSWORD": 'pa #1 $HOME "x"',
    "SMTP_PORT": "25",
    "SMTP_TLS": "starttls",
}
HARD_FILE = f"""
global:
  smtp_smarthost: 'mail:25'
  smtp_from: "{HARD["SMTP_FROM"]}"
  smtp_auth_password: '{HARD["SMTP_PASSWORD"]}'
route: {{receiver: x}}
receivers:
- name: x
  email_configs: [{{to: b@example.org, html: '{{{{ .Status }}}}'}}]
  webhook_configs: [{{url: $A}}]
"""


def test_what_is_written_means_the_same_to_alertrouter_and_to_a_shell(tmp_path: Path) -> None:
    """Spaces, `#`, `$`, `<` and quotes too, for `ALERTROUTER_SETTINGS_FILE`, Docker Compose, systemd and `. FILE`."""
    file = tmp_path / "alertmanager.yml"
    file.write_text(HARD_FILE)

    ran = run("import", str(file), "--output", str(tmp_path / "p"), "--secrets", str(tmp_path / "secrets"))

    assert ran.code == 0, ran.out + ran.err
    asked, secrets = (path.read_text() for path in (tmp_path / "p" / "environment", tmp_path / "secrets"))
    templates = {"ALERTROUTER_TEMPLATES": str(tmp_path / "p" / "templates")}
    wanted = {**HARD, **templates, "A": ""}
    assert {**parse(asked, "environment"), **parse(secrets, "secrets")} == wanted
    shell = [
        "sh",
        "-c",
        'set -a; . "$1"; . "$2"; env -0',
        "sh",
        str(tmp_path / "p" / "environment"),
        f"{tmp_path}/secrets",
    ]
    said = subprocess.run(shell, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True)
    pairs = dict(line.split("=", 1) for line in said.stdout.split("\0") if line)
    assert {name: pairs.get(name) for name in wanted} == wanted
    assert not [line for line in asked.splitlines() if "#" in line[1:]]


def test_without_a_directory_the_policy_is_printed() -> None:
    """On stdout alone; what is said of it on stderr."""
    ran = run("import", "-", stdin=EVERYTHING.read_text())

    assert ran.out.startswith("# --- routes.yml\n")
    assert "opsgenie_configs" in ran.err
    assert "→" not in ran.out


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    """A directory that holds something is refused without --force."""
    (tmp_path / "routes.yml").write_text("mine")

    assert run("import", str(EVERYTHING), "--output", str(tmp_path)).code == 1
    assert (tmp_path / "routes.yml").read_text() == "mine"
    assert run("import", str(EVERYTHING), "--output", str(tmp_path), "--force").code == 0


PLAIN_FILE = """
route: {receiver: x}
receivers: [{name: x, webhook_configs: [{url: 'http://e.example.org/'}]}]
"""
FULL_FILE = f"""{PLAIN_FILE}
inhibit_rules: [{{source_matchers: [severity="critical"], target_matchers: [severity="warning"], equal: [cluster]}}]
"""
TEXTS_FILE = FULL_FILE.replace(
    "webhook_configs:", "pagerduty_configs: [{routing_key: k, description: d}], webhook_configs:"
)


def test_what_an_earlier_import_wrote_is_in_force_no_more(tmp_path: Path) -> None:
    """It is set aside and said, whatever somebody wrote into it meanwhile; what people wrote themselves stays."""
    file, policy = tmp_path / "alertmanager.yml", tmp_path / "p"
    file.write_text(TEXTS_FILE)
    assert run("import", str(file), "--output", str(policy)).code == 0
    assert len(load(read(policy)).inhibit_rules) == 1
    inhibition, template = policy / "inhibition.yml", policy / "templates" / "pagerduty" / "summary.j2"
    inhibition.write_text(inhibition.read_text() + "# and a word of mine\n")
    own = {policy / "teams.yml": "teams: {}\n", policy / "templates" / "slack.j2": "mine", policy / "NOTES": "mine"}
    for path, text in own.items():
        path.write_text(text)

    file.write_text(PLAIN_FILE)
    ran = run("import", str(file), "--output", str(policy), "--force")

    assert ran.code == 0, ran.out + ran.err
    assert load(read(policy)).inhibit_rules == ()
    assert not template.exists()
    assert "inhibition.yml is of an earlier import and not of this one: set aside as inhibition.yml.old" in ran.out
    assert (policy / "inhibition.yml.old").read_text().endswith("# and a word of mine\n")
    assert {path: path.read_text() for path in own} == own

    for content, aside in ((FULL_FILE, []), (PLAIN_FILE, ["inhibition.yml.old-2"])):
        file.write_text(content)
        (said,) = run("import", str(file), "--output", str(policy), "--force", "-o", "json").json
        assert [one["now"] for one in said["set_aside"]] == aside
    assert (policy / "inhibition.yml.old").read_text().endswith("# and a word of mine\n")


def test_an_inhibition_of_the_operators_own_stays(tmp_path: Path) -> None:
    """Its name is one that an import writes, its text is not: it is not ours to take away."""
    file, policy = tmp_path / "alertmanager.yml", tmp_path / "p"
    file.write_text(PLAIN_FILE)
    policy.mkdir()
    text = "# Made by hand, not from alertmanager.yml by `alertrouter import`\ninhibit_rules: []\n"
    (policy / "inhibition.yml").write_text(text)
    (policy / "broken.yml").write_bytes(b"\xff\xfe")

    ran = run("import", str(file), "--output", str(policy), "--force")

    assert (ran.code, "set aside" in ran.out) == (0, False)
    assert (policy / "inhibition.yml").read_text() == text


def test_a_faulty_file_is_refused_and_lenience_makes_the_best_of_it(tmp_path: Path) -> None:
    """The fault at its place either way."""
    file = tmp_path / "alertmanager.yml"
    file.write_text(FAULTY)

    strict = run("import", str(file), "--output", str(tmp_path / "p"))
    lenient = run("import", str(file), "--output", str(tmp_path / "p"), "--lenient")

    assert strict.code == 1
    assert not (tmp_path / "p").exists() or lenient.code == 0
    assert f"{file}:4:40: receivers[0].webhook_configs[0].body: unknown key `body`" in strict.out
    assert lenient.code == 0
    assert run("check", "--policy", str(tmp_path / "p")).code == 0


def test_json_has_all_of_it(tmp_path: Path) -> None:
    """One line with files, notes, faults and variables; a file that isn't there is an error."""
    (said,) = run("import", str(EVERYTHING), "-o", "json").json

    assert said["usable"]
    assert {name for name in said["files"] if "/" not in name} == {
        "routes.yml",
        "receivers.yml",
        "inhibition.yml",
        "time_intervals.yml",
    }
    assert {"line", "column", "key", "what", "why", "todo"} == set(said["notes"][0])
    assert {one["name"] for one in said["environment"] if one["secret"]} >= {"SMTP_PASSWORD"}
    assert run("import", str(tmp_path / "nowhere.yml")).code == 1


def test_verify_compares_with_the_real_amtool() -> None:
    """Label sets that take every branch go to the same receivers; the seed is said."""
    installed("amtool")

    ran = run("import", str(EVERYTHING), "--verify", "--samples", "60", "--seed", "7")

    assert "60 of 60 label sets go to the same receivers as with amtool" in ran.out
    assert "seed 7" in ran.out
    assert ran.code == 0


def test_verify_says_when_there_is_no_amtool(monkeypatch: pytest.MonkeyPatch) -> None:
    """It never says that all agree when nothing was asked."""
    monkeypatch.setenv("PATH", "/nonexistent")

    ran = run("import", str(EVERYTHING), "--verify")

    assert ran.code == 1
    assert "amtool is not on PATH" in ran.err
    assert "opsgenie_configs" in ran.err


def test_verify_says_what_amtool_cannot_read(tmp_path: Path) -> None:
    """An older one doesn't know names in quotes: in its own words, and after all that the import has to say."""
    installed("amtool")
    file = tmp_path / "alertmanager.yml"
    file.write_text(
        'route: {receiver: x, routes: [{matchers: [\'"a.b"="c"\'], receiver: x}]}\n'
        "receivers: [{name: x, sns_configs: [{topic_arn: t}]}]\n"
    )

    ran = run("import", str(file), "--output", str(tmp_path / "p"), "--verify", "--samples", "3")

    assert "sns_configs" in ran.out
    if ran.code == 0:  # an amtool of 0.27 or later
        assert "amtool" in ran.out
        return
    assert ran.err.startswith("amtool can't read the file, so nothing was compared: bad matcher format")


def test_a_file_that_is_not_there_is_named_once(tmp_path: Path) -> None:
    """In words, without the number of the system's error."""
    ran = run("import", str(tmp_path / "nofile.yml"))

    assert (ran.code, ran.err) == (1, f"{tmp_path / 'nofile.yml'}: can't be read: No such file or directory\n")
