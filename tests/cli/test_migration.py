"""docs/migration.md is followed from top to bottom: its files are written, its commands print what it shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.cli.running import ROOT
from tests.cli.test_docs import REVISION, told_to_type
from tests.journeys.programs import installed

PAGE = (ROOT / "docs" / "migration.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(console|yaml[^\n]*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# (\S+\.yml)\n")
FENCES = re.findall(r"^```(\S+)", PAGE, re.MULTILINE)


def test_the_guide_can_be_followed(tmp_path: Path) -> None:
    """In one directory, one step after another, with nothing but what the page says."""
    installed("amtool")
    environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "LANG": "C.UTF-8"}
    sessions = 0
    for kind, block in BLOCKS:
        if kind == "console":
            commands, shown = told_to_type(block)
            printed = subprocess.run(
                ["bash", "-c", "\n".join(commands)],
                cwd=tmp_path,
                env=environ,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            ).stdout
            assert REVISION.sub("…", printed) == REVISION.sub("…", shown), commands
            sessions += 1
        elif named := FILE.match(block):
            file = tmp_path / named[1]
            file.parent.mkdir(exist_ok=True)
            file.write_text(block, encoding="utf-8")
    assert sessions == 6


def test_nothing_on_the_page_is_left_unrun() -> None:
    """A block of another kind would be shown and never tried."""
    assert set(FENCES) == {"console", "yaml"}
