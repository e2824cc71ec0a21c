"""What a message says, in words: templates in, text out; the only user of Jinja outside the web pages.

A template that is broken never swallows a page: the plain built-in message takes its place and the fault is kept,
logged once and shown. Templates run in the worker, in a sandbox, with their loops and their output bounded.
"""

from __future__ import annotations

import logging
import re
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Final

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    TemplateError,
    TemplateSyntaxError,
    UndefinedError,
)
from jinja2 import Template as JinjaTemplate

from alertrouter.errors import Problem
from alertrouter.notice import Notice, NoticeAlert
from alertrouter.policydir import builtin
from alertrouter.render import look, plain
from alertrouter.render.samples import NOTICES
from alertrouter.render.sandbox import Dialect, environment, escape_for, start_counting

MAX_FAULTS = 100
"""Faults that are kept; the log has them all."""

_FAULTS: Final = (
    TemplateError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What a template can raise: Jinja's own errors, and whatever its expressions do to plain values."""

_SAMPLE_LINK: Final = "https://alerts.example.org/ack/sample"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Form:
    """A template's file, how values are escaped in it, how long its output may be, and what takes its place.

    With `same` that is what the built-in file says too: nobody's own templates, no rendering.
    """

    file: str
    dialect: Dialect
    limit: int
    fallback: Callable[[Notice, NoticeAlert | None], str]
    may_be_empty: bool = False
    same: bool = False


class Template(Enum):
    """The templates that exist. A user's directory may hold files of the same names, which take their place."""

    SLACK_TITLE = Form("slack/title.j2", Dialect.SLACK, 500, lambda notice, _: plain.headline(notice))
    SLACK_SUMMARY = Form(
        "slack/summary.j2", Dialect.SLACK, 3000, lambda notice, _: plain.summary(notice), may_be_empty=True
    )
    SLACK_STANDING = Form("slack/standing.j2", Dialect.SLACK, 1000, lambda *_: "", may_be_empty=True)
    SLACK_ALERT = Form("slack/alert.j2", Dialect.SLACK, 1000, plain.alert_line)
    SLACK_THREAD = Form("slack/thread.j2", Dialect.SLACK, 1000, lambda notice, _: plain.headline(notice))
    SLACK_FIELDS = Form("slack/fields.j2", Dialect.SLACK, 3000, lambda *_: "", may_be_empty=True, same=True)
    SLACK_LINKS = Form("slack/links.j2", Dialect.PLAIN, look.MAX_LINKS, plain.links, may_be_empty=True, same=True)
    PAGERDUTY_SUMMARY = Form("pagerduty/summary.j2", Dialect.PLAIN, 1024, lambda notice, _: plain.headline(notice))
    PAGERDUTY_SOURCE = Form("pagerduty/source.j2", Dialect.PLAIN, 255, lambda notice, _: notice.receiver)
    PAGERDUTY_CLASS = Form("pagerduty/class.j2", Dialect.PLAIN, 255, lambda *_: "", may_be_empty=True)
    PAGERDUTY_COMPONENT = Form("pagerduty/component.j2", Dialect.PLAIN, 255, lambda *_: "", may_be_empty=True)
    PAGERDUTY_GROUP = Form("pagerduty/group.j2", Dialect.PLAIN, 255, lambda *_: "", may_be_empty=True)
    PAGERDUTY_LINKS = Form(
        "pagerduty/links.j2", Dialect.PLAIN, look.MAX_LINKS, plain.links, may_be_empty=True, same=True
    )
    EMAIL_SUBJECT = Form("email/subject.j2", Dialect.PLAIN, 200, lambda notice, _: look.subject(notice))
    EMAIL_TEXT = Form("email/body.txt.j2", Dialect.PLAIN, 100_000, lambda notice, _: plain.message(notice))
    EMAIL_HTML = Form("email/body.html.j2", Dialect.HTML, 200_000, lambda notice, _: plain.message(notice))
    INBOX_CARD = Form("inbox/card.html.j2", Dialect.HTML, 60_000, lambda notice, _: plain.message(notice))


class Renderer:
    """Turns notices into text. `overrides` is a directory whose templates take the place of the built-in ones.

    Safe to share between threads. A changed template is read again at its next use.
    """

    def __init__(self, overrides: Path | None = None) -> None:
        self._overrides = overrides
        directories = [*([overrides] if overrides else []), builtin("templates")]
        # `builtin/slack/title.j2` is the one that an override of that name takes the place of.
        own = PrefixLoader({"builtin": FileSystemLoader(builtin("templates"))})
        self._loader = ChoiceLoader([*(FileSystemLoader(directory) for directory in directories), own])
        self._environments = self._make(strict=False)
        self._faults: dict[tuple[str, int], Problem] = {}
        self._lock = threading.Lock()

    def render(
        self,
        template: Template,
        notice: Notice,
        *,
        alert: NoticeAlert | None = None,
        instead_of: str = "",
        ack_link: str = "",
    ) -> str:
        """The text of a notice by a template, escaped and at most as long as the template's limit.

        `alert` is the one that a template for a single alert shows; `instead_of` the channel that the inbox replaces;
        `ack_link` where its reader can acknowledge, "" when there is nothing to acknowledge.
        """
        form = template.value
        if form.same and self._overrides is None:
            return _fallback(form, notice, alert)
        try:
            text = _run(self._environments, form, _values(notice, alert, instead_of, ack_link))
        except _FAULTS as error:
            self._keep(_problem(form, error))
            return _fallback(form, notice, alert)
        if not text and not form.may_be_empty:
            self._keep(Problem(form.file, 0, 0, "", "came out empty; the plain message takes its place"))
            return _fallback(form, notice, alert)
        return text

    def faults(self) -> tuple[Problem, ...]:
        """The faults that rendering has met, one for each line of a template, oldest first."""
        with self._lock:
            return tuple(self._faults.values())

    def check(self) -> tuple[Problem, ...]:
        """Try every template on sample notices, complaining also of names that no notice has; empty: all is well."""
        found = dict.fromkeys([*self._strangers()])
        strict = self._make(strict=True)
        for template in Template:
            form = template.value
            for notice in NOTICES:
                alert = notice.alerts[0] if notice.alerts else None
                if alert is None and template is Template.SLACK_ALERT:
                    continue
                try:
                    text = _run(strict, form, _values(notice, alert, "Slack #sample", _SAMPLE_LINK))
                except _FAULTS as error:
                    found[_problem(form, error)] = None
                    continue
                if not text and not form.may_be_empty:
                    found[Problem(form.file, 0, 0, "", f"comes out empty for the sample {notice.incident}")] = None
        return tuple(found)

    def _make(self, *, strict: bool) -> Mapping[Dialect, Environment]:
        return {dialect: environment(dialect, self._loader, strict=strict) for dialect in Dialect}

    def _keep(self, fault: Problem) -> None:
        with self._lock:
            known = (fault.file, fault.line) in self._faults  # the words may differ from alert to alert
            if not known and len(self._faults) < MAX_FAULTS:
                self._faults[fault.file, fault.line] = fault
        if not known:
            _log.error("template fault: %s", fault)

    def _strangers(self) -> Iterator[Problem]:
        """Files in the user's directory that nothing reads; those whose name begins with `_` are for including."""
        if self._overrides is None:
            return
        if not self._overrides.is_dir():
            yield Problem(str(self._overrides), 0, 0, "", "there is no such directory")
            return
        known = [template.value.file for template in Template]
        for path in sorted(self._overrides.rglob("*.j2")):
            name = path.relative_to(self._overrides).as_posix()
            if name not in known and not path.name.startswith("_"):
                near = get_close_matches(name, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
                yield Problem(str(path), 0, 0, "", f"no message is made from it; {hint}")


def _values(notice: Notice, alert: NoticeAlert | None, instead_of: str, ack_link: str) -> dict[str, object]:
    """What templates may name. They see the notice itself, and what every channel shows alike."""
    return {
        "notice": notice,
        "alert": alert,
        "look": look.look_of(notice),
        "links": look.links_of(notice),
        "counts": look.counts(notice),
        "summary": look.common_annotation(notice, "summary", "message"),
        "description": look.common_annotation(notice, "description"),
        "subject": look.subject(notice),
        "labels_of": lambda shown: look.shown_labels(notice, shown),
        "summary_of": lambda shown: look.own_summary(notice, shown),
        "instead_of": instead_of,
        "ack_link": ack_link,
    }


def _run(environments: Mapping[Dialect, Environment], form: Form, values: Mapping[str, object]) -> str:
    template: JinjaTemplate = environments[form.dialect].get_template(form.file)
    start_counting()
    parts, length = [], 0
    for part in template.generate(values):
        parts.append(part)
        length += len(part)
        if length > form.limit:
            break
    text = "".join(parts).strip()
    if len(text) <= form.limit:
        return text
    if form.dialect is Dialect.HTML:
        raise ValueError(f"longer than {form.limit} characters")
    return cut_markup(text, form.limit) if form.dialect is Dialect.SLACK else look.cut(text, form.limit)


def cut_markup(text: str, length: int) -> str:
    """Cut Slack text to `length` characters, never inside a `<…>` or an `&…;`."""
    if len(text) <= length:
        return text
    kept = text[: max(length - 1, 0)]
    for opening, closing in (("<", ">"), ("&", ";")):
        start = kept.rfind(opening)
        if start > kept.rfind(closing):
            kept = kept[:start]
    return kept + "…"


def _fallback(form: Form, notice: Notice, alert: NoticeAlert | None) -> str:
    text = form.fallback(notice, alert)
    if form.dialect is Dialect.HTML:
        return f'<pre class="ar-card__plain">{escape_for(form.dialect, text)}</pre>'
    escaped = escape_for(form.dialect, text)
    return cut_markup(escaped, form.limit) if form.dialect is Dialect.SLACK else look.cut(escaped, form.limit)


_UNKNOWN: Final = re.compile(r"'(?:[\w.]+\.)?(\w+) object' has no attribute '(\w+)'|'(\w+)' is undefined")
"""How Jinja says that there is no such name."""


def _unknown(found: re.Match[str]) -> str:
    return f"there is no `{found[3]}`" if found[3] else f"a `{found[1]}` has no `{found[2]}`"


def _problem(form: Form, error: BaseException) -> Problem:
    """Say where a template went wrong: Jinja's tracebacks name its file and line."""
    if isinstance(error, TemplateSyntaxError):
        return Problem(error.filename or form.file, error.lineno, 1, "", error.message or "can't be read")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".j2")]
    what = (
        _UNKNOWN.sub(_unknown, str(error)) if isinstance(error, UndefinedError) else f"{type(error).__name__}: {error}"
    )
    if frames:
        return Problem(frames[-1].filename, frames[-1].lineno or 0, 1, "", what)
    return Problem(form.file, 0, 0, "", what)
