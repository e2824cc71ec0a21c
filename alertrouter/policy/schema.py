"""The policy's grammar as a JSON Schema, for editors: keys complete themselves, and an unknown one is underlined.

`alertrouter schema` prints it, docs/policy.schema.json is that. A test compares it with the reader, key by key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from alertrouter.policy.reading.receivers import PAGERDUTY_SEVERITIES

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"
Schema: TypeAlias = dict[str, Json]

_DURATION: Final = r"^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$"


def schema() -> Schema:
    """The whole schema: one file may hold any of a policy's keys."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "alertrouter policy",
        "description": "One file of a policy directory; see docs/policy.md.",
        **_mapping(_TOP),
        "$defs": {**_DEFINITIONS},
    }


def _mapping(fields: Mapping[str, Schema], *needed: str) -> Schema:
    """A mapping with these keys and no others."""
    made: Schema = {"type": "object", "additionalProperties": False, "properties": dict(fields)}
    return {**made, "required": list(needed)} if needed else made


def _named(value: Schema, what: str) -> Schema:
    """A mapping with names of the author's choice."""
    return {"type": "object", "description": what, "additionalProperties": value}


def _ref(name: str, what: str = "") -> Schema:
    return {"$ref": f"#/$defs/{name}", "description": what} if what else {"$ref": f"#/$defs/{name}"}


def _list(value: Schema, what: str = "") -> Schema:
    made: Schema = {"type": "array", "items": value}
    return {**made, "description": what} if what else made


def _one_or_more(value: Schema, what: str = "") -> Schema:
    made: Schema = {"anyOf": [value, _list(value)]}
    return {**made, "description": what} if what else made


def _text(what: str) -> Schema:
    # Numbers count as the text that was written.
    return {"type": ["string", "number"], "description": what}


def _flag(what: str, default: bool) -> Schema:
    return {"type": "boolean", "description": what, "default": default}


def _choice(what: str, *values: str) -> Schema:
    return {"enum": list(values), "description": what}


def _secret(key: str, what: str) -> dict[str, Schema]:
    return {
        key: {"type": "string", "pattern": r"\$\{", "description": f"{what}: ${{NAME}}, from the environment"},
        f"{key}_file": _text(f"{what}: an absolute path, read at the moment of sending"),
    }


_SEND_RESOLVED: Final = {"send_resolved": _flag("Tell of the end, too.", True)}
_ADDRESSED: Final[dict[str, Schema]] = {
    "team": _text("The team that is told."),
    "receiver": _text("The receiver that is told."),
    "escalate": _named(_text("An escalation policy."), "Severity → escalation policy."),
}

