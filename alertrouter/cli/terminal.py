"""How lines look in a terminal: marks, colours, and nothing that an alert could smuggle in."""

from __future__ import annotations

import textwrap

import typer

from alertrouter.settings import Settings

WIDTH = 80
"""What is folded is folded for this width: it also fits into mails, tickets and side-by-side windows."""


class Terminal:
    """Prints for people. Colours are left out when the output is no terminal, or NO_COLOR is set."""

    def __init__(self, settings: Settings, *, err: bool = False) -> None:
        self._colours = not settings.environ.get("NO_COLOR")
        self._err = err

    def line(self, text: str = "") -> None:
        """Print one line."""
        typer.echo(text, err=self._err)

    def folded(self, first: str, text: str, indent: int) -> None:
        """Print `first`, padded to `indent` columns, then the text beside it, folded at spaces."""
        lines = textwrap.wrap(plain(text), WIDTH - indent, break_long_words=False, break_on_hyphens=False) or [""]
        self.line(f"{first}{lines[0]}")
        for line in lines[1:]:
            self.line(" " * indent + line)

    def good(self, text: str) -> str:
        """Colour what is as it should be."""
        return self._styled(text, typer.colors.GREEN)

    def bad(self, text: str) -> str:
        """Colour what is wrong."""
        return self._styled(text, typer.colors.RED)

    def doubtful(self, text: str) -> str:
        """Colour what should be looked at."""
        return self._styled(text, typer.colors.YELLOW)

    def faint(self, text: str) -> str:
        """Step back what matters less."""
        return typer.style(text, dim=True) if self._colours else text

    def strong(self, text: str) -> str:
        """Bring forward what matters most."""
        return typer.style(text, bold=True) if self._colours else text

    def _styled(self, text: str, colour: str) -> str:
        return typer.style(text, fg=colour) if self._colours else text


def plain(text: str) -> str:
    """The text with control characters shown as escapes: a label must not steer the terminal."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def counted(number: int, what: str, several: str = "") -> str:
    """Give `1 route`, `2 routes`, `no routes`."""
    return f"{number or 'no'} {what if number == 1 else several or what + 's'}"
