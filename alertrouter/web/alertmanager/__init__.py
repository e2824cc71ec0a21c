"""Alertmanager's API v2: Prometheus, amtool, Grafana and karma find here what they find there.

Shapes and status codes are those of its OpenAPI file; where we differ stands in `docs/alertmanager-compatibility.md`.
Source: https://github.com/prometheus/alertmanager/blob/v0.25.0/api/v2/openapi.yaml
"""

from __future__ import annotations

from starlette.routing import Route

from alertrouter.settings import Settings
from alertrouter.store.catalogue import Catalogue
from alertrouter.store.doorstore import DoorStore
from alertrouter.tracing import Tracing
from alertrouter.web.alertmanager.posting import PostedAlerts
from alertrouter.web.alertmanager.reading import Reading
from alertrouter.web.alertmanager.silences import Silences
from alertrouter.web.auth import Senders


def routes(
    store: DoorStore, catalogue: Catalogue, senders: Senders, settings: Settings, traces: Tracing | None = None
) -> list[Route]:
    """Give the routes."""
    posted = PostedAlerts(store, senders, settings.max_body, settings.resolve_timeout, traces)
    post = Route("/api/v2/alerts", posted.answer, methods=["POST"])
    return [post, *Reading(catalogue).routes(), *Silences(store, catalogue).routes()]
