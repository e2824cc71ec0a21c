"""The built-in messages in plain text: what goes out when a template can't be used."""

from __future__ import annotations

from alertrouter.notice import Notice, NoticeAlert
from alertrouter.render import look

MAX_ALERTS = 20


def headline(notice: Notice) -> str:
    """One line that says what it is about and how it stands."""
    return f"[{notice.status.upper()}] {look.cut(notice.title, 200)} ({notice.severity}, {look.counts(notice)})"


def summary(notice: Notice) -> str:
    """What the alerts say of themselves."""
    return look.cut(look.annotation(notice, "summary", "description", "message"), 1000)


def alert_line(notice: Notice, alert: NoticeAlert | None) -> str:
    """One alert of the notice on one line."""
    return f"{alert.status}: {look.cut_labels(alert.labels, 400)}" if alert else headline(notice)


def message(notice: Notice) -> str:
    """The whole message: headline, summary, the first alerts, the links."""
    lines = [headline(notice)]
    if summary(notice):
        lines += ["", summary(notice)]
    lines += ["", *(alert_line(notice, alert) for alert in notice.alerts[:MAX_ALERTS])]
    if len(notice.alerts) > MAX_ALERTS:
        lines.append(f"… and {len(notice.alerts) - MAX_ALERTS} more")
    lines += ["", *(f"{link.text}: {link.url}" for link in look.links_of(notice))]
    lines.append(f"{notice.incident}, since {look.clock_text(notice.opened_at)}, sent to {notice.receiver}")
    return "\n".join(lines)


def links(notice: Notice, _: NoticeAlert | None = None) -> str:
    """Runbook, dashboard and source, one a line, as templates write links."""
    return "\n".join(f"{link.url} {link.text}" for link in look.links_of(notice))
