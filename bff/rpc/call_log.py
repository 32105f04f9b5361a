"""The log line of a call: what it was, for whom, on which images, and what came of it."""

from __future__ import annotations

import time
from typing import Any

import orjson
import structlog

from bff import log_fields
from bff.errors import BffError
from bff.logs import id_fields, printable
from bff.rpc.registry import Kind, Procedure
from schemas.base import Input
from schemas.json import Json

log = structlog.get_logger("bff.rpc.jsonrpc")


def note_image(procedure: Procedure, params: Input, result: Any = None) -> None:
    """Put the images that a call is about, or the one that it made, into its log line."""
    if image_ids := getattr(params, "image_ids", None):
        log_fields.bind(**id_fields("images", image_ids))
    image_id = getattr(params, "image_id", None)
    if image_id is None and procedure.kind is Kind.MUTATION and isinstance(result, Json):
        image_id = _id_in(result.text)
    if isinstance(image_id, str):
        log_fields.bind(image=printable(image_id))


def log_call(outcome: BffError | None, started: float, *, soft: bool) -> None:
    """Write the line.

    Args:
        outcome: Why the call failed; ``None`` when it did not.
        started: By ``time.perf_counter``, in seconds.
    """
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    if outcome is None:
        log.info("call", status="ok", ms=milliseconds)
        return
    details = {"issues": outcome.data["issues"]} if "issues" in outcome.data else {}
    level = log.error if outcome.code.http_status >= 500 else log.warning
    level(
        "call",
        status=outcome.code.label,
        ms=milliseconds,
        error=outcome.message,
        soft=soft,
        **details,
    )


def _id_in(text: bytes) -> Any:
    try:
        return orjson.loads(text).get("id")
    except (orjson.JSONDecodeError, AttributeError):
        return None  # Glance may answer what only Python's parser takes
