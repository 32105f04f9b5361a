"""Logs: structlog, one line a call, as JSON or for people; never a secret."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from bff.audit_file import AuditFile
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
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(settings.log_format, shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    _configure_audit(settings.audit_file, _formatter("json", shared))
    # The upload's log line has the form's fault; python_multipart would log the client's bytes.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


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


def _formatter(log_format: str, shared: Sequence[Processor]) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *_renderers(log_format),
        ],
        foreign_pre_chain=shared,
    )


def _renderers(log_format: str) -> list[Processor]:
    if log_format == "json":
        return [
            # Frames without their local variables: those may hold tokens.
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(),
        ]
    plain = structlog.dev.plain_traceback
    console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
    return [_escape_controls, console]


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
