"""The policy's grammar as a JSON Schema, for editors: keys complete themselves, and an unknown one is underlined.

`alertrouter schema` prints it, docs/policy.schema.json is that. A test compares it with the reader, key by key.
"""

from __future__ import annotations

from typing import Final

from alertrouter.policy.reading.receivers import PAGERDUTY_SEVERITIES
from alertrouter.policy.schema_forms import (
    Json,
    Schema,
    choice,
    flag,
    list_of,
    mapping,
    named,
    one_or_more,
    ref,
    secret,
    text,
)

_DURATION: Final = r"^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$"


def schema() -> Schema:
    """The whole schema: one file may hold any of a policy's keys."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "alertrouter policy",
        "description": "One file of a policy directory; see docs/policy.md.",
        **mapping(_TOP),
        "$defs": {**_DEFINITIONS},
    }


_SEND_RESOLVED: Final = {"send_resolved": flag("Tell of the end, too.", True)}
_ADDRESSED: Final[dict[str, Schema]] = {
    "team": text("The team that is told."),
    "receiver": text("The receiver that is told."),
    "escalate": named(text("An escalation policy."), "Severity → escalation policy."),
}

_DEFINITIONS: Final[dict[str, Json]] = {
    "duration": {"type": ["string", "integer"], "pattern": _DURATION, "description": "As 30s, 1h30m, 2w."},
    "matchers": one_or_more({"type": "string"}, 'All must hold: component="ai", alertname=~"Node.*".'),
    "labels": named({"type": ["string", "number", "boolean"]}, "Label names and values."),
    "interval": mapping(
        {
            "times": list_of(
                mapping(
                    {"start_time": text('As "09:00".'), "end_time": text('Until "24:00".')}, "start_time", "end_time"
                )
            ),
            "weekdays": list_of({"type": "string"}, "As monday:friday."),
            "days_of_month": list_of({"type": ["string", "integer"]}, "As 1:7, or -1 for the last one."),
            "months": list_of({"type": ["string", "integer"]}, "As january:march."),
            "years": list_of({"type": ["string", "integer"]}, "As 2026:2028."),
            "location": text("A time zone; default: that of the policy."),
        }
    ),
    "slack": mapping(
        {
            "channel": text("Posted to with the bot token."),
            **secret("webhook_url", "The incoming webhook, used without a bot token"),
            **secret("token", "The bot token; default SLACK_BOT_TOKEN"),
            **_SEND_RESOLVED,
        }
    ),
    "pagerduty": mapping(
        {
            **secret("routing_key", "The integration key (Events API v2)"),
            "severity": named(choice("PagerDuty's word.", *PAGERDUTY_SEVERITIES), "Severity → PagerDuty's."),
            **_SEND_RESOLVED,
        }
    ),
    "email": mapping(
        {
            "to": one_or_more({"type": "string"}, "Addresses."),
            "from": text("Takes the place of SMTP_FROM."),
            **_SEND_RESOLVED,
        },
        "to",
    ),
    "webhook": mapping(
        {
            "url": text("Where Alertmanager's body is posted; or url_file."),
            "url_file": text("An absolute path, read at the moment of sending."),
            **secret("bearer_token", "Sent along"),
            "basic_auth": mapping(
                {
                    "username": text("The user."),
                    "username_file": text("An absolute path, read at the moment of sending."),
                    **secret("password", "The password"),
                }
            ),
            "max_alerts": {"type": "integer", "minimum": 0, "default": 0, "description": "0: all."},
            **_SEND_RESOLVED,
        }
    ),
    "inbox": mapping({**_SEND_RESOLVED}),
    "receiver": mapping(
        {
            kind: one_or_more(ref(kind), what)
            for kind, what in {
                "slack": "A Slack channel.",
                "pagerduty": "A PagerDuty service.",
                "email": "A mailbox.",
                "webhook": "An address that takes Alertmanager's body.",
                "inbox": "The page at /.",
            }.items()
        }
    ),
    "person": mapping(
        {
            "slack": text("The Slack user id, as U024BE7LH."),
            "email": text("An address."),
            **secret("pagerduty", "An integration key that reaches this person"),
            "pagerduty_user": text("The PagerDuty user id: who acts there is this person."),
        }
    ),
    "schedule": mapping(
        {
            "timezone": text("Whose clocks count; default: that of the policy."),
            "layers": list_of(ref("layer"), "A later layer covers the ones before it; needed without ical."),
            **secret("ical", "The address of a calendar that covers all layers"),
            "overrides": list_of(ref("override"), "These cover all layers and the calendar."),
            "fallback": text("A person or receiver, for when nobody else is left."),
        },
        "fallback",
    ),
    "layer": mapping(
        {
            "people": list_of(text("A person."), "They take turns in this order."),
            "start": text("The date of the first turn."),
            "handover": text('The time of day of hand-overs; default "09:00".'),
            "rotate": text("weekly, daily, or a length such as 3d."),
            "until": text("The date on which it ends."),
            "during": text("A time interval outside of which it has nobody."),
        },
        "people",
        "start",
    ),
    "override": mapping(
        {"person": text("Who."), "from": text("As 2026-03-07 18:00."), "until": text("As 2026-03-08 12:00.")},
        "person",
        "from",
        "until",
    ),
    "level": mapping(
        {
            "notify": one_or_more(text("A role of the team, a receiver, a schedule or a person."), "Whom to tell."),
            "after": ref("duration", "Counted from the start of the policy."),
            "during": text("A time interval outside of which it is held."),
            "else": choice("Outside of it: hold it (the default), or skip it.", "hold", "skip"),
            "if": mapping({"alerts": text('As ">=5" or ">=5 in 10m".')}, "alerts"),
            "digest": ref("duration", "Collected, and sent together that often at most."),
        },
        "notify",
    ),
    "escalation_policy": mapping(
        {
            "levels": list_of(ref("level"), "Who is told when, while nobody takes it."),
            "ack_timeout": ref("duration", "An acknowledgement lapses after it; 0 or without: never."),
            "raise": mapping(
                {
                    "to": text("The severity that it then has."),
                    "after": ref("duration", "Still firing and nobody's after this long."),
                    "during": text("Only time within this interval counts."),
                },
                "to",
                "after",
            ),
            "repeat": mapping(
                {
                    "every": ref("duration"),
                    "from": {"type": "integer", "minimum": 1, "description": "The level that it begins at."},
                    "times": {"type": "integer", "minimum": 1, "description": "Default: until somebody acts."},
                },
                "every",
            ),
            "deliver_within": ref("duration", "A page that isn't delivered by then goes to the next who can act."),
            "fallback": one_or_more(text("A role, receiver, schedule or person."), "Told behind the last level."),
        },
        "levels",
    ),
    "route": mapping(
        {
            **_ADDRESSED,
            "matchers": ref("matchers"),
            "continue": flag("Also try the siblings after it.", False),
            "group_by": list_of(text("A label."), "Labels; [...] alone means all."),
            "group_wait": ref("duration", "Before the first message of a group; default 30s."),
            "group_interval": ref("duration", "Between messages of a group; default 5m."),
            "repeat_interval": ref("duration", "Still firing: said again; default 4h."),
            "mute_time_intervals": list_of(text("A time interval."), "Messages are held during these."),
            "active_time_intervals": list_of(text("A time interval."), "Messages are held outside of these."),
            "labels": ref("labels"),
            "routes": list_of(ref("route"), "The children, tried in this order."),
        }
    ),
    "inhibit_rule": mapping(
        {
            "name": text("For people."),
            "source_matchers": ref("matchers"),
            "target_matchers": ref("matchers"),
            "equal": list_of(text("A label."), "Labels that both share."),
        },
        "source_matchers",
        "target_matchers",
    ),
    "maintenance": mapping(
        {
            "name": text("For people."),
            "matchers": ref("matchers"),
            "during": one_or_more(text("A time interval."), "Open while one of them is."),
            "comment": text("Why; who is not told reads it."),
        },
        "matchers",
        "during",
    ),
    "heartbeat": mapping(
        {
            **_ADDRESSED,
            "every": ref("duration", "How often a beat is expected."),
            "grace": ref("duration", "How late it may be; default 1m."),
            "matchers": ref("matchers"),
            "severity": text("Of the incident."),
            "labels": ref("labels"),
            "summary": text("What people read."),
        },
        "every",
    ),
    "test": mapping(
        {
            "name": text("What is tested."),
            "alert": ref("labels"),
            "at": text("As 2026-03-02 10:00."),
            "until": ref("duration", "How far to look."),
            "also_firing": list_of(ref("labels"), "Other alerts that fire meanwhile."),
            "receivers": list_of(text("A receiver or person."), "Who is told at once, in order."),
            "escalation": one_or_more(text("An escalation policy, or none."), "The policy in force."),
            "suppressed_by": list_of(text("A rule or interval."), "What holds it back."),
            "expect": list_of(text("As 20m ai-channel."), "All that happens."),
            "events": list_of(text("As 7m ack @omar."), "What happens to the alert meanwhile."),
        },
        "name",
        "alert",
    ),
}

_TOP: Final[dict[str, Schema]] = {
    "severities": list_of(text("A value of the label severity."), "Lowest first."),
    "default_severity": text("Of alerts whose label is missing or unknown."),
    "timezone": text("As Europe/Berlin; default UTC."),
    "reopen_within": ref("duration", "A group that fires again this soon is the same incident; default 10m."),
    "slack": mapping(
        {"allowed": list_of(text("A person of `people`, or a Slack user id."), "Who may act in Slack.")}, "allowed"
    ),
    "storm": mapping(
        {
            "incidents": {
                "type": "integer",
                "minimum": 1,
                "maximum": 1000,
                "description": "More messages than these …",
            },
            "within": ref("duration", "… to one destination in this time are told together; default 1m."),
        },
        "incidents",
    ),
    "flapping": mapping(
        {
            "flips": {
                "type": "integer",
                "minimum": 2,
                "maximum": 100,
                "description": "Fires again so often; default 5.",
            },
            "within": ref("duration", "In this time; default 30m."),
            "stable_for": ref("duration", "Until it has been steady for so long; default 15m."),
        }
    ),
    "time_intervals": named(list_of(ref("interval")), "Names for times, as in Alertmanager."),
    "receivers": named(ref("receiver"), "Where messages go."),
    "people": named(ref("person"), "Who can be on call."),
    "schedules": named(ref("schedule"), "Who is on call when."),
    "calendars": named(list_of(ref("override"), "In order."), "Written by the router: what it read of calendars."),
    "teams": named(named(text("A receiver, schedule or person."), "Role → who."), "Who is told."),
    "escalation_policies": named(ref("escalation_policy"), "Who is told next."),
    "route": ref("route", "The tree; its root takes every alert."),
    "inhibit_rules": list_of(ref("inhibit_rule"), "What explains what."),
    "maintenance": list_of(ref("maintenance"), "What is silenced when."),
    "heartbeats": named(ref("heartbeat"), "Signs of life that must keep coming."),
    "tests": list_of(ref("test"), "What is expected of the policy."),
}
