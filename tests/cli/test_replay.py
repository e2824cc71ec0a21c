"""`alertrouter history` and `alertrouter replay`: from a real router's records to what would have been different."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from alertrouter.record import Record, Silenced, lines
from alertrouter.settings import Settings
from alertrouter.store.keys import Keys
from alertrouter.store.records import History
from tests.cli.running import run
from tests.routing import POLICY, Routing, fires, silences
from tests.test_replay import TEXT, acted, ended, fired, silence

EARLY = TEXT
LATE = TEXT.replace("after: 5m", "after: 10m")


@pytest.fixture
def directories(tmp_path: Path) -> tuple[str, str]:
    """Two policies: one pages after five minutes, one after ten."""
    for name, text in (("early", EARLY), ("late", LATE)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "policy.yml").write_text(text, encoding="utf-8")
    return str(tmp_path / "early"), str(tmp_path / "late")


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A history in which somebody took the second alert after seven minutes."""
    first, second = fired(0, "Disk", "INC-9"), fired(60)
    records: list[Record] = [first, ended(3, first), second, acted(67), ended(90, second)]
    (tmp_path / "history.jsonl").write_bytes(b"".join(lines(records)))
    return str(tmp_path / "history.jsonl")


def test_a_history_is_lived_under_another_policy(directories: tuple[str, str], file: str) -> None:
    """Pages more or fewer, by team and hour; exit 3 when there are more and that was not wanted."""
    early, late = directories

    fewer = run("replay", "--policy", late, "--against", early, "--from", file, "--fail-on", "more-pages")
    more = run("replay", "--policy", early, "--against", late, "--from", file, "--fail-on", "more-pages")
    changed = run("replay", "--policy", late, "--against", early, "--from", file, "--fail-on", "any-change")

    assert (fewer.code, more.code, changed.code) == (0, 3, 3)
    assert fewer.out.splitlines()[:4] == [
        "5 events from Sat 2026-03-07 03:00 to Sat 2026-03-07 04:30 UTC",
        "lived on until Sat 2026-03-07 05:30 UTC",
        "",
        "pages                          1 → 0       -1",
    ]
    assert "1 incident would have gone otherwise" in fewer.out
    assert "- +0s chat, +5m pager\n" in fewer.out
    assert "+ +0s chat\n" in fewer.out


def test_programs_get_all_of_it(directories: tuple[str, str], file: str) -> None:
    """One object; --since counts back from the end of the file."""
    early, late = directories

    (whole,) = run("replay", "--policy", late, "--against", early, "--from", file, "-o", "json").json
    (late_part,) = run(
        "replay", "--policy", late, "--against", early, "--from", file, "--since", "10m", "-o", "json"
    ).json

    assert (whole["pages"], whole["by_team"]) == ([1, 0], {"ai": [1, 0]})
    assert [one["receiver"] for one in whole["changed"][0]["new"]] == ["chat", "chat"]
    assert late_part["pages"] == [0, 0]


def test_what_was_silenced_before_counts_in_a_part_of_a_file_too(directories: tuple[str, str], tmp_path: Path) -> None:
    """Of one that is ended later nothing has to stand in the file from before."""
    early, late = directories
    down = fired(40)
    histories: dict[str, list[Record]] = {
        "set.jsonl": [fired(0, "Disk", "INC-9"), silence(0, 59), down, ended(58, down)],
        "ended.jsonl": [down, silence(58, 58, starts=0), ended(59, down)],
    }
    for name, records in histories.items():
        (tmp_path / name).write_bytes(b"".join(lines(records)))
        file = ("--from", str(tmp_path / name), "--since", "20m")
        (found,) = run("replay", "--policy", late, "--against", early, *file, "-o", "json").json
        assert (found["pages"], found["changed"]) == ([0, 0], [])


def test_a_file_that_is_none_is_refused_at_its_line(directories: tuple[str, str], tmp_path: Path) -> None:
    """Nothing is counted of half a history."""
    (tmp_path / "bad.jsonl").write_text('{"type":"ended","at":"2026-03-07T03:00:00Z","alert":"x"}\n{"type":\n')

    ran = run("replay", "--policy", directories[0], "--from", str(tmp_path / "bad.jsonl"))

    assert ran.code == 1
    assert "bad.jsonl:2: no line of a history" in ran.err


def test_a_history_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """In a line, without a traceback; one that can't be read as well."""
    file = tmp_path / "nowhere" / "history"

    exported = run("history", "export", "--into", str(file))
    taken_in = run("history", "import", str(file))

    assert (exported.code, exported.err) == (1, f"{file}: can't be written: No such file or directory\n")
    assert (taken_in.code, taken_in.err) == (1, f"{file}: can't be read: No such file or directory\n")


def test_what_a_router_did_is_exported_and_taken_in_elsewhere(
    settings_for: Callable[..., Settings], client: redis.Redis, tmp_path: Path, redis_url: str
) -> None:
    """The same records in another namespace, and a replay of them from there."""
    routing = Routing(settings_for(POLICY), client)
    routing.journal.append(fires("Down"))
    routing.active.turn()
    routing.clock.set(seconds=10)
    routing.active.turn()
    routing.journal.append(silences("Down", seconds=10))
    routing.active.turn()
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "policy.yml").write_text(POLICY, encoding="utf-8")
    here = {"ALERTROUTER_REDIS_URL": redis_url, "ALERTROUTER_NAMESPACE": routing.settings.namespace}
    there = {**here, "ALERTROUTER_NAMESPACE": f"{routing.settings.namespace}-there"}
    file = str(tmp_path / "history.jsonl")

    exported = run("history", "export", "--into", file, environ=here)
    taken = run("history", "import", file, environ=there)
    again = run("history", "import", file, environ=there)
    replayed = run("replay", "--policy", str(tmp_path / "p"), "--against", str(tmp_path / "p"), environ=there)
    nothing = run("replay", "--policy", str(tmp_path / "p"), environ={**here, "ALERTROUTER_NAMESPACE": "nobody"})

    number = len(recorded := list(History(client, routing.keys).read()))
    assert recorded == list(History(client, Keys(there["ALERTROUTER_NAMESPACE"])).read())
    assert [one.matchers[0].value for one in recorded if isinstance(one, Silenced)] == ["Down"]
    assert exported.err == f"{number} records in {file}\n"
    assert (taken.code, taken.out) == (0, f"{number} records taken in\n")
    assert (again.code, "already" in again.err) == (1, True)
    assert "every incident would have told the same people at the same times" in replayed.out
    assert (nothing.code, nothing.err) == (1, "there is no history to replay\n")
