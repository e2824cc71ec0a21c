"""Placeholders: secrets come out of the environment and out of files, at the moment they are needed."""

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
