"""A procedure's input: checked against its schema, every fault explained in one sentence."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bff.errors import BffError, Code

M = TypeVar("M", bound=BaseModel)

# A hostile input may hold a million faults; nobody reads more than these.
MOST_ISSUES = 50
MOST_HINTS = 5
LONGEST_KEY = 64


def validated(model: type[M], raw: Any) -> M:
    """Return the input as its model.

    Raises:
        BffError: BAD_REQUEST with ``issues``: path, message and code of each fault. No message
            holds the value that was given; a key to sort by is named.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)[:MOST_ISSUES]
        names = [field.alias or name for name, field in model.model_fields.items()]
        issues = [
            _issue(fault, names if index < MOST_HINTS else []) for index, fault in enumerate(faults)
        ]
        message = "Invalid params: " + "; ".join(issue["message"] for issue in issues[:3])
        raise BffError(Code.INVALID_INPUT, message, issues=issues) from None


def _issue(fault: ErrorDetails, names: list[str]) -> dict[str, Any]:
    path = [part[:LONGEST_KEY] if isinstance(part, str) else part for part in fault["loc"]]
    where = ".".join(map(str, path))
    return {
        "path": path,
        "message": f"{where}: {_words(fault, where, names)}" if where else _words(fault, "", names),
        "code": fault["type"],
    }


def _words(fault: ErrorDetails, key: str, names: list[str]) -> str:
    if fault["type"] == "extra_forbidden":
        close = get_close_matches(key, names, n=1)
        return f"unknown parameter; did you mean {close[0]}?" if close else "unknown parameter"
    if fault["type"] == "missing":
        return "required"
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    return fault["msg"]
