"""`make screenshots`: the inbox and the page behind a link in each state of an incident, as docs/images has them.

Nothing is drawn by hand: `alertrouter up` runs with a policy of its own, a story of alerts is sent to it, people act,
and headless Chromium looks. Needs chromium, and pngquant to make the pictures small.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import which
from typing import Any, Final

import httpx2
from msgspec.structs import replace

from alertrouter.links import Links
from alertrouter.render.samples import sample_notice
from alertrouter.settings import from_environment
from tests.journeys.installation import CHECKOUT, Alertrouter
from tests.journeys.programs import Programs
from tests.waiting import eventually

IMAGES: Final = CHECKOUT / "docs" / "images"
SECRET: Final = "signs-the-links-of-the-pictures"
WIDTH: Final = 1040
HEIGHTS: Final = {"inbox": 860, "ack": 700}
POLICY: Final = """
receivers:
  ai-channel: {slack: {channel: "#ai-models"}}
  ai-leads: {email: {to: [ai-leads@example.com]}}
  shop-channel: {slack: {channel: "#shop"}}
people:
  lena: {slack: U024BE7LH, email: lena@example.com, pagerduty: "${PAGERDUTY_LENA:-}"}
teams:
  ai: {channel: ai-channel, oncall: lena, managers: ai-leads}
  shop: {channel: shop-channel, oncall: lena}
escalation_policies:
  page:
    ack_timeout: 30m
    levels: [{notify: channel}, {after: 5m, notify: oncall}, {after: 20m, notify: channel}]
route:
  team: shop
  group_by: [alertname, component]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 4h
  escalate: {info: page, warning: page, critical: page}
  routes: [{matchers: ['component="ai"'], team: ai}]
"""
STORY: Final = (
    ("shop", "warning", "ReplicaLag", {"instance": "db-2"}, "The replica is 40 s behind its primary"),
    ("shop", "info", "CertificateEndsSoon", {"domain": "shop.example.com"}, "The certificate ends in 20 days"),
    (
        "ai",
        "critical",
        "SlowInference",
        {"model_name": "atlas-70b", "instance": "gpu-3"},
        "p95 is 9 s, the objective 2 s",
    ),
)
"""Component, severity, alert name, further labels and summary; the last one's incident is followed."""


class Told:
    """A running alertrouter, and the people and senders of the story."""

    def __init__(self, running: Alertrouter) -> None:
        self._http = httpx2.Client(base_url=running.door.url, timeout=10, headers={"Authorization": "Bearer omar"})

    def send(self, story: tuple[Any, ...], *, over: bool = False) -> None:
        """Report an alert of the story."""
        component, severity, name, labels, summary = story
        alert = {
            "labels": {"alertname": name, "component": component, "severity": severity, **labels},
            "annotations": {"summary": summary, "runbook_url": f"https://runbooks.example.com/{name}"},
            "startsAt": (datetime.now(UTC) - timedelta(minutes=12)).isoformat(),
        }
        ends = {"endsAt": datetime.now(UTC).isoformat()} if over else {}
        self._http.post("/api/v1/alerts", json={**alert, **ends}).raise_for_status()

    def incident(self, name: str = STORY[-1][2]) -> dict[str, Any]:
        """An incident; the one that is followed unless another is asked for."""
        found = self._http.get("/api/v1/incidents", params={"match": f'alertname="{name}"'}).json()
        return dict(found[0]) if found else {}

    def settled(self, state: str, deliveries: int, name: str = STORY[-1][2]) -> None:
        """Wait until an incident is in a state, and all that it owes has been told."""

        def told() -> bool:
            one = self.incident(name)
            at = [to for to in one.get("destinations", []) if to["messages"] and not to["in_flight"]]
            return bool(one) and one["state"] == state and len(at) == len(one["destinations"]) >= deliveries

        eventually(told, lambda: f"{state}: {self.incident()}", 30)

    def escalate(self) -> None:
        """Omar wants help."""
        answer = self._http.post(f"/api/v1/incidents/{self.incident()['id']}/escalate")
        answer.raise_for_status()

    def link(self, number: int) -> str:
        """The link of a mail to Lena."""
        one = self.incident()
        opened = datetime.fromisoformat(one["opened_at"])
        notice = replace(
            sample_notice(),
            incident=one["id"],
            delivery=f"{one['id']}.{900 + number}",
            opened_at=opened,
            at=datetime.now(UTC),
            external_url=str(self._http.base_url).rstrip("/"),
        )
        return Links(from_environment({"ALERTROUTER_LINK_SECRET": SECRET})).ack_link(notice, "lena@example.com")

    def take(self) -> None:
        """Lena presses the button."""
        self._http.post(self.link(0)).raise_for_status()


def states(told: Told) -> Iterator[str]:
    """Tell the story, stopping at each state."""
    for one in STORY:
        told.send(one)
        told.settled("triggered", 1, one[2])
    yield "firing"
    told.escalate()
    told.settled("triggered", 2)
    yield "escalated"
    told.take()
    told.settled("acknowledged", 2)
    yield "acknowledged"
    told.send(STORY[-1], over=True)
    told.settled("resolved", 2)
    yield "resolved"


def look(url: str, picture: Path, height: int) -> None:
    """Have Chromium look at an address, and keep what it sees."""
    chromium = which("chromium") or which("chromium-browser") or sys.exit("chromium is not installed")
    seeing = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=4000"]
    window = [f"--window-size={WIDTH},{height}", f"--screenshot={picture}"]
    subprocess.run([str(chromium), *seeing, *window, url], check=True, capture_output=True, timeout=60)
    if pngquant := which("pngquant"):
        subprocess.run([pngquant, "--force", "--ext=.png", "--strip", "128", str(picture)], check=True, timeout=60)


@contextmanager
def running() -> Iterator[Alertrouter]:
    """An alertrouter that has seen nothing yet, and ends with the pictures."""
    with tempfile.TemporaryDirectory() as directory:
        programs = Programs(Path(directory))
        environ = {"ALERTROUTER_LINK_SECRET": SECRET, "ALERTROUTER_API_TOKENS": "omar:write:omar"}
        try:
            yield Alertrouter(programs, policy=POLICY, environ=environ)
        finally:
            programs.stop()


def main() -> None:
    """Make all pictures."""
    with running() as alertrouter:
        told = Told(alertrouter)
        for number, state in enumerate(states(told), start=1):
            pages = {"inbox": alertrouter.door.url, "ack": told.link(number)}
            for page, url in pages.items():
                picture = IMAGES / f"{page}-{state}.png"
                look(url, picture, HEIGHTS[page])
                sys.stdout.write(f"{picture.relative_to(CHECKOUT)} {picture.stat().st_size // 1024} KB\n")


if __name__ == "__main__":
    main()
