"""What Slack sends when somebody presses a button or types a command, as plain values."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qs

import msgspec

from alertrouter.errors import PayloadError

MOST_FIELDS: Final = 100
_VALUE: Final = re.compile(r"([A-Za-z0-9_.-]{1,64}):([0-9]{1,9})(?::([a-z0-9]{1,16}))?")


class _Person(msgspec.Struct):
    id: str
    username: str = ""
    name: str = ""


class _Option(msgspec.Struct):
    value: str


class _Press(msgspec.Struct):
    action_id: str
    action_ts: str = ""
    value: str = ""
    selected_option: _Option | None = None


class _Interaction(msgspec.Struct):
    type: str
    user: _Person
    actions: list[_Press] = []
    response_url: str = ""
    trigger_id: str = ""


class Click(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody pressed a button, or chose from a menu. `moment` is Slack's name for this one click.

    `value` is what the button was drawn with, `response_url` where the person can be told something.
    """

    user: str
    name: str
    action: str
    value: str
    moment: str
    response_url: str


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody typed `/alertrouter …`; `words` is the rest. `moment` is Slack's name for this one command."""

    user: str
    name: str
    words: tuple[str, ...]
    moment: str


class Target(msgspec.Struct, frozen=True):
    """What a button is for: the incident, the version that it was drawn from, and what was chosen in a menu."""

    incident: str
    version: int
    choice: str = ""


_INTERACTIONS: Final = msgspec.json.Decoder(_Interaction)


def read_form(body: bytes) -> dict[str, str]:
    """Read the form that Slack posts; of a field that comes twice the first counts. Raises `PayloadError`."""
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise PayloadError("the body is no form as Slack posts it") from None
    return {name: values[0] for name, values in fields.items()}


def read_interaction(payload: str | bytes) -> Click | None:
    """Read what was clicked; None when it is nothing of ours. Raises `PayloadError`."""
    try:
        found = _INTERACTIONS.decode(payload)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise PayloadError(f"payload: {error}") from None
    if found.type != "block_actions" or not found.actions:
        return None
    press = found.actions[0]
    return Click(
        user=found.user.id,
        name=_called(found.user.username or found.user.name, found.user.id),
        action=press.action_id,
        value=press.selected_option.value if press.selected_option else press.value,
        moment=press.action_ts or found.trigger_id,
        response_url=found.response_url,
    )


def read_command(form: dict[str, str]) -> Command:
    """Read a command. Raises `PayloadError`."""
    if not form.get("user_id") or not form.get("command"):
        raise PayloadError("user_id, command: expected both, found none or one")
    user = form["user_id"]
    return Command(
        user=user,
        name=_called(form.get("user_name", ""), user),
        words=tuple(form.get("text", "").split()),
        moment=form.get("trigger_id", ""),
    )


def read_target(value: str) -> Target:
    """Read a button's value. Raises `PayloadError`."""
    found = _VALUE.fullmatch(value)
    if not found:
        raise PayloadError("actions[0].value: expected incident:version")
    return Target(found[1], int(found[2]), found[3] or "")


def printable(text: str) -> str:
    """The text without what can't be shown: control signs, and halves of signs, which no text may hold."""
    return "".join(sign for sign in text if sign.isprintable())


def _called(name: str, user: str) -> str:
    """What a person is called in an incident's story: their Slack name, else their id."""
    return (printable(name).strip() or printable(user))[:80]
