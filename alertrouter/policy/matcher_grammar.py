"""Alertmanager's two grammars for matchers, the UTF-8 and the classic one: text → names, operators, values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from alertrouter.policy.quoting import unquote


class Op(StrEnum):
    """How a label's value is compared; in the order in which Alertmanager sorts them."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


class MatcherError(ValueError):
    """A matcher can't be read. `column` counts characters from 1; 0 when the matcher was not made from a text."""

    def __init__(self, message: str, column: int = 0) -> None:
        self.column = column
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Written:
    """A matcher as it stands in a text: its value begins at `column`; a regex in it is not checked yet."""

    name: str
    op: Op
    value: str
    column: int


# What Go calls white space; Python's `\s` and `str.strip` know four control characters more.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"

RESERVED = re.compile(rf"""[{_SPACE}{{}}!=~,\\"'`]""")
"""The characters that a name or a value can only have in quotes."""

_TOKEN = re.compile(
    rf"""[{_SPACE}]*(?:
    (?P<open>\{{) | (?P<close>\}}) | (?P<comma>,) | (?P<op>=~|!=|!~|=)
    | "(?P<quoted>(?:[^"\\]|\\.)*)"
    | (?P<bare>[^{_SPACE}{{}}!=~,\\"'`]+)
    | (?P<end>\Z) | (?P<strange>.)
    )""",
    re.VERBOSE | re.DOTALL,
)


def read_utf8(text: str) -> tuple[Written, ...]:
    """Read `{name="value", "any name"=~"…"}` with or without braces, by the grammar of Alertmanager 0.27 and later."""
    tokens = _Tokens(text)
    braces = tokens.take("open") is not None
    found: list[Written] = []
    more = True
    while more and tokens.kind not in ("close", "end"):
        found.append(_read_one(tokens))
        more = tokens.take("comma") is not None
    if braces and tokens.take("close") is None:
        raise tokens.unexpected("a comma or `}`")
    if tokens.kind != "end":
        raise tokens.unexpected("the end" if braces else "a comma or the end")
    return tuple(found)


def _read_one(tokens: _Tokens) -> Written:
    name = tokens.text("a label name")
    operator = tokens.take("op")
    if operator is None:
        raise tokens.unexpected("one of = != =~ !~")
    column = tokens.column
    return Written(name, Op(operator), tokens.text("a value"), column)


class _Tokens:
    """The tokens of a text, one after the other; `kind` and `column` are those of the next one."""

    def __init__(self, text: str) -> None:
        self._rest: Iterator[re.Match[str]] = _TOKEN.finditer(text)
        self._advance()

    def _advance(self) -> None:
        self._token = next(self._rest)
        self.kind = self._token.lastgroup or ""
        # A quoted token's group begins behind the quote.
        self.column = self._token.start(self.kind) + (0 if self.kind == "quoted" else 1)

    def take(self, kind: str) -> str | None:
        """Take the next token if it is of this kind."""
        if self.kind != kind:
            return None
        taken = self._token[kind]
        self._advance()
        return taken

    def text(self, expected: str) -> str:
        """Take the next token, a bare or a quoted one, and give what it stands for."""
        bare = self.take("bare")
        if bare is not None:
            return bare
        column = self.column
        quoted = self.take("quoted")
        if quoted is None:
            raise self.unexpected(expected)
        try:
            return unquote(quoted)
        except ValueError as fault:
            raise MatcherError(f'can\'t read "{quoted}": {fault}', column) from None

    def unexpected(self, expected: str) -> MatcherError:
        """Say what was expected here, and what stands here instead."""
        found = {"end": "the end", "quoted": "a quoted text"}.get(self.kind, f"`{self._token[self.kind]}`")
        if found == '`"`':
            found = "a quote that is never closed"
        return MatcherError(f"expected {expected}, found {found}", self.column)


# What the classic grammar skips around its tokens.
_BLANK = "\t\n\f\r "
_CLASSIC = re.compile(
    rf"[{_BLANK}]*(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)[{_BLANK}]*(?P<op>=~|=|!=|!~)[{_BLANK}]*(?P<value>.*)", re.DOTALL
)
_CLASSIC_VALUE = re.compile(r'"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>(?:[^"\\]|\\.)*\\?)', re.DOTALL)
_CLASSIC_ESCAPE = re.compile(r'\\([n"\\])')


def read_classic_list(text: str) -> tuple[Written, ...]:
    """Read a comma-separated list by the grammar of Alertmanager before 0.27: very tolerant, but only plain names."""
    body = text.removeprefix("{")
    start = len(text) - len(body)
    *parts, last = _parts(body.removesuffix("}"))
    found = []
    for part in parts:
        found.append(read_classic(part, start))
        start += len(part) + 1
    if last.strip(_SPACE):
        start += len(last) - len(last.lstrip(_SPACE))
        found.append(read_classic(last.strip(_SPACE), start))
    return tuple(found)


def _parts(text: str) -> Iterator[str]:
    """Cut at the commas outside of quotes. A backslash hides the next quote, even across a comma."""
    start, quoted, escaped = 0, False, False
    for place, character in enumerate(text):
        if character == "," and not quoted:
            yield text[start:place]
            start = place + 1
        elif character == '"':
            quoted = quoted if escaped else not quoted
            escaped = False
        elif character != ",":
            escaped = character == "\\" and not escaped
    yield text[start:]


def read_classic(text: str, start: int = 0) -> Written:
    r"""Read one matcher by the classic grammar; the text begins `start` characters into what was written.

    In a value, `\n`, `\"` and `\\` are escapes, any other backslash stands for itself.
    """
    found = _CLASSIC.fullmatch(text)
    if found is None:
        raise MatcherError("expected a label name, one of = != =~ !~, and a value", start + 1)
    column = start + found.start("value") + 1
    value = _CLASSIC_VALUE.fullmatch(found["value"].rstrip(_BLANK))
    if value is None:
        raise MatcherError("a quote inside of a value needs a backslash before it", column)
    plain = _CLASSIC_ESCAPE.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], value[value.lastgroup or 0])
    return Written(found["name"], Op(found["op"]), plain, column)
