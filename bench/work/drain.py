"""How fast each notifier empties a queue when the far side takes 150 ms for an answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from bench.figures import Figure
from bench.programs import eventually
from bench.pump import Load
from bench.rows import OURS, Bench, Measured, Row
from bench.shape import Shape
from bench.smtp_endpoint import SmtpEndpoint

DELAY_MS: Final = 150
MESSAGES: Final = 200
SLACK_ANSWER: Final = '{"ok":true,"channel":"C0BENCH","ts":"1700000000.000100"}'
PAGERDUTY_ANSWER: Final = '{"status":"success","message":"Event processed","dedup_key":"bench"}'
ANSWERS: Final = {
    "slack": ("200 OK", SLACK_ANSWER),
    "pagerduty": ("202 Accepted", PAGERDUTY_ANSWER),
    "webhook": ("200 OK", "ok"),
}


def _measure(channel: str, bench: Bench, system: str) -> Measured:
    status, answer = ANSWERS[channel]
    load = Load(
        alerts=MESSAGES,
        groups=MESSAGES,
        expect=MESSAGES,
        delay_ms=DELAY_MS,
        status=status,
        answer=answer,
        timeout_ms=120_000,
    )
    with bench.running(system, Shape(group_wait="0s", channel=channel), warm=False) as running:
        pumped = bench.load(running, load).pumped
    return {"rate": (MESSAGES - 1) / (pumped.last_arrival_ns - pumped.first_arrival_ns) * 1e9}


def _measure_email(bench: Bench, system: str) -> Measured:
    with SmtpEndpoint(DELAY_MS / 1000) as server:
        mail = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(server.port), "SMTP_TLS": "none"}
        shape = Shape(group_wait="0s", channel="email")
        with bench.running(system, shape, mail, warm=False) as running:
            bench.load(running, Load(alerts=MESSAGES, groups=MESSAGES))
            eventually(lambda: len(server.taken_at) >= MESSAGES, within=120, what="all mails have come")
            return {"rate": (MESSAGES - 1) / (server.taken_at[-1] - server.taken_at[0])}


def rows() -> list[Row]:
    """One row for each channel."""
    about = f"{MESSAGES} messages that are due at once, 2 workers, every answer takes {DELAY_MS} ms"
    figures = (Figure("rate", "messages/s"),)
    measures: dict[str, Callable[[Bench, str], Measured]] = {
        **{channel: partial(_measure, channel) for channel in ANSWERS},
        "email": _measure_email,
    }
    return [
        Row(name=f"drain-{channel}", about=about, figures=figures, measure=measure, systems=OURS)
        for channel, measure in measures.items()
    ]
