"""The API answers as Alertmanager's does: each recorded scenario against a fresh door with a router behind it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

import httpx2
import msgspec
import pytest

from alertrouter.policy.alertmanager.conversion import convert
from alertrouter.settings import Settings
from tests.inside import inside

WITHIN: Final = 10.0
"""Seconds that an answer has to become what is expected: what was posted is shown once the router has dealt with it."""

_MOMENT: Final = re.compile(r"@([+-]\d+)s")


class Step(msgspec.Struct):
    """One request and what is expected of its answer."""

    method: str
    path: str
    expect: dict[str, Any]
    body: Any = None
    raw: str | None = None
    content_type: str = "application/json"
    query: dict[str, str | list[str]] = {}
    save: str = ""
    override: dict[str, Any] = {}


class Scenario(msgspec.Struct):
    """Requests to one server with this configuration."""

    id: str
    config: str
    steps: list[Step]


class Speaker:
    """Asks one server, and remembers what later steps refer to."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self._now = datetime.now(UTC)
        self._saved: dict[str, Any] = {}

    async def live(self, step: Step) -> None:
        """Ask until the answer is as expected, or for too long; what changed something is asked once."""
        ends = asyncio.get_running_loop().time() + WITHIN
        while True:
            answer = await self._ask(step)
            fault = self._fault(step, answer)
            if not fault:
                break
            may_ask_again = step.method == "GET" or answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
            patient = may_ask_again and asyncio.get_running_loop().time() < ends
            assert patient, f"{step.method} {step.path}: {fault}\n{answer.status_code} {answer.text}"
            await asyncio.sleep(0.02)
        if step.save:
            value = answer.json()
            self._saved[step.save] = value.get("silenceID", value) if step.save == "id" else value

    async def _ask(self, step: Step) -> httpx2.Response:
        path = step.path.replace("{id}", str(self._saved.get("id", "")))
        content = step.raw.encode() if step.raw is not None else None
        if step.raw is None and step.method == "POST":
            given = self._saved["sil"] if step.body == "{sil}" else step.body
            if step.override:
                given = {**given, **step.override}
            content = msgspec.json.encode(self._timed(given))
        headers = {"Content-Type": step.content_type} if content is not None else {}
        return await self._client.request(step.method, path, params=step.query, content=content, headers=headers)

    def _timed(self, value: Any) -> Any:  # noqa: ANN401 -- any JSON
        if isinstance(value, dict):
            return {name: self._timed(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self._timed(one) for one in value]
        if isinstance(value, str) and (found := _MOMENT.fullmatch(value)):
            return self._now + timedelta(seconds=int(found[1]))
        return value

    def _fault(self, step: Step, answer: httpx2.Response) -> str:
        for name, expected in step.expect.items():
            try:
                found = CHECKS[name](self, answer, expected)
            except (KeyError, IndexError, TypeError, ValueError) as error:
                found = f"no such thing: {error!r}"
            if found is not True:
                return f"{name}: expected {expected}, found {found}"
        return ""

    def times(self, answer: httpx2.Response, expected: dict[str, int]) -> object:
        """The moments of the first alert, in seconds from now, near enough for a machine that is busy."""
        first = answer.json()[0]
        found = {name: (datetime.fromisoformat(first[name]) - self._now).total_seconds() for name in expected}
        return all(abs(found[name] - seconds) < WITHIN for name, seconds in expected.items()) or found

    def same_id(self, answer: httpx2.Response, expected: bool) -> object:
        """Whether a silence kept its id."""
        return (answer.json()["silenceID"] == self._saved["id"]) is expected or answer.json()


def _names(answer: httpx2.Response) -> list[str]:
    return sorted(alert["labels"]["alertname"] for alert in answer.json())


def _groups(answer: httpx2.Response) -> list[list[Any]]:
    return [[one["labels"], one["receiver"]["name"], len(one["alerts"])] for one in answer.json()]


def _by_severity(answer: httpx2.Response) -> dict[str, dict[str, object]]:
    return {
        one["labels"]["severity"]: {
            "state": one["status"]["state"],
            "inhibited": len(one["status"]["inhibitedBy"]),
            "silenced": len(one["status"]["silencedBy"]),
        }
        for one in answer.json()
    }


def _equal(look: Callable[[httpx2.Response], object]) -> Callable[[Speaker, httpx2.Response, Any], object]:
    def check(_: Speaker, answer: httpx2.Response, expected: Any) -> object:  # noqa: ANN401 -- any JSON
        found = look(answer)
        return found == expected or found

    return check


CHECKS: Final[dict[str, Callable[[Speaker, httpx2.Response, Any], object]]] = {
    "status": _equal(lambda answer: answer.status_code),
    "body_contains": lambda _, answer, text: text in answer.text or answer.text,
    "json_length": _equal(lambda answer: len(answer.json())),
    "labels_set": _equal(lambda answer: [alert["labels"] for alert in answer.json()]),
    "alertnames": _equal(_names),
    "names": _equal(lambda answer: [one["name"] for one in answer.json()]),
    "groups": _equal(_groups),
    "by_severity": _equal(_by_severity),
    "state": _equal(lambda answer: answer.json()["status"]["state"]),
    "matchers": _equal(lambda answer: answer.json()["matchers"]),
    "has_key": lambda _, answer, name: name in answer.json(),
    "first": lambda _, answer, wanted: all(answer.json()[0][name] == one for name, one in wanted.items()),
    "first_times": Speaker.times,
    "same_id": Speaker.same_id,
}


@pytest.mark.conformance("api_v2.json", Scenario)
def test_a_client_of_alertmanager_finds_what_it_finds_there(
    case: Scenario, settings_for: Callable[..., Settings]
) -> None:
    """The same requests, the same answers."""
    policy = "\n".join(convert("alertmanager.yml", case.config).files.values())

    async def live() -> None:
        async with inside(settings_for(policy)) as client:
            speaker = Speaker(client)
            for step in case.steps:
                await speaker.live(step)

    asyncio.run(live())
