"""The buttons below a Slack message: what can be done to the incident in its present state.

Each carries the incident and the version that it was drawn from, so that an old button is recognised as one.
"""

from __future__ import annotations

from collections.abc import Mapping

from slack_sdk.models.blocks import (
    ActionsBlock,
    ButtonElement,
    ConfirmObject,
    InteractiveElement,
    MarkdownTextObject,
    Option,
    PlainTextObject,
    StaticSelectElement,
)

from alertrouter.incident import State
from alertrouter.notice import Notice
from alertrouter.notifiers.slack_actions import (
    ACKNOWLEDGE,
    ESCALATE,
    RESOLVE,
    RESOLVE_FIRING,
    SILENCE,
    SILENCES,
    SNOOZE,
    SNOOZES,
    UNACKNOWLEDGE,
    UNSILENCE,
)


def buttons(notice: Notice) -> ActionsBlock | None:
    """The row of buttons; None when nothing is left to be done, or no incident stands behind it (version 0: a test)."""
    if notice.state is State.RESOLVED or notice.status == "resolved" or not notice.version:
        return None
    value = f"{notice.incident}:{notice.version}"
    taken = notice.state is State.ACKNOWLEDGED
    row: list[InteractiveElement] = [
        ButtonElement(text="Unacknowledge", action_id=UNACKNOWLEDGE, value=value)
        if taken
        else ButtonElement(text="Acknowledge", action_id=ACKNOWLEDGE, value=value, style="primary")
    ]
    if notice.climbs:
        row.append(ButtonElement(text="Escalate now", action_id=ESCALATE, value=value))
    row += [_menu("Snooze", SNOOZE, SNOOZES, value), _silence(notice, value)]
    row.append(_resolve(notice, value))
    # Slack keeps what was chosen in a menu as long as its block keeps its name.
    return ActionsBlock(elements=row, block_id=f"act:{notice.delivery}"[:255])


def _menu(title: str, action: str, choices: Mapping[str, str], value: str) -> StaticSelectElement:
    options = [Option(text=PlainTextObject(text=text), value=f"{value}:{name}") for name, text in choices.items()]
    return StaticSelectElement(placeholder=title, action_id=action, options=options)


def _silence(notice: Notice, value: str) -> InteractiveElement:
    """Silence it and what joins it; what is silenced can be heard again."""
    if notice.silenced:
        return ButtonElement(text="End silence", action_id=UNSILENCE, value=value)
    return _menu("Silence this", SILENCE, SILENCES, value)


def _resolve(notice: Notice, value: str) -> ButtonElement:
    if not notice.firing:
        return ButtonElement(text="Resolve", action_id=RESOLVE, value=value)
    count = len(notice.firing)
    fires = "its alert fires still" if count == 1 else f"{count} of its alerts fire still"
    ask = ConfirmObject(
        title=PlainTextObject(text="Resolve it?"),
        text=MarkdownTextObject(text=f"{fires.capitalize()}. Whoever was told of it will hear that it is over."),
        confirm=PlainTextObject(text="Resolve"),
        deny=PlainTextObject(text="Leave it open"),
        style="danger",
    )
    return ButtonElement(text="Resolve", action_id=RESOLVE_FIRING, value=value, style="danger", confirm=ask)
