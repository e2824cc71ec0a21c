"""What `doctor` looks at in Redis: does it answer, is it new enough, and does it keep what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final, cast

from alertrouter.cli.checkup_here import skew
from alertrouter.cli.finding import Finding, fine, warning, wrong
from alertrouter.errors import StoreUnavailable
from alertrouter.settings import Settings
from alertrouter.store.connection import border, connect, without_password
from alertrouter.store.embedded import OLDEST, redis_url

FULL: Final = 0.8


def redis_server(settings: Settings) -> Iterator[Finding]:
    """Look at the server; without an answer there is only that to say."""
    url = redis_url(settings)
    shown = without_password(url)
    try:
        with connect(url) as client, border():
            facts = cast(Mapping[str, object], client.info())
            asked, seconds = datetime.now(UTC), cast(tuple[int, int], client.time())
            findings = [
                _version(facts, shown),
                _role(facts),
                *_memory(facts),
                _persistence(facts, partial(client.config_get, "appendfsync")),
            ]
    except StoreUnavailable as error:
        mend = "start the server at ALERTROUTER_REDIS_URL, or correct the address, user and password in it"
        if not settings.redis_url:
            mend = "start alertrouter: alertrouter up starts its own Valkey; or set ALERTROUTER_REDIS_URL"
        yield wrong("redis", f"{shown}: {error}", mend)
        return
    yield from findings
    yield skew("Redis", datetime.fromtimestamp(seconds[0] + seconds[1] / 1e6, UTC), asked)


def _version(facts: Mapping[str, object], shown: str) -> Finding:
    flavour = "Valkey" if "valkey_version" in facts else "Redis"
    version = str(facts.get("valkey_version") or facts.get("redis_version") or "0")
    # Valkey says by `redis_version` which Redis it can stand in for.
    speaks = str(facts.get("redis_version", "0")).split(".")
    if tuple(int(part) for part in speaks[:2] if part.isdigit()) < OLDEST:
        return wrong("redis", f"{shown}: {flavour} {version}", "upgrade it: Redis 6.2 or later, or any Valkey")
    return fine("redis", f"{shown}: {flavour} {version}")


def _role(facts: Mapping[str, object]) -> Finding:
    if facts.get("role") == "slave":
        return wrong(
            "redis role",
            f"a replica of {facts.get('master_host')}: it takes no writes",
            "point ALERTROUTER_REDIS_URL at the primary, or use redis+sentinel://…",
        )
    return fine("redis role", f"primary, {facts.get('connected_slaves', 0)} replicas")


def _memory(facts: Mapping[str, object]) -> Iterator[Finding]:
    policy = str(facts.get("maxmemory_policy", ""))
    if not policy:
        yield warning("redis memory", "INFO does not tell maxmemory-policy", "make sure that it is noeviction")
    elif policy != "noeviction":
        yield wrong(
            "redis memory",
            f"maxmemory-policy is {policy}: a full server drops alerts silently",
            "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf",
        )
    else:
        yield fine("redis memory", "maxmemory-policy is noeviction")
    most, used = _number(facts, "maxmemory"), _number(facts, "used_memory")
    if most and used > most * FULL:
        yield warning(
            "redis memory",
            f"{used * 100 // most} % of maxmemory is used; when full, alerts are refused",
            "raise maxmemory",
        )


def _persistence(facts: Mapping[str, object], ask: Callable[[], object]) -> Finding:
    if not _number(facts, "aof_enabled"):
        return wrong(
            "redis AOF",
            "appendonly is off: what was accepted is lost when the server restarts",
            "CONFIG SET appendonly yes, and the same in redis.conf; on a hosted Redis, its persistence option",
        )
    if facts.get("aof_last_write_status", "ok") != "ok":
        return wrong("redis AOF", "the last write to the AOF failed", "see the server's log: is its disk full?")
    try:
        with border():
            found = cast(Mapping[str, str], ask()).get("appendfsync", "")
    except StoreUnavailable:
        return warning(
            "redis AOF",
            "on; CONFIG is forbidden here, so appendfsync can't be read",
            "make sure that it is always or everysec",
        )
    if found == "no":
        return warning("redis AOF", "on, but never synced (appendfsync no)", "CONFIG SET appendfsync everysec")
    costs = ": a power cut may cost a second" if found == "everysec" else ""
    return fine("redis AOF", f"on, appendfsync {found}{costs}")


def _number(facts: Mapping[str, object], name: str) -> int:
    value = facts.get(name, 0)
    return int(value) if isinstance(value, int | float | str) and str(value).isdigit() else 0
