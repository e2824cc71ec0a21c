"""Asks each replica of an Alertmanager what it lists, and whether that can be believed.

Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

import base64
import contextlib
import re
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, Literal, TypeVar

import httpx2
import msgspec

from alertrouter import __version__
from alertrouter.alert import Fingerprint, fingerprint_of, pack
from alertrouter.errors import SourceError
from alertrouter.notifiers import http
from alertrouter.notifiers.notifier import Patience
from alertrouter.reconcile.compare import Listed
from alertrouter.settings_reconcile import Reconcile, Replica
from alertrouter.sources.fault import FAULTS, reason
from alertrouter.sources.report import Moment

PATIENCE: Final = Patience(connect=5, read=10)
MOST_SECONDS: Final = 30.0
MOST_BYTES: Final = 64 * 1024 * 1024

_ALERTS: Final = "/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true"
"""All of them, whoever gets them there: what now goes to another receiver fires still, and is not over."""

_STATUS: Final = "/api/v2/status"
_SILENCE: Final = "/api/v2/silence/"

MOST_SILENCES: Final = 20
"""Of so many silences it is asked who set them, and until when."""

MOST_WORDS: Final = 60
"""Characters of a name or a comment: what is said of a silence stands in one line of a message."""

_ID: Final = re.compile(r"[0-9A-Za-z-]{1,64}")

_T = TypeVar("_T")


class _Receiver(msgspec.Struct, gc=False):
    name: str


class _State(
    msgspec.Struct, gc=False, rename={"silenced_by": "silencedBy", "inhibited_by": "inhibitedBy", "muted_by": "mutedBy"}
):
    state: Literal["active", "suppressed", "unprocessed"]
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    muted_by: tuple[str, ...] = ()


class _Silence(msgspec.Struct, rename={"created_by": "createdBy", "ends_at": "endsAt"}):
    created_by: str
    comment: str
    ends_at: Moment


class _Alert(msgspec.Struct, gc=False, rename={"starts_at": "startsAt", "generator_url": "generatorURL"}):
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: Moment
    receivers: list[_Receiver]
    status: _State
    generator_url: str = ""


class _Cluster(msgspec.Struct):
    status: str


class _Config(msgspec.Struct):
    original: str


class _Status(msgspec.Struct):
    cluster: _Cluster
    config: _Config
    uptime: Moment


_READ_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_READ_ALERT: Final = msgspec.json.Decoder(_Alert)
_READ_SILENCE: Final = msgspec.json.Decoder(_Silence)
_READ_STATUS: Final = msgspec.json.Decoder(_Status)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one replica lists. `doubt` says why what it does not list may fire all the same."""

    listed: Mapping[Fingerprint, Listed]
    config: str
    doubt: str = ""


def read(replica: Replica, settings: Reconcile, now: datetime) -> Reading:
    """Ask one replica. Raises `SourceError`: then nothing of its answer counts."""
    with _client(replica, settings) as client:
        status, date = _asked(client, replica, _STATUS, _READ_STATUS.decode)
        alerts, _ = _asked(client, replica, _ALERTS, _read_alerts)
        ours = frozenset(settings.receivers)
        silences = _silences(client, replica, (one for one in alerts if _leads_to(one, ours)))
    listed = {}
    for alert in alerts:
        labels = {name: value for name, value in alert.labels.items() if value}
        listed[fingerprint_of(pack(labels))] = Listed(
            labels=labels,
            annotations=alert.annotations,
            starts_at=alert.starts_at,
            generator_url=alert.generator_url,
            fires=alert.status.state == "active",
            ours=_leads_to(alert, ours),
            held=_held(alert.status, silences),
        )
    return Reading(listed, status.config.original, _doubt(replica, status, date or now, settings.settled_after))


def joined(readings: Iterable[Reading]) -> dict[Fingerprint, Listed]:
    """Give all that any replica lists. What one of them holds back is held back; the earliest start counts."""
    found: dict[Fingerprint, Listed] = {}
    for reading in readings:
        for mark, one in reading.listed.items():
            other = found.get(mark)
            found[mark] = one if other is None else _both(other, one)
    return found


def _leads_to(alert: _Alert, ours: frozenset[str]) -> bool:
    return any(receiver.name in ours for receiver in alert.receivers)


