"""`alertrouter demo`: a short story of alerts, sent to a running alertrouter by HTTP, and what came of each.

Every alert carries the mark of its run in a label by which its route groups, so that it joins nobody's incident. Each
started some minutes ago, so that no route waits for others to join.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

import httpx2
import msgspec
from rich.console import Console

from alertrouter.errors import AlertrouterError
from alertrouter.settings import Settings

BEGAN: Final = timedelta(minutes=10)
TOLD_WITHIN: Final = 40.0
LOOK_EVERY: Final = 0.3


class DemoFailed(AlertrouterError):
    """The story could not be told to its end; the text says why."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One alert of the story, and what it is there to show."""

    shows: str
    labels: Mapping[str, str]
    summary: str


class Destination(msgspec.Struct, frozen=True):
    """What one destination was told, as the API says it."""

    id: str
    messages: int
    in_flight: bool
    error: str


class Incident(msgspec.Struct, frozen=True):
    """An incident, as the API shows it."""

    id: str
    number: int
    state: str
    group_labels: dict[str, str]
    suppressed: dict[str, str]
    held: str
    due: datetime | None
    destinations: list[Destination]


class Line(msgspec.Struct, frozen=True):
    """A line of an incident's timeline, as the API shows it."""

    at: datetime
    text: str
    transition: str | None = None
    reason: str | None = None


def story(mark: str) -> tuple[Scene, ...]:
    """The alerts of a run: several components and severities, and one that another explains."""
    node = f"web-{mark}"
    return (
        Scene(
            "a critical alert wakes somebody",
            {"alertname": "NodeDown", "component": "infrastructure", "severity": "critical", "instance": node},
            f"{node} does not answer",
        ),
        Scene(
            "what another alert explains is held back",
            {"alertname": f"CheckoutDown-{mark}", "component": "business", "severity": "critical", "instance": node},
            f"The checkout on {node} is down",
        ),
        Scene(
            "each team has its own channel",
            {"alertname": f"SlowInference-{mark}", "component": "ai", "severity": "warning", "model_name": "demo"},
            "The model demo answers in 9 s instead of 2 s",
        ),
        Scene(
            "a breach is told to more people",
            {"alertname": f"StrangeLogin-{mark}", "component": "security", "severity": "critical"},
            "root logged in from an address never seen before",
        ),
        Scene(
            "a note for the channel only",
            {"alertname": f"ReplicaLag-{mark}", "component": "database", "severity": "info"},
            "The replica is 40 s behind",
        ),
    )


