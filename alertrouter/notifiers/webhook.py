"""A webhook out: posts Alertmanager's body, version 4, so that whatever reads Alertmanager reads us."""

from __future__ import annotations

import base64
import contextlib
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

import httpx2
import msgspec

from alertrouter.errors import PermanentFailure, TemporaryFailure
from alertrouter.incident import Reason
from alertrouter.notice import Notice, NoticeAlert, Status, in_order
from alertrouter.notifiers import http
from alertrouter.notifiers.connections import NoRequest, Target, target_of
from alertrouter.notifiers.exchange import Exchange
from alertrouter.notifiers.notifier import Departed, Leave, Patience, Sent
from alertrouter.policy.receiver import Channel

_STILL_FIRING: Final = "0001-01-01T00:00:00Z"
NOTIFICATION_REASONS: Final = {
    Reason.OPENED: "first notification",
    Reason.REOPENED: "first notification",
    Reason.UNSILENCED: "first notification",
    Reason.JOINED: "new alerts added",
    Reason.CHANGED: "some alerts resolved",
    Reason.RESOLVED: "all alerts resolved",
    Reason.REPEATED: "repeat interval elapsed",
}
_METADATA_SERVICES: Final = tuple(
    ip_network(text) for text in ("100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::254/128", "fd20:ce::254/128")
)
"""Where clouds answer with credentials, besides the link-local 169.254.169.254."""


class Alert(msgspec.Struct, rename="camel"):
    """One alert, as Alertmanager writes it."""

    status: Status
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: str
    generator_url: str = msgspec.field(name="generatorURL")
    fingerprint: str


class Body(msgspec.Struct, rename="camel", kw_only=True):
    """Alertmanager's webhook body, with the two keys that it has had since 0.32 and 0.34."""

    receiver: str
    status: Status
    alerts: list[Alert]
    notification_reason: str = msgspec.field(name="notification_reason")
    group_labels: dict[str, str]
    common_labels: dict[str, str]
    common_annotations: dict[str, str]
    route_labels: dict[str, str] = {}
    external_url: str = msgspec.field(name="externalURL")
    version: str = "4"
    group_key: str
    truncated_alerts: int


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who posts: a bearer token, else a user by basic auth, else nobody in particular."""

    bearer_token: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def header(self) -> str:
        """What stands in `Authorization`, "" when nobody asks who posts."""
        if self.bearer_token:
            return f"Bearer {self.bearer_token}"
        return f"Basic {self._user}" if self.username or self.password else ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no error may show."""
        return self.bearer_token, self.password, self._user if self.password else ""

    @property
    def _user(self) -> str:
        """User and password as basic auth has them: https://www.rfc-editor.org/rfc/rfc7617."""
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


