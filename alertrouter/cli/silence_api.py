"""Silences as the running server takes and shows them, by Alertmanager's API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn

import msgspec
import typer

from alertrouter.cli.app import Exit
from alertrouter.cli.server import Server, incident_id
from alertrouter.cli.terminal import plain
from alertrouter.errors import NotFound
from alertrouter.silence import SilenceMatcher


class Matcher(msgspec.Struct, frozen=True, rename="camel"):
    """One matcher of a silence, as the server takes and shows it."""

    name: str
    value: str
    is_regex: bool
    is_equal: bool = True

    def __str__(self) -> str:
        return str(SilenceMatcher(self.name, self.value, self.is_regex, self.is_equal))


class Status(msgspec.Struct, frozen=True):
    """Whether it is pending, active or expired."""

    state: str


class Silence(msgspec.Struct, frozen=True, rename="camel"):
    """A silence as the server shows it."""

    id: str
    status: Status
    matchers: list[Matcher]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    with_alerts: bool = False


class _Scope(msgspec.Struct, frozen=True):
    matchers: list[str]


class _Accepted(msgspec.Struct, frozen=True):
    silence_id: str = msgspec.field(name="silenceID")


class Wanted(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A silence that is asked for."""

    matchers: list[Matcher]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    with_alerts: bool


def set_silence(server: Server, wanted: Wanted) -> str:
    """Ask for it; gives its id."""
    status, body = server.ask("POST", "/api/v2/silences", content=msgspec.json.encode(wanted))
    if status not in (200, 202):
        refused(body)
    return server.decode(body, _Accepted).silence_id


def end_silence(server: Server, name: str) -> bool:
    """Ask for its end; tells whether that was taken."""
    return server.ask("DELETE", f"/api/v2/silence/{name}")[0] in (200, 202)


def all_silences(server: Server, filters: Sequence[str] = ()) -> list[Silence]:
    """The silences that it knows, those that are over too; with filters, those that have just these matchers."""
    status, body = server.ask("GET", "/api/v2/silences", query={"filter": list(filters)})
    if status != 200:
        refused(body)
    return server.decode(body, list[Silence])


def whole_id(asked: str, known: Sequence[str]) -> str:
    """The id that is meant by its beginning, with or without `S-`; "" when none is, or several are."""
    text = asked.strip().lower().removeprefix("s-")
    meant = [name for name in known if text and name.startswith(text)]
    return meant[0] if len(meant) == 1 else ""


def scope(server: Server, incident: str) -> list[Matcher]:
    """The matchers of an incident's group and route; ends the command when there are none."""
    name = incident_id(incident)
    try:
        found = server.read(f"/{name}/scope", _Scope).matchers
    except NotFound as error:
        typer.echo(plain(str(error)), err=True)
        raise typer.Exit(Exit.FAILED) from None
    if not found:
        typer.echo(f"{name} has neither group labels nor a route of its own: name matchers", err=True)
        raise typer.Exit(Exit.FAILED)
    return parsed(found)


def parsed(texts: Sequence[str]) -> list[Matcher]:
    """Read matchers as people write them."""
    from alertrouter.policy.matcher import MatcherError, parse_matcher

    found = []
    for text in texts:
        try:
            one = parse_matcher(text).of_silence()
        except MatcherError as error:
            raise typer.BadParameter(f"{text}: {error}", param_hint="MATCHER") from None
        found.append(Matcher(one.name, one.value, one.is_regex, one.is_equal))
    return found


def refused(body: bytes) -> NoReturn:
    """Tell in the server's words why not."""
    try:
        said = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        said = body.decode(errors="replace")
    text = said.get("message") or said.get("error") if isinstance(said, dict) else said
    typer.echo(plain(str(text)), err=True)
    raise typer.Exit(Exit.UNMET)
