"""Templates: what they may do, and that a broken one never swallows a page."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from alertrouter.incident import Reason
from alertrouter.notice import Notice
from alertrouter.render import Renderer, Template, cut_markup, look
from alertrouter.render.samples import NOTICES, sample_alert, sample_notice

NOTICE = sample_notice()


def rendered(directory: Path, source: str, template: Template = Template.SLACK_TITLE) -> tuple[str, Renderer]:
    """What a template of the user's makes of a notice."""
    path = directory / template.value.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    renderer = Renderer(directory)
    return renderer.render(template, NOTICE), renderer


def test_the_built_in_templates_are_sound() -> None:
    """Strictly read, on every sample, none of them fails."""
    assert [str(fault) for fault in Renderer().check()] == []


def test_a_message_says_who_silenced_it_and_until_when() -> None:
    """In Slack, in the mail and in the inbox; and the thread hears of the coming end."""
    account = "silenced by S-1f2e3d4c until 2026-03-02 11:00 UTC (sam: new disk)"
    notice = msgspec.structs.replace(NOTICE, silenced=account, reason=Reason.UNSILENCING)
    renderer = Renderer()

    for template in (Template.SLACK_STANDING, Template.EMAIL_TEXT, Template.EMAIL_HTML, Template.INBOX_CARD):
        assert account in renderer.render(template, notice)
    assert "A silence is about to end" in renderer.render(Template.SLACK_THREAD, notice)


def test_a_users_file_takes_the_place_of_one_built_in(tmp_path: Path) -> None:
    """File by file: what the user's directory doesn't have stays as it was."""
    text, renderer = rendered(tmp_path, "mine: {{ notice.title }}")

    assert text == "mine: ModelLatencyHigh"
    assert renderer.render(Template.PAGERDUTY_SUMMARY, NOTICE) == Renderer().render(Template.PAGERDUTY_SUMMARY, NOTICE)
    assert renderer.check() == ()


def test_a_changed_template_is_read_again(tmp_path: Path) -> None:
    """Who edits a template sees it in the next message."""
    _, renderer = rendered(tmp_path, "before")

    (tmp_path / "slack/title.j2").write_text("afterwards", encoding="utf-8")

    assert renderer.render(Template.SLACK_TITLE, NOTICE) == "afterwards"


