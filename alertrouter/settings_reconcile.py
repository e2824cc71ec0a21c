"""Which Alertmanagers are asked what fires, as settings say it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import urlsplit

from alertrouter.errors import SettingsError

LEAST_POLLS: Final = 2

_URLS: Final = "ALERTROUTER_RECONCILE_URLS"
_RECEIVERS: Final = "ALERTROUTER_RECONCILE_RECEIVERS"
_EXPECTED: Final = (
    "expected addresses as http://alertmanager:9093, those of one cluster with `,` between them, clusters with `;`"
)


@dataclass(frozen=True, slots=True)
class Replica:
    """One Alertmanager: `name` is its address as it may be shown, `url` may hold a password."""

    name: str
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """Whom to ask, how often, and how. Each source is the replicas of one cluster; none: nobody is asked.

    `receivers` are the names that Alertmanager's own configuration gives to what posts here.
    """

    sources: tuple[tuple[Replica, ...], ...]
    receivers: tuple[str, ...]
    every: int
    polls: int
    settled_after: int
    username: str
    password: str = field(repr=False)
    password_file: str
    token: str = field(repr=False)
    token_file: str
    ca_file: str


class Variables(Protocol):
    """The environment, read by the rows of the table of settings."""

    def text(self, name: str) -> str:
        """Give a variable's text, or its default."""

    def several(self, name: str) -> tuple[str, ...]:
        """Give the parts between commas."""

    def whole(self, name: str, *, least: int) -> int:
        """Give a whole number."""


def reconcile(env: Variables) -> Reconcile:
    """Read all that concerns it. Raises `SettingsError`, which shows nothing of an address."""
    sources = _sources(env.text(_URLS))
    receivers = env.several(_RECEIVERS)
    if sources and not receivers:
        raise SettingsError(f"{_RECEIVERS}: expected the names of the receivers there that post to alertrouter")
    password, token = env.text("ALERTROUTER_RECONCILE_PASSWORD"), env.text("ALERTROUTER_RECONCILE_TOKEN")
    found = Reconcile(
        sources=sources,
        receivers=receivers,
        every=env.whole("ALERTROUTER_RECONCILE_EVERY", least=1),
        polls=env.whole("ALERTROUTER_RECONCILE_POLLS", least=LEAST_POLLS),
        settled_after=env.whole("ALERTROUTER_RECONCILE_SETTLED_AFTER", least=0),
        username=env.text("ALERTROUTER_RECONCILE_USERNAME"),
        password=password,
        password_file=env.text("ALERTROUTER_RECONCILE_PASSWORD_FILE"),
        token=token,
        token_file=env.text("ALERTROUTER_RECONCILE_TOKEN_FILE"),
        ca_file=env.text("ALERTROUTER_RECONCILE_CA_FILE"),
    )
    if (found.token or found.token_file) and (found.username or found.password or found.password_file):
        raise SettingsError("ALERTROUTER_RECONCILE_TOKEN: expected a token or a user with a password, found both")
    return found


def _sources(text: str) -> tuple[tuple[Replica, ...], ...]:
    sources = []
    seen: set[str] = set()
    for cluster in text.split(";"):
        replicas = tuple(_replica(url.strip()) for url in cluster.split(",") if url.strip())
        for replica in replicas:
            if replica.name in seen:
                raise SettingsError(f"{_URLS}: expected each Alertmanager once, found {replica.name} twice")
            seen.add(replica.name)
        if replicas:
            sources.append(replicas)
    return tuple(sources)


def _replica(url: str) -> Replica:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise SettingsError(f"{_URLS}: {_EXPECTED}") from None
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise SettingsError(f"{_URLS}: {_EXPECTED}")
    name = f"[{host}]" if ":" in host else host
    return Replica(name=name + (f":{port}" if port else "") + parts.path.rstrip("/"), url=url.rstrip("/"))