_DEFINITIONS: Final[dict[str, Json]] = {
    "duration": {"type": ["string", "integer"], "pattern": _DURATION, "description": "As 30s, 1h30m, 2w."},
    "matchers": _one_or_more({"type": "string"}, 'All must hold: component="ai", alertname=~"Node.*".'),
    "labels": _named({"type": ["string", "number", "boolean"]}, "Label names and values."),
    "interval": _mapping(
        {
            "times": _list(
                _mapping(
                    {"start_time": _text('As "09:00".'), "end_time": _text('Until "24:00".')}, "start_time", "end_time"
                )
            ),
            "weekdays": _list({"type": "string"}, "As monday:friday."),
            "days_of_month": _list({"type": ["string", "integer"]}, "As 1:7, or -1 for the last one."),
            "months": _list({"type": ["string", "integer"]}, "As january:march."),
            "years": _list({"type": ["string", "integer"]}, "As 2026:2028."),
            "location": _text("A time zone; default: that of the policy."),
        }
    ),
    "slack": _mapping(
        {
            "channel": _text("Posted to with the bot token."),
            **_secret("webhook_url", "The incoming webhook, used without a bot token"),
            **_secret("token", "The bot token; default SLACK_BOT_TOKEN"),
            **_SEND_RESOLVED,
        }
    ),
    "pagerduty": _mapping(
        {
            **_secret("routing_key", "The integration key (Events API v2)"),
            "severity": _named(_choice("PagerDuty's word.", *PAGERDUTY_SEVERITIES), "Severity → PagerDuty's."),
            **_SEND_RESOLVED,
        }
    ),
    "email": _mapping(
        {
            "to": _one_or_more({"type": "string"}, "Addresses."),
            "from": _text("Takes the place of SMTP_FROM."),
            **_SEND_RESOLVED,
        },
        "to",
    ),
    "webhook": _mapping(
        {
            "url": _text("Where Alertmanager's body is posted."),
            **_secret("bearer_token", "Sent along"),
            "max_alerts": {"type": "integer", "minimum": 0, "default": 0, "description": "0: all."},
            **_SEND_RESOLVED,
        },
        "url",
    ),
    "inbox": _mapping({**_SEND_RESOLVED}),
    "receiver": _mapping(
        {
            kind: _one_or_more(_ref(kind), what)
            for kind, what in {
                "slack": "A Slack channel.",
                "pagerduty": "A PagerDuty service.",
                "email": "A mailbox.",
                "webhook": "An address that takes Alertmanager's body.",
                "inbox": "The page at /.",
            }.items()
        }
    ),
    "person": _mapping(
        {
            "slack": _text("The Slack user id, as U024BE7LH."),
            "email": _text("An address."),
            **_secret("pagerduty", "An integration key that reaches this person"),
            "pagerduty_user": _text("The PagerDuty user id: who acts there is this person."),
        }
    ),
    "schedule": _mapping(
        {
            "timezone": _text("Whose clocks count; default: that of the policy."),
            "layers": _list(_ref("layer"), "A later layer covers the ones before it; needed without ical."),
            **_secret("ical", "The address of a calendar that covers all layers"),
            "overrides": _list(_ref("override"), "These cover all layers and the calendar."),
            "fallback": _text("A person or receiver, for when nobody else is left."),
        },
        "fallback",
    ),
    "layer": _mapping(
        {
            "people": _list(_text("A person."), "They take turns in this order."),
            "start": _text("The date of the first turn."),
            "handover": _text('The time of day of hand-overs; default "09:00".'),
            "rotate": _text("weekly, daily, or a length such as 3d."),
            "until": _text("The date on which it ends."),
            "during": _text("A time interval outside of which it has nobody."),
        },
        "people",
        "start",
    ),
    "override": _mapping(
        {"person": _text("Who."), "from": _text("As 2026-03-07 18:00."), "until": _text("As 2026-03-08 12:00.")},
        "person",
        "from",
        "until",
    ),
    "level": _mapping(
        {
            "notify": _one_or_more(_text("A role of the team, a receiver, a schedule or a person."), "Whom to tell."),
            "after": _ref("duration", "Counted from the start of the policy."),
            "during": _text("A time interval outside of which it is held."),
            "else": _choice("Outside of it: hold it (the default), or skip it.", "hold", "skip"),
            "if": _mapping({"alerts": _text('As ">=5" or ">=5 in 10m".')}, "alerts"),
            "digest": _ref("duration", "Collected, and sent together that often at most."),
        },
        "notify",
    ),
    "escalation_policy": _mapping(
        {
            "levels": _list(_ref("level"), "Who is told when, while nobody takes it."),
            "ack_timeout": _ref("duration", "An acknowledgement lapses after it; 0 or without: never."),
            "raise": _mapping(
                {
                    "to": _text("The severity that it then has."),
                    "after": _ref("duration", "Still firing and nobody's after this long."),
                    "during": _text("Only time within this interval counts."),
                },
                "to",
                "after",
            ),
            "repeat": _mapping(
                {
                    "every": _ref("duration"),
                    "from": {"type": "integer", "minimum": 1, "description": "The level that it begins at."},
                    "times": {"type": "integer", "minimum": 1, "description": "Default: until somebody acts."},
                },
                "every",
            ),
            "deliver_within": _ref("duration", "A page that isn't delivered by then goes to the next who can act."),
            "fallback": _one_or_more(_text("A role, receiver, schedule or person."), "Told behind the last level."),
        },
        "levels",
    ),
    "route": _mapping(
        {
            **_ADDRESSED,
            "matchers": _ref("matchers"),
            "continue": _flag("Also try the siblings after it.", False),
            "group_by": _list(_text("A label."), "Labels; [...] alone means all."),
            "group_wait": _ref("duration", "Before the first message of a group; default 30s."),
            "group_interval": _ref("duration", "Between messages of a group; default 5m."),
            "repeat_interval": _ref("duration", "Still firing: said again; default 4h."),
            "mute_time_intervals": _list(_text("A time interval."), "Messages are held during these."),
            "active_time_intervals": _list(_text("A time interval."), "Messages are held outside of these."),
            "labels": _ref("labels"),
            "routes": _list(_ref("route"), "The children, tried in this order."),
        }
    ),
    "inhibit_rule": _mapping(
        {
            "name": _text("For people."),
            "source_matchers": _ref("matchers"),
            "target_matchers": _ref("matchers"),
            "equal": _list(_text("A label."), "Labels that both share."),
        },
        "source_matchers",
        "target_matchers",
    ),
    "maintenance": _mapping(
        {
            "name": _text("For people."),
            "matchers": _ref("matchers"),
            "during": _one_or_more(_text("A time interval."), "Open while one of them is."),
            "comment": _text("Why; who is not told reads it."),
        },
        "matchers",
        "during",
    ),
    "heartbeat": _mapping(
        {
            **_ADDRESSED,
            "every": _ref("duration", "How often a beat is expected."),
            "grace": _ref("duration", "How late it may be; default 1m."),
            "matchers": _ref("matchers"),
            "severity": _text("Of the incident."),
            "labels": _ref("labels"),
            "summary": _text("What people read."),
        },
        "every",
    ),
    "test": _mapping(
        {
            "name": _text("What is tested."),
            "alert": _ref("labels"),
            "at": _text("As 2026-03-02 10:00."),
            "until": _ref("duration", "How far to look."),
            "also_firing": _list(_ref("labels"), "Other alerts that fire meanwhile."),
            "receivers": _list(_text("A receiver or person."), "Who is told at once, in order."),
            "escalation": _one_or_more(_text("An escalation policy, or none."), "The policy in force."),
            "suppressed_by": _list(_text("A rule or interval."), "What holds it back."),
            "expect": _list(_text("As 20m ai-channel."), "All that happens."),
            "events": _list(_text("As 7m ack @omar."), "What happens to the alert meanwhile."),
        },
        "name",
        "alert",
    ),
}

