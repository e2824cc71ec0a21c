"""What every channel shows alike: a severity's colour and sign, the links, the words for counts and spans of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from alertrouter.alert import Labels
from alertrouter.notice import Notice, NoticeAlert, labels_text

MAX_URL = 1500
"""Longer links are left out: five of these still fit into one Slack message."""


MAX_LINKS: Final = 10_000
"""All the links that a template writes, in characters."""
MAX_LINK_TEXT: Final = 75
"""As many characters as a button of Slack's takes."""


class Tone(StrEnum):
    """How loud a severity is, in PagerDuty's four words."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Look(NamedTuple):
    """How a message looks at a glance. `name` ends the class of the card; `sign` is in every font, `emoji` not."""

    name: str
    colour: str
    emoji: str
    sign: str = "●"


class Link(NamedTuple):
    """A link that helps whoever is woken; `url` is http or https."""

    text: str
    url: str


_LOOKS: Final = {
    Tone.CRITICAL: Look("critical", "#d92d20", "🔴"),
    Tone.ERROR: Look("error", "#e8590c", "🟠"),
    Tone.WARNING: Look("warning", "#f5a524", "🟡"),
    Tone.INFO: Look("info", "#2e7de9", "🔵"),
}
_RESOLVED: Final = Look("resolved", "#12a150", "✅", "✓")

_TONES_BY_NAME: Final = {
    **dict.fromkeys(("critical", "fatal", "emergency", "disaster", "page", "p1", "sev1"), Tone.CRITICAL),
    **dict.fromkeys(("error", "high", "major", "p2", "sev2"), Tone.ERROR),
    **dict.fromkeys(("warning", "warn", "medium", "average", "minor", "p3", "sev3"), Tone.WARNING),
    **dict.fromkeys(("info", "informational", "low", "notice", "debug", "none", "p4", "sev4"), Tone.INFO),
}

_RUNBOOKS: Final = ("runbook_url", "runbook")
_DASHBOARDS: Final = ("dashboard_url", "dashboard")


def tone_of(severity: str, rank: int, count: int) -> Tone:
    """How loud a severity is: by its name when that is a common one, else by its place among the policy's."""
    named = _TONES_BY_NAME.get(severity.lower())
    if named:
        return named
    if rank >= count - 1:
        return Tone.CRITICAL
    return Tone.INFO if rank <= 0 else Tone.WARNING


def look_of(notice: Notice) -> Look:
    """The look of a message: green when all is over, else the severity's."""
    if notice.status == "resolved":
        return _RESOLVED
    return _LOOKS[tone_of(notice.severity, notice.severity_rank, notice.severity_count)]


def links_of(notice: Notice) -> tuple[Link, ...]:
    """Runbook, dashboard and source, each the first that an alert of the message has, firing ones asked first."""
    found = {
        "Runbook": _first(_annotated(notice, _RUNBOOKS)),
        "Dashboard": _first(_annotated(notice, _DASHBOARDS)),
        "Source": _first(alert.generator_url for alert in notice.alerts),
    }
    return tuple(Link(text, url) for text, url in found.items() if url)


def links_in(text: str) -> tuple[Link, ...]:
    """Read links as templates write them: one a line, its address and then what it is called.

    Lines without an address that may be shown are left out, and so is the last one of a text that was cut.
    """
    lines = [line.strip().partition(" ") for line in text.splitlines()]
    if len(text) >= MAX_LINKS:
        lines.pop()
    found = (Link(cut(one_line(name) or url, MAX_LINK_TEXT), web_url(url)) for url, _, name in lines)
    return tuple(link for link in found if link.url)


def web_url(text: str) -> str:
    """The text when it is a link that may be shown (http or https, with a host), else an empty text."""
    url = text.strip()
    if not url.lower().startswith(("http://", "https://")) or not url.isprintable() or " " in url:
        return ""
    for sign in '<>|"`\\':
        url = url.replace(sign, f"%{ord(sign):02X}")
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return ""
    return url if host and len(url) <= MAX_URL else ""


def annotation(notice: Notice, *names: str) -> str:
    """The first annotation of one of these names that an alert of the message has, firing ones asked first."""
    return next((text for text in _annotated(notice, names) if text), "")


def common_annotation(notice: Notice, *names: str) -> str:
    """The first annotation of one of these names that all alerts of the message share, "" when none is."""
    return next((notice.common_annotations[name] for name in names if notice.common_annotations.get(name)), "")


def own_summary(notice: Notice, alert: NoticeAlert) -> str:
    """What an alert says of itself and not all others say too."""
    text = alert.annotations.get("summary") or alert.annotations.get("message") or ""
    return "" if text == common_annotation(notice, "summary", "message") else text


def shown_labels(notice: Notice, alert: NoticeAlert) -> dict[str, str]:
    """The labels that tell an alert from the others; when nothing does, all but its name, severity and the group's."""
    differing = notice.differing(alert)
    if differing:
        return differing
    said = {"alertname", "severity", *notice.group_labels}
    return {name: value for name, value in alert.labels.items() if name not in said}


def counts(notice: Notice) -> str:
    """How many alerts do what: `3 firing, 1 resolved`."""
    parts = [f"{len(notice.firing)} firing"] if notice.firing else []
    if notice.resolved:
        parts.append(f"{len(notice.resolved)} resolved")
    return ", ".join(parts) or notice.status


def span(length: timedelta | float) -> str:
    """A length of time in its two biggest units: `2d 3h`, `45m`, `12s`."""
    seconds = int(length.total_seconds() if isinstance(length, timedelta) else length)
    sign, left, parts = "-" if seconds < 0 else "", abs(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    return sign + (" ".join(parts[:2]) or "0s")


def clock_text(moment: datetime) -> str:
    """A moment in words that need no context: `2026-03-02 10:00 UTC`."""
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzname() or ''}".rstrip()


def cut(text: str, length: int) -> str:
    """The text on at most `length` characters, ending in an ellipsis when something is missing."""
    return text if len(text) <= length else text[: max(length - 1, 0)] + "…"


def one_line(text: str) -> str:
    """The text with every run of white space as one space."""
    return " ".join(text.split())


def cut_labels(labels: Labels, length: int = 200) -> str:
    """Labels as `{a="b"}` on at most `length` characters."""
    return cut(labels_text({name: cut(value, 120) for name, value in labels.items()}), length)


def subject(notice: Notice) -> str:
    """A headline that stays the same while the incident lives, so that mail programs keep its thread together."""
    name = notice.group_labels.get("alertname", "")
    others = [value for key, value in sorted(notice.group_labels.items()) if key != "alertname"]
    return cut(" · ".join([part for part in (name, *others) if part]) or notice.incident, 200)


def _annotated(notice: Notice, names: tuple[str, ...]) -> Iterator[str]:
    return (alert.annotations.get(name, "") for name in names for alert in notice.alerts)


def _first(candidates: Iterator[str]) -> str:
    return next((url for url in map(web_url, candidates) if url), "")
