"""Inputs of procedures, made from their schemas: so that a new procedure needs none of its own."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from bff.rpc.registry import Procedure
from schemas.base import POINTER_PATTERN

Schema = dict[str, Any]
UUID = "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac"
# Where patches lead to something; made by chance, a pointer never would.
POINTERS = st.sampled_from(["/name", "/size", "/tags", "/tags/-", "/tags/0", "/owner", "/x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def schema_of(procedure: Procedure) -> Schema:
    """Return the JSON schema of a procedure's input, without references."""
    schema = procedure.input.model_json_schema()
    whole: Schema = _resolved(schema, schema.get("$defs", {}))
    return whole


def _resolved(schema: Any, known: Schema) -> Any:
    if isinstance(schema, list):
        return [_resolved(part, known) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _resolved(known[schema["$ref"].rpartition("/")[2]], known)
    return {key: _resolved(part, known) for key, part in schema.items() if key != "$defs"}


def fitting(schema: Schema) -> st.SearchStrategy[Any]:
    """Return a strategy for what fits a schema; rules that are not in the schema may be broken."""
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return st.one_of([fitting(part) for part in schema[choice]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    return _MAKERS.get(schema.get("type", ""), _anything)(schema)


def _object(schema: Schema) -> st.SearchStrategy[Any]:
    fields = {name: fitting(part) for name, part in schema.get("properties", {}).items()}
    required = {name: fields.pop(name) for name in schema.get("required", ())}
    return st.fixed_dictionaries(required, optional=fields)


def _string(schema: Schema) -> st.SearchStrategy[Any]:
    if schema.get("contentEncoding") == "base64":
        return st.binary(max_size=100).map(lambda data: base64.b64encode(data).decode())
    if schema.get("pattern") == POINTER_PATTERN:
        return POINTERS | st.from_regex(POINTER_PATTERN, fullmatch=True)
    if "pattern" in schema:
        minimum, maximum = schema.get("minLength", 0), schema.get("maxLength", 10**6)
        made = st.from_regex(schema["pattern"], fullmatch=True)
        return made.filter(lambda text: minimum <= len(text) <= maximum)
    return st.text(min_size=schema.get("minLength", 0), max_size=schema.get("maxLength"))


def _integer(schema: Schema) -> st.SearchStrategy[Any]:
    maximum = schema.get("maximum", schema.get("exclusiveMaximum", 2**63) - 1)
    return st.integers(schema.get("minimum"), maximum)


def _array(schema: Schema) -> st.SearchStrategy[Any]:
    minimum = schema.get("minItems", 0)
    return st.lists(fitting(schema.get("items", {})), min_size=minimum, max_size=minimum + 3)


def _anything(_schema: Schema) -> st.SearchStrategy[Any]:
    return JSON


_MAKERS: dict[str, Callable[[Schema], st.SearchStrategy[Any]]] = {
    "object": _object,
    "string": _string,
    "integer": _integer,
    "array": _array,
    "boolean": lambda _schema: st.booleans(),
    "null": lambda _schema: st.none(),
}


def least(schema: Schema) -> Any:
    """Return the smallest thing that fits a schema, always the same."""
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return least(schema[choice][0])
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if schema.get("type") == "array":
        return [least(schema["items"])] * schema.get("minItems", 0)
    if schema.get("type") == "object":
        fields = schema.get("properties", {})
        return {name: least(fields[name]) for name in schema.get("required", ())}
    if "pattern" in schema:
        return next(text for text in _TEXTS if re.search(schema["pattern"], text))
    return {"integer": 1, "boolean": False, "null": None}.get(schema.get("type", ""), "YQ==")


_TEXTS = (UUID, "/name", "YQ==", "a")
