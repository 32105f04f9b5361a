"""The tree of a JSON Schema, as Pydantic writes one.

A keyword or a form that is not known here is an error for whatever is written from the contract,
so a new kind of model is noticed by whoever adds it and not by whoever calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, TypedDict

from pydantic import JsonValue

from bff.contract.tree import Array, Enum, Object, Property, Ref, Scalar, Type, Union, Unknown

Schema: TypeAlias = dict[str, Any]

REF = "#/components/schemas/"

_ANNOTATIONS = frozenset({"title", "description", "default", "examples"})


def parse(schema: Schema) -> Type:
    """Return the tree of a schema.

    Raises:
        TypeError: something in the schema is not known; the message has the schema.
    """
    if not isinstance(schema, dict):
        raise TypeError(f"the contract has no type for {schema!r}")
    keywords, make = _FORMS.get(_form(schema), (frozenset(), None))
    unknown = schema.keys() - keywords - _ANNOTATIONS
    if make is None or unknown:
        words = ", ".join(sorted(unknown))
        raise TypeError(f"the contract has no type for {words} in the schema {schema!r}")
    return make(schema)


def parse_object(schema: Schema) -> Object:
    """Return the tree of an object's schema.

    Raises:
        TypeError: as ``parse``, or it is the schema of something else.
    """
    parsed = parse(schema)
    if not isinstance(parsed, Object):
        raise TypeError(f"this is no object's schema: {schema!r}")
    return parsed


def _form(schema: Schema) -> str:
    """Return the keyword that says what a schema is, or else its type."""
    words = ("$ref", "enum", "const", "anyOf", "oneOf")
    return next((word for word in words if word in schema), str(schema.get("type", "")))


class _Annotations(TypedDict):
    description: str
    default: JsonValue
    examples: tuple[JsonValue, ...]


def _annotations(schema: Schema) -> _Annotations:
    return {
        "description": schema.get("description", ""),
        "default": schema.get("default"),
        "examples": tuple(schema.get("examples", ())),
    }


def _ref(schema: Schema) -> Ref:
    return Ref(name=schema["$ref"].removeprefix(REF), **_annotations(schema))


def _enum(schema: Schema) -> Enum:
    values = schema["enum"] if "enum" in schema else [schema["const"]]
    return Enum(values=tuple(values), **_annotations(schema))


def _union(schema: Schema) -> Union | Enum:
    choices = schema["anyOf"] if "anyOf" in schema else schema["oneOf"]
    parsed = _opened([parse(choice) for choice in choices])
    if len(parsed) == 1 and isinstance(parsed[0], Enum):
        return replace(parsed[0], **_annotations(schema))
    return Union(choices=tuple(parsed), **_annotations(schema))


def _opened(choices: list[Type]) -> list[Type]:
    """Return the choices; strings that are known, beside any other string, are one open enum."""
    others = [each for each in choices if isinstance(each, Scalar) and each.kind == "string"]
    known = [each for each in choices if isinstance(each, Enum) and _is_of_strings(each)]
    if len(others) != 1 or len(known) != 1:
        return choices
    open_enum = replace(known[0], is_open=True)
    return [open_enum if each is known[0] else each for each in choices if each is not others[0]]


def _is_of_strings(enum: Enum) -> bool:
    return all(isinstance(value, str) for value in enum.values)


def _array(schema: Schema) -> Array:
    return Array(
        items=parse(schema.get("items", {})),
        min_items=schema.get("minItems"),
        max_items=schema.get("maxItems"),
        **_annotations(schema),
    )


def _object(schema: Schema) -> Object:
    required = schema.get("required", ())
    # A model's schema says its properties, if only that it has none; that of a dict does not.
    more = schema.get("additionalProperties", "properties" not in schema)
    return Object(
        properties={
            name: Property(parse(part), name in required)
            for name, part in schema.get("properties", {}).items()
        },
        additional=(Unknown() if more else None) if isinstance(more, bool) else parse(more),
        **_annotations(schema),
    )


def _scalar(schema: Schema) -> Scalar:
    return Scalar(
        kind=schema["type"],
        form=schema.get("format", schema.get("contentEncoding")),
        pattern=schema.get("pattern"),
        min_length=schema.get("minLength"),
        max_length=schema.get("maxLength"),
        minimum=schema.get("minimum"),
        maximum=schema.get("maximum"),
        exclusive_maximum=schema.get("exclusiveMaximum"),
        write_only=schema.get("writeOnly", False),
        **_annotations(schema),
    )


def _unknown(schema: Schema) -> Unknown:
    return Unknown(**_annotations(schema))


_TEXT = ("format", "contentEncoding", "pattern", "minLength", "maxLength", "writeOnly")
_RANGE = ("minimum", "maximum", "exclusiveMaximum")
# By what says the form of a schema: the keywords that it may have besides, and what reads them.
_FORMS: Mapping[str, tuple[frozenset[str], Callable[[Schema], Type]]] = {
    "$ref": (frozenset({"$ref"}), _ref),
    "enum": (frozenset({"enum", "type"}), _enum),
    "const": (frozenset({"const", "type"}), _enum),
    "anyOf": (frozenset({"anyOf"}), _union),
    "oneOf": (frozenset({"oneOf", "discriminator"}), _union),
    "array": (frozenset({"type", "items", "minItems", "maxItems"}), _array),
    "object": (frozenset({"type", "properties", "required", "additionalProperties"}), _object),
    "string": (frozenset({"type", *_TEXT}), _scalar),
    "integer": (frozenset({"type", *_RANGE}), _scalar),
    "number": (frozenset({"type", *_RANGE}), _scalar),
    "boolean": (frozenset({"type"}), _scalar),
    "null": (frozenset({"type"}), _scalar),
    "": (frozenset(), _unknown),
}
