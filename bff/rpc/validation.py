"""A procedure's input: checked against its schema, every fault explained in one sentence."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bff.errors import BffError, Code
from schemas.base import PATTERN_MESSAGES

M = TypeVar("M", bound=BaseModel)

# A hostile input may hold a million faults; nobody reads more than these.
MAX_ISSUES = 50
MAX_HINTS = 5
MAX_KEY_LENGTH = 64


def validated(model: type[M], raw: Any) -> M:
    """Return the input as its model.

    Raises:
        BffError: BAD_REQUEST with ``issues``: path, message and code of each fault. No message
            holds the value that was given; a key to sort by is named.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)[:MAX_ISSUES]
        issues = [
            _issue(fault, _names_at(model, fault["loc"]) if index < MAX_HINTS else [])
            for index, fault in enumerate(faults)
        ]
        message = "Invalid params: " + "; ".join(issue["message"] for issue in issues[:3])
        raise BffError(Code.INVALID_INPUT, message, issues=issues) from None


def _issue(fault: ErrorDetails, names: list[str]) -> dict[str, Any]:
    path = [part[:MAX_KEY_LENGTH] if isinstance(part, str) else part for part in fault["loc"]]
    where = ".".join(map(str, path))
    reason = _reason(fault, str(path[-1]) if path else "", names)
    message = f"{where}: {reason}" if where else reason
    return {"path": path, "message": message, "code": fault["type"]}


def _names_at(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """Return the parameters that are known where a fault is: of the input, or of a part of it."""
    for step in place[:-1]:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        if step in fields:
            model = _model_in(fields[step].annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)


def _reason(fault: ErrorDetails, key: str, names: list[str]) -> str:
    if fault["type"] == "extra_forbidden":
        close = get_close_matches(key, names, n=1)
        return f"unknown parameter; did you mean {close[0]}?" if close else "unknown parameter"
    if fault["type"] == "missing":
        return "required"
    if fault["type"] == "string_pattern_mismatch":
        return PATTERN_MESSAGES.get(fault["ctx"]["pattern"], fault["msg"])
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    return fault["msg"]
