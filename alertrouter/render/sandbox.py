"""The Jinja environments that templates run in: sandboxed, bounded, one for each way of escaping."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from datetime import datetime
from enum import Enum
from typing import Final, Self, cast

import msgspec
from jinja2 import BaseLoader, ChainableUndefined, StrictUndefined, Undefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError, TemplateRuntimeError, UndefinedError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from alertrouter.render import carried, look

MAX_LOOPS = 20_000
"""Turns that all loops of one rendering may take together."""

_BOMBS: Final = frozenset({"center", "expandtabs", "format", "format_map", "ljust", "rjust", "zfill"})
_WITHHELD: Final = ("center", "format", "indent", "pprint", "random", "safe", "wordwrap", "xmlattr", "urlize")

_turns_left: ContextVar[int] = ContextVar("turns_left")


class Dialect(Enum):
    """What a template's output is read as, and so how values are escaped in it."""

    PLAIN = "plain"
    SLACK = "slack"
    HTML = "html"


class Mrkdwn(str):
    """Text in Slack's mark-up that is escaped already. Whatever is done to it makes plain text of it again."""

    __slots__ = ()


def start_counting() -> None:
    """Give the rendering that follows in this thread its share of loop turns."""
    _turns_left.set(MAX_LOOPS)


def escape_for(dialect: Dialect, text: str) -> str:
    """Escape a text for what it will be read as."""
    if dialect is Dialect.HTML:
        return str(escape(text))
    return _slack_escape(text) if dialect is Dialect.SLACK else text


def environment(dialect: Dialect, loader: BaseLoader, *, strict: bool) -> ImmutableSandboxedEnvironment:
    """Make the environment of a dialect. A strict one stops at a name that can't be there; else it shows nothing."""
    made = _Bounded(
        loader=loader,
        autoescape=dialect is Dialect.HTML,
        undefined=_Strict if strict else ChainableUndefined,
        finalize=_slack_value if dialect is Dialect.SLACK else None,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.pop("lipsum")
    made.globals["range"] = _short_range
    for name in _WITHHELD:
        made.filters.pop(name)
    made.filters |= {
        "counted": _counted,
        "cut": look.cut,
        "duration": look.span,
        "labels": look.cut_labels,
        "line": look.one_line,
        "tojson": _to_json,
        "url": look.web_url,
        "date": _DATES[dialect],
        **carried.FILTERS,
    }
    if dialect is Dialect.SLACK:
        made.filters |= {"code": _slack_code, "link": _slack_link}
    return made


class _CountedLoops(CodeGenerator):
    """Compiles each `for` so that it takes its turns from the rendering's share."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802  Jinja's name
        for loop in node.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, "counted", [], [], None, None)
        super().visit_Template(node, frame)


class _Bounded(ImmutableSandboxedEnvironment):
    """A sandbox in which a template can't build a huge text in one step."""

    code_generator_class = _CountedLoops
    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        if operator == "**" or not all(isinstance(side, int | float) for side in (left, right)):
            raise SecurityError(f"{operator} is for small numbers here")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        return not (isinstance(obj, str) and attr in _BOMBS) and super().is_safe_attribute(obj, attr, value)


class _Strict(StrictUndefined):
    """Complains of names that no notice has. A label or annotation may always be missing: that shows nothing."""

    __slots__ = ()

    def __new__(
        cls,
        hint: str | None = None,
        obj: object = None,
        name: str | None = None,
        exc: type[TemplateRuntimeError] = UndefinedError,
    ) -> Self:
        if isinstance(obj, dict):
            return cast("Self", ChainableUndefined(hint, obj, name, exc))
        return super().__new__(cls)


def _counted(items: Iterable[object]) -> Iterator[object]:
    for item in items:
        left = _turns_left.get() - 1
        if left < 0:
            raise SecurityError(f"the loops take more than {MAX_LOOPS} turns")
        _turns_left.set(left)
        yield item


def _short_range(*args: int) -> range:
    numbers = range(*args)
    if len(numbers) > MAX_LOOPS:
        raise SecurityError(f"range of more than {MAX_LOOPS} numbers")
    return numbers


def _slack_escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _slack_value(value: object) -> object:
    return value if isinstance(value, Mrkdwn | Undefined) else _slack_escape(str(value))


def _slack_code(text: object) -> Mrkdwn:
    inner = " ".join(str(text).replace("`", "'").split())
    return Mrkdwn(f"`{_slack_escape(inner)}`" if inner else "")


def _slack_link(url: str, text: str) -> Mrkdwn:
    shown, target = _slack_escape(text), _slack_escape(look.web_url(url))
    return Mrkdwn(f"<{target}|{shown}>" if target else shown)


def _slack_date(moment: datetime) -> Mrkdwn:
    fallback = look.clock_text(moment)
    return Mrkdwn(f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>")


def _html_date(moment: datetime) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), look.clock_text(moment))


def _to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


_DATES: Final[dict[Dialect, Callable[[datetime], str]]] = {
    Dialect.PLAIN: look.clock_text,
    Dialect.SLACK: _slack_date,
    Dialect.HTML: _html_date,
}
