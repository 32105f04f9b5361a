"""From JSON Schema to the contract's types, and what is refused to every writer alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter

from bff.contract import openrpc
from bff.contract.discovery import Discovery
from bff.contract.markdown import as_markdown
from bff.contract.model import contract
from bff.contract.parser import REF, parse
from bff.contract.tree import Array, Enum, Object, Property, Ref, Scalar, Type, Union, Unknown
from bff.contract.typescript import as_typescript
from bff.rpc.registry import Registry, query
from bff.session.context import PublicContext
from schemas.base import Input, NoInput

STRING, INTEGER, NULL = (Scalar(kind=kind) for kind in ("string", "integer", "null"))


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Odd(Input):
    """What has a member that the contract cannot describe."""

    pair: tuple[int, str]


async def answer_a_pair(ctx: PublicContext, wanted: NoInput) -> list[tuple[int, str]]:
    """Answer what the contract cannot describe."""
    raise NotImplementedError


async def take_a_pair(ctx: PublicContext, wanted: Odd) -> bool:
    """Take what the contract cannot describe."""
    raise NotImplementedError


WRITERS: dict[str, Callable[[Registry], object]] = {
    "examples": lambda registry: [each.answer for each in contract(registry).procedures],
    "openrpc": lambda registry: openrpc.document(contract(registry)),
    "discovery": lambda registry: Discovery(registry).document,
    "markdown": lambda registry: as_markdown(contract(registry)),
    "typescript": lambda registry: as_typescript(contract(registry)),
}


@pytest.mark.parametrize("handler", [answer_a_pair, take_a_pair])
@pytest.mark.parametrize("writer", WRITERS)
def test_what_one_writer_could_not_write_is_refused_to_all(writer: str, handler: Any) -> None:
    WRITERS[writer](Registry([]))
    with pytest.raises(TypeError, match=r"maxItems|prefixItems"):
        WRITERS[writer](Registry([query("pair", handler)]))


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ({"type": "array", "prefixItems": [{"type": "integer"}]}, "prefixItems"),
        ({"type": "array", "items": {"type": "array", "uniqueItems": True}}, "uniqueItems"),
        ({"type": "object", "patternProperties": {}}, "patternProperties"),
        ({"type": "object", "additionalProperties": {"not": {}}}, "not"),
        ({"type": "object", "properties": {"a": {"allOf": []}}}, "allOf"),
        ({"anyOf": [{"type": "null"}, {"type": "date"}]}, "type"),
        ({"anyOf": [{"type": "null"}], "type": "string"}, "type"),
        ({"type": ["string", "null"]}, "type"),
        ({"type": "string", "minimum": 1}, "minimum"),
        ({"type": "integer", "multipleOf": 2}, "multipleOf"),
        ({"type": "boolean", "readOnly": True}, "readOnly"),
        ({"$ref": f"{REF}Thing", "type": "object"}, "type"),
        ({"enum": ["a"], "pattern": "a"}, "pattern"),
        ({"const": "a", "enum": ["a"]}, "const"),
        ({"deprecated": True}, "deprecated"),
        ({"type": "array", "items": False}, "False"),
    ],
)
def test_a_keyword_or_a_form_that_is_not_known_is_refused(schema: Any, word: str) -> None:
    with pytest.raises(TypeError, match=rf"no type for .*\b{word}\b"):
        parse(schema)


BOUNDED = Annotated[str, Field(min_length=1, max_length=9, pattern="^a")]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (int, INTEGER),
        (bool, Scalar(kind="boolean")),
        (Annotated[float, Field(ge=1.5, le=2)], Scalar(kind="number", minimum=1.5, maximum=2)),
        (
            Annotated[int, Field(ge=1, lt=9)],
            Scalar(kind="integer", minimum=1, exclusive_maximum=9),
        ),
        (BOUNDED, Scalar(kind="string", min_length=1, max_length=9, pattern="^a")),
        (SecretStr, Scalar(kind="string", form="password", write_only=True)),
        (Literal["a"], Enum(values=("a",))),
        (Literal["a", "b"] | str, Enum(values=("a", "b"), is_open=True)),
        (
            Literal["a"] | str | None,
            Union(choices=(Enum(values=("a",), is_open=True), NULL)),
        ),
        (Literal["a", 1] | str, Union(choices=(Enum(values=("a", 1)), STRING))),
        (Literal["a", 1, None], Enum(values=("a", 1, None))),
        (
            Annotated[list[int], Field(min_length=1, max_length=3)],
            Array(items=INTEGER, min_items=1, max_items=3),
        ),
        (list[Any], Array(items=Unknown())),
        (dict[str, int], Object(additional=INTEGER)),
        (dict[str, Any], Object(additional=Unknown())),
        (Any, Unknown()),
        (int | str | None, Union(choices=(INTEGER, STRING, NULL))),
        (
            Annotated[str, Field(description="d", examples=["e"])],
            Scalar(kind="string", description="d", examples=("e",)),
        ),
        (
            Annotated[Cat | Dog, Field(discriminator="kind")],
            Union(choices=(Ref(name="Cat"), Ref(name="Dog"))),
        ),
    ],
)
def test_a_schema_of_pydantics_is_known(model: Any, expected: Type) -> None:
    schema = TypeAdapter(model).json_schema(ref_template=REF + "{model}")
    schema.pop("$defs", None)
    assert parse(schema) == expected


@pytest.mark.parametrize(
    ("extra", "additional"), [("forbid", None), ("ignore", None), ("allow", Unknown())]
)
def test_an_object_says_what_is_required_and_what_else_it_may_have(
    extra: Any, additional: Type | None
) -> None:
    class Thing(BaseModel):
        """A thing."""

        model_config = ConfigDict(extra=extra)

        name: str = Field(description="Its name.")
        size: int | None = 0

    properties = {
        "name": Property(Scalar(kind="string", description="Its name."), required=True),
        "size": Property(Union(choices=(INTEGER, NULL), default=0), required=False),
    }
    expected = Object(description="A thing.", properties=properties, additional=additional)
    assert parse(Thing.model_json_schema()) == expected


def test_a_model_without_fields_is_no_dictionary() -> None:
    class Empty(BaseModel):
        pass

    assert parse(Empty.model_json_schema()) == Object()
