"""The TypeScript contract: inputs, outputs, enums and the router, written from the registry.

It reads the JSON Schemas that Pydantic makes. A schema that it has no type for is a TypeError and
not ``any``, so a new kind of model is noticed here and not by whoever calls it.
"""

from __future__ import annotations

import json
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, Literal, get_args, get_origin

import schemas
from bff.contract.model import Schema, json_schemas, name_of
from bff.errors import Code
from bff.rpc.registry import Kind, Procedure, Registry

_HEAD = """\
// Written by `bff types` from the registry and the schemas. Do not edit: run `make docs`.

/** A procedure that only reads. */
export interface Query<Input, Output> {
  readonly kind: "query"
  readonly input: Input
  readonly output: Output
}

/** A procedure that changes something. */
export interface Mutation<Input, Output> {
  readonly kind: "mutation"
  readonly input: Input
  readonly output: Output
}
"""
_PRIMITIVES: Mapping[object, str] = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


def as_typescript(registry: Registry) -> str:
    """Return the contract as one TypeScript module."""
    tops, definitions = json_schemas(registry)
    writer = _Writer(_named_literals())
    inputs = {name_of(tops[name, "validation"]) for name in registry}
    given = _reached(inputs, definitions)
    models = [
        writer.definition(name, schema, is_input=name in given)
        for name, schema in sorted(definitions.items())
    ]
    router = _Router(writer, tops).declaration(registry)
    statuses = _statuses(writer)
    return "\n".join([_HEAD, *writer.enums(), *models, router, statuses, _soft(registry)])


def _reached(names: set[str], definitions: dict[str, Schema]) -> set[str]:
    """Return the names of some types and of all to which they lead."""
    found: set[str] = set()
    while names:
        found |= names
        names = {ref for name in names for ref in _refs(definitions[name])} - found
    return found


