"""The exporter's door: `/metrics` for Prometheus, `/v1/…` for reports, `/-/healthy` for whoever looks after it."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from typing import Final

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ai_metrics_exporter.http_server import Reply
from ai_metrics_exporter.metrics import AiMetrics
from ai_metrics_exporter.reports import FORMS, Report, reader
from ai_metrics_exporter.request_head import Head

MOST_TAKEN: Final = 500
"""Reports that wait to be counted."""

_log = logging.getLogger("ai_metrics_exporter")


class Exporter:
    """What is answered to whom. With a `token`, reports need it as a bearer; `clock` gives Unix time.

    A report is read at once and counted when it matters, with others at the next scrape: one by one, as they come, that
    costs ten times as much, for nothing of it is in the processor's caches any more.
    """

    def __init__(self, metrics: AiMetrics, *, token: str, clock: Callable[[], float]) -> None:
        self._metrics = metrics
        self._token = f"Bearer {token}".encode() if token else b""
        self._clock = clock
        self._readers = {path: reader(form) for path, form in FORMS.items()}
        self._taken: list[tuple[Report, float]] = []

    def refusal(self, head: Head) -> Reply | None:
        """Wrong path, method or token; None when it depends on the body."""
        if head.path in self._readers:
            if head.method != "POST":
                return self.refused(405, "expected POST", allow="POST")
            if self._token and not hmac.compare_digest(head.authorization, self._token):
                return self.refused(401, "expected the exporter's token as a bearer")
            return None
        if head.path not in ("/metrics", "/-/healthy"):
            return self.refused(404, f"expected /metrics, /-/healthy, {', '.join(self._readers)}")
        if head.method not in ("GET", "HEAD"):
            return self.refused(405, "expected GET", allow="GET, HEAD")
        return None

    def answer(self, head: Head, body: bytes) -> Reply:
        """Show the metrics, or take reports: whole or not at all."""
        if head.path == "/metrics":
            self._count()
            return Reply(200, generate_latest(self._metrics.registry), CONTENT_TYPE_LATEST)
        if head.path == "/-/healthy":
            return Reply(200, b"OK\n", "text/plain; charset=utf-8")
        try:
            read = self._readers[head.path].decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return self.refused(400, str(error))
        reports = [read] if isinstance(read, Report) else read
        now = self._clock()
        self._taken += [(report, now) for report in reports]
        if len(self._taken) >= MOST_TAKEN:
            self._count()
        return Reply(202, b'{"accepted":%d}' % len(reports))

    def _count(self) -> None:
        taken, self._taken = self._taken, []
        for report, now in taken:
            try:
                report.apply(self._metrics, now)
            except Exception:  # noqa: BLE001  a defect of ours costs this report, and is told
                _log.exception("a report could not be counted: %s", type(report).__name__)

    def refused(self, status: int, why: str, *, allow: str = "") -> Reply:
        """The form of every refusal."""
        return Reply(status, msgspec.json.encode({"error": why}), allow=allow)
