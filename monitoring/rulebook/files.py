"""Which files follow from the sources, and which of them are out of date."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from rulebook import pages, render
from rulebook.source import MONITORING, Links, overridden, read_areas, read_overrides

CHECKOUT: Final = MONITORING.parent
LOKI: Final = MONITORING / "loki" / "rules" / "fake"


def wanted() -> dict[Path, str]:
    """Every file with the text that it should have, by path in the checkout. Raises `SourceError`."""
    areas, overrides = read_areas(), read_overrides()
    ours = overridden(areas, overrides)
    prometheus = Path("monitoring/prometheus")
    files = {prometheus / "rules" / name: text for name, text in render.rules(ours, overrides.links).items()}
    files |= {prometheus / "tests" / name: text for name, text in render.tests(areas).items()}
    files[Path("docs/alerts.md")] = pages.table(ours, _text(Path("docs/alerts.md")))
    for area in ours.values():
        for name, alert in area.alerts.items():
            page = Path(f"docs/runbooks/{name}.md")
            files[page] = pages.runbook(name, alert, area, Links(), _text(page))
    for name, rule, told in loki_alerts():
        page = Path(f"docs/runbooks/{name}.md")
        files[page] = pages.loki_runbook(name, rule, told, _text(page))
    return files


def loki_alerts() -> Iterator[tuple[str, dict[str, str], dict[str, str]]]:
    """The alerts from logs: name, rule, and its labels and annotations together."""
    for path in sorted(LOKI.glob("*.yml")):
        written = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506  it makes texts only
        for group in written["groups"]:
            for rule in (one for one in group["rules"] if "alert" in one):
                yield rule["alert"], rule, {**rule["labels"], **rule["annotations"]}


def stale() -> dict[Path, str | None]:
    """The files that differ from what they should be; None: nothing asks for that one any more."""
    files = wanted()
    changed: dict[Path, str | None] = {path: text for path, text in files.items() if _text(path) != text}
    for directory in ("monitoring/prometheus/rules", "monitoring/prometheus/tests"):
        for found in (CHECKOUT / directory).glob("*.yml"):
            if found.relative_to(CHECKOUT) not in files:
                changed[found.relative_to(CHECKOUT)] = None
    return changed


def write(changed: dict[Path, str | None]) -> None:
    """Bring the files up to date."""
    for path, text in changed.items():
        target = CHECKOUT / path
        if text is None:
            target.unlink()
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")


def _text(path: Path) -> str:
    target = CHECKOUT / path
    return target.read_text(encoding="utf-8") if target.exists() else ""
