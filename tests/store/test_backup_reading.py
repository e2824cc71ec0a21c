"""A backup is read entry by entry: what a restored router, worker or door could not read is found before that day."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from alertrouter import store
from alertrouter.errors import NewerState
from alertrouter.store.backup import Backup, Record, unpack
from alertrouter.store.backup_reading import FORMS, MOST_NAMED, form_of, read
from alertrouter.store.stateformat import FORMAT

FORMATS = Path(__file__).with_name("formats")
SOUND = unpack((FORMATS / "1.backup").read_bytes())


def changed(name: str, kind: str, *fields: bytes) -> Backup:
    """The same backup with another record under this name."""
    others = tuple(one for one in SOUND.records if one.name != name)
    return replace(SOUND, records=(*others, Record(name=name, kind=kind, ends_at=None, fields=fields)))


@pytest.mark.parametrize("path", sorted(FORMATS.glob("*.backup")), ids=lambda path: path.stem)
def test_what_earlier_versions_wrote_can_be_read(path: Path) -> None:
    """All of it."""
    found = read(unpack(path.read_bytes()))

    assert (found.complaints, found.unreadable) == ([], 0)
    assert found.entries["incidents"] == 6
    assert found.entries["timeline"] == 25


def test_every_key_of_the_state_has_its_form() -> None:
    """As the store's own table has it; what belongs to running processes is in no backup."""
    table = re.findall(r"^\| `([^`]+)` +\| (\w+) ", store.__doc__ or "", re.MULTILINE)
    passing = {"lease", "draining", "nudges", "shadow_follower"}

    told = {re.sub(r"<.*", "", name): kind for name, kind in table if name not in passing}

    assert {name: form.kind for name, form in FORMS.items()} == told
    assert form_of("timeline:INC-1") == ("timeline:", FORMS["timeline:"])
    assert form_of("timelines") is None


@pytest.mark.parametrize(
    ("name", "kind", "fields", "complaint"),
    [
        ("incidents", "hash", (b"INC-1", b"\x81\xa2id"), "incidents INC-1: Input data was truncated"),
        ("incidents", "hash", (b"INC-1", b"\xc0"), "incidents INC-1: Expected `object`, got `None`"),
        ("alerts", "hash", (b"f1", b"\x80"), "alerts f1: Expected `array`, got `object`"),
        ("policies", "hash", (b"another", b"\x80"), "active: the policy"),
        ("journal", "stream", (b"1-0", b"2", b"e", b"\x80"), "journal 1-0: Object missing required field `type`"),
        ("journal", "stream", (b"1-0", b"2", b"x", b"\x80"), "journal 1-0: it has no field e"),
        ("journal", "stream", (b"1-0", b"4", b"e"), "journal: its entries don't follow each other as in a stream"),
        ("set_aside", "stream", (b"2-0", b"0", b"1-0", b"0"), "set_aside 2-0: it has no field reason"),
        ("records", "stream", (b"1-0", b"2", b"r", b"\x78\x01no"), "records 1-0: compressed records are damaged"),
        ("begun", "stream", (b"1-0", b"2", b"f", b"seven b"), "begun 1-0: expected 8 bytes for each alert, found 7"),
        ("delivery:INC-1.1", "hash", (b"state", b"sent"), "delivery:INC-1.1: it has no delivery"),
        ("due:slack:1", "zset", (b"INC-1.1", b"soon"), "due:slack:1 INC-1.1: could not convert string to float"),
        ("timeline:INC-1", "list", (b"\xc0",), "timeline:INC-1 1: Expected `object`, got `None`"),
        ("checkpoint", "string", (b"17",), "checkpoint: expected a place in the journal, found b'17'"),
        ("last_number", "string", (b"many",), "last_number: expected a whole number, found b'many'"),
        ("shadow", "hash", (b"set", b"\xc0"), "shadow: Expected `object`, got `None`"),
        ("incidents", "list", (b"INC-1",), "incidents: expected a hash, found a list"),
        ("of_tomorrow", "hash", (b"a", b"b"), "of_tomorrow: this version knows no such key"),
    ],
)
def test_what_can_not_be_read_is_named(name: str, kind: str, fields: tuple[bytes, ...], complaint: str) -> None:
    """With its key, its entry and what is wrong. The file itself is whole: its checksum is right."""
    backup = unpack(changed(name, kind, *fields).pack())

    found = read(backup)

    assert found.complaints[0].startswith(complaint)
    assert found.unreadable >= 1


def test_a_stream_that_redis_would_refuse_is_named() -> None:
    """Ids have to grow."""
    found = read(changed("set_aside", "stream", *(b"2-0", b"0"), *(b"2-0", b"0")))

    assert found.complaints[-1] == "set_aside: its entries don't follow each other as in a stream"


def test_many_faults_are_counted_and_some_of_them_named() -> None:
    """A terminal has so many lines."""
    many = tuple(part for number in range(1000) for part in (b"f%d" % number, b"\xc0"))

    found = read(changed("alerts", "hash", *many))

    assert found.unreadable == 1000
    assert len(found.complaints) == MOST_NAMED


def test_a_state_of_a_later_version_is_not_looked_into() -> None:
    """It could mean anything."""
    with pytest.raises(NewerState, match=f"format {FORMAT + 1}"):
        read(changed("format", "string", b"%d 99.0" % (FORMAT + 1)))


def test_its_format_is_told() -> None:
    """Of before there was a stamp: 1."""
    assert SOUND.state_format == "1"
    assert changed("format", "string", b"2 0.2").state_format == "2"
    assert msgspec.structs.replace(SOUND, records=()).state_format == "1"
