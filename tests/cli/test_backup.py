"""`alertrouter backup` and `restore`, as a person types them."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

from tests.cli.running import run
from tests.web.door import Door


def test_a_backup_is_written_for_its_owner_and_told_to_prometheus(door: Door, tmp_path: Path) -> None:
    """Wiped and restored, the metric of its success is there again, for that is noted before the next one."""
    environ = {"ALERTROUTER_REDIS_URL": door.redis_url, "ALERTROUTER_NAMESPACE": "ar"}
    door.redis.set("ar:active", "r1")
    file = tmp_path / "state.backup"

    taken = run("backup", str(file), environ=environ)

    assert (taken.code, taken.out) == (0, f"1 key, no incidents, no alerts: {file}\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["state.backup"]
    assert float(door.redis.hget("ar:backups", "alertrouter") or 0) > datetime.now(UTC).timestamp() - 60

    door.redis.flushall()
    assert run("restore", str(file), environ=environ).out.startswith("restored what alertrouter ")
    assert door.redis.get("ar:active") == b"r1"

    again = run("restore", str(file), environ=environ)
    assert (again.code, again.err) == (1, "2 keys are there already under ar:: --replace drops them\n")
    assert run("restore", str(file), "--replace", environ=environ).code == 0


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
    assert "can't be read: No such file" in run("restore", str(tmp_path / "none"), environ=environ).err
    assert run("backup", environ=environ).code == 2
