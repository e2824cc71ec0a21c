"""What the buttons below a Slack message are called in a click: whoever hears of clicks needs no more than this."""

from __future__ import annotations

from typing import Final

ACKNOWLEDGE: Final = "acknowledge"
UNACKNOWLEDGE: Final = "unacknowledge"
ESCALATE: Final = "escalate"
SNOOZE: Final = "snooze"
RESOLVE: Final = "resolve"
RESOLVE_FIRING: Final = "resolve_firing"
"""As RESOLVE, and the person was asked whether they mean it although alerts fire."""

UNTIL_MORNING: Final = "morning"
SNOOZES: Final = {"30m": "for 30 minutes", "2h": "for 2 hours", UNTIL_MORNING: "until morning"}

SILENCE: Final = "silence"
UNSILENCE: Final = "unsilence"
UNTIL_OVER: Final = "over"
SILENCES: Final = {
    "1h": "for 1 hour",
    "4h": "for 4 hours",
    "1d": "for a day",
    UNTIL_OVER: "until its alerts are over",
}
