"""What a registry promises: whatever is generated is generated from this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import JsonValue, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from bff.contract import examples
from bff.contract.parser import REF, Schema, parse, parse_object
from bff.contract.tree import Object, Type
from bff.rpc.registry import Procedure, Registry

_Schemas: TypeAlias = Mapping[tuple[str, JsonSchemaMode], Schema]


@dataclass(frozen=True)
class Described:
    """A procedure with the types of its parameters and of its result, and an example of each.

    Args:
        input_name: The name that the type of the parameters has.
        parameter_schemas: The JSON Schemas of ``parameters``, as OpenRPC has them.
        result_schema: That of ``result``.
    """

    procedure: Procedure
    input_name: str
    parameters: Object
    result: Type
    parameter_schemas: Mapping[str, Schema]
    result_schema: Schema
    example: dict[str, JsonValue]
    answer: JsonValue


@dataclass(frozen=True)
class Contract:
    """Every procedure, and the types by name to which they refer, without those of the inputs.

    Args:
        schemas: The JSON Schemas of ``types``.
    """

    procedures: tuple[Described, ...]
    types: Mapping[str, Type]
    schemas: Mapping[str, Schema]

    @property
    def inputs(self) -> Mapping[str, Object]:
        """The types of the procedures' parameters, by name."""
        return {described.input_name: described.parameters for described in self.procedures}


def contract(registry: Registry) -> Contract:
    """Return what a registry promises.

    Raises:
        TypeError: an input or an output has a JSON Schema for which there is no type.
    """
    tops, definitions = json_schemas(registry)
    types = {name: parse(schema) for name, schema in definitions.items()}
    procedures = tuple(_described(each, tops, definitions, types) for each in registry.values())
    shared = definitions.keys() - {described.input_name for described in procedures}
    return Contract(
        procedures,
        {name: part for name, part in types.items() if name in shared},
        {name: schema for name, schema in definitions.items() if name in shared},
    )


def _described(
    procedure: Procedure,
    tops: _Schemas,
    definitions: Mapping[str, Schema],
    types: Mapping[str, Type],
) -> Described:
    input_name = tops[procedure.name, "validation"]["$ref"].removeprefix(REF)
    result_schema = tops[procedure.name, "serialization"]
    parameters, result = parse_object(definitions[input_name]), parse(result_schema)
    return Described(
        procedure,
        input_name,
        parameters,
        result,
        definitions[input_name]["properties"],
        result_schema,
        _members(examples.of(parameters, types)),
        _overridden(examples.of(result, types), procedure.example_overrides),
    )


def _overridden(answer: JsonValue, overrides: Mapping[str, JsonValue]) -> JsonValue:
    return {**_members(answer), **overrides} if overrides else answer


def _members(example: JsonValue) -> dict[str, JsonValue]:
    if not isinstance(example, dict):
        raise TypeError(f"this example is no object: {example!r}")
    return example


def json_schemas(registry: Registry) -> tuple[_Schemas, Mapping[str, Schema]]:
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


class _Untitled(GenerateJsonSchema):
    """Leaves out the title of a field, which is its name again, in other letters."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  # not ours to choose
        """Say no, for every field."""
        return False
