"""``docs/procedures.md``: every procedure of a registry, for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pydantic import JsonValue

from bff.contract.model import Contract, Described
from bff.contract.tree import Array, Enum, Object, Property, Ref, Scalar, Type, Union, Unknown
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
    parts += ["\n".join(_type(name, whole)) for name, whole in contract.types.items()]
    return "\n".join(parts)


def _anywhere() -> str:
    rows = _rows(COMMON, {})
    return f"Any call may also end with one of these:\n\n{_table(_CODES, rows)}\n"


def _procedure(described: Described) -> Iterator[str]:
    procedure = described.procedure
    yield f"## {procedure.name}\n\n{procedure.description}\n"
    kind = (
        f"{procedure.kind.value}, destructive" if procedure.is_destructive else procedure.kind.value
    )
    yield f"- Kind: {kind}. It needs {procedure.access.needs}."
    soft = json.dumps(procedure.soft_answer)
    yield f"- Answer: {_kind(described.result)}; in soft mode, `{soft}` for any error."
    if procedure.upload_route:
        yield f"- Its route for files of any size: [`{procedure.upload_route}`](uploads.md)."
    yield f"- Behind it: `{procedure.upstream}`.\n"
    rows = _fields({name: _given(each) for name, each in described.parameters.properties.items()})
    yield f"{_table(_PARAMETERS, rows)}\n" if rows else "It takes no parameters.\n"
    yield f"```json\n{_json({'method': procedure.name, 'params': described.example})}\n```\n"
    yield f"answers\n\n```json\n{_json(described.answer)}\n```\n"
    own = [code for code in procedure.may_end_with if code in _own(described)]
    if own:
        yield f"{_table(_CODES, _rows(own, procedure.reasons))}\n"


def _given(parameter: Property) -> Property:
    """Return a parameter without its ``null``: that means the same as to leave it out."""
    whole = parameter.type
    if not isinstance(whole, Union) or not whole.present:
        return parameter
    return replace(parameter, type=replace(whole, choices=whole.present))


def _own(described: Described) -> set[Code]:
    procedure = described.procedure
    return {*procedure.errors, *procedure.access.access_errors}


def _type(name: str, whole: Type) -> Iterator[str]:
    yield f"### {name}\n\n{whole.description}\n"
    columns = ("field", "type", "default", "meaning")
    if isinstance(whole, Object) and whole.properties:
        yield f"{_table(columns, _fields(whole.properties))}\n"
    else:
        yield f"{_kind(whole)}\n"


def _fields(properties: Mapping[str, Property]) -> list[tuple[str, ...]]:
    return [
        (f"`{name}`", _kind(each.type), _default(each), _meaning(each.type))
        for name, each in properties.items()
        if name != _EVERYWHERE
    ]


def _default(part: Property) -> str:
    if part.required:
        return "**required**"
    default = part.type.default
    return "" if default is None else f"`{json.dumps(default)}`"


def _meaning(part: Type) -> str:
    return f"{part.description}{_bounds(part)}"


def _bounds(part: Type) -> str:
    """Return the limits of a number, in words."""
    choices = part.choices if isinstance(part, Union) else (part,)
    number = next((c for c in choices if isinstance(c, Scalar) and c.minimum is not None), None)
    if number is None:
        return ""
    high = number.maximum if number.exclusive_maximum is None else number.exclusive_maximum - 1
    return "" if high is None else f" From {number.minimum} to {high}."


def _kind(part: Type) -> str:  # noqa: PLR0911  # one for each type
    """Return what a value is, in TypeScript's words."""
    match part:
        case Ref(name=name):
            return f"[{name}](#{name.lower()})"
        case Enum(values=values, is_open=is_open):
            named = ", ".join(f"`{_plain(value)}`" for value in values)
            return f"{named}, another" if is_open else named
        case Union(choices=choices):
            kinds = (_of_choices(choice, choices) for choice in choices)
            return " or ".join(dict.fromkeys(kinds))
        case Array(items=items):
            return f"{_kind(items)}[]"
        case Scalar(kind=kind, form=form):
            return f"{kind} ({form})" if form else kind
        case Object():
            return "object"
        case Unknown():
            return "any"


def _of_choices(choice: Type, choices: tuple[Type, ...]) -> str:
    """Return what one of several kinds of value is: long lists of values are named once."""
    if isinstance(choice, Array) and isinstance(choice.items, Enum) and choice.items in choices:
        return "a list of these"
    return _kind(choice)


def _rows(codes: Iterable[Code], reasons: Mapping[Code, str]) -> list[tuple[str, ...]]:
    return [
        (code.label, str(code.number), str(code.http_status), reasons.get(code, code.when))
        for code in codes
    ]


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(columns)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _json(value: JsonValue) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
