"""Where settings and secrets come from: the environment, a file of settings, and a placeholder's file."""

from pathlib import Path

import pytest

from alertrouter import settings
from alertrouter.errors import SettingsError


def test_a_placeholder_falls_back_from_one_name_to_the_next() -> None:
    """The innermost placeholder is filled in first; what the environment holds is taken as it is."""
    text = "${SLACK_AI_WEBHOOK_URL:-${SLACK_WEBHOOK_URL:-nowhere}}"

    assert settings.resolve(text, {}) == "nowhere"
    assert settings.resolve(text, {"SLACK_WEBHOOK_URL": "a"}) == "a"
    assert settings.resolve(text, {"SLACK_WEBHOOK_URL": "a", "SLACK_AI_WEBHOOK_URL": "${HOME}"}) == "${HOME}"


def test_a_secret_is_read_from_its_file_each_time(tmp_path: Path) -> None:
    """A file that is written anew, as a rotated secret is, counts from then on; the line end isn't part of it."""
    file = tmp_path / "key"
    placeholder = f"${{file:{file}}}"

    file.write_text("old-${HOME}\n")
    first = settings.resolve(placeholder, {"HOME": "not looked at"})
    file.write_text("new\n")
    second = settings.resolve(placeholder, {})

    assert (first, second) == ("old-${HOME}", "new")


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """The error says which file, and nothing of what is in it."""
    not_text = tmp_path / "binary"
    not_text.write_bytes(b"\xff\xfe")

    with pytest.raises(SettingsError, match="gone: a secret that the policy names can't be read: No such file"):
        settings.resolve(f"${{file:{tmp_path}/gone}}", {})
    with pytest.raises(SettingsError, match=r"binary: .* not UTF-8 text"):
        settings.resolve(f"${{file:{not_text}}}", {})


def test_a_file_of_settings_counts_as_the_environment(tmp_path: Path) -> None:
    """It fills settings and the policy's placeholders; a variable set outside of it wins, an empty one doesn't."""
    file = tmp_path / "settings"
    file.write_text(
        "# who may send\n"
        "export ALERTROUTER_INGEST_TOKENS='one,two'  # both\n"
        'MY_KEY="a # b"\n'
        "SMTP_PORT=25 # plain\n"
        "SMTP_HOST=mail.example.com\n"
        "\n",
        encoding="utf-8",
    )
    environ = {"ALERTROUTER_SETTINGS_FILE": str(file), "SMTP_PORT": "2525", "SMTP_HOST": ""}

    found = settings.from_environment(environ)

    assert found.ingest_tokens == ("one", "two")
    assert (found.smtp.host, found.smtp.port) == ("mail.example.com", 2525)
    assert found.resolve("${MY_KEY}") == "a # b"


def test_a_wrong_file_of_settings_is_named_by_line_and_shows_no_secret(tmp_path: Path) -> None:
    """What can't be read is not left out in silence, and what stands there may be a password."""
    file = tmp_path / "settings"
    file.write_text("SMTP_PORT=25\nhunter2\n", encoding="utf-8")

    with pytest.raises(SettingsError, match=r"settings:2: expected NAME=VALUE$"):
        settings.from_environment({"ALERTROUTER_SETTINGS_FILE": str(file)})
    with pytest.raises(SettingsError, match="gone can't be read: No such file"):
        settings.from_environment({"ALERTROUTER_SETTINGS_FILE": str(tmp_path / "gone")})
