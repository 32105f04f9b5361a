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


def note_image(params: Input) -> None:
    """Put the images that a call is about into its log line."""
    given = params.__dict__
    if image_ids := given.get("image_ids"):
        log_fields.bind(**id_fields("images", image_ids))
    if image_id := given.get("image_id"):
        log_fields.bind(image=printable(image_id))


def note_made(procedure: Procedure, params: Input, result: Any) -> None:
    """Put the image that a call has made into its log line."""
    if procedure.kind is Kind.QUERY or params.__dict__.get("image_id") is not None:
        return
    image_id = _id_in(result.text) if isinstance(result, Json) else None
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