def run(settings: Settings, url: str, *, wait: bool) -> None:
    """Tell the story; without `wait` it leaves before the end of it was told. Raises `DemoFailed`."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    now = datetime.now(UTC)
    scenes = story(now.strftime("%H%M%S%f")[:8])
    with Server(settings, url) as server:
        console.print(f"Sending {len(scenes)} alerts to {url} …")
        server.send(scenes, starts_at=now - BEGAN)
        found = _until(lambda: _all_settled(server, scenes), TOLD_WITHIN, "not every alert was told")
        shown = _show(console, server, scenes, found, Counter())
        console.print("\nNow all of them are over.")
        server.send(scenes, starts_at=now - BEGAN, ends_at=datetime.now(UTC))
        end = max((one.due for incidents in found for one in incidents if one.due), default=now)
        console.print(
            "Whoever was told of the fire is told of its end, at the group's next look (group_interval): "
            f"by {end.astimezone():%H:%M:%S}."
        )
        if wait:
            patience = (end - datetime.now(UTC)).total_seconds() + TOLD_WITHIN
            found = _until(lambda: _all_over(server, scenes), patience, "the end was not told")
            _show(console, server, scenes, found, shown)
        else:
            console.print("To see that here too: alertrouter demo --wait")
        console.print(f"\nThe messages: {url}/")


class Server:
    """The running alertrouter, by HTTP."""

    def __init__(self, settings: Settings, url: str) -> None:
        user, _, password = (settings.ingest_users or ("",))[0].partition(":")
        headers = {"Authorization": f"Bearer {settings.ingest_tokens[0]}"} if settings.ingest_tokens else {}
        self._http = httpx2.Client(
            base_url=url,
            timeout=10,
            trust_env=False,
            headers=headers,
            auth=(user, password) if user and not headers else None,
        )
        self._reader = {"Authorization": f"Bearer {settings.api_token}"} if settings.api_token else {}

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def send(self, scenes: Sequence[Scene], *, starts_at: datetime, ends_at: datetime | None = None) -> None:
        """Post the alerts, as firing or as over."""
        times = {"startsAt": starts_at.isoformat()} | ({"endsAt": ends_at.isoformat()} if ends_at else {})
        alerts = [{"labels": one.labels, "annotations": {"summary": one.summary}, **times} for one in scenes]
        headers = {"Content-Type": "application/json"}
        self._ask("POST", "/api/v1/alerts", content=json.dumps({"alerts": alerts}).encode(), headers=headers)

    def incidents(self) -> list[Incident]:
        """All incidents, newest first."""
        return msgspec.json.decode(
            self._ask("GET", "/api/v1/incidents", headers=self._reader).content, type=list[Incident]
        )

    def timeline(self, incident: Incident) -> list[Line]:
        """What happened to an incident, oldest first."""
        path = f"/api/v1/incidents/{quote(incident.id, safe='')}/timeline"
        answer = self._ask("GET", path, headers=self._reader)
        return msgspec.json.decode(answer.content, type=list[Line])

    def _ask(
        self, method: str, path: str, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        try:
            answer = self._http.request(method, path, content=content, headers=headers)
        except httpx2.HTTPError as error:
            raise DemoFailed(
                f"{self._http.base_url}: no alertrouter answers there ({error}). Start one first: make run"
            ) from error
        if not answer.is_success:
            raise DemoFailed(f"{method} {path}: answered {answer.status_code}: {answer.text[:300]}")
        return answer


def _of(scene: Scene, incidents: Sequence[Incident]) -> list[Incident]:
    """The incidents that an alert is part of: its labels are theirs, and the newest of each group counts."""
    return [one for one in incidents if one.group_labels and one.group_labels.items() <= scene.labels.items()]


def _all_settled(server: Server, scenes: Sequence[Scene]) -> list[list[Incident]] | None:
    incidents = server.incidents()
    found = [_of(scene, incidents) for scene in scenes]
    return found if all(ours and all(_settled(one) for one in ours) for ours in found) else None


def _settled(incident: Incident) -> bool:
    """Tell whether all were told, or somebody said why not."""
    told = incident.destinations and all(not one.in_flight for one in incident.destinations)
    return incident.state != "pending" and bool(told or incident.suppressed or incident.held)


def _all_over(server: Server, scenes: Sequence[Scene]) -> list[list[Incident]] | None:
    incidents = server.incidents()
    found = [_of(scene, incidents) for scene in scenes]
    over = all(one.state == "resolved" and not any(to.in_flight for to in one.destinations) for o in found for one in o)
    return found if over else None


def _until(look: Callable[[], list[list[Incident]] | None], seconds: float, complaint: str) -> list[list[Incident]]:
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise DemoFailed(f"{complaint} within {seconds:.0f} s: see `alertrouter incidents` and the log")
        time.sleep(LOOK_EVERY)
    return found


def _show(
    console: Console,
    server: Server,
    scenes: Sequence[Scene],
    found: Sequence[Sequence[Incident]],
    shown: Mapping[str, int],
) -> Counter[str]:
    """Print what came of each alert: who was told, and its incident's story after the lines already shown."""
    lines = Counter(shown)
    for scene, incidents in zip(scenes, found, strict=True):
        for incident in incidents:
            console.print(f"\n{incident.id} {scene.labels['alertname']} ({scene.labels['severity']})", style="bold")
            if not lines[incident.id]:
                console.print(f"   {scene.shows}", style="italic")
            console.print(f"   {incident.state}; told: {_told(incident)}")
            story_of_it = server.timeline(incident)
            for line in story_of_it[lines[incident.id] :]:
                what = line.transition or line.reason or ""
                console.print(f"   {line.at.astimezone():%H:%M:%S}  {what:10} {line.text}", style="dim")
            lines[incident.id] = len(story_of_it)
    return lines


def _told(incident: Incident) -> str:
    told = [one.id + (f" (failed: {one.error})" if one.error else "") for one in incident.destinations]
    why = sorted({*incident.suppressed.values(), incident.held} - {""})
    return ", ".join(told) or f"nobody: {'; '.join(why) or 'it is over'}"