BROKEN = {
    "syntax": ("{% if %}", "Expected an expression"),
    "arithmetic": ("\n{{ 1 / 0 }}", "division by zero"),
    "unknown filter": ("{{ notice.title|shout }}", "No filter named 'shout'"),
    "missing include": ("{% include 'slack/nothing.j2' %}", "slack/nothing.j2"),
    "endless loops": ("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}", "20000 turns"),
    "endless range": ("{% for a in range(999999999) %}{% endfor %}", "range of more"),
    "endless macro": ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "recursion"),
    "huge text": ("{{ 'x' * 999999999 }}", "small numbers"),
    "huge number": ("{{ 9 ** 99999999 }}", "small numbers"),
    "huge padding": ("{{ 'x'.center(999999999) }}", "'center'"),
    "huge format": ("{{ '%999999999d' % 1 }}", "small numbers"),
    "escape": ("{{ ''.__class__.__mro__ }}", "came out empty"),
    "change": ("{{ notice.group_labels.update({'a': 'b'}) }}x", "'update'"),
    "nothing": ("  \n ", "came out empty"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_template_never_swallows_a_page(kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The plain message goes out, and the fault is kept, shown by `check` and logged once."""
    source, words = BROKEN[kind]
    text, renderer = rendered(tmp_path, source)
    again = renderer.render(Template.SLACK_TITLE, NOTICE)

    assert text == again == "[FIRING] ModelLatencyHigh (critical, 1 firing)"
    assert len(renderer.faults()) == 1
    assert "slack/title.j2" in str(renderer.faults()[0])
    assert words in renderer.faults()[0].message
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert renderer.check()


def test_a_fault_names_its_line(tmp_path: Path) -> None:
    """Where to look: the file and the line."""
    _, renderer = rendered(tmp_path, "fine\n{{ 1 / 0 }}")

    (fault,) = renderer.faults()
    assert (fault.file, fault.line) == (str(tmp_path / "slack/title.j2"), 2)


@pytest.mark.parametrize("template", Template)
def test_every_template_has_a_plain_message_behind_it(template: Template, tmp_path: Path) -> None:
    """For each form and each sample the plain message is there, escaped and short enough."""
    _, renderer = rendered(tmp_path, "{% broken %}", template)

    for notice in NOTICES:
        alert = notice.alerts[0] if notice.alerts else None
        text = renderer.render(template, notice, alert=alert)
        assert text or template.value.may_be_empty
        assert len(text) <= template.value.limit
        assert "<!channel>" not in text or template.value.file.startswith(
            ("pagerduty", "email/subject", "email/body.txt")
        )
        assert "<script>" not in text or template.value.file.startswith(
            ("pagerduty", "email/subject", "email/body.txt")
        )


@pytest.mark.parametrize("template", [one for one in Template if one.value.same])
def test_what_is_said_without_a_template_is_what_the_built_in_one_says(template: Template, tmp_path: Path) -> None:
    """To the letter: who has templates of their own gets nothing else where they have none."""
    for notice in NOTICES:
        assert Renderer().render(template, notice) == Renderer(tmp_path).render(template, notice)


def test_a_missing_name_shows_nothing_when_it_counts(tmp_path: Path) -> None:
    """A typo costs a word, not the page; `check` tells it."""
    text, renderer = rendered(tmp_path, "{{ notice.titel }} {{ nobody.at.all }}{{ notice.title }}")

    assert text == "ModelLatencyHigh"
    assert "a `Notice` has no `titel`" in str(renderer.check()[0])
    assert "Error" not in str(renderer.check()[0])


def test_an_unknown_function_is_named(tmp_path: Path) -> None:
    """In words, and not in those of a traceback."""
    _, renderer = rendered(tmp_path, "{{ nope(1) }}")

    assert "there is no `nope`" in str(renderer.check()[0])


def test_a_missing_label_is_no_fault(tmp_path: Path) -> None:
    """Not every alert has every label: `check` doesn't complain."""
    _, renderer = rendered(tmp_path, "{{ notice.common_labels.team }}{{ notice.group_labels['cluster'] }}x")

    assert renderer.check() == ()


def test_a_file_that_nothing_reads_is_told(tmp_path: Path) -> None:
    """A misspelt file name would otherwise be an override that never works."""
    (tmp_path / "slack").mkdir()
    (tmp_path / "slack/titel.j2").write_text("x", encoding="utf-8")
    (tmp_path / "slack/_part.j2").write_text("x", encoding="utf-8")

    (fault,) = Renderer(tmp_path).check()

    assert "did you mean slack/title.j2?" in str(fault)


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    """And the built-in templates serve."""
    renderer = Renderer(tmp_path / "nowhere")

    assert "no such directory" in str(renderer.check()[0])
    assert renderer.render(Template.SLACK_TITLE, NOTICE) == "🔴 ModelLatencyHigh"


def test_output_is_cut_at_its_limit(tmp_path: Path) -> None:
    """A template that says too much is cut, not sent whole."""
    text, renderer = rendered(tmp_path, "{% for n in range(5000) %}word &amp; {% endfor %}")

    assert len(text) <= Template.SLACK_TITLE.value.limit
    assert text.endswith("…")
    assert renderer.faults() == ()


def test_slack_values_are_escaped_and_our_marks_are_not(tmp_path: Path) -> None:
    """A value can't write mark-up; the template's filters can, with the value escaped in it."""
    source = "{{ '<!here> & `x`' }} {{ '<a>`b`'|code }} {{ 'https://x.example/?a=1&b=2|<'|link('<go>') }}"
    source += " {{ 'javascript:x'|link('no') }} {{ notice.opened_at|date }}"

    text, _ = rendered(tmp_path, source)

    assert text == (
        "&lt;!here&gt; &amp; `x` `&lt;a&gt;'b'` <https://x.example/?a=1&amp;b=2%7C%3C|&lt;go&gt;> no "
        "<!date^1772445600^{date_short_pretty} {time}|2026-03-02 10:00 UTC>"
    )


def test_values_come_as_json(tmp_path: Path) -> None:
    """Labels and moments can be written as JSON."""
    text, _ = rendered(tmp_path, "{{ [notice.group_labels, notice.at]|tojson }}", Template.PAGERDUTY_SUMMARY)

    assert text == '[{"alertname":"ModelLatencyHigh","component":"ai"},"2026-03-02T10:01:00Z"]'


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        ("short", 10, "short"),
        ("0123456789x", 10, "012345678…"),
        ("ab <!date^1^{time}|x> cd", 12, "ab …"),
        ("abcdef &amp; g", 11, "abcdef …"),
        ("&amp;&amp;&amp;", 12, "&amp;&amp;…"),
    ],
)
def test_slack_text_is_never_cut_inside_a_mark(text: str, length: int, expected: str) -> None:
    """Half a mark would show as rubbish."""
    assert cut_markup(text, length) == expected


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (12, "12s"), (90, "1m 30s"), (2700, "45m"), (183_600, "2d 3h"), (-60, "-1m")]
)
def test_spans_are_said_in_two_units(seconds: int, text: str) -> None:
    """The two biggest."""
    assert look.span(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("severity", "rank", "count", "tone"),
    [
        ("critical", 0, 3, "critical"),
        ("Warning", 2, 3, "warning"),
        ("rot", 2, 3, "critical"),
        ("gelb", 1, 3, "warning"),
        ("blau", 0, 3, "info"),
        ("nur", 0, 1, "critical"),
    ],
)
def test_a_severity_is_as_loud_as_its_name_or_its_place(severity: str, rank: int, count: int, tone: str) -> None:
    """Common names speak for themselves; others by where the policy puts them."""
    assert look.tone_of(severity, rank, count) == tone


def test_a_summary_that_only_one_alert_gives_is_not_everybodys() -> None:
    """With several alerts the message's summary is the common one; what one alert says stands on its own line."""
    odd = sample_alert(2)
    odd.annotations["summary"] = "Something else"
    notice: Notice = sample_notice(firing=(sample_alert(1), odd))
    renderer = Renderer()

    assert "Something else" not in renderer.render(Template.SLACK_SUMMARY, notice)
    assert "Something else" in renderer.render(Template.SLACK_ALERT, notice, alert=odd)


def test_the_page_on_templates_names_every_template_and_its_limit() -> None:
    """docs/templates.md tells what there is."""
    page = (Path(__file__).resolve().parent.parent / "docs/templates.md").read_text(encoding="utf-8")
    first_cells = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    rows = {name: line for name, line in first_cells.items() if name.endswith(".j2")}

    assert list(rows) == [template.value.file for template in Template]
    for template in Template:
        assert str(template.value.limit) in rows[template.value.file].replace(",", "")
