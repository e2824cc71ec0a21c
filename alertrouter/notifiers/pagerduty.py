"""PagerDuty: Events API v2, one PagerDuty alert for each incident and destination, triggered and resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

import httpx2
import msgspec
from pagerduty import EventsApiV2Client
from pagerduty.errors import Error, ServerHttpError

from alertrouter.errors import PermanentFailure
from alertrouter.incident import State
from alertrouter.notice import Notice, NoticeAlert
from alertrouter.notifiers import http
from alertrouter.notifiers.exchange import Answer
from alertrouter.notifiers.notifier import Patience, Sent
from alertrouter.policy.receiver import Channel
from alertrouter.render import Renderer, Template, look

MAX_DEDUP_KEY: Final = 255
MAX_DETAILS: Final = 400 * 1024
"""Bytes of details; PagerDuty takes 512 KB of everything."""
MAX_VALUE: Final = 2000
MAX_NAMES: Final = 64
MOST_LINKS: Final = 20

_TEXTS: Final = {
    "summary": Template.PAGERDUTY_SUMMARY,
    "source": Template.PAGERDUTY_SOURCE,
    "class": Template.PAGERDUTY_CLASS,
    "component": Template.PAGERDUTY_COMPONENT,
    "group": Template.PAGERDUTY_GROUP,
}
"""The fields of an event that templates write: https://developer.pagerduty.com/docs/send-alert-event."""


class _AlertDetails(msgspec.Struct):
    """One alert in the details, its texts cut."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    source: str


class _Details(msgspec.Struct):
    """What PagerDuty shows below the summary."""

    incident: str
    receiver: str
    group: dict[str, str]
    num_firing: int
    num_resolved: int
    firing: list[_AlertDetails]
    resolved: list[_AlertDetails]
    not_shown: int
    trace_id: str | msgspec.UnsetType = msgspec.UNSET


class _Events(EventsApiV2Client):
    """PagerDuty's client without its retries (the ledger tries again), at an address that may be any.

    Left alone it would repeat a 429 without end and wait 21 s for a refused connection.
    """

    max_network_attempts = 0

    def __init__(self, routing_key: str, events_url: str, patience: Patience) -> None:
        super().__init__(routing_key, base_url=events_url, trust_env=http.heeds_proxies(events_url))
        self.timeout = http.timeout(patience)  # type: ignore[assignment]  # declared as int, handed on to httpx2

    @property
    def url(self) -> str:
        """Where the Events API is reached; the package itself takes https only."""
        return self._events_url

    @url.setter
    def url(self, new_base_url: str) -> None:
        self._events_url = new_base_url

    def postprocess(self, response: httpx2.Response) -> None:
        """Raise what an answer means before the package's retries see it."""
        answer = Answer(response.status_code, response.headers, response.content)
        http.raise_for(answer, "PagerDuty", (self.auth_method.secret,))


