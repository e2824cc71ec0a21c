"""Where a policy lies on disk, and its texts: the only reader of policy directories."""

from __future__ import annotations

import contextlib
from collections.abc import Container, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from alertrouter.errors import PolicyError, Problem
from alertrouter.settings import Settings

if TYPE_CHECKING:
    from alertrouter.policy.policy import Policy

MAX_FILE = 4 * 1024 * 1024

Signature: TypeAlias = tuple[tuple[str, int, int, int], ...]
"""Name, time of the last change (ns), size and inode of each file: another one means that something was written."""


def builtin(what: str) -> Path:
    """The directory of `policies`, `templates` or `docs/runbooks`: in the wheel, else beside the package."""
    package = Path(__file__).resolve().parent
    inside = package / "builtin" / what
    return inside if inside.is_dir() else package.parent / what


def find(settings: Settings, explicit: Path | None = None) -> Path:
    """Give the directory asked for, else ALERTROUTER_POLICY, else ./policies, else the built-in one."""
    if explicit or settings.policy:
        return explicit or settings.policy or Path()
    here = Path("policies")
    return here if here.is_dir() else builtin("policies")


def read(directory: Path) -> dict[str, str]:
    """Give the texts of all `*.yml` in the directory, by name. Raises `PolicyError` when none can be read."""
    if not directory.is_dir():
        raise PolicyError((Problem(str(directory), 0, 0, "", "there is no such directory"),))
    files: dict[str, str] = {}
    problems: list[Problem] = []
    for path in sorted(directory.glob("*.yml")) + sorted(directory.glob("*.yaml")):
        if path.suffix == ".yaml":
            problems.append(Problem(str(path), 0, 0, "", "a policy file is named *.yml: rename it"))
            continue
        try:
            if path.stat().st_size > MAX_FILE:
                problems.append(Problem(str(path), 0, 0, "", f"larger than {MAX_FILE} bytes"))
                continue
            files[path.name] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(Problem(str(path), 0, 0, "", f"can't be read: {error}"))
    if not files and not problems:
        problems.append(Problem(str(directory), 0, 0, "", "holds no *.yml file"))
    if problems:
        raise PolicyError(tuple(problems))
    return files


def checked(directory: Path, files: Mapping[str, str]) -> Policy:
    """Build the policy of these files of the directory. Raises `PolicyError`, its faults as `placed` has them."""
    from alertrouter.policy.load import load  # what needs no policy starts without it

    try:
        return load(files)
    except PolicyError as error:
        raise placed(error, directory, files) from None


def signature(directory: Path) -> Signature:
    """Tell what the files look like from outside; what isn't there, or can't be looked at, is left out."""
    found = []
    for path in sorted(directory.glob("*.y*ml")):
        with contextlib.suppress(OSError):
            seen = path.stat()
            found.append((path.name, seen.st_mtime_ns, seen.st_size, seen.st_ino))
    return tuple(found)


def placed(error: PolicyError, directory: Path, files: Container[str]) -> PolicyError:
    """The same faults, each with the path of its file, as an editor understands it."""
    return PolicyError(
        tuple(replace(one, file=str(directory / one.file)) if one.file in files else one for one in error.problems)
    )
