"""Which Alertmanagers are asked: as written in the settings, or a fault that shows no password."""

from __future__ import annotations

import pytest

from alertrouter.errors import SettingsError
from alertrouter.settings import from_environment
from alertrouter.settings_reconcile import Reconcile


def read(urls: str, receivers: str = "alertrouter", **more: str) -> Reconcile:
    """Read the settings."""
    named = {f"ALERTROUTER_RECONCILE_{name}": value for name, value in more.items()}
    environ = {"ALERTROUTER_RECONCILE_URLS": urls, "ALERTROUTER_RECONCILE_RECEIVERS": receivers, **named}
    return from_environment(environ).reconcile


def test_nobody_is_asked_unless_the_settings_say_so() -> None:
    """It is off by default."""
    assert from_environment({}).reconcile.sources == ()


def test_replicas_and_clusters_are_told_apart() -> None:
    """Commas stand between replicas of one cluster, semicolons between clusters; names show no password."""
    found = read("http://u:hidden@am-0:9093/, https://am-1 ; http://[::1]:9093/alerts")

    assert [[one.name for one in cluster] for cluster in found.sources] == [
        ["am-0:9093", "am-1"],
        ["[::1]:9093/alerts"],
    ]
    assert [one.url for one in found.sources[0]] == ["http://u:hidden@am-0:9093", "https://am-1"]
    assert "hidden" not in repr(found)


@pytest.mark.parametrize(
    "urls", ["am:9093", "ftp://hidden@am", "http://u:hidden@", "http://am?hidden=1", "http://u:hidden@am:99999999"]
)
def test_what_is_no_address_is_refused(urls: str) -> None:
    """The fault says what is expected, and nothing of what was found."""
    with pytest.raises(SettingsError, match="ALERTROUTER_RECONCILE_URLS: expected addresses as http://") as error:
        read(urls)

    assert "hidden" not in str(error.value)


def test_an_alertmanager_stands_there_once() -> None:
    """One that counts twice would agree with itself."""
    with pytest.raises(SettingsError, match="each Alertmanager once, found am:9093 twice"):
        read("http://am:9093;http://am:9093")


def test_the_receivers_must_be_named() -> None:
    """Without them an alert that goes elsewhere would be opened here."""
    with pytest.raises(SettingsError, match="ALERTROUTER_RECONCILE_RECEIVERS"):
        read("http://am:9093", receivers="")


def test_one_look_is_never_enough() -> None:
    """Two polls are the least that must agree."""
    with pytest.raises(SettingsError, match="ALERTROUTER_RECONCILE_POLLS: found '1', expected at least 2"):
        read("http://am:9093", POLLS="1")


def test_a_token_and_a_password_exclude_each_other() -> None:
    """Which of them is meant can't be known."""
    with pytest.raises(SettingsError, match="expected a token or a user"):
        read("http://am:9093", TOKEN="a", USERNAME="b")
