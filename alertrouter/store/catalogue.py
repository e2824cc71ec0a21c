"""What fires now and what holds it back, as a door shows it: found in Redis, with the help of an index of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final, cast

import msgspec
import redis.asyncio

from alertrouter.alert import Alert, Fingerprint, Labels, alertmanager_fingerprint
from alertrouter.engine.silencing import Silencer
from alertrouter.errors import PolicyError
from alertrouter.incident import Incident
from alertrouter.policy.load import load
from alertrouter.policy.matcher import Matcher, Op
from alertrouter.policy.policy import Policy
from alertrouter.silence import Silence, SilenceState
from alertrouter.store.alert_index import AlertIndex
from alertrouter.store.connection import border
from alertrouter.store.keys import Keys
from alertrouter.store.readable import readable
from alertrouter.store.together import together

_SILENCE: Final = msgspec.msgpack.Decoder(Silence).decode
_INCIDENT: Final = msgspec.msgpack.Decoder(Incident).decode
_FILES: Final = msgspec.msgpack.Decoder(dict[str, str]).decode
_AT_A_TIME: Final = 2000


class Shown(msgspec.Struct, frozen=True):
    """A firing alert, the silences and the alerts that hold it back, and the incidents it belongs to.

    `name` and `inhibited_by` are fingerprints as Alertmanager has them.
    """

    name: str
    alert: Alert
    labels: dict[str, str]
    silences: tuple[Silence, ...]
    inhibited_by: tuple[str, ...]
    incidents: tuple[Incident, ...]


class Catalogue:
    """For one event loop. What changes rarely (the policy, the silences) is kept as long as Redis has the same."""

    def __init__(self, client: redis.asyncio.Redis, keys: Keys) -> None:
        self._redis = client
        self._keys = keys
        self._index = AlertIndex(client, keys)
        self._policy: tuple[str, Policy | None] = ("", None)
        self._silences: tuple[bytes | None, dict[str, Silence], Silencer] = (b"", {}, Silencer())

    async def firing(self, matchers: Sequence[Matcher], now: datetime) -> list[Shown]:
        """Give the alerts that fire now and meet all matchers, by fingerprint, with what holds them back."""
        pairs = [(one.name, one.value) for one in matchers if one.op is Op.EQUAL and one.value]
        alerts = await self._index.find(pairs) if pairs else [alert async for alert in self._index.all()]
        found = await asyncio.to_thread(_matching, alerts, matchers, now)
        policy = await self.policy()
        held = await self._index.holding(found, policy.inhibit_rules if policy else (), now)
        await self.silences()
        incidents = await self._incidents({name for alert in found for name in alert.incidents})
        names = {mark: tuple(self._index.name_of(one.source) for one in sources) for mark, sources in held.items()}
        return await asyncio.to_thread(self._shown, found, names, incidents, now)

    async def alerts_of(self, incident: Incident, limit: int) -> list[Alert]:
        """Give the alerts of an incident, found by the labels that make its group."""
        pairs = [pair for pair in incident.group_labels.items() if pair[1]]
        alerts = await self._index.find(pairs) if pairs else [alert async for alert in self._index.all()]
        return await asyncio.to_thread(_belonging, alerts, incident.id, limit)

    async def policy(self) -> Policy | None:
        """Give the policy in force; None when there is none, or it can't be read."""
        with border():
            revision = cast(bytes | None, await self._redis.get(self._keys.active))
        named = (revision or b"").decode()
        if named != self._policy[0] or self._policy[1] is None:
            self._policy = (named, await self._load(named))
        return self._policy[1]

    async def files(self) -> Mapping[str, str]:
        """Give the texts of the policy in force, by file name; none when they can't be read."""
        with border():
            revision = await self._redis.get(self._keys.active)
            packed = await cast(Awaitable[bytes | None], self._redis.hget(self._keys.policies, revision or ""))
        return next(readable([packed], _FILES), {}) if packed else {}

    async def silences(self) -> dict[str, Silence]:
        """Give all silences that are known, by id."""
        with border():
            version = cast(bytes | None, await self._redis.get(self._keys.silences_version))
            if version == self._silences[0]:
                return self._silences[1]
            packed = cast(list[bytes], await self._redis.hvals(self._keys.silences))
        known = {one.id: one for one in readable(packed, _SILENCE)}
        ahead = Silencer(one for one in known.values() if one.state is not SilenceState.EXPIRED)
        self._silences = (version, known, ahead)
        return known

    def _shown(
        self,
        alerts: Iterable[Alert],
        held: Mapping[Fingerprint, tuple[str, ...]],
        incidents: Mapping[str, Incident],
        now: datetime,
    ) -> list[Shown]:
        silencer = self._silences[2]
        shown = []
        for alert in alerts:
            labels = alert.labels
            found = Shown(
                alertmanager_fingerprint(labels),
                alert,
                labels,
                silencer.holding(None, labels, now),
                held.get(alert.fingerprint, ()),
                tuple(incidents[name] for name in alert.incidents if name in incidents),
            )
            shown.append(found)
        return sorted(shown, key=lambda one: one.name)

    async def _incidents(self, names: set[str]) -> dict[str, Incident]:
        wanted = sorted(names)
        parts = [wanted[start : start + _AT_A_TIME] for start in range(0, len(wanted), _AT_A_TIME)]
        with border():
            answers = await together(self._redis, [("HMGET", self._keys.incidents, *part) for part in parts])
        found = list(readable((packed for answer in answers for packed in answer if packed), _INCIDENT))
        return {one.id: one for one in found}

    async def _load(self, revision: str) -> Policy | None:
        files = await self.files()
        if not files:
            return None
        try:
            return await asyncio.to_thread(load, files)
        except PolicyError:
            return None


def _belonging(alerts: Iterable[Alert], incident: str, limit: int) -> list[Alert]:
    return list(islice((one for one in alerts if incident in one.incidents), limit))


def _matching(alerts: Iterable[Alert], matchers: Sequence[Matcher], now: datetime) -> list[Alert]:
    firing = (one for one in alerts if one.firing(now))
    return [one for one in firing if not matchers or _meets(one.labels, matchers)]


def _meets(labels: Labels, matchers: Sequence[Matcher]) -> bool:
    return all(matcher.matches(labels) for matcher in matchers)
