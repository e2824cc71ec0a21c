"""docs/migration.md is followed from top to bottom: its files are written, its commands print what it shows."""

from __future__ import annotations

import re
from pathlib import Path

from tests.cli.running import ROOT
from tests.cli.test_docs import REVISION, told_to_type, typed
from tests.journeys.programs import installed

PAGE = (ROOT / "docs" / "migration.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(console|yaml[^\n]*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# (\S+\.yml)\n")
FENCES = re.findall(r"^```(\S+)", PAGE, re.MULTILINE)


def test_the_guide_can_be_followed(tmp_path: Path) -> None:
    """In one directory, one step after another, with nothing but what the page says."""
    installed("amtool")
    sessions = 0
    for kind, block in BLOCKS:
        if kind == "console":
            commands, shown = told_to_type(block)
            assert REVISION.sub("…", typed(commands, tmp_path)) == REVISION.sub("…", shown), commands
            sessions += 1
        elif named := FILE.match(block):
            file = tmp_path / named[1]
            file.parent.mkdir(exist_ok=True)
            file.write_text(block, encoding="utf-8")
    assert sessions == 6


def test_nothing_on_the_page_is_left_unrun() -> None:
    """A block of another kind would be shown and never tried."""
    assert set(FENCES) == {"console", "yaml"}
