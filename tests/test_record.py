"""Records are packed small, and are what they were when they are unpacked."""

from __future__ import annotations

import msgspec
import pytest

from alertrouter.alert import Fingerprint
from alertrouter.record import Ended, Fired, pack, unpack
from tests.times import START


def test_the_records_of_a_storm_are_compressed() -> None:
    """A thousand beginnings take a tenth of their size, few are left as they are; both are read."""
    few = [Ended(at=START, alert=Fingerprint("0" * 16))]
    many = [
        Fired(
            at=START,
            alert=Fingerprint(f"{number:016x}"),
            labels={"alertname": "DiskFilling", "instance": f"host-{number}.example.com:9100", "severity": "critical"},
            starts_at=START,
            incidents=("INC-1",),
        )
        for number in range(1000)
    ]

    assert len(pack(many)) < len(msgspec.msgpack.encode(many)) / 10
    assert pack(few) == msgspec.msgpack.encode(few)
    assert unpack(pack(many)) == many
    assert unpack(pack(few)) == few


def test_damaged_records_are_an_error_that_readers_know() -> None:
    """As any other record that can't be read."""
    with pytest.raises(msgspec.DecodeError, match="damaged"):
        unpack(b"\x78\x01 no zlib")
