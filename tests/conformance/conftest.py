"""Feeds recorded Alertmanager behaviour to the tests that are marked `conformance(file, type)`.

The cases are facts about another project and stay outside of this repository: `ALERTROUTER_CONFORMANCE` names
their directory. Without it, one is looked for beside the repository. When there is none either, these tests are
skipped and say so, in CI too. A directory that is named and not there is an error.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

_BESIDE = Path(__file__).parents[2].parent / "shared" / "conformance"
_NO_CASES = "the recorded cases are not part of this repository: name their directory in ALERTROUTER_CONFORMANCE"

Case = TypeVar("Case")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "conformance(file, type, under=None): run once for each recorded case of the file, decoded as `type`; "
        "`under` is the key (`a.b`: one in another) that holds the list of cases, when the file is not one list",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Turn each recorded case into a test with the argument `case`."""
    for marker in metafunc.definition.iter_markers("conformance"):
        name, kind = marker.args
        directory = _directory()
        if directory is None:
            metafunc.parametrize("case", [pytest.param(None, marks=pytest.mark.skip(reason=_NO_CASES))])
            return
        cases = _read(directory / name, kind, marker.kwargs.get("under"))
        metafunc.parametrize("case", cases, ids=[getattr(case, "id", str(place)) for place, case in enumerate(cases)])


def recorded(name: str, kind: type[Case]) -> Case:
    """Read a whole file; for tests that are run for each of its cases, and so not without one."""
    directory = _directory()
    assert directory is not None, _NO_CASES
    return msgspec.json.decode((directory / name).read_bytes(), type=kind)


def _directory() -> Path | None:
    named = os.environ.get("ALERTROUTER_CONFORMANCE")
    if named:
        return Path(named)
    return _BESIDE if _BESIDE.is_dir() else None


def _read(file: Path, kind: type[Case], under: str | None) -> list[Case]:
    content = file.read_bytes()
    if under is None:
        cases = msgspec.json.decode(content, type=list[msgspec.Raw])
    else:
        for key in under.split("."):
            content = bytes(msgspec.json.decode(content, type=dict[str, msgspec.Raw])[key])
        cases = msgspec.json.decode(content, type=list[msgspec.Raw])
    assert cases, f"{file} holds no cases"
    return [msgspec.json.decode(case, type=kind) for case in cases]