_TOP: Final[dict[str, Schema]] = {
    "severities": _list(_text("A value of the label severity."), "Lowest first."),
    "default_severity": _text("Of alerts whose label is missing or unknown."),
    "timezone": _text("As Europe/Berlin; default UTC."),
    "reopen_within": _ref("duration", "A group that fires again this soon is the same incident; default 10m."),
    "slack": _mapping(
        {"allowed": _list(_text("A person of `people`, or a Slack user id."), "Who may act in Slack.")}, "allowed"
    ),
    "storm": _mapping(
        {
            "incidents": {
                "type": "integer",
                "minimum": 1,
                "maximum": 1000,
                "description": "More messages than these …",
            },
            "within": _ref("duration", "… to one destination in this time are told together; default 1m."),
        },
        "incidents",
    ),
    "flapping": _mapping(
        {
            "flips": {
                "type": "integer",
                "minimum": 2,
                "maximum": 100,
                "description": "Fires again so often; default 5.",
            },
            "within": _ref("duration", "In this time; default 30m."),
            "stable_for": _ref("duration", "Until it has been steady for so long; default 15m."),
        }
    ),
    "time_intervals": _named(_list(_ref("interval")), "Names for times, as in Alertmanager."),
    "receivers": _named(_ref("receiver"), "Where messages go."),
    "people": _named(_ref("person"), "Who can be on call."),
    "schedules": _named(_ref("schedule"), "Who is on call when."),
    "calendars": _named(_list(_ref("override"), "In order."), "Written by the router: what it read of calendars."),
    "teams": _named(_named(_text("A receiver, schedule or person."), "Role → who."), "Who is told."),
    "escalation_policies": _named(_ref("escalation_policy"), "Who is told next."),
    "route": _ref("route", "The tree; its root takes every alert."),
    "inhibit_rules": _list(_ref("inhibit_rule"), "What explains what."),
    "maintenance": _list(_ref("maintenance"), "What is silenced when."),
    "heartbeats": _named(_ref("heartbeat"), "Signs of life that must keep coming."),
    "tests": _list(_ref("test"), "What is expected of the policy."),
}
