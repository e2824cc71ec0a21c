"""`alertrouter report`: pages by team and hour, how fast people were, who was woken, what made the noise."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alertrouter.policy.load import load
from alertrouter.record import Moved, Record, Told, lines
from alertrouter.simulate.report import Spans, report
from alertrouter.transition import Transition
from tests.cli.running import run
from tests.test_replay import START, TEXT, ended, fired

ROUTE = load({"p.yml": TEXT}).root.id


def at(minutes: float) -> datetime:
    """So many minutes after the start, a Saturday at 03:00."""
    return START + timedelta(minutes=minutes)


def told(minutes: float, incident: str, channel: str = "pagerduty", *, over: bool = False) -> Told:
    """A message."""
    receiver = "pager" if channel == "pagerduty" else "chat"
    return Told(at=at(minutes), incident=incident, receiver=receiver, channel=channel, severity="critical", over=over)


def moved(minutes: float, incident: str, transition: Transition) -> Moved:
    """A transition of an incident of team ai."""
    return Moved(at=at(minutes), incident=incident, transition=transition, route=ROUTE, severity="critical")


def records() -> list[Record]:
    """One incident that was taken, one that nobody took, and an alert that comes and goes."""
    down, slow = fired(0), fired(100, "Slow <b>", "INC-2")
    flapping: list[Record] = []
    for number in range(4):
        begins = fired(200 + 5 * number, "Flap", "INC-3", severity="warning")
        flapping += [begins, ended(202 + 5 * number, begins)]
    found: list[Record] = [
        down,
        moved(0, "INC-1", Transition.OPEN),
        told(0, "INC-1", "slack"),
        told(5, "INC-1"),
        moved(8, "INC-1", Transition.ACK),
        moved(30, "INC-1", Transition.RESOLVE),
        told(30, "INC-1", over=True),
        slow,
        moved(100, "INC-2", Transition.OPEN),
        told(105, "INC-2"),
        told(135, "INC-2"),
        moved(136, "INC-2", Transition.DONE),
        moved(160, "INC-2", Transition.RESOLVE),
        *flapping,
    ]
    return sorted(found, key=lambda one: one.at)


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """A file with the records, and the policy that they speak of."""
    (tmp_path / "history.jsonl").write_bytes(b"".join(lines(records())))
    (tmp_path / "policy").mkdir()
    hours = 'time_intervals: {saturdays: [{weekdays: [saturday], times: [{start_time: "00:00", end_time: "05:00"}]}]}\n'
    (tmp_path / "policy" / "policy.yml").write_text(TEXT + hours, encoding="utf-8")
    return ["report", "--from", str(tmp_path / "history.jsonl"), "--policy", str(tmp_path / "policy")]


def test_people_read_it_in_a_terminal(arguments: list[str]) -> None:
    """Each figure under its heading; what is over is no page."""
    ran = run(*arguments)

    assert ran.code == 0
    said = [line.split("█")[0].rstrip() for line in ran.out.splitlines()]
    assert said == [
        "Sat 2026-03-07 03:00 to Sat 2026-03-07 06:37 UTC",
        "6 alerts, 2 incidents, 5 messages, 3 pages",
        "acknowledged   after 8m on average (half within 8m, nine of ten within 8m)",
        "over           after 45m on average (half within 45m, nine of ten within 1h)",
        "",
        "pages by team",
        "  ai     3",
        "",
        "pages by hour",
        "  03:00     1",
        "  04:00     1",
        "  05:00     1",
        "",
        "pages out of hours",
        "  pager     3",
        "",
        "noisiest alerts",
        "  Flap         4",
        "  Down         1",
        "  Slow <b>     1",
        "",
        "flapping",
        "  alertname=Flap, severity=warning     3",
        "",
        "paged, and nobody took it",
        "  INC-2 Slow <b>     2",
        "",
        "escalation policies that ran out",
        "  page (ai)     1",
    ]


def test_programs_read_json_and_hours_are_the_policys(arguments: list[str]) -> None:
    """With seconds; hours of work are an interval that is named."""
    (said,) = run(*arguments, "--hours", "saturdays", "-o", "json").json

    assert said["loads"] == [{"who": "pager", "pages": 3, "out_of_hours": 1}]
    assert said["to_acknowledge"] == {"count": 1, "mean": 480.0, "median": 480.0, "ninth": 480.0}
    assert said["never_acknowledged"][0]["incident"] == "INC-2"
    assert run(*arguments, "--hours", "saturday").code == 2


def test_the_page_needs_nothing_else_and_escapes_what_alerts_say(arguments: list[str], tmp_path: Path) -> None:
    """Charts are inline; no script, no link to elsewhere."""
    assert run(*arguments, "--html", str(tmp_path / "report.html")).code == 0

    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Slow &lt;b&gt;" in page
    assert "Slow <b>" not in page
    assert '<svg viewBox="0 0 900 194" role="img" aria-label="Pages by hour of the day: 03 1, 04 1, 05 1">' in page
    assert "<script" not in page
    assert "http" not in page


def test_how_long_it_took_is_told_by_mean_and_median_and_nine_of_ten() -> None:
    """Ten incidents, over after 1 to 9 minutes and after 2 hours: the one that took long moves the mean alone."""
    spans = Spans.of([timedelta(minutes=minutes) for minutes in (*range(1, 10), 120)])

    assert spans == Spans(count=10, mean=16.5 * 60, median=5.5 * 60, ninth=9 * 60)


def test_an_escalation_policy_of_one_level_cannot_run_out() -> None:
    """A note is told once and that is all of it; what can climb, and came to its end, is counted by its policy."""
    note = "escalation_policies:\n  note: {levels: [{notify: channel}]}"
    text = TEXT.replace("escalation_policies:", note).replace("{critical: page}", "{critical: page, info: note}")
    done = [
        Moved(at=START, incident=f"INC-{number}", transition=Transition.DONE, route=ROUTE, severity=severity)
        for number, severity in enumerate(("critical", "critical", "info", "gone"))
    ]

    assert report(done, load({"p.yml": text}), ()).ran_out == {"page (ai)": 2, "(no longer in the policy)": 1}


def test_a_day_without_pages_has_its_place_in_the_chart(arguments: list[str], tmp_path: Path) -> None:
    """Given a page on Saturday and one on Monday, the Sunday between them is drawn, with nothing."""
    told_later = [*records(), told(2 * 24 * 60, "INC-2")]
    (tmp_path / "history.jsonl").write_bytes(b"".join(lines(told_later)))

    assert run(*arguments, "--html", str(tmp_path / "report.html")).code == 0

    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    chart = page.partition("<h2>Pages by day</h2>")[2].partition("</svg>")[0]
    assert [day in chart for day in (">03-07<", ">03-08<", ">03-09<")] == [True, True, True]


def test_only_the_last_days_count(arguments: list[str]) -> None:
    """Counted back from the end of a file."""
    (said,) = run(*arguments, "--since", "30m", "-o", "json").json

    assert (said["pages"], said["alerts"]) == (0, 4)


def test_an_empty_history_is_said(tmp_path: Path) -> None:
    """And no fault."""
    (tmp_path / "empty.jsonl").write_text("")

    assert run("report", "--from", str(tmp_path / "empty.jsonl")).out == "nothing happened\n"