def _refs(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        schema = dict(enumerate(schema))
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield name_of(schema)
        for part in schema.values():
            yield from _refs(part)


def _named_literals() -> dict[tuple[Any, ...], str]:
    """Return the names that the schemas' modules give to their enums, by the values."""
    found = {}
    for module in pkgutil.iter_modules(schemas.__path__, "schemas."):
        for name, value in vars(import_module(module.name)).items():
            if get_origin(value) is Literal and not name.startswith("_"):
                found[get_args(value)] = name
    return found


class _Writer:
    """Turns JSON Schemas into types; remembers which named enums they used."""

    def __init__(self, names: dict[tuple[Any, ...], str]) -> None:
        self._names = names
        self._used: dict[str, tuple[Any, ...]] = {}

    def definition(self, name: str, schema: Schema, *, is_input: bool) -> str:
        """Return a declaration that is exported.

        Only of an input, a default means anything. An optional one may be `undefined`, so that an
        optional part of an answer can be given back; and it takes no name that it does not know.
        """
        head, name = _comment(schema.get("description", "")), _identifier(name)
        if schema.get("type") == "object" and "properties" in schema:
            return f"{head}export interface {name} {self.object(schema, is_input=is_input)}\n"
        return f"{head}export type {name} = {self.type(schema)}\n"

    def enums(self) -> list[str]:
        """Return the declarations of the enums that were used so far."""
        return [
            f"export type {name} = {_union(json.dumps(value) for value in values)}\n"
            for name, values in sorted(self._used.items())
        ]

    def type(self, schema: Schema, indent: str = "") -> str:
        """Return the type of whatever fits a schema."""
        if "$ref" in schema:
            return _identifier(name_of(schema))
        if "enum" in schema:
            return self._enum(tuple(schema["enum"]))
        if "const" in schema:
            return json.dumps(schema["const"])
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return _union(self.type(choice, indent) for choice in schema[word])
        return self._plain(schema, indent)

    def _plain(self, schema: Schema, indent: str) -> str:
        kind = schema.get("type")
        if kind == "array" and "prefixItems" not in schema:
            item = self.type(schema.get("items", {}), indent)
            return f"({item})[]" if "|" in item else f"{item}[]"
        if kind == "object":
            return self.object(schema, indent)
        if kind in _PRIMITIVES:
            return _PRIMITIVES[kind]
        if schema.keys() <= {"title", "description", "default", "examples"}:
            return "unknown"
        raise TypeError(f"no TypeScript type is known for {schema}")

    def _enum(self, values: tuple[Any, ...]) -> str:
        name = self._names.get(values)
        if name is None:
            return _union(json.dumps(value) for value in values)
        self._used[name] = values
        return name

    def object(self, schema: Schema, indent: str = "", *, is_input: bool = False) -> str:
        """Return an object's type, its properties one a line."""
        more = schema.get("additionalProperties", False)
        if "properties" not in schema:
            return f"Record<string, {self.type(more) if isinstance(more, dict) else 'unknown'}>"
        inner = indent + "  "
        required = schema.get("required", [])
        lines = [
            _comment(
                field.get("description", ""), field.get("default") if is_input else None, inner
            )
            + self._property(name, field, inner, optional=name not in required, is_input=is_input)
            for name, field in schema["properties"].items()
        ]
        if more and not is_input:
            lines.append(f"{inner}[property: string]: unknown\n")
        return "{\n" + "".join(lines) + indent + "}"

    def _property(
        self, name: str, schema: Schema, indent: str, *, optional: bool, is_input: bool
    ) -> str:
        key = name if name.isidentifier() else json.dumps(name)
        kind = self.type(schema, indent)
        if optional and is_input and kind != "unknown":
            kind += " | undefined"
        return f"{indent}{key}{'?' if optional else ''}: {kind}\n"


class _Router:
    """The tree of the procedures, by the parts of their names."""

    def __init__(self, writer: _Writer, tops: Any) -> None:
        self._writer = writer
        self._tops = tops

    def declaration(self, registry: Registry) -> str:
        tree: dict[str, Any] = {}
        for name, procedure in registry.items():
            *path, last = name.split(".")
            branch = tree
            for part in path:
                branch = branch.setdefault(part, {})
            branch[last] = procedure
        words = _comment("Every procedure, by the parts of its name.")
        return f"{words}export interface Router {self._branch(tree, '')}\n"

    def _branch(self, tree: dict[str, Any], indent: str) -> str:
        inner = indent + "  "
        lines = []
        for name, node in tree.items():
            if isinstance(node, Procedure):
                lines.append(_about(node, inner) + f"{inner}{name}: {self._procedure(node)}\n")
            else:
                lines.append(f"{inner}{name}: {self._branch(node, inner)}\n")
        return "{\n" + "".join(lines) + indent + "}"

    def _procedure(self, procedure: Procedure) -> str:
        kind = "Query" if procedure.kind is Kind.QUERY else "Mutation"
        types = (
            self._writer.type(self._tops[procedure.name, mode])
            for mode in ("validation", "serialization")
        )
        return f"{kind}<{', '.join(types)}>"


def _about(procedure: Procedure, indent: str) -> str:
    errors = ", ".join(sorted({code.label for code in procedure.errors}))
    more = f"\n\nErrors of its own: {errors}." if errors else ""
    return _comment(procedure.description + more, indent=indent)


def _statuses(writer: _Writer) -> str:
    kind = writer.type({"enum": dict.fromkeys(code.label for code in Code)})
    # The last code of a status is the general one: 404 is NOT_FOUND, whatever was not found.
    statuses = {code.http_status: code.label for code in Code}
    rows = "".join(f"  {status}: {json.dumps(label)},\n" for status, label in statuses.items())
    return (
        f"{_comment('The kind of failure that an HTTP status stands for.')}"
        f"export const CODE_OF_STATUS: Readonly<Record<number, {kind}>> = {{\n{rows}}}\n"
    )


def _soft(registry: Registry) -> str:
    names = [name for name, procedure in registry.items() if procedure.soft_answer is False]
    rows = "".join(f"  {json.dumps(name)},\n" for name in names)
    words = _comment("The procedures whose answer in soft mode is `false`.")
    return f"{words}export const ANSWERS_FALSE: readonly string[] = [\n{rows}]\n"


def _union(types: Iterable[str]) -> str:
    return " | ".join(dict.fromkeys(types))


def _identifier(name: str) -> str:
    return re.sub(r"\W", "", name)


def _comment(text: str, default: Any = None, indent: str = "") -> str:
    """Return a documentation comment, or nothing where there is nothing to say."""
    lines = list(_comment_lines(text, default))
    if not lines:
        return ""
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/**\n{body}{indent} */\n"


def _comment_lines(text: str, default: Any) -> Iterator[str]:
    # Docstrings write code between double backticks.
    yield from text.replace("``", "`").replace("*/", "*\\/").splitlines()
    if default is not None:
        yield f"@default {json.dumps(default)}".replace("*/", "*\\/")
