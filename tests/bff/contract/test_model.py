"""The examples that the page and OpenRPC show fit what they are examples of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import procedures
from bff.contract import examples
from bff.contract.model import Described, contract
from bff.contract.parser import REF, parse
from bff.rpc.registry import Registry

CONTRACT = contract(Registry(procedures.ALL))
EACH = pytest.mark.parametrize(
    "described", CONTRACT.procedures, ids=[d.procedure.name for d in CONTRACT.procedures]
)
IMAGE_ID = "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac"


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator({**schema, "components": {"schemas": dict(CONTRACT.schemas)}})


@EACH
def test_an_example_input_fits_its_model_and_its_schema(described: Described) -> None:
    described.procedure.input.model_validate(described.example)
    parameters = described.parameters.properties
    required = [name for name, parameter in parameters.items() if parameter.required]
    schema = {"properties": dict(described.parameter_schemas), "required": required}
    validator(schema).validate(described.example)


@EACH
def test_an_example_answer_fits_its_schema(described: Described) -> None:
    validator(described.result_schema).validate(described.answer)
    # From JSON, as a client reads it: there, a time is text.
    described.procedure.output.validate_json(json.dumps(described.answer))


@EACH
def test_what_a_procedure_shows_is_a_member_of_its_example_answer(described: Described) -> None:
    example = examples.of(described.result, CONTRACT.types)
    overrides = described.procedure.example_overrides
    assert not overrides or isinstance(example, dict)
    assert overrides.keys() <= (example if isinstance(example, dict) else {}).keys()


@EACH
def test_every_parameter_says_what_it_is_for(described: Described) -> None:
    assert all(part.type.description for part in described.parameters.properties.values())


@EACH
def test_every_procedure_says_what_it_does_and_what_is_behind_it(described: Described) -> None:
    assert described.procedure.description.endswith(".")
    method, _, path = described.procedure.upstream.partition(" ")
    assert method in {"GET", "POST", "PUT", "PATCH", "DELETE"}
    assert path.startswith("/v")


@pytest.mark.parametrize(
    ("name", "example"),
    [
        (
            "listImages",
            {"sort": "name:asc", "limit": 10, "status": "active", "visibility": "private"},
        ),
        ("getImageById", {"imageId": IMAGE_ID}),
        (
            "createImage",
            {
                "name": "Ubuntu 22.04 LTS",
                "container_format": "bare",
                "disk_format": "qcow2",
                "visibility": "private",
                "os_type": "linux",
                "os_distro": "ubuntu",
                "os_version": "22.04",
                "min_ram": 1024,
                "min_disk": 10,
                "tags": ["ubuntu", "lts", "server"],
            },
        ),
        ("uploadImage", {"imageId": IMAGE_ID, "file": "UG9sYXJpcw=="}),
        ("updateImageVisibility", {"imageId": IMAGE_ID, "visibility": "public"}),
        (
            "updateImageMember",
            {
                "imageId": IMAGE_ID,
                "memberId": "660e8400-e29b-41d4-a716-446655440001",
                "status": "accepted",
            },
        ),
    ],
)
def test_an_example_is_the_specifications_own(name: str, example: dict[str, Any]) -> None:
    (described,) = [d for d in CONTRACT.procedures if d.procedure.name == f"compute.image.{name}"]
    assert described.example == example


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        ({"type": "string", "examples": ["a", "b"]}, "a"),
        ({"type": "string", "enum": ["x", "y"]}, "x"),
        ({"anyOf": [{"type": "null"}, {"type": "integer", "examples": [7]}]}, 7),
        ({"anyOf": [{"type": "null"}]}, None),
        ({"type": "string", "default": "d"}, "d"),
        ({"const": "only"}, "only"),
        ({"enum": ["x", "y"], "default": "y"}, "x"),
        ({"type": "boolean", "default": False}, False),
        ({"$ref": f"{REF}Thing", "examples": [{}]}, {}),
        ({"type": "array"}, [None]),
        ({"type": "boolean"}, True),
        ({"type": "array", "items": {"$ref": f"{REF}Thing"}}, [{"id": "i", "size": 1}]),
        ({"type": "object"}, {}),
        ({}, None),
    ],
)
def test_an_example_is_put_together_from_its_parts(schema: dict[str, Any], example: Any) -> None:
    thing = {
        "type": "object",
        "properties": {
            "id": {"type": "string", "examples": ["i"]},
            "size": {"type": "integer"},
            "silent": {"type": "string"},
        },
        "required": ["size"],
    }
    assert examples.of(parse(schema), {"Thing": parse(thing)}) == example
