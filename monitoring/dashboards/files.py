"""Every dashboard, and the file that it is rendered to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from rulebook.logs import log_alerts, read_logs
from rulebook.source import MONITORING, overridden, read_areas, read_overrides

from dashboards import business, infrastructure, logs, models, overview, router, security, stack
from dashboards.build import render
from dashboards.panel import Board

BOARDS: Final[tuple[Board, ...]] = (
    overview.SYSTEM,
    infrastructure.INFRASTRUCTURE,
    models.AI,
    business.BUSINESS,
    security.THREATS,
    security.USERS,
    security.MODELS,
    security.COMPLIANCE,
    router.ALERTROUTER,
    logs.LOGS,
    stack.STACK,
)
RENDERED: Final = MONITORING / "grafana" / "dashboards"


def wanted() -> dict[Path, str]:
    """Every file with the text that it should have."""
    overrides = read_overrides()
    areas = overridden(read_areas(), overrides, others=dict(log_alerts(read_logs())))
    return {RENDERED / board.folder / f"{board.uid}.json": render(board, areas, overrides.links) for board in BOARDS}


def stale() -> list[Path]:
    """The files that differ from what they should be, and those of ours that nothing asks for any more."""
    files = wanted()
    changed = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    return changed + [path for path in RENDERED.rglob("*.json") if path not in files and is_ours(path)]


def is_ours(path: Path) -> bool:
    """Whether a file is one that we rendered. Any other is an operator's own, and stays."""
    try:
        board = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    marks = {"uid": path.stem, "editable": False, "tags": ["alertrouter", path.parent.name.lower()]}
    return path.stem.startswith("ar-") and isinstance(board, dict) and marks.items() <= board.items()


def write() -> list[Path]:
    """Bring them up to date; gives those that changed."""
    files, changed = wanted(), stale()
    for path in changed:
        if path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path], encoding="utf-8")
        else:
            path.unlink()
    return changed
