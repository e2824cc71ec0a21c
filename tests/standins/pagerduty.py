"""PagerDuty's Events API v2 on loopback, with its checks."""

from __future__ import annotations

import threading
from typing import Any

from tests.standins.http import Answer, HttpStandIn, Received


class PagerDutyStandIn(HttpStandIn):
    """Keeps alerts by routing key and dedup key, as PagerDuty does.

    It calls somebody for a new alert, and for none that is triggered or acknowledged already: an acknowledged one stays
    so, whatever comes. Source: https://developer.pagerduty.com/docs/events-api-v2-overview, "de-duplication".
    """

    def __init__(self, port: int = 0) -> None:
        self._alerts: dict[tuple[str, str], str] = {}
        self._called: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        super().__init__(port)

    @property
    def alerts(self) -> dict[tuple[str, str], str]:
        """(routing key, dedup key) → `triggered`, `acknowledged` or `resolved`."""
        with self._lock:
            return dict(self._alerts)

    @property
    def called(self) -> list[tuple[str, str]]:
        """The alerts for which somebody's phone rang, in order."""
        with self._lock:
            return list(self._called)

    def respond(self, request: Received) -> Answer:
        """Do what PagerDuty does."""
        fault = "no such path" if request.path != "/v2/enqueue" else _fault(request.json, len(request.body))
        if fault:
            return Answer.of_json({"status": "invalid event", "message": fault}, status=400)
        key = str(request.json["routing_key"]), str(request.json["dedup_key"])
        with self._lock:
            state = _STATES[request.json["event_action"]]
            known = self._alerts.get(key, "resolved")
            if state == "triggered" and known == "resolved":
                self._called.append(key)
                self._alerts[key] = state
            elif state != "triggered" and known != "resolved":
                self._alerts[key] = state
        return Answer.of_json({"status": "success", "message": "Event processed", "dedup_key": key[1]}, status=202)


_STATES = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}


def _fault(event: dict[str, Any], size: int) -> str:
    if size > 512 * 1024:
        return "event is larger than 512 KB"
    if not event.get("routing_key"):
        return "routing_key is missing"
    if not 1 <= len(event.get("dedup_key", "")) <= 255:
        return "dedup_key: expected 1 to 255 characters"
    if event.get("event_action") not in _STATES:
        return "event_action is not one of the three"
    if event["event_action"] != "trigger":
        return ""
    payload = event.get("payload", {})
    if not 1 <= len(payload.get("summary", "")) <= 1024:
        return "summary: expected 1 to 1024 characters"
    if payload.get("severity") not in ("critical", "error", "warning", "info"):
        return "severity is not one of the four"
    return "" if payload.get("source") else "source is missing"
