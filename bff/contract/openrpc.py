"""The contract as an OpenRPC 1.3.2 document. Source: the OpenRPC specification, spec.open-rpc.org.

It says what any installation of this version says: nothing in it comes from the settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter
from typing import Any

from bff import __version__
from bff.contract.model import Contract, Described
from bff.contract.parser import Schema
from bff.contract.tree import Property
from bff.errors import Code

Object = dict[str, Any]

_ABOUT = (
    "A backend-for-frontend for the OpenStack Image service (Glance v2). The names of the"
    " procedures are tRPC paths; params are given by name. Whoever is not a browser sends a"
    " Keystone token in the header X-Auth-Token."
)


def document(contract: Contract) -> Object:
    """Return the OpenRPC document of a contract."""
    return {
        "openrpc": "1.3.2",
        "info": {"title": "polaris-bff", "version": __version__, "description": _ABOUT},
        # Relative to the document's own address. It is not in `servers`: there the specification
        # allows relative addresses, but its schema, which every tool checks first, does not.
        "x-rpc-url": "rpc",
        "methods": [_method(described) for described in contract.procedures],
        "components": {
            "schemas": dict(contract.schemas),
            "errors": {codes[0].name: _error(codes, {}) for codes in _by_number(Code)},
        },
    }


def _method(described: Described) -> Object:
    procedure = described.procedure
    summary = procedure.description.partition(";")[0].rstrip(".")
    needs = f"It needs {procedure.access.needs}."
    # Relative, as `x-rpc-url`.
    upload = {"x-upload-route": procedure.upload_route} if procedure.upload_route else {}
    return {
        "name": procedure.name,
        "tags": [{"name": procedure.name.rpartition(".")[0]}],
        "summary": summary,
        "description": f"{procedure.description} {needs} Behind it: `{procedure.upstream}`.",
        "paramStructure": "by-name",
        "params": [
            _param(name, part, described.parameter_schemas[name])
            for name, part in described.parameters.properties.items()
        ],
        "result": {"name": "result", "schema": described.result_schema},
        "errors": list(_errors(described)),
        "examples": [_example(described)],
        "x-kind": procedure.kind.value,
        "x-destructive": procedure.is_destructive,
        "x-soft-answer": procedure.soft_answer,
        **upload,
    }


def _param(name: str, part: Property, schema: Schema) -> Object:
    described = {"description": part.type.description} if part.type.description else {}
    return {"name": name, **described, "required": part.required, "schema": schema}


def _errors(described: Described) -> Iterator[Object]:
    shared = _by_number(Code)
    reasons = described.procedure.reasons
    for codes in _by_number(described.procedure.may_end_with):
        if codes in shared and not reasons.keys() & set(codes):
            yield {"$ref": f"#/components/errors/{codes[0].name}"}
        else:
            yield _error(codes, reasons)


def _error(codes: list[Code], reasons: Mapping[Code, str]) -> Object:
    """Return the error of one number; ``data`` tells the kinds of failure that share it."""
    kinds = [{"code": code.label, "httpStatus": code.http_status} for code in codes]
    message = "; ".join(reasons.get(code, code.when) for code in codes)
    return {"code": codes[0].number, "message": message, "data": kinds}


def _by_number(codes: Iterable[Code]) -> list[list[Code]]:
    """Return the codes in groups: OpenRPC wants one error for each number."""
    number = attrgetter("number")
    return [list(group) for _, group in groupby(sorted(codes, key=number), key=number)]


def _example(described: Described) -> Object:
    params = [{"name": name, "value": value} for name, value in described.example.items()]
    result = {"name": "result", "value": described.answer}
    return {"name": "example", "params": params, "result": result}
