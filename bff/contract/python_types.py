"""The contract's types as Python's."""

from __future__ import annotations

import json
import keyword
import textwrap
from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from bff.contract.names import constant, enum_names, identifier, snake
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
    is_null,
    is_record,
)

_PRIMITIVES: Mapping[str, str] = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}
# In characters.
_WIDTH = 100


class TypeWriter:
    """Writes types; remembers which named enums they used."""

    def __init__(self) -> None:
        self._names = enum_names()
        self._used: dict[str, tuple[JsonValue, ...]] = {}

    def definition(self, name: str, whole: Type) -> str:
        """Return a type of an answer, or of a part of an input, with the names of the wire."""
        name = identifier(name)
        if not isinstance(whole, Object) or is_record(whole):
            return f"{name}: TypeAlias = {self.type(whole)!r}\n"
        if all(map(_is_name, whole.properties)):
            return self._class(name, whole.description, whole.properties)
        return self._functional(name, whole)

    def input(self, name: str, whole: Object) -> str:
        """Return the type of a procedure's keyword arguments."""
        wire = parameter_names(whole)
        properties = {python: whole.properties[name] for python, name in wire.items()}
        return self._class(identifier(name), whole.description, properties)

    def enums(self) -> list[str]:
        """Return the declarations of the enums that were used so far, each as a type and a list."""
        return [_enum_declaration(name, values) for name, values in sorted(self._used.items())]

    def type(self, whole: Type) -> str:  # noqa: PLR0911  # one for each type
        """Return the type of whatever is of a type of the contract."""
        match whole:
            case Ref(name=name):
                return identifier(name)
            case Enum(values=values, is_open=is_open):
                return self._enum(values) + (" | str" if is_open else "")
            case Union(choices=choices):
                # Nothing is said of what an image of tomorrow holds.
                return " | ".join(dict.fromkeys(map(self.type, _null_last(choices))))
            case Array(items=items):
                return f"list[{self.type(items)}]"
            case Object() if is_record(whole) and whole.additional:
                return f"dict[str, {self.type(whole.additional)}]"
            case Scalar(kind=kind):
                return _PRIMITIVES[kind]
            case Object() | Unknown():
                return "Any"

    def _enum(self, values: tuple[JsonValue, ...]) -> str:
        name = self._names.get(values)
        if name is None:
            return f"Literal[{_listed(values)}]"
        self._used[name] = values
        return name

    def _class(self, name: str, description: str, properties: Mapping[str, Property]) -> str:
        lines = [f"class {name}(TypedDict):\n", docstring(description or name, "    ")]
        for member, part in properties.items():
            lines.append(f"\n    {member}: {self._member(part)}\n")
            if words := about(part.type):
                lines.append(docstring(words, "    "))
        return "".join(lines)

    def _functional(self, name: str, whole: Object) -> str:
        """Return a type of which a member's name is none in Python, as ``from``."""
        lines = [f"    # {line}\n" for line in textwrap.wrap(whole.description, _WIDTH)]
        for member, part in whole.properties.items():
            words = f"  # {about(part.type)}" if about(part.type) else ""
            lines.append(f"    {json.dumps(member)}: {json.dumps(self._member(part))},{words}\n")
        return f"{name} = TypedDict({json.dumps(name)}, {{\n{''.join(lines)}}})\n"

    def _member(self, part: Property) -> str:
        kind = self.type(part.type)
        return kind if part.required else f"NotRequired[{kind}]"


def parameter_names(parameters: Object) -> dict[str, str]:
    """Return the names of a procedure's parameters, by their names in Python.

    The project in which a call runs is the last one. ``auth`` does not look at it, and has a
    ``projectId`` of its own.
    """
    wire = [name for name in parameters.properties if name != "project_id"]
    names = {_argument(name): name for name in wire}
    if "project_id" in parameters.properties:
        names.setdefault("project_id", "project_id")
    return names


def about(part: Type) -> str:
    """Return what is said of a value, with its default."""
    default = "" if part.default is None else f"Default: `{json.dumps(part.default)}`."
    return f"{part.description} {default}".strip()


def docstring(text: str, indent: str) -> str:
    """Return a docstring, whatever the text holds."""
    safe = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    safe = safe[:-1] + '\\"' if safe.endswith('"') else safe
    first, *more = safe.splitlines()
    if not more:
        return f'{indent}"""{first}"""\n'
    lines = "".join(f"{indent}{line}".rstrip() + "\n" for line in more)
    return f'{indent}"""{first}\n{lines}{indent}"""\n'


def _argument(name: str) -> str:
    python = snake(name)
    return f"{python}_" if keyword.iskeyword(python) else python


def _is_name(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)


def _null_last(choices: Iterable[Type]) -> list[Type]:
    return sorted(choices, key=is_null)


def _listed(values: Iterable[JsonValue]) -> str:
    # JSON's strings and numbers are Python's; its constants are not.
    return ", ".join(
        json.dumps(value) if isinstance(value, str) else repr(value) for value in values
    )


def _enum_declaration(name: str, values: tuple[JsonValue, ...]) -> str:
    listed = _listed(values)
    return (
        f"{name}: TypeAlias = Literal[{listed}]\n"
        f"{constant(name)}: tuple[{name}, ...] = ({listed},)\n"
    )
