"""`receivers:` → drafts of receivers, with everything said that a policy has no place for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeAlias

from alertrouter.policy.alertmanager import grammar
from alertrouter.policy.alertmanager.drafts import Part, ReceiverDraft
from alertrouter.policy.alertmanager.email import email
from alertrouter.policy.alertmanager.fields import flag, items, place_of, section, spoken
from alertrouter.policy.alertmanager.integration import Options, Reading
from alertrouter.policy.alertmanager.pagerduty import pagerduty
from alertrouter.policy.alertmanager.slack import slack
from alertrouter.policy.alertmanager.webhook import webhook
from alertrouter.policy.reading.faults import Place
from alertrouter.policy.reading.value import Fields, Value, Wrong

_Reader: TypeAlias = Callable[[Reading, str, Fields], Options]

_READERS: Final[Mapping[str, _Reader]] = {"slack": slack, "pagerduty": pagerduty, "email": email, "webhook": webhook}

_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "slack": ("channel", "webhook_url", "webhook_url_file"),
    "pagerduty": ("routing_key", "routing_key_file"),
    "email": ("to",),
    "webhook": ("url", "url_file"),
}

_ALTERNATIVES: Final[Mapping[str, str]] = {
    "opsgenie": "Opsgenie takes mail: give the team's address as `email`, or post to a bridge with `webhook`",
    "victorops": "Splunk On-Call takes mail: give the team's address as `email`, or post to a bridge with `webhook`",
    "incidentio": "post to incident.io's HTTP alert source through a bridge with `webhook`",
    "jira": "post to an automation rule of Jira with `webhook`",
    "sns": "post to a function that publishes to the topic with `webhook`",
}
_USUAL_ALTERNATIVE: Final = "post to a bridge with `webhook`, or use `slack`, `pagerduty` or `email`"


class Receivers:
    """Reads the list of receivers; what is gathered on the way is in `reading`."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def read(self, value: Value) -> tuple[ReceiverDraft, ...]:
        """Read the list."""
        drafts: dict[str, ReceiverDraft] = {}
        for item in items(value):
            draft = item.read(spoken(self._receiver), None)
            if draft is None:
                continue
            if draft.name in drafts:
                first = drafts[draft.name].line
                item.read(partial(_refuse, f"found a second receiver `{draft.name}`, the first is in line {first}"), 0)
            if draft.name:
                drafts.setdefault(draft.name, draft)
        return tuple(drafts.values())

    def _receiver(self, value: Value) -> ReceiverDraft:
        parts: list[Part] = []
        comments: list[str] = []
        with section(value) as fields:
            name = fields.need("name", Value.text, "")
            if "labels" in fields:
                comments.append(
                    self._reading.report.note(
                        place_of(fields, "labels"),
                        f"receivers[{name}].labels",
                        "labels of a receiver are left out",
                        why="a receiver has none here",
                        todo="put them on its route, as `labels`",
                    )
                )
            for channel, read in _READERS.items():
                parts += fields.take(f"{channel}_configs", partial(self._each, channel, read, name), ())
            for kind, keys in grammar.OTHERS.items():
                parts += fields.take(f"{kind}_configs", partial(self._others, kind, keys, name), ())
        return ReceiverDraft(name, value.node.place.line, tuple(parts), tuple(comments))

    def _each(self, channel: str, read: _Reader, name: str, value: Value) -> tuple[Part, ...]:
        found: list[Part] = []

        def one(item: Value) -> Options:
            # The id that the integration will have, by which its texts know their messages.
            number = sum(part.channel == channel for part in found)
            self._reading.destination = f"{name}/{channel}/{number}" if number else f"{name}/{channel}"
            with section(item) as fields:
                return read(self._reading, name, fields)

        for item in items(value):
            texts = len(self._reading.texts)
            options = item.read(spoken(one), None)
            if options is None:
                continue
            found.append(_part(channel, item.node.place, options))
            if found[-1].channel != channel:
                del self._reading.texts[texts:]
        return tuple(found)

    def _others(self, kind: str, keys: tuple[str, ...], name: str, value: Value) -> tuple[Part, ...]:
        def one(item: Value) -> Part:
            with section(item, keys) as fields:
                fields.take("send_resolved", flag, True)
            said = self._reading.report.note(
                item.node.place,
                f"receivers[{name}].{kind}_configs",
                f"`{kind}` becomes the inbox",
                why=f"alertrouter has no channel for {kind}: without the inbox its alerts would reach nobody",
                todo=_ALTERNATIVES.get(kind, _USUAL_ALTERNATIVE),
            )
            return Part("inbox", (), (said,))

        found = [item.read(spoken(one), None) for item in items(value)]
        return tuple(part for part in found if part is not None)


def _part(channel: str, place: Place, options: Options) -> Part:
    """The integration; one whose faults leave nothing to reach anybody by becomes the inbox."""
    if not any(key in _NEEDED[channel] for key, _ in options[0]):
        said = f"line {place.line}: `{channel}_configs` is faulty: its alerts go to the inbox until it is mended"
        return Part("inbox", (), (*options[1], said))
    return Part(channel, *options)


def _refuse(message: str, _: Value) -> None:
    raise Wrong(message)
