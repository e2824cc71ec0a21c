"""What only the person who clicked is to read: posted to the address that Slack gave for it, after we have answered."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import msgspec

from alertrouter import log

TIMEOUT: Final = 5.0
_SLACK_ITSELF: Final = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})

_log = log.get(__name__)


class Whisper:
    """Tells one person something. It goes to Slack, or to where SLACK_API_URL says that Slack is, and nowhere else."""

    def __init__(self, slack_api_url: str) -> None:
        self._ours = _place(slack_api_url)

    async def __call__(self, response_url: str, text: str) -> None:
        """Post it once. A failure is logged and no more: what was asked for is done."""
        if not self.may_go_to(response_url):
            _log.warning("not told: response_url is not Slack's")
            return
        import httpx2

        from alertrouter.notifiers.http import heeds_proxies

        body = {"response_type": "ephemeral", "replace_original": False, "text": text}
        try:
            async with httpx2.AsyncClient(timeout=TIMEOUT, trust_env=heeds_proxies(response_url)) as client:
                answer = await client.post(
                    response_url, content=msgspec.json.encode(body), headers={"Content-Type": "application/json"}
                )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            # The client's own words may hold the address, which is a secret for half an hour.
            _log.warning("not told: Slack did not answer", reason=type(error).__name__)
            return
        if not answer.is_success:
            _log.warning("not told: Slack refused", status=answer.status_code)

    def may_go_to(self, response_url: str) -> bool:
        """Tell whether an address is Slack's."""
        scheme, host, port = place = _place(response_url)
        return bool(host) and (place == self._ours or (scheme == "https" and host in _SLACK_ITSELF and port == 443))


def _place(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address; no host when it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", "", 0
    return parts.scheme, parts.hostname or "", port or {"https": 443, "http": 80}.get(parts.scheme, 0)
