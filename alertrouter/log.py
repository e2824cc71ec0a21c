"""Logs: one line an event, JSON or text, on stderr; secrets never appear in it."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Final

from alertrouter.settings import Settings
from alertrouter.settings_table import TABLE

# structlog loads rich when it finds it, to draw tracebacks: 5 MB in every process for what we write as plain text.
_had_rich = "rich" in sys.modules
if not _had_rich:
    sys.modules["rich"] = None  # type: ignore[assignment]  # how Python is told that there is none

import structlog  # noqa: E402
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger  # noqa: E402

if not _had_rich:
    del sys.modules["rich"]

HIDDEN: Final = "[secret]"
SHORTEST_SECRET: Final = 6
"""A shorter secret would blot out ordinary words."""

_SECRET_NAME: Final = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|_KEY$|WEBHOOK_URL")
_SECRET_SHAPES: Final = re.compile(
    r"xox[a-z]-[\w-]+|xapp-[\w-]+|(?<=hooks\.slack\.com/services/)[\w/]+|(?<=://)[^\s/@:\"]*:[^\s/@\"]+(?=@)"
)


def configure(settings: Settings, process: str) -> None:
    """Set up logging for this process, ours and that of libraries. `process` stands in every line."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _Named(process),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=True,
    )
    shown: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), timestamp_key="at")
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _RedactingFormatter(
            Redaction(settings),
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, shown],
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

    def __call__(self, line: str) -> str:
        """Give the line without secrets."""
        return self._secrets.sub(HIDDEN, line)


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


class _Named:
    """Puts the process's name into each line."""

    def __init__(self, process: str) -> None:
        self._process = process

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("process", self._process)
        return event
