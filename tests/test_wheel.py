"""The wheel alone is enough: installed into an empty environment, alertrouter runs with no checkout."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.installation import Door
from tests.journeys.processes import of_directory
from tests.journeys.programs import Programs, free_port
from tests.waiting import eventually

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    directory = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(directory), str(CHECKOUT))
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    """Programs that end with the test."""
    running = Programs(tmp_path)
    yield running
    running.stop()


def test_the_wheel_carries_all_that_it_needs(wheel: Path) -> None:
    """The built-in policy and templates, the pages and what they load, the scripts that Redis runs, the types' mark."""
    inside = set(zipfile.ZipFile(wheel).namelist())

    beside = _files("policies") | _files("templates") | _files("docs/runbooks")
    wanted = _files("alertrouter") | {f"alertrouter/builtin/{one}" for one in beside}
    exporter = _files("monitoring/ai_metrics_exporter")
    wanted |= {one.removeprefix("monitoring/") for one in exporter}

    assert {Path(one).suffix for one in wanted} >= {".py", ".lua", ".html", ".css", ".j2", ".yml"}
    assert "alertrouter/py.typed" in wanted
    assert wanted - inside == set()


@pytest.mark.timeout(300)
def test_an_installed_wheel_runs_with_no_checkout(wheel: Path, tmp_path: Path, programs: Programs) -> None:
    """In an empty environment: installed from the lock and the wheel, up, ready, on the built-in policy, and down."""
    environment = tmp_path / "venv"
    _run(sys.executable, "-m", "venv", str(environment))
    install = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps"]
    _run(*install, "--require-hashes", "--requirement", str(CHECKOUT / "requirements.lock"))
    _run(*install, str(wheel))
    home = tmp_path / "home"
    home.mkdir()
    door = Door(f"127.0.0.1:{free_port()}")

    up = programs.start(
        "up",
        [str(environment / "bin" / "alertrouter"), "up"],
        {"HOME": str(home), "ALERTROUTER_LISTEN": door.address},
    )

    eventually(lambda: door.ready() or not up.running, within=60, what="it is ready")
    eventually(lambda: "the built-in one" in up.text() or not up.running, within=10, what=up.text)
    assert str(environment) in up.text()

    assert up.stop() == 0
    assert of_directory(home) == []


def _files(directory: str) -> set[str]:
    found = (one for one in (CHECKOUT / directory).rglob("*") if one.is_file() and "__pycache__" not in one.parts)
    return {one.relative_to(CHECKOUT).as_posix() for one in found}


def _run(*command: str) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert ended.returncode == 0, ended.stdout + ended.stderr
