"""Reads a body with alerts: whole and typed in one go, or alert by alert when that fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import msgspec

from alertrouter.alert import AlertReport
from alertrouter.errors import PayloadError
from alertrouter.sources import Parsed, SetAside
from alertrouter.sources.fault import FAULTS, join, reason
from alertrouter.sources.split import Slices, member_array, root_array

T = TypeVar("T")

_KEPT: Final = 16 * 1024
"""Bytes kept of an alert that is set aside."""

_MOST_SET_ASIDE: Final = 100
"""Bad alerts of one body that are kept with their reason; a body can hold millions."""

_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


class Envelope(msgspec.Struct, Generic[T]):
    """A body that is an object with the alerts in its member `alerts`."""

    alerts: list[T]


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """How a body is laid out: its alerts are the member `member`, or the body itself when that is empty.

    `whole` decodes a body in one go, `one` a single alert, `frame` a body whose array of alerts was emptied.
    """

    member: str
    whole: Callable[[bytes], Sequence[T]]
    frame: Callable[[bytes], object]
    one: Callable[[bytes], T]

    def slices(self, body: bytes) -> Slices | None:
        """Find the alerts in a body without decoding them."""
        return member_array(body, self.member) if self.member else root_array(body)


def envelope(alert: type[T], one: Callable[[bytes], T] | None = None) -> Form[T]:
    """Lay a body out as an object with `alerts`."""
    whole = msgspec.json.Decoder(Envelope[alert])  # type: ignore[valid-type]  # a type made at run time
    frame = msgspec.json.Decoder(Envelope[msgspec.Raw])
    return Form(
        "alerts", lambda body: whole.decode(body).alerts, frame.decode, one or msgspec.json.Decoder(alert).decode
    )


def array(alert: type[T], one: Callable[[bytes], T] | None = None) -> Form[T]:
    """Lay a body out as an array."""
    whole = msgspec.json.Decoder(list[alert])  # type: ignore[valid-type]  # a type made at run time
    frame = msgspec.json.Decoder(list[msgspec.Raw])
    return Form("", whole.decode, frame.decode, one or msgspec.json.Decoder(alert).decode)


def read(body: bytes, form: Form[T], report: Callable[[T], AlertReport]) -> Parsed:
    """Read a body. `report` raises `PayloadError` with a path that starts at `$`, the alert."""
    try:
        return Parsed(tuple([report(alert) for alert in form.whole(body)]))
    except (*FAULTS, PayloadError) as error:
        return _read_one_by_one(body, form, report, error)


def read_one(body: bytes, one: Callable[[bytes], T], report: Callable[[T], AlertReport]) -> Parsed:
    """Read a body that is one alert."""
    try:
        return Parsed((report(_decoded(body, one)),))
    except (*FAULTS, PayloadError) as error:
        raise PayloadError(_why(error, body, "$", 0, len(body))) from error


def _read_one_by_one(body: bytes, form: Form[T], report: Callable[[T], AlertReport], first: Exception) -> Parsed:
    slices = form.slices(body)
    if slices is None:
        raise PayloadError(reason(first, body)) from first
    _check_frame(body, slices, form)
    reports: list[AlertReport] = []
    set_aside: list[SetAside] = []
    for index, (begin, end) in enumerate(slices.elements):
        try:
            reports.append(report(_decoded(body[begin:end], form.one)))
        except (*FAULTS, PayloadError) as error:
            if len(set_aside) < _MOST_SET_ASIDE:
                why = _why(error, body, f"{form.member}[{index}]", begin, end)
                set_aside.append(SetAside(index, why, body[begin:end].strip()[:_KEPT]))
    if set_aside and not reports:
        raise PayloadError(set_aside[0].reason) from first
    return Parsed(tuple(reports), tuple(set_aside), len(slices.elements) - len(reports))


def _check_frame(body: bytes, slices: Slices, form: Form[T]) -> None:
    """Check what stands around the alerts; blanks take their place, so that positions stay true."""
    blank = b" " * (slices.end - slices.start - 1)
    frame = body[: slices.start + 1] + blank + body[slices.end :]
    try:
        form.frame(frame)
    except FAULTS as error:
        raise PayloadError(reason(error, frame)) from error


def _why(error: Exception, body: bytes, path: str, begin: int, end: int) -> str:
    if isinstance(error, PayloadError):
        inner, _, what = str(error).partition(": ")
        return f"{join(path, inner)}: {what}"
    return reason(error, body, path, begin, end)


def _decoded(raw: bytes, one: Callable[[bytes], T]) -> T:
    """Decode one alert; text that is no Unicode gets U+FFFD in its place, as in Go and so in Alertmanager.

    A page that names its host badly is better than none.
    """
    try:
        return one(raw)
    except (UnicodeDecodeError, msgspec.DecodeError) as error:
        mended = _ESCAPE.sub(_mend_escape, raw.decode("utf-8", "replace")).encode()
        if mended == raw or isinstance(error, msgspec.ValidationError):
            raise
        try:
            return one(mended)
        except FAULTS:
            raise error from None


def _mend_escape(escape: re.Match[str]) -> str:
    return "\\ufffd" if escape["lone"] else escape[0]
