"""Which files follow from the sources, and which of them are out of date."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rulebook import pages, render
from rulebook.logs import log_alerts, log_rules, overridden_logs, read_logs
from rulebook.source import MONITORING, Links, SourceError, overridden, read_areas, read_overrides

CHECKOUT: Final = MONITORING.parent
OURS: Final = "# Written by `make rules`"
"""How a file begins that may be written anew, or removed. Any other is an operator's own."""
_RULES: Final = Path("monitoring/prometheus/rules")
_TESTS: Final = Path("monitoring/prometheus/tests")
_LOKI: Final = Path("monitoring/loki/rules/fake")


def wanted() -> dict[Path, str]:
    """Every file with the text that it should have, by path in the checkout. Raises `SourceError`."""
    areas, logs, overrides = read_areas(), read_logs(), read_overrides()
    ours = overridden(areas, overrides, others=dict(log_alerts(logs)))
    our_logs = overridden_logs(logs, overrides)
    files = {_RULES / name: text for name, text in render.rules(ours, overrides.links).items()}
    files |= {_TESTS / name: text for name, text in render.tests(areas).items()}
    files |= {_LOKI / name: text for name, text in log_rules(our_logs, overrides.links).items()}
    files[Path("docs/alerts.md")] = pages.table(ours, _text(Path("docs/alerts.md")))
    for area in ours.values():
        for name, alert in area.alerts.items():
            page = Path(f"docs/runbooks/{name}.md")
            files[page] = pages.runbook(name, alert, area, Links(), _text(page))
    for name, told in log_alerts(our_logs):
        page = Path(f"docs/runbooks/{name}.md")
        files[page] = pages.log_runbook(name, told, Links(), _text(page))
    return files


def stale(checkout: Path = CHECKOUT) -> dict[Path, str | None]:
    """The files that differ from what they should be; None: we wrote it once, and nothing asks for it any more.

    Raises `SourceError` when an operator's own file stands where one should be written.
    """
    files = wanted()
    changed: dict[Path, str | None] = {path: text for path, text in files.items() if _text(path, checkout) != text}
    for directory in (_RULES, _TESTS, _LOKI):
        for found in (checkout / directory).glob("*.yml"):
            path, ours = found.relative_to(checkout), found.read_text(encoding="utf-8").startswith(OURS)
            if path not in files and ours:
                changed[path] = None
            elif path in changed and not ours:
                raise SourceError(f"{path}: not written by `make rules`: expected a name that is not ours; rename it")
    return changed


def write(changed: dict[Path, str | None], checkout: Path = CHECKOUT) -> None:
    """Bring the files up to date."""
    for path, text in changed.items():
        target = checkout / path
        if text is None:
            target.unlink()
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")


def _text(path: Path, checkout: Path = CHECKOUT) -> str:
    target = checkout / path
    return target.read_text(encoding="utf-8") if target.exists() else ""
