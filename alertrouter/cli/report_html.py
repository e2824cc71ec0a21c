"""The report as one page that needs nothing else: charts are inline SVG, colours follow the reader's light or dark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, tzinfo
from html import escape
from typing import Final

from alertrouter.cli.report import spans_text
from alertrouter.simulate.report import Report

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b1e25;--soft:#69707f;--ground:#f3f4f7;--sheet:#fff;--line:#e1e4ea;--bar:#4338ca}
@media(prefers-color-scheme:dark){:root{--ink:#eceef2;--soft:#a3a9b6;--ground:#16181d;--sheet:#22252c;--line:#363a44;
--bar:#8b83f5}}
*{box-sizing:border-box}
body{margin:0;padding:32px 16px;background:var(--ground);color:var(--ink);
font:15px/1.5 -apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
main{max-width:960px;margin:auto;display:grid;gap:16px;grid-template-columns:repeat(auto-fit,minmax(min(420px,100%),1fr))}
header,section{background:var(--sheet);border:1px solid var(--line);border-radius:10px;padding:20px 24px}
header,.wide{grid-column:1/-1}
h1{margin:0;font-size:22px}h2{margin:0 0 12px;font-size:15px}
p{margin:4px 0;color:var(--soft)}
.figures{display:flex;flex-wrap:wrap;gap:28px;margin-top:14px}
.figures b{display:block;font-size:26px;line-height:1.1}
.figures span{color:var(--soft);font-size:13px}
table{width:100%;border-collapse:collapse}
td{padding:3px 0;vertical-align:middle;overflow-wrap:anywhere}
td.n{text-align:right;padding:0 10px;font-variant-numeric:tabular-nums}
td.b{width:40%}
.bar{height:10px;border-radius:5px;background:var(--bar);min-width:3px}
svg{width:100%;height:auto;display:block}
svg rect{fill:var(--bar)}svg text{fill:var(--soft);font-size:11px}
"""

_WIDEST: Final = 60
"""A column, however few there are."""


def page(found: Report, zone: tzinfo) -> str:
    """The whole page. Everything that comes from alerts is escaped."""
    return "".join(_parts(found, zone))


def _parts(found: Report, zone: tzinfo) -> Iterator[str]:
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>alertrouter report</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{_STYLE}</style></head><body><main>"
    yield "<header><h1>What happened</h1>"
    if found.since and found.until:
        begin, end = found.since.astimezone(zone), found.until.astimezone(zone)
        yield f"<p>{begin:%a %Y-%m-%d %H:%M} to {end:%a %Y-%m-%d %H:%M %Z}</p>"
    yield '<div class="figures">'
    for number, what in (
        (found.pages, "pages"),
        (found.incidents, "incidents"),
        (found.alerts, "alerts"),
        (found.messages, "messages"),
    ):
        yield f"<div><b>{number}</b><span>{what}</span></div>"
    yield f"</div><p>Acknowledged {escape(spans_text(found.to_acknowledge))}.</p>"
    yield f"<p>Over {escape(spans_text(found.to_resolve))}.</p></header>"
    yield _chart("Pages by hour of the day", {f"{hour:02}": found.pages_by_hour.get(hour, 0) for hour in range(24)})
    yield _chart("Pages by day", _by_day(found.pages_by_day))
    yield _table("Pages by team", found.pages_by_team)
    yield _table("Out of hours, by person", {one.who: one.out_of_hours for one in found.loads})
    yield _table("Noisiest alerts", found.noisiest)
    yield _table("Flapping", found.flapping)
    yield _table(
        "Paged, and nobody took it", {f"{one.incident} {one.title}": one.pages for one in found.never_acknowledged}
    )
    yield _table("Escalation policies that ran out", found.ran_out)
    yield "</main></body></html>\n"


def _by_day(pages: Mapping[str, int]) -> dict[str, int]:
    """Every day from the first page to the last, also those without one: a gap in time is a gap in the chart."""
    if not pages:
        return {}
    first, last = (date.fromisoformat(day).toordinal() for day in (min(pages), max(pages)))
    days = (date.fromordinal(day) for day in range(first, last + 1))
    return {f"{day:%m-%d}": pages.get(day.isoformat(), 0) for day in days}


def _chart(heading: str, counts: Mapping[str, int]) -> str:
    """Columns, each with its number above and its name below."""
    if not any(counts.values()):
        return ""
    most, width, height = max(counts.values()), 900, 150
    step = width / len(counts)
    columns = []
    for place, (name, number) in enumerate(counts.items()):
        tall = height * number / most
        middle, wide = place * step + step / 2, min(step * 0.7, _WIDEST)
        columns.append(
            f'<rect x="{middle - wide / 2:.1f}" y="{20 + height - tall:.1f}" width="{wide:.1f}" height="{tall:.1f}" '
            'rx="3"/>'
        )
        if number:
            columns.append(f'<text x="{middle:.1f}" y="{14 + height - tall:.1f}" text-anchor="middle">{number}</text>')
        columns.append(f'<text x="{middle:.1f}" y="{height + 36}" text-anchor="middle">{escape(name)}</text>')
    label = escape(f"{heading}: " + ", ".join(f"{name} {number}" for name, number in counts.items() if number))
    svg = f'<svg viewBox="0 0 {width} {height + 44}" role="img" aria-label="{label}">{"".join(columns)}</svg>'
    return f'<section class="wide"><h2>{escape(heading)}</h2>{svg}</section>'


def _table(heading: str, counts: Mapping[str, int]) -> str:
    shown = {name: number for name, number in counts.items() if number}
    if not shown:
        return ""
    most = max(shown.values())
    rows = "".join(
        f'<tr><td>{escape(name) or "(none)"}</td><td class="n">{number}</td>'
        f'<td class="b"><div class="bar" style="width:{100 * number / most:.0f}%"></div></td></tr>'
        for name, number in shown.items()
    )
    return f"<section><h2>{escape(heading)}</h2><table>{rows}</table></section>"
