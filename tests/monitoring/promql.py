"""Which metrics a query names, and which the programs here expose."""

from __future__ import annotations

import re
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

KEYWORDS: Final = frozenset(
    [
        "and",
        "or",
        "unless",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "offset",
        "bool",
        "inf",
        "nan",
    ]
)
_LABELS: Final = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_NAME: Final = re.compile(r"(?<![\w:$.])([a-zA-Z_:][\w:]*)(?!\w)(?!\s*\()")


def metrics_of(query: str) -> set[str]:
    """The metric names: what is no function, keyword, label, text, duration or variable."""
    text = re.sub(r'"(?:[^"\\]|\\.)*"', "", query)
    text = re.sub(r"\{[^}]*\}", "", text)
    text = re.sub(r"\[[^\]]*\]", "", text)
    text = re.sub(r"\boffset\s+\w+", "", text)
    text = _LABELS.sub("", text)
    return set(_NAME.findall(text)) - KEYWORDS


def as_asked(query: str) -> str:
    """A panel's query with Grafana's variables filled in."""
    filled = query.replace("$__rate_interval", "5m").replace("$__range", "6h").replace("$__auto", "1m")
    return re.sub(r"\$\w+", ".*", filled)


def names_in(exposition: str) -> set[str]:
    """Every sample's name in what a scrape gave, the families without samples too."""
    named = samples_in(exposition)
    for family in text_string_to_metric_families(exposition):
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
        named |= {f"{family.name}{suffix}" for suffix in suffixes}
    return named


def samples_in(exposition: str) -> set[str]:
    """Every name that has a sample, and with it a value that an alert can see."""
    return {sample.name for family in text_string_to_metric_families(exposition) for sample in family.samples}
