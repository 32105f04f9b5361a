"""The contract's types as TypeScript's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from pydantic import JsonValue

from bff.contract.names import constant, enum_names, identifier
from bff.contract.tree import (
    Array,
    Enum,
    Object,
    Property,
    Ref,
    Scalar,
    Type,
    Union,
    Unknown,
    is_record,
)

_PRIMITIVES: Mapping[str, str] = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


class TypeWriter:
    """Writes types; remembers which named enums they used."""

    def __init__(self) -> None:
        self._names = enum_names()
        self._used: dict[str, tuple[JsonValue, ...]] = {}

    def definition(self, name: str, whole: Type, *, is_input: bool) -> str:
        """Return a declaration that is exported.

        Only of an input, a default means anything. An optional one may be `undefined`, so that an
        optional part of an answer can be given back; and it takes no name that it does not know.
        """
        head, name = comment(whole.description), identifier(name)
        if isinstance(whole, Object) and not is_record(whole):
            return f"{head}export interface {name} {self._object(whole, '', is_input=is_input)}\n"
        return f"{head}export type {name} = {self.type(whole)}\n"

    def enums(self) -> list[str]:
        """Return the declarations of the enums that were used so far, each as a list and a type."""
        return [_enum_declaration(name, values) for name, values in sorted(self._used.items())]

    def type(self, whole: Type, indent: str = "") -> str:  # noqa: PLR0911  # one for each type
        """Return the type of whatever is of a type of the contract."""
        match whole:
            case Ref(name=name):
                return identifier(name)
            case Enum(values=values, is_open=is_open):
                # So written, an editor still offers the values.
                return self._enum(values) + (" | (string & {})" if is_open else "")
            case Union(choices=choices):
                return _union(self.type(choice, indent) for choice in choices)
            case Array(items=items):
                item = self.type(items, indent)
                return f"({item})[]" if "|" in item else f"{item}[]"
            case Object():
                return self._object(whole, indent, is_input=False)
            case Scalar(kind=kind):
                return _PRIMITIVES[kind]
            case Unknown():
                return "unknown"

    def _enum(self, values: tuple[JsonValue, ...]) -> str:
        name = self._names.get(values)
        if name is None:
            return _union(map(json.dumps, values))
        self._used[name] = values
        return name

    def _object(self, whole: Object, indent: str, *, is_input: bool) -> str:
        """Return an object's type, its properties one a line."""
        if is_record(whole) and whole.additional:
            return f"Record<string, {self.type(whole.additional)}>"
        inner = indent + "  "
        lines = [
            self._property(name, part, inner, is_input=is_input)
            for name, part in whole.properties.items()
        ]
        if whole.additional and not is_input:
            lines.append(f"{inner}[property: string]: unknown\n")
        return "{\n" + "".join(lines) + indent + "}"

    def _property(self, name: str, part: Property, indent: str, *, is_input: bool) -> str:
        default = part.type.default if is_input else None
        head = comment(part.type.description, default, indent)
        key = name if name.isidentifier() else json.dumps(name)
        kind = self.type(part.type, indent)
        if is_input and not part.required and kind != "unknown":
            kind += " | undefined"
        return f"{head}{indent}{key}{'' if part.required else '?'}: {kind}\n"


def _enum_declaration(name: str, values: Iterable[JsonValue]) -> str:
    values_name = constant(name)
    return (
        f"export const {values_name} = [{', '.join(map(json.dumps, values))}] as const\n"
        f"export type {name} = (typeof {values_name})[number]\n"
    )


def comment(text: str, default: JsonValue = None, indent: str = "") -> str:
    """Return a documentation comment, or nothing where there is nothing to say."""
    lines = list(_comment_lines(text, default))
    if not lines:
        return ""
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/**\n{body}{indent} */\n"


def _comment_lines(text: str, default: JsonValue) -> Iterator[str]:
    # Docstrings write code between double backticks.
    yield from text.replace("``", "`").replace("*/", "*\\/").splitlines()
    if default is not None:
        yield f"@default {json.dumps(default)}".replace("*/", "*\\/")


def _union(types: Iterable[str]) -> str:
    return " | ".join(dict.fromkeys(types))
