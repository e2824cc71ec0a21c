"""Text in double quotes, as Go's `%q` writes and reads it: in matchers and in group keys."""

from __future__ import annotations

import re

_SHORT = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}
_SHORT_OF = {character: letter for letter, character in _SHORT.items()}

_ESCAPE = re.compile(
    rb'\\(?:(?P<short>[abfnrtv\\"])|x(?P<hex>[0-9a-fA-F]{2})|(?P<octal>[0-7]{3})'
    rb"|u(?P<rune>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8}))|\\|\n"
)


def quote(text: str) -> str:
    """Put a text in double quotes; what can't be printed becomes an escape."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _SHORT_OF:
        return f"\\{_SHORT_OF[character]}"
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def unquote(text: str) -> str:
    """Read what stands between the quotes. Raises `ValueError` for an unknown escape, a line feed, invalid UTF-8."""
    return _ESCAPE.sub(_plain, text.encode()).decode()


def _plain(escape: re.Match[bytes]) -> bytes:
    kind, written = escape.lastgroup, escape[0]
    if kind is None:
        raise ValueError("line feed in quotes" if written == b"\n" else "unknown escape after the backslash")
    if kind == "short":
        return _SHORT[escape["short"].decode()].encode()
    code = int(escape[kind], 8 if kind == "octal" else 16)
    if kind in ("hex", "octal"):
        # A byte, not a character: several of them may make one. bytes() refuses what is over 255.
        return bytes([code])
    return chr(code).encode()
