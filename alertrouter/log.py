"""Logs: one line an event, JSON or text, on stderr; secrets never appear in it."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable
from typing import Final

import msgspec

from alertrouter.correlation import trace_of
from alertrouter.settings import Settings
from alertrouter.settings_table import TABLE

# structlog loads rich when it finds it, to draw tracebacks: 5 MB in every process for what we write as plain text.
_had_rich = "rich" in sys.modules
if not _had_rich:
    sys.modules["rich"] = None  # type: ignore[assignment]  # how Python is told that there is none

import structlog  # noqa: E402  after what it must not find
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger  # noqa: E402  after what it must not find

if not _had_rich:
    del sys.modules["rich"]

HIDDEN: Final = "[secret]"
SHORTEST_SECRET: Final = 6
"""A shorter secret would blot out ordinary words."""

_SECRET_NAME: Final = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|_KEY$|WEBHOOK_URL")
_SIGNS: Final = ("xox", "xapp-", "hooks.slack.com", "://")
"""One of these is in whatever has the shape of a secret."""

_SECRET_SHAPES: Final = re.compile(
    r"xox[a-z]-[\w-]+|xapp-[\w-]+|(?<=hooks\.slack\.com/services/)[\w/]+|(?<=://)[^\s/@:\"]*:[^\s/@\"]+(?=@)"
)


def configure(settings: Settings, process: str) -> None:
    """Set up logging for this process, ours and that of libraries. `process` is every line's component."""
    redact = Redaction(settings)
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        _Origin(process),
        structlog.processors.format_exc_info,
    ]
    shown: list[structlog.typing.Processor] = (
        [_by_contract, structlog.processors.JSONRenderer(serializer=_json)]
        if settings.log_format == "json"
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), timestamp_key="timestamp")]
    )
    # Our own lines go to stderr without the detour of logging's records, which cost more than all the rest.
    structlog.configure(
        processors=[*shared, *shown],
        logger_factory=lambda name="": _Lines(name, redact),
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _RedactingFormatter(
            redact,
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *shown],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for noisy in ("rq.worker", "rq.job", "httpx2", "httpcore2", "pagerduty"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def get(name: str) -> FilteringBoundLogger:
    """Give the logger of a module."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger


class Redaction:
    """Blots out every secret of the settings, and what looks like one, in a rendered line."""

    def __init__(self, settings: Settings) -> None:
        known = {setting.name for setting in TABLE if setting.secret}
        values = {
            part.strip()
            for name, value in settings.environ.items()
            if name in known or _SECRET_NAME.search(name)
            for item in (value, *value.split(","))
            for part in (item, item.partition(":")[2])
        }
        written = values | {json.dumps(value)[1:-1] for value in values}
        longest_first = sorted((v for v in written if len(v) >= SHORTEST_SECRET), key=len, reverse=True)
        shapes = [re.escape(value) for value in longest_first]
        self._secrets = re.compile("|".join([*shapes, _SECRET_SHAPES.pattern]))
        self._signs = (*longest_first, *_SIGNS)

    def __call__(self, line: str) -> str:
        """Give the line without secrets."""
        for sign in self._signs:
            if sign in line:
                return self._secrets.sub(HIDDEN, line)
        return line


class _Lines:
    """What structlog writes finished lines to."""

    def __init__(self, name: str, redact: Redaction) -> None:
        self.name = name
        self._redact = redact

    def info(self, line: str) -> None:
        """Write a line to stderr, without secrets."""
        sys.stderr.write(self._redact(line) + "\n")
        sys.stderr.flush()

    debug = warning = error = critical = msg = info


def _json(event: EventDict, default: Callable[[object], object], **_: object) -> str:
    return msgspec.json.encode(event, enc_hook=default).decode()


class _RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Renders a line, then blots out what is secret: also in tracebacks and in what libraries log."""

    def __init__(
        self,
        redact: Redaction,
        *,
        processors: list[structlog.typing.Processor],
        foreign_pre_chain: list[structlog.typing.Processor],
    ) -> None:
        super().__init__(processors=processors, foreign_pre_chain=foreign_pre_chain)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))


def _by_contract(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Give a line the form that the stack's log pipelines read (docs/logs.md), its fixed fields first."""
    fixed = {
        "timestamp": event.pop("timestamp", ""),
        "level": event.pop("level", ""),
        "message": event.pop("event", ""),
        "service_name": "alertrouter",
    }
    return {**fixed, **event}


class _Origin:
    """Names the process that writes a line, and the trace that it belongs to, where its correlation id holds one."""

    def __init__(self, process: str) -> None:
        self._process = process

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("component", self._process)
        if trace := trace_of(str(event.get("cause") or event.get("key") or "")):
            event["trace_id"], event["span_id"] = trace.trace_id, trace.span_id
        return event
