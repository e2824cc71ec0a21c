"""The real Alertmanager beside us: the same alerts, silences and rules, the same answers of the API.

A fresh seed each time; a failure prints it, ALERTROUTER_SEED repeats it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from alertrouter.policy.alertmanager.conversion import convert
from alertrouter.settings import Settings
from tests.inside import inside
from tests.journeys.programs import Programs, installed
from tests.web.door import free_port

NAMES: Final = ("alertname", "node", "severity", "team")
VALUES: Final = {
    "alertname": ("Down", "Slow", "Full"),
    "node": ("n1", "n2", "n3"),
    "severity": ("critical", "warning"),
    "team": ("db", "web"),
}
PATTERNS: Final = (".+", ".*", "n[12]", "Down|Slow", "critical", "d.", "")
ALERTS: Final = 60
SILENCES: Final = 25
QUESTIONS: Final = 40
WITHIN: Final = 30.0

CONFIG: Final = """
route:
  receiver: default
  group_by: [alertname]
  group_wait: 1h
  routes:
  - {matchers: ['team="db"'], receiver: db, continue: true, group_by: [node]}
  - {matchers: ['severity=~"crit.*"'], receiver: pager}
  - {matchers: ['team="web"'], receiver: web}
receivers: [{name: default}, {name: db}, {name: pager}, {name: web}]
inhibit_rules:
- {source_matchers: ['alertname="Down"'], target_matchers: ['alertname!="Down"'], equal: [node]}
- {source_matchers: ['severity="critical"'], target_matchers: ['severity=~".+"'], equal: [alertname, team]}
"""


@pytest.fixture
def seed() -> int:
    """Another one each time, unless ALERTROUTER_SEED asks for one again."""
    return int(os.environ.get("ALERTROUTER_SEED") or random.SystemRandom().randrange(1_000_000_000))


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[str]:
    """The address of a real Alertmanager with that configuration."""
    program = installed("prometheus-alertmanager")
    (tmp_path / "alertmanager.yml").write_text(CONFIG, encoding="utf-8")
    port = free_port()
    programs = Programs(tmp_path)
    try:
        programs.start(
            "alertmanager",
            [
                program,
                f"--config.file={tmp_path / 'alertmanager.yml'}",
                f"--storage.path={tmp_path / 'storage'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
        )
        yield f"http://127.0.0.1:{port}"
    finally:
        programs.stop()


class Both:
    """The two, asked the same."""

    def __init__(self, ours: httpx2.AsyncClient, theirs: httpx2.AsyncClient) -> None:
        self._clients = (ours, theirs)
        self._ids: tuple[dict[str, int], dict[str, int]] = ({}, {})

    async def ready(self) -> None:
        """Wait until both are."""
        for client in self._clients:
            await _eventually(lambda client=client: _is_ready(client))  # type: ignore[misc]  # bound at once

    async def post(self, path: str, body: object, number: int = -1) -> int:
        """Post to both; gives the status, which must be the same. Silences are remembered by their number."""
        answers = [await client.post(path, json=body) for client in self._clients]
        assert answers[0].status_code == answers[1].status_code, [(one.status_code, one.text) for one in answers]
        for ids, answer in zip(self._ids, answers, strict=True):
            if number >= 0 and answer.status_code == 200:
                ids[answer.json()["silenceID"]] = number
        return answers[0].status_code

    async def end(self, number: int) -> None:
        """End a silence in both."""
        for client, ids in zip(self._clients, self._ids, strict=True):
            for name in [name for name, found in ids.items() if found == number]:
                await client.delete(f"/api/v2/silence/{name}")

    async def compare(self, path: str, query: dict[str, Any]) -> None:
        """Ask both until they say the same, or for too long."""

        async def same() -> bool:
            ours, theirs = [await self._ask(place, path, query) for place in (0, 1)]
            self.last = f"{path} {query}\nours   {ours}\ntheirs {theirs}"
            return bool(ours == theirs)

        assert await _eventually(same), self.last

    async def _ask(self, place: int, path: str, query: dict[str, Any]) -> Any:  # noqa: ANN401 -- any JSON
        answer = await self._clients[place].get(path, params=query)
        if answer.status_code != 200:
            return answer.status_code
        found = answer.json()
        if path.endswith("groups"):
            return [(one["labels"], one["receiver"]["name"], self._alerts(place, one["alerts"])) for one in found]
        if path.endswith("silences"):
            return sorted((self._ids[place][one["id"]], one["status"]["state"]) for one in found)
        return self._alerts(place, found)

    def _alerts(self, place: int, alerts: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        return sorted(
            (
                json.dumps(one["labels"], sort_keys=True),
                one["fingerprint"],
                one["status"]["state"],
                sorted(self._ids[place][name] for name in one["status"]["silencedBy"]),
                bool(one["status"]["inhibitedBy"]),
                [each["name"] for each in one["receivers"]],
            )
            for one in alerts
        )


def test_alerts_silences_and_inhibition_are_shown_as_alertmanager_shows_them(
    alertmanager: str, settings_for: Callable[..., Settings], seed: int
) -> None:
    """Dozens of random alerts under random silences; then random questions, and again when some have ended."""
    sys.stdout.write(f"seed {seed}\n")  # shown when it fails, and by `pytest -s`
    chance = random.Random(seed)
    policy = "\n".join(convert("alertmanager.yml", CONFIG).files.values())

    async def live() -> None:
        async with (
            inside(settings_for(policy)) as ours,
            httpx2.AsyncClient(base_url=alertmanager, timeout=30, trust_env=False) as theirs,
        ):
            both = Both(ours, theirs)
            await both.ready()
            assert await both.post("/api/v2/alerts", [{"labels": _labels(chance)} for _ in range(ALERTS)]) == 200
            for number in range(SILENCES):
                await both.post("/api/v2/silences", _silence(chance), number)
            for _ in range(QUESTIONS):
                await both.compare(*_question(chance))
            for number in range(0, SILENCES, 2):
                await both.end(number)
            for _ in range(QUESTIONS // 2):
                await both.compare(*_question(chance))

    asyncio.run(live())


def _labels(chance: random.Random) -> dict[str, str]:
    named = chance.sample(NAMES[1:], chance.randint(0, 3))
    return {name: chance.choice(VALUES[name]) for name in ("alertname", *named)}


def _matcher(chance: random.Random) -> dict[str, Any]:
    name, is_regex = chance.choice(NAMES), chance.random() < 0.4
    value = chance.choice(PATTERNS if is_regex else (*VALUES[name], ""))
    return {"name": name, "value": value, "isRegex": is_regex, "isEqual": chance.random() < 0.7}


def _silence(chance: random.Random) -> dict[str, Any]:
    start = chance.choice(("2020-01-01T00:00:00Z", "2098-01-01T00:00:00Z"))
    return {
        "matchers": [_matcher(chance) for _ in range(chance.randint(1, 3))],
        "startsAt": start,
        "endsAt": chance.choice(("2099-01-01T00:00:00Z", "2099-02-01T00:00:00Z", "2021-01-01T00:00:00Z")),
        "createdBy": "test",
        "comment": "c",
    }


def _question(chance: random.Random) -> tuple[str, dict[str, Any]]:
    """A question to the API, with random filters."""
    filters = []
    for _ in range(chance.randint(0, 2)):
        one = _matcher(chance)
        operator = {(True, True): "=~", (True, False): "!~", (False, True): "=", (False, False): "!="}
        filters.append(f'{one["name"]}{operator[one["isRegex"], one["isEqual"]]}"{one["value"]}"')
    path = chance.choice(("/api/v2/alerts", "/api/v2/alerts", "/api/v2/alerts/groups", "/api/v2/silences"))
    query: dict[str, Any] = {"filter": filters}
    if path != "/api/v2/silences":
        for flag in ("active", "silenced", "inhibited"):
            if chance.random() < 0.3:
                query[flag] = "false"
        if chance.random() < 0.3:
            query["receiver"] = chance.choice(("db", "d.*", "pager|web", "nobody", "("))
    return path, query


async def _eventually(check: Callable[[], Any]) -> bool:
    ends = asyncio.get_running_loop().time() + WITHIN
    while not await check():
        if asyncio.get_running_loop().time() > ends:
            return False
        await asyncio.sleep(0.05)
    return True


async def _is_ready(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/-/ready")).status_code == 200
    except httpx2.TransportError:
        return False
