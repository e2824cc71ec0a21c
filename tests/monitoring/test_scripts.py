"""The stack's scripts: shellcheck on each, and what the deployment does to a Docker that only writes down."""

from __future__ import annotations

import re
import shutil
import socket
import stat
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.journeys.programs import installed
from tests.monitoring.deployed import GENERATED, SCRIPTS, Site
from tests.monitoring.tools import CHECKOUT, run


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A fresh machine."""
    return Site(tmp_path)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    """In any of them, with what they source."""
    ran = run(installed("shellcheck"), "--external-sources", f"scripts/{script.name}")

    assert (ran.returncode, ran.stdout) == (0, "")


def test_a_first_deployment_prepares_checks_starts_and_verifies(site: Site) -> None:
    """From nothing to running, in this order; the log holds what was said, and no secret."""
    ran = site.deploy("--send-test", "alerts")

    assert ran.returncode == 0, ran.stdout
    assert "✗" not in ran.stdout
    done = [call for call in site.calls if re.search(r"compose (config|build|pull|--profile check|up|exec)", call)]
    steps = [
        next(n for n, call in enumerate(done) if part in call)
        for part in (
            "config",
            "build",
            "pull",
            "check-alloy",
            "up --detach --wait",
            "promtool query",
            "alert add",
            "doctor",
        )
    ]
    assert steps == sorted(steps)
    (log,) = (site.root / "logs").glob("monitoring_deployment_*.log")
    assert "the Watchdog fires" in log.read_text()
    said = ran.stdout + log.read_text() + "\n".join(site.calls)
    assert [name for name in GENERATED if site.settings[name] in said] == []


def test_what_is_generated_is_for_its_owner_and_stays(site: Site) -> None:
    """Passwords are made once, differ, and may be read by nobody else; what containers are told follows them."""
    site.deploy("--prepare")
    first = site.settings
    assert all(len(first[name]) >= 24 for name in GENERATED)
    assert len({first[name] for name in GENERATED}) == len(GENERATED)
    assert first["ALERTROUTER_API_TOKENS"] == f"operator:write:{first['ALERTROUTER_API_TOKEN']}"

    with (site.root / ".env.monitoring").open("a") as file:
        file.write("SLACK_BOT_TOKEN='xoxb-1'\n")
    site.deploy("--prepare")

    assert {name: site.settings[name] for name in GENERATED} == {name: first[name] for name in GENERATED}
    modes = {name: stat.S_IMODE((site.root / name).stat().st_mode) for name in (".env.monitoring", "secrets")}
    assert modes == {".env.monitoring": 0o600, "secrets": 0o700}
    assert site.secret("grafana_admin_password") == first["GRAFANA_ADMIN_PASSWORD"]
    assert site.secret("alertrouter_ingest_token") == first["ALERTROUTER_INGEST_TOKENS"]
    assert f"requirepass {first['ALERTROUTER_REDIS_PASSWORD']}\n" in site.secret("redis_auth")
    told = site.secret("alertrouter_settings")
    assert "SLACK_BOT_TOKEN='xoxb-1'" in told
    assert first["ALERTROUTER_LINK_SECRET"] in told
    assert "GRAFANA" not in told


def test_the_overlays_and_profiles_are_chosen_once_and_kept(site: Site) -> None:
    """On Linux node-exporter is put into the host's network; --ha and --profile hold for plain `docker compose` too."""
    site.deploy("--prepare", "--ha", "--profile", "traces", "--profile", "db")
    site.deploy("--prepare")

    assert site.settings["COMPOSE_FILE"] == "docker-compose.yml:docker-compose.host.yml:docker-compose.ha.yml"
    assert site.settings["COMPOSE_PROFILES"] == "db,traces"
    assert site.settings["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://alloy:4318"
    assert (site.root / ".env").resolve() == (site.root / ".env.monitoring").resolve()
    listed = run(site.environ["REAL_COMPOSE"], "config", "--services", directory=site.root).stdout.split()
    assert {"prometheus-2", "tempo", "postgres-exporter"} <= set(listed)

    site.tell("system", "Docker Desktop")
    site.deploy("--prepare")
    assert site.settings["COMPOSE_FILE"] == "docker-compose.yml:docker-compose.ha.yml"


@pytest.mark.parametrize(
    ("fails", "says"),
    [
        ("docker version .*", "Docker does not answer"),
        ("docker compose build .*", "an image is missing"),
        ("docker compose --profile check run .* check-loki", "loki's configuration is not valid"),
    ],
)
def test_what_is_not_in_place_stops_the_deployment(site: Site, fails: str, says: str) -> None:
    """It is named with what to do, and nothing is started."""
    site.tell("fails", fails)

    ran = site.deploy()

    assert ran.returncode == 1
    assert re.search(rf"✗ {says}\n +→ ", ran.stdout), ran.stdout
    assert not any("compose up" in call for call in site.calls)


def test_a_port_that_is_taken_is_named(site: Site) -> None:
    """Before Docker would say so in its own words."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text = (site.root / "scripts/deploy_monitoring.sh").read_text()
        (site.root / "scripts/deploy_monitoring.sh").write_text(re.sub(r"PORTS=\(.*\)", f"PORTS=({port})", text))

        ran = site.deploy("--check")

    assert ran.returncode == 1
    assert f"✗ port {port} is taken" in ran.stdout


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("services", "loki running unhealthy\n", "not healthy: loki"),
        ("down", '{job="loki"} => 0 @[1]\n', "targets are down"),
        ("dashboards", "[]", "dashboards are there"),
        ("fails", "docker .* alertrouter incidents .*", "did not reach alertrouter"),
        ("fails", "curl .*loki.*", "no log of a container is in Loki"),
        ("fails", "docker .* alertrouter doctor", "alertrouter finds something wrong"),
        ("fails", "docker .* alertrouter send-test alerts", "no test message got through to alerts"),
    ],
)
def test_what_does_not_work_afterwards_is_named(site: Site, name: str, text: str, says: str) -> None:
    """Each point of the checklist can fail, and then the exit code says so."""
    site.deploy("--prepare")
    site.tell("calls", "docker compose up\n")
    site.tell(name, text)

    ran = site.deploy("--verify", "--send-test", "alerts")

    assert ran.returncode == 1
    assert re.search(rf"✗ .*{says}.*\n +→ ", ran.stdout), ran.stdout


def test_the_password_of_grafana_is_on_no_command_line(site: Site) -> None:
    """It goes to curl by its input."""
    site.deploy("--prepare")

    site.deploy("--verify")

    assert site.settings["GRAFANA_ADMIN_PASSWORD"] in (site.notes / "curl-config").read_text()
    assert site.settings["GRAFANA_ADMIN_PASSWORD"] not in "\n".join(site.calls)


def test_what_production_asks_for_is_there(site: Site) -> None:
    """Thresholds, runbooks, backup, dead man's switch and channels; the team is left to people."""
    site.make_ready()

    ran = site.deploy("--ready")

    assert (ran.returncode, ran.stdout.count("✓"), ran.stdout.count("!")) == (0, 5, 0), ran.stdout


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        ("rm -r docs/runbooks", "✗ there are no runbooks"),
        ("touch -d '3 days ago' backups/*/manifest.txt", "✗ there is no backup of the last two days"),
        ("rm backups/*/manifest.txt", "✗ there is no backup of the last two days"),
        ("sed -i /DEADMAN/d .env.monitoring", "✗ nobody is called when all of this is gone"),
        ("sed -i /SLACK_BOT_TOKEN/d .env.monitoring", "✗ all messages go to the inbox"),
    ],
)
def test_what_production_lacks_is_named(site: Site, spoilt: str, says: str) -> None:
    """Each point of the checklist can fail, and then the exit code says so."""
    site.make_ready()
    assert run("bash", "-c", spoilt, directory=site.root).returncode == 0

    ran = site.deploy("--ready")

    assert (ran.returncode, ran.stdout.count("✗")) == (1, 1), ran.stdout
    assert re.search(rf"{says}\n +→ ", ran.stdout), ran.stdout


