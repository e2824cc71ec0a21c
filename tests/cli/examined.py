"""A run of `doctor`, and what it found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.cli.running import POLICIES, Ran, run
from tests.web.door import free_port

TOKEN = "xoxb-of-the-doctor"
WEBHOOK = "https://hooks.slack.com/services/T000/B000/of-the-doctor"
KEY = "0123456789abcdef0123456789abcdef"


def examined(redis_url: str, *arguments: str, environ: Mapping[str, str] | None = None) -> Ran:
    """Run `doctor` on the default policy."""
    return run(
        *("doctor", "--policy", str(POLICIES), *arguments),
        environ={
            "ALERTROUTER_REDIS_URL": redis_url,
            "ALERTROUTER_LISTEN": f"127.0.0.1:{free_port()}",
            **(environ or {}),
        },
    )


def findings(redis_url: str, check: str, environ: Mapping[str, str] | None = None) -> list[tuple[str, str, str]]:
    """What doctor finds of one thing: verdict, text, how to mend it."""
    found = examined(redis_url, "-o", "json", environ=environ)
    (view,) = found.json
    shown: list[dict[str, Any]] = view["findings"]
    assert view["well"] is not any(one["verdict"] == "wrong" for one in shown)
    assert found.code == (0 if view["well"] else 1)
    for secret in (TOKEN, WEBHOOK, KEY, "of-the-doctor"):
        assert secret not in found.out + found.err
    return [(one["verdict"], one["text"], one["mend"]) for one in shown if one["check"] == check]


def one_finding(redis_url: str, check: str, environ: Mapping[str, str] | None = None) -> tuple[str, str, str]:
    """The only finding of one thing."""
    (finding,) = findings(redis_url, check, environ)
    return finding
