"""An example value for a JSON Schema, put together from the examples of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# For a part that has neither an example nor a default.
_PLAIN: Mapping[str, Any] = {"boolean": True, "integer": 1, "number": 1, "string": "text"}


def of(schema: Mapping[str, Any], types: Mapping[str, Any], ref: str) -> Any:
    """Return an example of what a schema describes.

    An object has the properties that it needs and those that have examples of their own.

    Args:
        types: What ``$ref`` may name.
        ref: What stands before such a name.
    """
    said = [*schema.get("examples", ()), *schema.get("enum", ())]
    said += [schema[word] for word in ("const", "default") if schema.get(word) is not None]
    if said:
        return said[0]
    if "$ref" in schema:
        return of(types[schema["$ref"].removeprefix(ref)], types, ref)
    if "anyOf" in schema:
        return of(_first(schema["anyOf"]), types, ref)
    kind = schema.get("type")
    if kind == "array":
        return [of(schema["items"], types, ref)]
    return _object(schema, types, ref) if kind == "object" else _PLAIN.get(str(kind))


def _object(schema: Mapping[str, Any], types: Mapping[str, Any], ref: str) -> dict[str, Any]:
    required = schema.get("required", ())
    return {
        name: of(part, types, ref)
        for name, part in schema.get("properties", {}).items()
        if name in required or "examples" in part
    }


def _first(choices: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the first choice that is something rather than ``null``."""
    return next((choice for choice in choices if choice.get("type") != "null"), choices[0])
