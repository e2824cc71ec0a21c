"""Who may post alerts."""

from __future__ import annotations

import base64

import pytest

from alertrouter.web.auth import Senders


def basic(credential: str, encoding: str = "utf-8") -> str:
    """Give the Authorization header for user:password, as it comes out of ASGI."""
    return "Basic " + base64.b64encode(credential.encode(encoding)).decode()


def test_without_credentials_the_door_is_open() -> None:
    """A first try needs no set-up."""
    senders = Senders((), ())

    assert senders.allow(None)
    assert senders.allow("Bearer anything")
    assert senders.challenges() == []


@pytest.mark.parametrize("header", ["Bearer old", "bearer new", basic("prom:pass:word"), basic("us\u00e9r:w\u00f6rd")])
def test_each_of_several_credentials_opens_it(header: str) -> None:
    """Old and new are good at the same time, so that senders can be changed one by one."""
    senders = Senders(("old", "new"), ("prom:pass:word", "us\u00e9r:w\u00f6rd"))

    assert senders.allow(header)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer ol",
        "Bearer old,new",
        "Bearer prom:word",
        "Token old",
        "old",
        basic("prom:"),
        basic("old"),
        basic(":word"),
        "Basic ***",
        "Basic \u00ff",
        "Bearer \ud800",
    ],
)
def test_anything_else_does_not(header: str | None) -> None:
    """Neither a part of a credential, nor one of the other kind, nor rubbish."""
    assert not Senders(("old", "new"), ("prom:word",)).allow(header)


def test_a_token_may_hold_any_text() -> None:
    """Header bytes are latin-1 on the way; the token is UTF-8."""
    assert Senders(("schl\u00fcssel",), ()).allow("Bearer " + "schl\u00fcssel".encode().decode("latin-1"))


def test_the_challenge_names_what_the_door_would_take() -> None:
    """A browser, or a person with curl, sees what is missing."""
    assert Senders(("t",), ("u:p",)).challenges() == [
        'Basic realm="alertrouter", charset="UTF-8"',
        'Bearer realm="alertrouter"',
    ]
