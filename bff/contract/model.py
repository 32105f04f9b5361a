"""What a registry promises, as JSON Schema with examples: the page and OpenRPC both show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from bff.contract import examples
from bff.rpc.registry import Procedure, Registry

REF = "#/components/schemas/"
Schema = dict[str, Any]


@dataclass(frozen=True)
class Described:
    """A procedure with the schemas of its parameters and of its result, and an example of each."""

    procedure: Procedure
    parameters: Mapping[str, Schema]
    required: frozenset[str]
    result: Schema
    example: Any
    answer: Any


@dataclass(frozen=True)
class Contract:
    """Every procedure, and the types by name to which their schemas refer."""

    procedures: tuple[Described, ...]
    types: Mapping[str, Schema]


def contract(registry: Registry) -> Contract:
    """Return what a registry promises."""
    schemas, types = json_schemas(registry)
    procedures = tuple(_described(procedure, schemas, types) for procedure in registry.values())
    inputs = {name_of(schemas[name, "validation"]) for name in registry}
    shared = {name: schema for name, schema in types.items() if name not in inputs}
    return Contract(procedures, shared)


def _described(procedure: Procedure, schemas: Any, types: dict[str, Schema]) -> Described:
    wanted = types[name_of(schemas[procedure.name, "validation"])]
    result = schemas[procedure.name, "serialization"]
    answer = examples.of(result, types, REF)
    return Described(
        procedure,
        wanted["properties"],
        frozenset(wanted.get("required", ())),
        result,
        examples.of(wanted, types, REF),
        {**answer, **procedure.example_overrides} if procedure.example_overrides else answer,
    )


def json_schemas(registry: Registry) -> tuple[Any, dict[str, Schema]]:
    """Return the schema of each input and output, and the types to which they refer.

    A schema's key is the procedure's name with ``validation`` for what may be sent, and with
    ``serialization`` for what is answered.
    """
    asked: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = []
    for name, procedure in registry.items():
        asked.append((name, "validation", TypeAdapter(procedure.input)))
        asked.append((name, "serialization", procedure.output))
    schemas, shared = TypeAdapter.json_schemas(
        asked, ref_template=REF + "{model}", schema_generator=_Untitled
    )
    return schemas, shared.get("$defs", {})


def name_of(schema: Schema) -> str:
    """Return the name of the type to which a schema refers."""
    return str(schema["$ref"]).removeprefix(REF)


class _Untitled(GenerateJsonSchema):
    """Leaves out the title of a field, which is its name again, in other letters."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  # not ours to choose
        """Say no, for every field."""
        return False