def test_thresholds_that_are_as_they_came_are_to_be_looked_at(site: Site) -> None:
    """Also where there is no history of git to ask: in a release, or on a server."""
    site.make_ready()
    shutil.copy(CHECKOUT / "monitoring/prometheus/overrides.yml", site.root / "monitoring/prometheus")

    ran = site.deploy("--ready")

    assert ran.returncode == 0
    assert "! monitoring/prometheus/overrides.yml is as it came" in ran.stdout


def test_of_older_backups_seven_stay_and_four_of_sundays(site: Site) -> None:
    """The newest seven, with the new one; then Sundays only; what is half, or none of ours, is let alone."""
    nights = [date(2025, 9, 1) + timedelta(days=day) for day in range(85)]  # to Monday, 24 November
    for night in nights:
        (site.root / f"backups/{night:%Y%m%d}T031500Z").mkdir(parents=True)
        (site.root / f"backups/{night:%Y%m%d}T031500Z/manifest.txt").touch()
    (site.root / "backups/20250101T031500Z").mkdir()
    (site.root / "backups/by-hand").mkdir()
    (site.root / "backups/by-hand/manifest.txt").touch()

    ran = site.back_up("--only", "configuration")

    assert ran.returncode == 0, ran.stdout
    *older, new = [name for name in site.backups if name not in ("20250101T031500Z", "by-hand")]
    assert older == [f"2025{day}T031500Z" for day in (1026, 1102, 1109, 1116, 1119, 1120, 1121, 1122, 1123, 1124)]
    assert (site.root / "backups" / new / "configuration.tar.gz").stat().st_size > 0
    assert len(site.backups) == 13
    assert ran.stdout.count("is forgotten") == len(nights) - 10


def test_a_backup_that_failed_forgets_none(site: Site) -> None:
    """Or a week of failures would leave nothing."""
    nights = [f"202509{day:02}T031500Z" for day in range(1, 13)]
    for night in nights:
        (site.root / "backups" / night).mkdir(parents=True)
        (site.root / "backups" / night / "manifest.txt").touch()

    ran = site.back_up("--only", "redis")

    assert ran.returncode == 1
    assert "✗ redis" in ran.stdout
    assert site.backups[:-1] == nights


def test_wrong_usage_shows_how(site: Site) -> None:
    """Exit 2, and the text at the head of the script."""
    ran = site.deploy("--nonsense")

    assert ran.returncode == 2
    assert "./scripts/deploy_monitoring.sh --check" in ran.stdout