class WebhookNotifier:
    """Posts to one address. It follows no redirects and goes through no proxy.

    The address is looked up once for each message, or for those that leave together, refused when it is link-local or
    a metadata service, and the connection goes to what was looked up: a name can't point elsewhere in between.
    """

    channel = Channel.WEBHOOK

    def __init__(self, url: str, credentials: Credentials, max_alerts: int, patience: Patience) -> None:
        self._url = url
        self._authorization = credentials.header
        self._max_alerts = max_alerts
        self._secrets = (*credentials.secrets, *http.secrets_of(url))
        self._client = http.Poster(url, patience, direct=True)

    def lane(self) -> str:
        """One lane for each host; the path may be a secret."""
        return f"webhook:{self._target().host}"

    def send(self, notice: Notice) -> Sent:
        """Post it, trying the host's addresses in turn until one takes the connection."""
        target = self._target()
        content = msgspec.json.encode(body(notice, self._max_alerts))
        *others, last = _addresses(target)
        for address in others:
            with contextlib.suppress(http.NoConnection):
                return self._post(target, address, content, notice)
        return self._post(target, last, content, notice)

    def together(self) -> Leave:
        """Let messages leave over connections that are there; where that is is looked up once for all of them."""
        target = self._target()
        addresses = _addresses(target)

        def leave(notice: Notice) -> Departed | None:
            content = msgspec.json.encode(body(notice, self._max_alerts))
            headers = {**http.JSON, **self._headers(notice)}
            for address in addresses:
                if exchange := self._client.leave(self._url, address, headers, content):
                    return Departed(exchange, partial(self._sent, target, address, exchange))
            return None

        return leave

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _sent(self, target: Target, address: str, exchange: Exchange) -> Sent:
        answer = partial(self._client.answer, self._url, address, exchange)
        http.answered(answer, f"webhook {target.host}", self._secrets)
        return Sent()

    def _target(self) -> Target:
        try:
            target = target_of(self._url)
        except httpx2.InvalidURL:
            raise PermanentFailure("webhook: its url can't be read") from None
        except NoRequest:
            raise PermanentFailure("webhook: its url needs http:// or https:// and a host") from None
        if "%" in target.host:
            raise PermanentFailure("webhook: its url needs http:// or https:// and a host")
        return target

    def _post(self, target: Target, address: str, content: bytes, notice: Notice) -> Sent:
        http.post(
            self._client,
            self._url,
            content,
            who=f"webhook {target.host}",
            secrets=self._secrets,
            headers=self._headers(notice),
            address=address,
        )
        return Sent()

    def _headers(self, notice: Notice) -> dict[str, str]:
        headers = {"Idempotency-Key": notice.delivery}
        if self._authorization:
            headers["Authorization"] = self._authorization
        return headers


def body(notice: Notice, max_alerts: int = 0) -> Body:
    """The notice in Alertmanager's words; the common labels are those of the alerts that are shown."""
    alerts = in_order(notice.alerts)
    shown = alerts[:max_alerts] if max_alerts else alerts
    of_shown = notice
    if len(shown) < len(alerts):
        of_shown = msgspec.structs.replace(notice, firing=tuple(shown), resolved=())
    return Body(
        receiver=notice.receiver,
        status=notice.status,
        alerts=[_alert(alert) for alert in shown],
        notification_reason=NOTIFICATION_REASONS.get(notice.reason, "unknown"),
        group_labels=notice.group_labels,
        common_labels=of_shown.common_labels,
        common_annotations=of_shown.common_annotations,
        external_url=notice.external_url,
        group_key=notice.group_key,
        truncated_alerts=len(alerts) - len(shown),
    )


def refused(address: IPv4Address | IPv6Address) -> bool:
    """Whether no message may go there: link-local, unspecified, multicast, or a cloud's metadata service."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return refused(address.ipv4_mapped)
    if address.is_link_local or address.is_unspecified or address.is_multicast:
        return True
    return any(address in network for network in _METADATA_SERVICES)


def _addresses(target: Target) -> list[str]:
    """The addresses of the host, none of which may be refused. What is an address itself is looked up nowhere."""
    addresses = [target.host] if _is_address(target.host) else _looked_up(target)
    for address in addresses:
        if _refused(address):
            raise PermanentFailure(f"webhook {target.host}: {address} is no place for messages")
    return addresses


def _looked_up(target: Target) -> list[str]:
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TemporaryFailure(f"webhook {target.host}: the name can't be looked up") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@lru_cache(maxsize=1024)
def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def _refused(address: str) -> bool:
    return refused(ip_address(address))


def _alert(alert: NoticeAlert) -> Alert:
    return Alert(
        status=alert.status,
        labels=alert.labels,
        annotations=alert.annotations,
        starts_at=_moment(alert.starts_at),
        ends_at=_moment(alert.ends_at) if alert.ends_at else _STILL_FIRING,
        generator_url=alert.generator_url,
        fingerprint=alert.fingerprint,
    )


@lru_cache(maxsize=4096)
def _moment(moment: datetime) -> str:
    """RFC 3339 as Go writes it: `Z` for UTC, no zeros at the end of a fraction."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"
