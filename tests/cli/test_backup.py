"""`alertrouter backup` and `restore`, as a person types them."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from alertrouter.store.backup import unpack
from tests.cli.running import run
from tests.web.door import Door


def test_a_backup_is_written_for_its_owner_and_told_to_prometheus(door: Door, tmp_path: Path) -> None:
    """Wiped and restored, the metric of its success is there again, for that is noted before the next one."""
    environ = {"ALERTROUTER_REDIS_URL": door.redis_url, "ALERTROUTER_NAMESPACE": "ar"}
    door.redis.set("ar:active", "r1")
    door.redis.hset("ar:policies", "r1", msgspec.msgpack.encode({"policy.yml": ""}))
    file = tmp_path / "state.backup"

    taken = run("backup", str(file), environ=environ)

    assert (taken.code, taken.out, taken.err) == (0, f"2 keys, no incidents, no alerts: {file}\n", "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["state.backup"]
    assert float(door.redis.hget("ar:backups", "alertrouter") or 0) > datetime.now(UTC).timestamp() - 60

    door.redis.flushall()
    assert run("restore", str(file), environ=environ).out.startswith("restored what alertrouter ")
    assert door.redis.get("ar:active") == b"r1"

    again = run("restore", str(file), environ=environ)
    assert (again.code, again.err) == (1, "3 keys are there already under ar:: --replace drops them\n")
    assert run("restore", str(file), "--replace", environ=environ).code == 0


def test_a_backup_that_could_not_be_restored_says_so(door: Door, tmp_path: Path) -> None:
    """When it is taken, when it is looked at, and when it is put back all the same. No success is noted."""
    environ = {"ALERTROUTER_REDIS_URL": door.redis_url, "ALERTROUTER_NAMESPACE": "ar"}
    door.redis.hset("ar:incidents", "INC-7", msgspec.msgpack.encode({"id": "INC-7"}))
    file = tmp_path / "state.backup"
    complaint = "incidents INC-7: Object missing required field"

    taken = run("backup", str(file), environ=environ)
    looked = run("restore", "--check", str(file), environ={})

    assert (taken.code, looked.code) == (1, 1)
    assert taken.err.startswith(complaint)
    assert taken.err.endswith("to go on without what can't be read: alertrouter backup FILE --set-aside\n")
    assert looked.err.startswith(complaint)
    assert "1 incident, no alerts" in looked.out
    assert looked.out.endswith("1 entry, 1 can't be read\n")
    assert not door.redis.exists("ar:backups")
    again = run("restore", str(file), "--replace", environ=environ)
    assert (again.code, again.err.startswith(complaint)) == (0, True)


def test_what_can_not_be_read_is_set_aside(door: Door, tmp_path: Path) -> None:
    """Its bytes are in the file then, and the next backup is whole and counts."""
    environ = {"ALERTROUTER_REDIS_URL": door.redis_url, "ALERTROUTER_NAMESPACE": "ar"}
    strange = msgspec.msgpack.encode({"id": "INC-7"})
    door.redis.hset("ar:incidents", "INC-7", strange)
    file = tmp_path / "aside.backup"

    aside = run("backup", str(file), "--set-aside", environ=environ)

    assert (aside.code, aside.err.startswith("incidents INC-7: ")) == (0, True)
    assert aside.out.endswith(f"1 entry set aside: only {file} has it now, keep it\n")
    assert not door.redis.exists("ar:incidents", "ar:backups")
    assert unpack(file.read_bytes()).records[0].fields == (b"INC-7", strange)
    assert run("backup", str(tmp_path / "next"), environ=environ).code == 0
    assert door.redis.exists("ar:backups")


@pytest.mark.parametrize("where", [["-"], ["--record", "prometheus"]])
def test_nothing_is_set_aside_without_a_file(door: Door, where: list[str]) -> None:
    """What goes to stdout may get nowhere, and then nobody would have what was taken out."""
    environ = {"ALERTROUTER_REDIS_URL": door.redis_url, "ALERTROUTER_NAMESPACE": "ar"}
    door.redis.hset("ar:incidents", "INC-7", msgspec.msgpack.encode({"id": "INC-7"}))

    refused = run("backup", *where, "--set-aside", environ=environ)

    assert refused.code == 2
    assert "give a FILE" in refused.err
    assert door.redis.exists("ar:incidents")


def test_what_can_only_be_mended_by_hand_is_no_success(door: Door, tmp_path: Path) -> None:
    """A key of another version may be what that one needs."""
    environ = {"ALERTROUTER_REDIS_URL": door.redis_url, "ALERTROUTER_NAMESPACE": "ar"}
    door.redis.set("ar:of_tomorrow", "?")

    aside = run("backup", str(tmp_path / "aside"), "--set-aside", environ=environ)

    assert (aside.code, aside.err) == (1, "of_tomorrow: this version knows no such key\n")
    assert "no entries set aside" in aside.out
    assert door.redis.get("ar:of_tomorrow") == b"?"


def test_a_sound_backup_is_looked_at_without_a_redis() -> None:
    """What is in it, in one line."""
    file = Path(__file__).parents[1] / "store" / "formats" / "1.backup"

    looked = run("restore", "--check", str(file), environ={"ALERTROUTER_REDIS_URL": "redis://127.0.0.1:1/0"})

    assert (looked.code, looked.err) == (0, "")
    assert "format 1: 6 incidents, 6 alerts, 1 silence, 4 deliveries, 1 policy, 1 unread event" in looked.out
    assert looked.out.endswith("90 entries, each can be read\n")


def test_the_backup_of_another_part_is_noted(door: Door) -> None:
    """`--record` writes no file; Prometheus sees when it was."""
    environ = {"ALERTROUTER_REDIS_URL": door.redis_url, "ALERTROUTER_NAMESPACE": "ar"}

    assert run("backup", "--record", "prometheus", environ=environ).code == 0

    assert (
        'alertrouter_backup_last_success_timestamp_seconds{component_name="prometheus"}'
        in door.http.get("/metrics").text
    )


def test_what_can_not_be_read_or_written_is_named(door: Door, tmp_path: Path) -> None:
    """No traceback; exit 1, or 2 for wrong usage."""
    environ = {"ALERTROUTER_REDIS_URL": door.redis_url, "ALERTROUTER_NAMESPACE": "ar"}

    assert "can't be written: No such file" in run("backup", str(tmp_path / "no" / "b"), environ=environ).err
    (tmp_path / "other").write_text("something else")
    other = run("restore", str(tmp_path / "other"), environ=environ)
    assert other.err.startswith(f"{tmp_path / 'other'}: this is no backup of alertrouter's")
    assert "can't be read: No such file" in run("restore", str(tmp_path / "none"), environ=environ).err
    assert run("backup", environ=environ).code == 2