def _silences(client: httpx2.Client, replica: Replica, alerts: Iterable[_Alert]) -> dict[str, str]:
    """Say of the silences that hold these alerts back who set them; one that can't be asked for is left out."""
    names = dict.fromkeys(alert.status.silenced_by[0] for alert in alerts if alert.status.silenced_by)
    found = {}
    for name in [name for name in names if _ID.fullmatch(name)][:MOST_SILENCES]:
        with contextlib.suppress(SourceError):
            one, _ = _asked(client, replica, _SILENCE + name, _READ_SILENCE.decode)
            comment = f" ({one.comment[:MOST_WORDS]})" if one.comment else ""
            found[name] = f"silenced by {one.created_by[:MOST_WORDS]} until {one.ends_at:%Y-%m-%d %H:%M %Z}{comment}"
    return found


def _held(status: _State, silences: Mapping[str, str]) -> str:
    if status.silenced_by:
        return silences.get(status.silenced_by[0], "silenced")
    if status.inhibited_by:
        return "inhibited"
    return "muted" if status.muted_by else ""


def _both(one: Listed, other: Listed) -> Listed:
    first = min(one, other, key=lambda listed: listed.starts_at)
    return Listed(
        labels=first.labels,
        annotations=first.annotations,
        starts_at=first.starts_at,
        generator_url=first.generator_url,
        fires=one.fires and other.fires,
        ours=one.ours or other.ours,
        held=one.held or other.held,
    )


def _doubt(replica: Replica, status: _Status, now: datetime, settled_after: int) -> str:
    """One that has just started knows only what Prometheus has sent it since."""
    if now - status.uptime < timedelta(seconds=settled_after):
        return f"{replica.name} has been up for less than {settled_after} s"
    if status.cluster.status not in ("ready", "disabled"):
        return f"{replica.name}'s cluster is {status.cluster.status}"
    return ""


def _client(replica: Replica, settings: Reconcile) -> httpx2.Client:
    return httpx2.Client(
        timeout=http.timeout(PATIENCE),
        trust_env=http.heeds_proxies(replica.url),
        follow_redirects=False,
        verify=_trusted(settings.ca_file) if replica.url.startswith("https://") else False,
        headers={
            "User-Agent": f"alertrouter/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # what is packed has any size
            **_credentials(settings),
        },
    )


def _trusted(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file) if ca_file else httpx2.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one
        raise SourceError(f"ALERTROUTER_RECONCILE_CA_FILE: {ca_file} can't be used: {error.strerror}") from None


def _credentials(settings: Reconcile) -> dict[str, str]:
    token = _secret(settings.token, settings.token_file)
    if token:
        return {"Authorization": f"Bearer {token}"}
    if not settings.username:
        return {}
    user = f"{settings.username}:{_secret(settings.password, settings.password_file)}"
    return {"Authorization": "Basic " + base64.b64encode(user.encode()).decode()}


def _secret(value: str, file: str) -> str:
    if not file:
        return value
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SourceError(f"{file}: the secret for Alertmanager can't be read: {why}") from None


def _asked(
    client: httpx2.Client, replica: Replica, path: str, decode: Callable[[bytes], _T]
) -> tuple[_T, datetime | None]:
    """Ask for one thing, whole and within bounds; gives it with the time that its clock says."""
    try:
        with client.stream("GET", replica.url + path) as response:
            body = _whole(response, replica) if response.status_code == 200 else b""
    except http.NO_ANSWER as error:
        raise SourceError(str(http.failure_of(error, replica.name))) from None
    where = f"{replica.name}{path.partition('?')[0]}"
    if response.status_code != 200:
        there = ": give the address that it redirects to" if 300 <= response.status_code < 400 else ""
        raise SourceError(f"{where}: answered {response.status_code}{there}")
    try:
        return decode(body), _date(response.headers.get("date", ""))
    except FAULTS as error:
        raise SourceError(f"{where}: {reason(error, body)}") from None


def _read_alerts(body: bytes) -> list[_Alert]:
    """Read one after the other: whoever shares this process waits for one at most."""
    return [_READ_ALERT.decode(raw) for raw in _READ_LIST.decode(body)]


def _whole(response: httpx2.Response, replica: Replica) -> bytes:
    """Read all of a body; raises when it is too much, or comes too slowly. One that ends early raises by itself."""
    ends, body = time.monotonic() + MOST_SECONDS, bytearray()
    if response.headers.get("content-encoding", "identity") != "identity":
        raise SourceError(f"{replica.name}: the answer is packed, although none was asked for that is")
    for part in response.iter_raw():
        body += part
        if len(body) > MOST_BYTES:
            raise SourceError(f"{replica.name}: the answer is larger than {MOST_BYTES} bytes")
        if time.monotonic() > ends:
            raise SourceError(f"{replica.name}: the answer did not arrive within {MOST_SECONDS:g} s")
    return bytes(body)


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
