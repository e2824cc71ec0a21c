"""An Alertmanager's API on loopback, as far as it is asked: lists what it is told to, of any age and state."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.standins import Answer, HttpStandIn
from tests.standins.http import Received
from tests.times import START

CONFIG = """
route:
  receiver: alertrouter
  group_by: [alertname]
  group_wait: 10s
  group_interval: 1m
  routes:
  - {matchers: ['team="other"'], receiver: other}
  - {matchers: ['team="nights"'], receiver: alertrouter, mute_time_intervals: [always]}
receivers:
- name: alertrouter
  webhook_configs: [{url: <secret>}]
- name: other
time_intervals:
- {name: always, time_intervals: [{}]}
"""


class Alertmanager(HttpStandIn):
    """It has been up for a day, unless told otherwise."""

    def __init__(self) -> None:
        self.listed: list[dict[str, Any]] = []
        self.up_for = timedelta(days=1)
        self.config = CONFIG
        self.cluster = "ready"
        super().__init__()

    @property
    def name(self) -> str:
        """How it stands in logs and stories."""
        return f"127.0.0.1:{self.port}"

    def secured(self, context: ssl.SSLContext) -> str:
        """Speak TLS from now on; gives the address."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        return self.url.replace("http://", "https://")

    def lists(self, *names: str, state: str = "active", receiver: str = "alertrouter", **labels: str) -> None:
        """List these alerts from now on, and no others."""
        self.listed = [alert(name, state=state, receiver=receiver, **labels) for name in names]

    def respond(self, request: Received) -> Answer:
        """Answer as the API does."""
        if request.path == "/api/v2/status":
            return Answer.of_json(self.status())
        if request.path.partition("?")[0] == "/api/v2/alerts":
            return Answer.of_json(self.listed)
        if request.path.startswith("/api/v2/silence/"):
            return Answer.of_json({"createdBy": "sam", "comment": "new disk", "endsAt": written(START)})
        return Answer(404)

    def status(self) -> Mapping[str, object]:
        """What it says of itself."""
        return {
            "cluster": {"status": self.cluster, "peers": []},
            "config": {"original": self.config},
            "uptime": written(datetime.now(UTC) - self.up_for),  # its clock is the one that its answers are dated by
            "versionInfo": {"version": "0.25.0"},
        }


def alert(name: str, *, state: str = "active", receiver: str = "alertrouter", **labels: str) -> dict[str, Any]:
    """One alert as Alertmanager writes it."""
    return {
        "annotations": {"summary": f"{name} is wrong"},
        "endsAt": written(START + timedelta(minutes=4)),
        "fingerprint": "0123456789abcdef",
        "receivers": [{"name": receiver}],
        "startsAt": written(START),
        "status": {"inhibitedBy": [], "silencedBy": ["s"] if state == "suppressed" else [], "state": state},
        "updatedAt": written(START),
        "generatorURL": "http://prometheus/graph",
        "labels": {"alertname": name, **labels},
    }


def written(moment: datetime) -> str:
    """A moment in Go's writing, to the nanosecond."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.123456789Z"


@contextmanager
def alertmanagers(count: int) -> Iterator[list[Alertmanager]]:
    """So many of them."""
    running = [Alertmanager() for _ in range(count)]
    try:
        yield running
    finally:
        for one in running:
            one.close()
