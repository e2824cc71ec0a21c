"""What a newcomer copies from the page: a first alert, and the receiver that connects an Alertmanager."""

from __future__ import annotations

import shlex

from alertrouter.settings import Settings


def first_alert(settings: Settings) -> str:
    """Give the command line that sends a first alert."""
    words = ["curl", f"{settings.external_url}/api/v1/alerts"]
    if settings.ingest_tokens:
        words += ["-H", "Authorization: Bearer <one of ALERTROUTER_INGEST_TOKENS>"]
    elif settings.ingest_users:
        words += ["-u", "<one of ALERTROUTER_INGEST_USERS>"]
    alert = '{"alertname": "FirstAlert", "component": "ai", "severity": "critical", "summary": "Hello!"}'
    return shlex.join([*words, "-d", alert])


def receiver(settings: Settings) -> str:
    """Give the receiver for alertmanager.yml."""
    lines = [
        "receivers:",
        "  - name: alertrouter",
        "    webhook_configs:",
        f"      - url: {settings.external_url}/api/v1/alertmanager",
        "        send_resolved: true",
    ]
    if settings.ingest_tokens:
        lines.append('        http_config: {authorization: {credentials: "<one of ALERTROUTER_INGEST_TOKENS>"}}')
    elif settings.ingest_users:
        lines.append(
            '        http_config: {basic_auth: {username: "<of ALERTROUTER_INGEST_USERS>", password: "<its>"}}'
        )
    return "\n".join(lines)
