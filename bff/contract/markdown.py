"""``docs/procedures.md``: every procedure of a registry, for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bff.contract.model import Contract, Described, Schema, name_of
from bff.errors import COMMON, Code

_TOP = """# Procedures

Every procedure, what it takes, what it answers and how it fails. [protocol.md](protocol.md) tells
how calls travel. This page is generated: `make docs`. A test runs every example against a real
Keystone and Glance.

Each input may also have `project_id`: run in this project instead of the session's own. A parameter
that is not required may be left out; where it has no default, `null` means the same.
"""
_CODES = ("code", "number", "HTTP", "when")
_PARAMETERS = ("parameter", "type", "default", "meaning")
_EVERYWHERE = "project_id"


def as_markdown(contract: Contract) -> str:
    """Return the page."""
    parts = [_TOP, _anywhere()]
    parts += ["\n".join(_procedure(described)) for described in contract.procedures]
    parts += [
        "## Types\n\nAnswers may hold more than this: what Glance says passes through whole.\n"
    ]
    parts += ["\n".join(_type(name, schema)) for name, schema in contract.types.items()]
    return "\n".join(parts)


def _anywhere() -> str:
    rows = _rows(COMMON, {})
    return f"Any call may also end with one of these:\n\n{_table(_CODES, rows)}\n"


def _procedure(described: Described) -> Iterator[str]:
    procedure = described.procedure
    yield f"## {procedure.name}\n\n{procedure.description}\n"
    yield f"- Kind: {procedure.kind.value}. It needs {procedure.access.needs}."
    soft = json.dumps(procedure.soft_answer)
    yield f"- Answer: {_kind(described.result)}; in soft mode, `{soft}` for any error."
    yield f"- Behind it: `{procedure.upstream}`.\n"
    given = {name: _given(part) for name, part in described.parameters.items()}
    rows = _fields(given, described.required)
    yield f"{_table(_PARAMETERS, rows)}\n" if rows else "It takes no parameters.\n"
    yield f"```json\n{_json({'method': procedure.name, 'params': described.example})}\n```\n"
    yield f"answers\n\n```json\n{_json(described.answer)}\n```\n"
    own = [code for code in procedure.may_end_with if code in _own(described)]
    if own:
        yield f"{_table(_CODES, _rows(own, procedure.reasons))}\n"


def _given(part: Schema) -> Schema:
    """Return a parameter without its ``null``: that means the same as to leave it out."""
    choices = [choice for choice in part.get("anyOf", ()) if choice.get("type") != "null"]
    return {**choices[0], **part, "anyOf": choices} if choices else part


def _own(described: Described) -> set[Code]:
    procedure = described.procedure
    return {*procedure.errors, *procedure.access.access_errors}


def _type(name: str, schema: Schema) -> Iterator[str]:
    yield f"### {name}\n\n{schema.get('description', '')}\n"
    columns = ("field", "type", "default", "meaning")
    yield f"{_table(columns, _fields(schema['properties'], schema.get('required', ())))}\n"


def _fields(parts: Mapping[str, Schema], required: Iterable[str]) -> list[tuple[str, ...]]:
    return [
        (f"`{name}`", _kind(part), _default(part, name in required), _meaning(part))
        for name, part in parts.items()
        if name != _EVERYWHERE
    ]


def _default(part: Schema, required: bool) -> str:
    if required:
        return "**required**"
    return "" if part.get("default") is None else f"`{json.dumps(part['default'])}`"


def _meaning(part: Schema) -> str:
    return f"{part.get('description', '')}{_bounds(part)}"


def _bounds(part: Schema) -> str:
    """Return the limits that a schema sets, in words."""
    inner = next((c for c in part.get("anyOf", ()) if c.get("type") == "integer"), part)
    low = inner.get("minimum")
    high = inner.get("maximum", inner.get("exclusiveMaximum", 0) - 1)
    return f" From {low} to {high}." if low is not None and high > 0 else ""


def _kind(schema: Schema) -> str:
    """Return what a value is, in TypeScript's words."""
    if "$ref" in schema:
        name = name_of(schema)
        return f"[{name}](#{name.lower()})"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(choice) for choice in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"{_kind(schema['items'])}[]"
    kind = str(schema.get("type", "any"))
    form = schema.get("format", schema.get("contentEncoding"))
    return f"{kind} ({form})" if form else kind


def _rows(codes: Iterable[Code], reasons: Mapping[Code, str]) -> list[tuple[str, ...]]:
    return [
        (code.label, str(code.number), str(code.http_status), reasons.get(code, code.when))
        for code in codes
    ]


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(columns)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
