"""One integration of a receiver: what it is read against, and what it leaves behind for the whole policy."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from alertrouter.policy.alertmanager.fallbacks import Globals
from alertrouter.policy.alertmanager.fields import given
from alertrouter.policy.alertmanager.http import bearer
from alertrouter.policy.alertmanager.notes import Report
from alertrouter.policy.reading.faults import Place
from alertrouter.policy.reading.value import Fields

Options: TypeAlias = tuple[tuple[tuple[str, str], ...], tuple[str, ...]]
"""The options of an integration, written, and the comments before it."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a message in Go's template language: `target` is the template that it becomes.

    `destination` is the id of the integration that it belongs to. A `row` is one line of a list.
    """

    destination: str
    target: str
    key: str
    place: Place
    source: str
    row: bool = False


@dataclass(slots=True)
class Reading:
    """What integrations are read against; gathers texts, variables and notes on the way.

    `destination` is the id of the integration that is being read, `pagerduty` the address that the first one of
    PagerDuty's has, "" before there is one.
    """

    report: Report
    globals: Globals
    severities: tuple[str, ...]
    texts: list[Text] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    destination: str = ""
    pagerduty: str = ""
    _owners: dict[str, str] = field(default_factory=dict)

    def bearer(self, variable: str, fields: Fields, key: str) -> list[tuple[str, str]]:
        """The token that `http_config` has, as the option `key`."""
        return fields.take("http_config", partial(bearer, self.report, variable, key), [])

    def text(self, fields: Fields, key: str, target: str, path: str) -> None:
        """Keep the text behind `key`, which becomes the template `target`."""
        if found := given(fields, key):
            self.texts.append(Text(self.destination, target, f"{path}.{key}", *found))

    def link(self, fields: Fields, keys: tuple[str, str], target: str, path: str) -> None:
        """Keep a link, of which `keys` are its address and its text; one without an address is sent to nobody."""
        url, name = (given(fields, key) for key in keys)
        if url:
            place, address = url
            source = f"{address}{{{{ ` ` }}}}{name[1]}" if name else address
            self.texts.append(Text(self.destination, target, path, place, source, row=True))

    def variable(self, base: str, name: str) -> str:
        """The variable that holds something of this integration of the receiver `name`, and of no other one."""
        stem = f"{base}_{re.sub('[^A-Za-z0-9]+', '_', name).strip('_').upper()}"
        number = int(self.destination.removeprefix(f"{name}/").partition("/")[2] or 0) + 1
        found = stem if number == 1 else f"{stem}_{number}"
        while self._owners.setdefault(found, self.destination) != self.destination:
            number += 1
            found = f"{stem}_{number}"
        return found
