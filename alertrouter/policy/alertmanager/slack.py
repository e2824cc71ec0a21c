"""The parts of a Slack message that Alertmanager checks: fields, actions and their questions."""

from __future__ import annotations

from alertrouter.policy.alertmanager.fields import flag, given, section, text
from alertrouter.policy.reading.value import Fields, Value


def slack_fields(value: Value) -> None:
    """Check one entry of `fields`."""
    with section(value) as fields:
        _need(fields, "title", "field")
        _need(fields, "value", "field")
        fields.take("short", flag, None)


def actions(value: Value) -> None:
    """Check one entry of `actions`."""
    with section(value, ("style", "value")) as fields:
        _need(fields, "type", "action")
        _need(fields, "text", "action")
        if not given(fields, "url") and not given(fields, "name"):
            fields.wrong("found neither `url` nor `name` in a Slack action, expected one")
        fields.take("confirm", _question, None)


def _question(value: Value) -> None:
    with section(value, ("title", "ok_text", "dismiss_text")) as fields:
        _need(fields, "text", "confirmation")


def _need(fields: Fields, key: str, what: str) -> None:
    if not fields.take(key, text, ""):
        fields.wrong(f"found no `{key}` in a Slack {what}, expected one")
