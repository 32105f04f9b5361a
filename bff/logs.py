"""Logs: structlog, one line a call, as JSON or for people; never a secret."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor

from bff import log_fields
from bff.audit_file import AuditFile
from bff.line_writer import LineWriter
from bff.settings import Settings

# The logger of audit lines.
AUDIT = "bff.audit"
# A bulk call has up to a thousand ids, of 36 bytes each.
MAX_LOGGED_IDS = 10
# In characters, of a name that a client or a service chose.
MAX_NAME_LENGTH = 255


def configure(settings: Settings) -> None:
    """Send every line, ours and the libraries', to standard error in the format that was chosen."""
    shared: list[Processor] = [
        log_fields.merge,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderers = _renderers(settings.log_format)
    lines, level = LineWriter(sys.stderr), getattr(logging, settings.log_level.upper())
    root = logging.getLogger()
    root.handlers[:] = [_Handler(lines, _formatter(renderers, shared))]
    root.setLevel(level)
    _configure_audit(settings.audit_file, _formatter(_renderers("json"), shared))
    # The upload's log line has the form's fault; python_multipart would log the client's bytes.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    structlog.configure(
        processors=[_filtered, *shared, _rendered],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=_Factory(lines, renderers, level),
    )


class _Log:
    """Where our own lines go: they are rendered and written without the library's records."""

    def __init__(self, lines: LineWriter, renderers: Sequence[Processor], level: int) -> None:
        self.renderers = renderers
        methods = ("debug", "info", "warning", "error")
        self.dropped = frozenset(m for m in methods if getattr(logging, m.upper()) < level)
        self.info = self.debug = self.warning = self.error = self.critical = lines.write


def _filtered(logger: Any, method: str, event: EventDict) -> EventDict:
    """Let audit lines pass whatever the level is: their own logger decides."""
    if isinstance(logger, _Log) and method in logger.dropped:
        raise structlog.DropEvent
    return event


def _rendered(logger: Any, method: str, event: EventDict) -> Any:
    if not isinstance(logger, _Log):
        return structlog.stdlib.ProcessorFormatter.wrap_for_formatter(logger, method, event)
    line: Any = event
    for render in logger.renderers:
        line = render(logger, method, line)
    return line


class _Factory:
    """Gives audit lines the library's logger, which may have a file of its own; others ours."""

    def __init__(self, lines: LineWriter, renderers: Sequence[Processor], level: int) -> None:
        self._log = _Log(lines, renderers, level)

    def __call__(self, name: str = "", *_: Any) -> Any:
        return logging.getLogger(AUDIT) if name == AUDIT else self._log


class _Handler(logging.Handler):
    """Writes the libraries' lines among our own."""

    def __init__(self, lines: LineWriter, formatter: logging.Formatter) -> None:
        super().__init__()
        self._lines = lines
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        self._lines.write(self.format(record))


def _configure_audit(path: Path | None, formatter: logging.Formatter) -> None:
    """Have audit lines written, to a file of their own or among the others, at any log level."""
    audit = logging.getLogger(AUDIT)
    audit.setLevel(logging.INFO)
    for old in audit.handlers[:]:
        audit.removeHandler(old)
        old.close()
    audit.propagate = path is None
    if path is not None:
        handler = AuditFile(path)
        handler.setFormatter(formatter)
        audit.addHandler(handler)


def _formatter(renderers: Sequence[Processor], shared: Sequence[Processor]) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        foreign_pre_chain=shared,
    )


def _renderers(log_format: str) -> list[Processor]:
    if log_format == "json":
        return [
            # Frames without their local variables: those may hold tokens.
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            _json,
        ]
    plain = structlog.dev.plain_traceback
    console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
    return [_escape_controls, console]


def _json(logger: Any, method: str, event: EventDict) -> str:
    """Render a line as ASCII: nothing in it can move a terminal's cursor."""
    try:
        line = orjson.dumps(event, default=repr).decode()
    except TypeError:  # half a surrogate pair, or a number of more than 64 bits
        line = ""
    if line and line.isascii():
        return line
    return str(structlog.processors.JSONRenderer()(logger, method, event))


def id_fields(name: str, ids: Sequence[str]) -> dict[str, Any]:
    """Return the fields of a line that stand for many ids: the first of them, and their count."""
    return {name: list(ids[:MAX_LOGGED_IDS]), f"{name}_count": len(ids)}


def printable(text: str, max_length: int | None = MAX_NAME_LENGTH) -> str:
    """Return one line of at most ``max_length`` characters, control characters escaped."""
    cut = text[:max_length]
    return cut if cut.isprintable() else repr(cut)[1:-1]


def _escape_controls(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Escape control characters for the terminal: a client chooses the names that it calls."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = printable(value, None)
    return event
