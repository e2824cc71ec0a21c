"""`maintenance:`, the windows in which the policy silences alerts."""

from __future__ import annotations

from functools import partial

from alertrouter.policy.maintenance import MaintenanceWindow
from alertrouter.policy.matcher import Op
from alertrouter.policy.reading.matchers import some_matchers
from alertrouter.policy.reading.names import Names
from alertrouter.policy.reading.value import Value, one_of, one_or_more


def maintenance(names: Names, value: Value) -> tuple[MaintenanceWindow, ...]:
    """Read all windows; each has a name of its own."""
    windows: list[MaintenanceWindow] = []
    for number, item in enumerate(value.items(), 1):
        taken = {window.name for window in windows}
        window = item.read(partial(_window, names, number, taken), None)
        windows += [window] if window else []
    return tuple(windows)


def _window(names: Names, number: int, taken: set[str], value: Value) -> MaintenanceWindow:
    with value.fields() as fields:
        window = MaintenanceWindow(
            name=fields.take("name", Value.text, f"window {number}"),
            matchers=fields.need("matchers", some_matchers, ()),
            during=fields.need("during", one_or_more(one_of("time interval", names.intervals)), ()),
            comment=fields.take("comment", Value.text, ""),
        )
        if window.name in taken:
            fields.wrong(f"found a second window `{window.name}`, expected a name of its own", "name")
        if window.matchers and all(one.op in (Op.EQUAL, Op.REGEX) and one.matches({}) for one in window.matchers):
            fields.wrong("found matchers that an alert without labels meets, expected one that it doesn't", "matchers")
        return window
