"""A storm of alerts, posted as Alertmanager posts them: a group at a time, again and again until it is taken in."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

from tests.journeys.installation import Door
from tests.waiting import eventually

Status: TypeAlias = Literal["firing", "resolved"]

MARK: Final = re.compile(r"storm-[0-9]+-[0-9]+-[0-9]+")
"""What names one alert of a storm wherever a message shows it."""

SENDERS: Final = 8
"""Posts that are on their way at a time."""


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts that belong together; `wave` tells the storms of one test apart."""

    wave: int
    number: int
    size: int
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def name(self) -> str:
        """The value of its group label."""
        return f"storm-{self.wave}-{self.number}"

    @property
    def marks(self) -> frozenset[str]:
        """The names of its alerts."""
        return frozenset(f"{self.name}-{alert}" for alert in range(self.size))

    def body(self, status: Status) -> bytes:
        """Write the webhook body that Alertmanager would post of it now."""
        common = {"alertname": "Storm", "severity": "critical", "component": "infrastructure", "storm": self.name}
        ends = datetime.now(UTC).isoformat() if status == "resolved" else "0001-01-01T00:00:00Z"
        alerts = [
            {
                "status": status,
                "labels": {**common, "instance": mark},
                "annotations": {"summary": "The storm is here"},
                "startsAt": self.began.isoformat(),
                "endsAt": ends,
                "generatorURL": "http://prometheus.example.com/graph",
                "fingerprint": "0000000000000000",
            }
            for mark in sorted(self.marks)
        ]
        return json.dumps(
            {
                "version": "4",
                "groupKey": f'{{}}:{{storm="{self.name}"}}',
                "truncatedAlerts": 0,
                "status": status,
                "receiver": "alertrouter",
                "groupLabels": {"storm": self.name},
                "commonLabels": common,
                "commonAnnotations": {"summary": "The storm is here"},
                "externalURL": "http://alertmanager.example.com",
                "alerts": alerts,
            }
        ).encode()


def groups(count: int, *, size: int, wave: int = 0) -> list[Group]:
    """Make the groups of a storm."""
    return [Group(wave, number, size) for number in range(count)]


class Sender:
    """Posts groups to a door. Like Alertmanager it tries again on 5xx and broken connections, and on nothing else."""

    def __init__(self, door: Door) -> None:
        """Post to `door`, a few at a time."""
        self.tried_again = Counter[str]()
        self._door = door
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="storm")
        self._posts: list[Future[None]] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def offer(self, some: Iterable[Group], status: Status) -> None:
        """Begin to post these groups."""
        self._posts += [self._pool.submit(self._post, group.body(status)) for group in some]

    def wait_for(self, some: int, *, within: float) -> None:
        """Wait until so many of what was offered last are taken in."""
        eventually(lambda: sum(post.done() for post in self._posts) >= some, within=within, what="the door takes posts")

    def finish(self, *, within: float) -> None:
        """Wait until all that was offered is taken in; raises when the door refused something for good."""
        deadline = time.monotonic() + within
        for post in self._posts:
            post.result(timeout=max(deadline - time.monotonic(), 0))
        self._posts.clear()

    def close(self) -> None:
        """Give up what is not yet taken in."""
        self._closed.set()
        self._pool.shutdown(cancel_futures=True)

    def _post(self, body: bytes) -> None:
        pause = 0.05
        while not self._closed.is_set():
            try:
                status = self._door.post("/api/v1/alertmanager", body)
            except OSError as broken:
                answer = type(broken).__name__
            else:
                if status == 200:
                    return
                answer = str(status)
                assert status >= 500, f"the door answered {status}: Alertmanager would drop these alerts"
            with self._lock:
                self.tried_again[answer] += 1
            self._closed.wait(pause)
            pause = min(pause * 2, 1)


@dataclass(slots=True)
class Heard:
    """What one far side heard of a storm, request by request."""

    told: dict[str, set[str]] = field(default_factory=dict)
    messages: Counter[tuple[str, frozenset[str]]] = field(default_factory=Counter)

    def hear(self, group: str, marks: frozenset[str]) -> None:
        """Take in one message about a group."""
        self.told.setdefault(group, set()).update(marks)
        self.messages[group, marks] += 1

    def missing(self, some: Sequence[Group]) -> list[str]:
        """The alerts that it was never told of."""
        return sorted(mark for group in some for mark in group.marks - self.told.get(group.name, set()))

    @property
    def duplicates(self) -> int:
        """How many messages said what an earlier one had said."""
        return sum(times - 1 for times in self.messages.values())


def heard(messages: Iterable[str]) -> Heard:
    """Read off what a far side heard from the texts of the messages that it got."""
    result = Heard()
    for text in messages:
        marks = frozenset(MARK.findall(text))
        for group in {mark.rpartition("-")[0] for mark in marks}:
            result.hear(group, frozenset(mark for mark in marks if mark.rpartition("-")[0] == group))
    return result
