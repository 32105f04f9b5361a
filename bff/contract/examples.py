"""An example value of a type, put together from the examples of its parts."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from bff.contract.tree import Array, Enum, Object, Ref, Scalar, Type, Union, Unknown

# For a part that has neither an example nor a default.
_PLAIN: Mapping[str, JsonValue] = {"boolean": True, "integer": 1, "number": 1, "string": "text"}


def of(whole: Type, types: Mapping[str, Type]) -> JsonValue:
    """Return an example of a type.

    An object has the properties that it needs and those that have examples of their own.

    Args:
        types: What a ``Ref`` may name.
    """
    said = [*whole.examples, *(whole.values if isinstance(whole, Enum) else ())]
    said += [] if whole.default is None else [whole.default]
    return said[0] if said else _made(whole, types)


def _made(whole: Type, types: Mapping[str, Type]) -> JsonValue:
    match whole:
        case Ref(name=name):
            return of(types[name], types)
        case Union(present=present, choices=choices):
            return of((present or choices)[0], types)
        case Array(items=items):
            return [of(items, types)]
        case Object(properties=properties):
            return {
                name: of(each.type, types)
                for name, each in properties.items()
                if each.required or each.type.examples
            }
        case Scalar(kind=kind):
            return _PLAIN.get(kind)
        case Enum() | Unknown():
            return None
