"""Clients for every kind of Redis URL, and the border at which Redis's errors become `StoreUnavailable`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypedDict
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import NoBackoff
from redis.client import Pipeline as Pipeline
from redis.retry import Retry
from redis.sentinel import Sentinel

from alertrouter.errors import SettingsError, StoreUnavailable

CONNECT_TIMEOUT: Final = 0.5
ANSWER_TIMEOUT: Final = 2.0
SENTINEL_PORT: Final = 26379
EXPECTED: Final = (
    "redis://host:port/db, rediss://host:port/db, unix:///path/to.sock or redis+sentinel://host:port,host:port/name"
)


class _Options(TypedDict):
    socket_connect_timeout: float
    socket_timeout: float | None
    health_check_interval: int
    protocol: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SentinelAddress:
    """A `redis+sentinel://` URL, taken apart. User and password are those of Redis."""

    hosts: tuple[tuple[str, int], ...]
    name: str
    db: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)


def connect(url: str, *, blocking: bool = False, patience: float = ANSWER_TIMEOUT) -> redis.Redis:
    """Make a client; it connects at its first command, and waits `patience` seconds for an answer.

    `blocking` is for commands that wait without an end (RQ): no limit.

    It never repeats a command by itself: redis-py would, up to ten times, also after the command was carried out.
    """
    options = _options(None if blocking else patience)
    address = _checked(url)
    if isinstance(address, SentinelAddress):
        asked = Sentinel(  # type: ignore[no-untyped-call]  # redis-py leaves Sentinel untyped
            list(address.hosts),
            sentinel_kwargs={**_options(ANSWER_TIMEOUT), "retry": Retry(NoBackoff(), 0)},
            **options,
            retry=Retry(NoBackoff(), 0),
        )
        master: redis.Redis = asked.master_for(  # type: ignore[no-untyped-call]  # as above
            address.name, db=address.db, username=address.username, password=address.password
        )
        return master
    return redis.Redis.from_url(url, **options, retry=Retry(NoBackoff(), 0))


def connect_async(url: str) -> redis.asyncio.Redis:
    """Make an asyncio client; as `connect`."""
    options = _options(ANSWER_TIMEOUT)
    address = _checked(url)
    if isinstance(address, SentinelAddress):
        asked = AsyncSentinel(  # type: ignore[no-untyped-call]  # redis-py leaves Sentinel untyped
            list(address.hosts),
            sentinel_kwargs={**options, "retry": AsyncRetry(NoBackoff(), 0)},
            **options,
            retry=AsyncRetry(NoBackoff(), 0),
        )
        master: redis.asyncio.Redis = asked.master_for(
            address.name, db=address.db, username=address.username, password=address.password
        )
        return master
    return redis.asyncio.Redis.from_url(url, **options, retry=AsyncRetry(NoBackoff(), 0))


@contextmanager
def border() -> Iterator[None]:
    """Turn what redis-py raises into `StoreUnavailable`; usable as a decorator of plain functions too."""
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis does not answer: {type(error).__name__}: {error}") from error


def without_password(url: str) -> str:
    """Give the URL as it may be shown: the password is left out."""
    head, at, rest = url.rpartition("@")
    if not at:
        return url
    scheme, _, credentials = head.partition("://")
    user = credentials.partition(":")[0]
    return f"{scheme}://{user}:***@{rest}"


def sentinel_address(url: str) -> SentinelAddress:
    """Take `redis+sentinel://[user:pw@]h1:26379,h2/name[?db=0]` apart; raises `SettingsError`."""
    netloc, _, rest = url.partition("://")[2].partition("/")
    parts = urlsplit(f"/{rest}")  # without the hosts: it knows one only, and refuses `a,[::1]`
    credentials, _, hosts = netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    name = parts.path.strip("/")
    if not hosts or not name or "/" in name:
        raise _wrong(url, "redis+sentinel://host:26379,host:26379/name")
    return SentinelAddress(
        hosts=tuple(_host(url, host) for host in hosts.split(",") if host),
        name=unquote(name),
        db=_database(url, parts),
        username=unquote(user) or None,
        password=unquote(password) or None,
    )


def _checked(url: str) -> SentinelAddress | None:
    scheme = url.partition("://")[0]
    if scheme == "redis+sentinel":
        return sentinel_address(url)
    if scheme not in ("redis", "rediss", "unix"):
        raise _wrong(url, EXPECTED)
    try:
        port = urlsplit(url).port
    except ValueError:
        port = -1
    if port == -1:
        raise _wrong(url, "a port between 0 and 65535")
    return None


def _host(url: str, text: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        if parts.hostname:
            return parts.hostname, parts.port or SENTINEL_PORT
    except ValueError as error:
        raise _wrong(url, "host:port of each sentinel") from error
    raise _wrong(url, "host:port of each sentinel")


def _database(url: str, parts: SplitResult) -> int:
    query = parse_qs(parts.query)
    unknown = sorted(set(query) - {"db"})
    number = query.get("db", ["0"])[-1]
    if unknown or not number.isdecimal():
        raise _wrong(url, "?db=NUMBER and nothing else after the name")
    return int(number)


def _wrong(url: str, expected: str) -> SettingsError:
    return SettingsError(f"ALERTROUTER_REDIS_URL: found {without_password(url)!r}, expected {expected}")


def _options(patience: float | None) -> _Options:
    return {
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "socket_timeout": patience,
        "health_check_interval": 0,
        "protocol": 2,
    }