class PagerDutyNotifier:
    """Sends trigger, acknowledge and resolve events. The reference is the dedup key."""

    channel = Channel.PAGERDUTY

    def __init__(
        self,
        routing_key: str,
        events_url: str,
        namespace: str,
        severities: Mapping[str, str],
        renderer: Renderer,
        patience: Patience,
    ) -> None:
        self._client = _Events(routing_key, events_url, patience)
        self._namespace = namespace
        self._severities = severities
        self._renderer = renderer

    def lane(self) -> str:
        """One lane for all: PagerDuty limits by integration key, which is a secret."""
        return "pagerduty"

    def send(self, notice: Notice) -> Sent:
        """Trigger while something fires, acknowledge when somebody took it, resolve when all is over."""
        key = dedup_key(self._namespace, notice)
        known = notice.reference or key
        try:
            if notice.status == "resolved":
                key = known
                self._client.resolve(key)
            elif notice.redraw and notice.state is not State.ACKNOWLEDGED:
                return Sent(reference=known, note="PagerDuty has nothing to redraw")
            elif notice.redraw:
                key = known
                self._client.acknowledge(key)
            else:
                self._client.send_event("trigger", key, **self._properties(notice))
                if known != key:
                    # The page is out; the alert that somebody had taken is over, and nobody was called for that.
                    self._client.resolve(known)
        except ServerHttpError:
            return Sent(reference=key, note="accepted, but the answer can't be read")
        except Error as error:
            if isinstance(error.__cause__, httpx2.HTTPError):
                raise http.failure_of(error.__cause__, "PagerDuty") from None
            raise PermanentFailure(f"PagerDuty: the event can't be sent ({type(error).__name__})") from None
        except http.NO_ANSWER as error:
            raise http.failure_of(error, "PagerDuty") from None
        return Sent(reference=key, proven=True)  # events of one key are one alert

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _properties(self, notice: Notice) -> dict[str, object]:
        payload = {
            **{name: look.one_line(self._renderer.render(made, notice)) for name, made in _TEXTS.items()},
            "severity": self._severity(notice),
            "timestamp": notice.opened_at.isoformat(),
            "custom_details": msgspec.to_builtins(_details(notice)),
        }
        written = look.links_in(self._renderer.render(Template.PAGERDUTY_LINKS, notice))
        links = [{"href": link.url, "text": link.text} for link in written[:MOST_LINKS]]
        client = {"client": "alertrouter"}
        if page := look.web_url(notice.page or notice.external_url):
            client["client_url"] = page
        return {"payload": {name: value for name, value in payload.items() if value}, "links": links, **client}

    def _severity(self, notice: Notice) -> str:
        named = self._severities.get(notice.severity, "").lower()
        if named in set(look.Tone):
            return named
        return look.tone_of(notice.severity, notice.severity_rank, notice.severity_count)


def dedup_key(namespace: str, notice: Notice) -> str:
    """PagerDuty's name for this incident at this destination, the same for trigger and resolve.

    Incident numbers start again when the store is wiped, so the moment of opening is part of it: a new incident
    must never disappear in an old one. So is the number of acknowledgements that ended while it went on: for an alert
    that it holds acknowledged PagerDuty calls nobody, so a page after that is an alert of its own.
    """
    opened = int(notice.opened_at.timestamp())
    again = f"#{notice.given_back + 1}" if notice.given_back else ""
    key = f"alertrouter/{namespace}/{notice.incident}/{opened}/{notice.destination}{again}"
    if len(key) <= MAX_DEDUP_KEY:
        return key
    return f"alertrouter/{sha256(key.encode()).hexdigest()}"


def _details(notice: Notice) -> _Details:
    """The alerts as far as they fit, firing ones first."""
    details = _Details(
        incident=notice.incident,
        receiver=notice.receiver,
        group=_cut_all(notice.group_labels),
        num_firing=len(notice.firing),
        num_resolved=len(notice.resolved),
        firing=[],
        resolved=[],
        not_shown=len(notice.alerts),
        trace_id=notice.trace_id or msgspec.UNSET,
    )
    left = MAX_DETAILS - len(msgspec.json.encode(details))
    for alert in notice.alerts:
        shown = _shown(alert)
        left -= len(msgspec.json.encode(shown)) + 1
        if left < 0:
            break
        (details.firing if alert.status == "firing" else details.resolved).append(shown)
        details.not_shown -= 1
    return details


def _shown(alert: NoticeAlert) -> _AlertDetails:
    return _AlertDetails(
        labels=_cut_all(alert.labels),
        annotations=_cut_all(alert.annotations),
        starts_at=alert.starts_at.isoformat(),
        source=look.web_url(alert.generator_url),
    )


def _cut_all(texts: Mapping[str, str]) -> dict[str, str]:
    pairs: Iterable[tuple[str, str]] = list(texts.items())[:MAX_NAMES]
    return {look.cut(name, 200): look.cut(text, MAX_VALUE) for name, text in pairs}
