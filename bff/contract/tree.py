"""What the contract's values are: one tree of types, which every writer walks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pydantic import JsonValue

Kind: TypeAlias = Literal["string", "integer", "number", "boolean", "null"]


@dataclass(frozen=True, kw_only=True)
class _Node:
    """What is said of any type.

    Args:
        default: What counts where nothing is given; ``None`` where nothing else is said.
    """

    description: str = ""
    default: JsonValue = None
    examples: tuple[JsonValue, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scalar(_Node):
    """One value, and its bounds.

    Args:
        form: What a string holds, as ``password`` or ``base64``.
        min_length: In characters, as ``max_length``.
    """

    kind: Kind
    form: str | None = None
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_maximum: float | None = None
    write_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Enum(_Node):
    """One of a few values; a constant is the only one.

    Args:
        is_open: These are the strings that are known; any other may be one too.
    """

    values: tuple[JsonValue, ...]
    is_open: bool = False


@dataclass(frozen=True, kw_only=True)
class Array(_Node):
    """Items of one type."""

    items: Type
    min_items: int | None = None
    max_items: int | None = None


@dataclass(frozen=True)
class Property:
    """A member of an object."""

    type: Type
    required: bool


@dataclass(frozen=True, kw_only=True)
class Object(_Node):
    """Named properties.

    Args:
        additional: What other properties are; ``None`` if there are no others.
    """

    properties: Mapping[str, Property] = field(default_factory=dict)
    additional: Type | None = None


@dataclass(frozen=True, kw_only=True)
class Union(_Node):
    """Any of several types."""

    choices: tuple[Type, ...]

    @property
    def present(self) -> tuple[Type, ...]:
        """The choices other than ``null``."""
        return tuple(choice for choice in self.choices if not is_null(choice))


@dataclass(frozen=True, kw_only=True)
class Ref(_Node):
    """A type of the contract, by its name."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Unknown(_Node):
    """Any value: nothing is said of its type."""


Type: TypeAlias = Scalar | Enum | Array | Object | Union | Ref | Unknown


def is_null(part: Type) -> bool:
    """Return whether ``null`` is all that a type allows."""
    return isinstance(part, Scalar) and part.kind == "null"


def is_record(whole: Object) -> bool:
    """Return whether an object is a mapping from any name to values of one type."""
    return not whole.properties and whole.additional is not None


def parts(whole: Type) -> tuple[Type, ...]:
    """Return the types of which a type is made."""
    match whole:
        case Array(items=items):
            return (items,)
        case Object(properties=properties, additional=additional):
            types = tuple(each.type for each in properties.values())
            return (*types, additional) if additional else types
        case Union(choices=choices):
            return choices
        case _:
            return ()
