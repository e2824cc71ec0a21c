"""Links that acknowledge, as they are made and read: signed, and only while they are of use."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from alertrouter.errors import SettingsError
from alertrouter.policy.receiver import Channel
from alertrouter.render.samples import sample_notice
from tests.web.linking import EMAIL, SECRET, links

MANY_TIMES = settings_of(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY_TIMES
@given(position=st.integers(min_value=0, max_value=10_000), sign=st.characters(codec="utf-8"))
def test_a_link_that_was_changed_anywhere_is_none_of_ours(position: int, sign: str) -> None:
    """Whichever character is another one."""
    made = links()
    token = made.ack_link(sample_notice(), EMAIL).rpartition("/")[2]
    at = position % len(token)
    changed = token[:at] + sign + token[at + 1 :]

    read = made.read(changed)

    # The last character of a signature has bits that mean nothing.
    assert read is None or changed == token or (at == len(token) - 1 and read == made.read(token))


@MANY_TIMES
@given(token=st.text(max_size=3000))
def test_no_text_breaks_the_reader_of_links(token: str) -> None:
    """It is answered None."""
    assert links().read(token) is None


def test_without_a_secret_there_are_no_links() -> None:
    """An unsigned link would be worse than none."""
    assert links("").ack_link(sample_notice(), EMAIL) == ""


def test_who_acted_says_through_which_channel() -> None:
    """A channel's link is not one person's."""
    made = links()

    read = made.read(made.ack_link(sample_notice(), "#ai\n models", Channel.SLACK).rpartition("/")[2])

    assert read is not None
    assert read.actor() == "#ai models (slack link)"


def test_a_secret_that_could_be_guessed_is_refused_and_not_shown() -> None:
    """Whoever guesses it can acknowledge everything."""
    with pytest.raises(SettingsError) as refused:
        links(f"{SECRET},short-one")

    assert "ALERTROUTER_LINK_SECRET: expected at least 16 characters in each secret" in str(refused.value)
    assert "short-one" not in str(refused.value)
