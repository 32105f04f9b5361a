"""The TypeScript contract: inputs, outputs, enums and the router, as one module."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import get_args

from bff.contract.model import Contract, Described
from bff.contract.names import Branch, by_name
from bff.contract.tree import Enum, Ref, Type, parts
from bff.contract.typescript_types import TypeWriter, comment
from bff.errors import Code
from bff.rpc.registry import Kind, Procedure
from schemas.error import ErrorReason

_HEAD = """\
// Written by `bff types` from the registry and the schemas. Do not edit: run `make docs`.

/** A procedure that only reads. */
export interface Query<Input, Output> {
  readonly kind: "query"
  readonly input: Input
  readonly output: Output
}

/** A procedure that changes something. */
export interface Mutation<Input, Output> {
  readonly kind: "mutation"
  readonly input: Input
  readonly output: Output
}

/** A mutation with a route of its own for files of any size: see `UPLOAD_ROUTES`. */
export interface Upload<Input, Output> extends Mutation<Input, Output> {
  readonly transport: "upload"
}
"""


def as_typescript(contract: Contract) -> str:
    """Return the module."""
    writer = TypeWriter()
    types: Mapping[str, Type] = {**contract.types, **contract.inputs}
    given = _reached(set(contract.inputs), types)
    models = [
        writer.definition(name, whole, is_input=name in given)
        for name, whole in sorted(types.items())
    ]
    tables = [
        _router(contract, writer),
        _statuses(writer),
        _reasons(),
        _soft(contract),
        _uploads(contract),
    ]
    return "\n".join([_HEAD, *writer.enums(), *models, *tables])


def _reached(names: set[str], types: Mapping[str, Type]) -> set[str]:
    """Return the names of some types and of all to which they lead."""
    found: set[str] = set()
    while names:
        found |= names
        names = {ref for name in names for ref in _refs(types[name])} - found
    return found


def _refs(whole: Type) -> Iterator[str]:
    if isinstance(whole, Ref):
        yield whole.name
    for part in parts(whole):
        yield from _refs(part)


def _router(contract: Contract, writer: TypeWriter) -> str:
    words = comment("Every procedure, by the parts of its name.")
    return f"{words}export interface Router {_branch(by_name(contract), writer, '')}\n"


def _branch(branch: Branch, writer: TypeWriter, indent: str) -> str:
    inner = indent + "  "
    lines = []
    for name, node in branch.items():
        if isinstance(node, Described):
            lines.append(_about(node.procedure, inner))
            lines.append(f"{inner}{name}: {_procedure(node, writer)}\n")
        else:
            lines.append(f"{inner}{name}: {_branch(node, writer, inner)}\n")
    return "{\n" + "".join(lines) + indent + "}"


def _procedure(described: Described, writer: TypeWriter) -> str:
    given = writer.type(Ref(name=described.input_name))
    return f"{_transport(described.procedure)}<{given}, {writer.type(described.result)}>"


def _transport(procedure: Procedure) -> str:
    if procedure.upload_route:
        return "Upload"
    return "Query" if procedure.kind is Kind.QUERY else "Mutation"


def _about(procedure: Procedure, indent: str) -> str:
    errors = ", ".join(sorted({code.label for code in procedure.errors}))
    more = f"\n\nErrors of its own: {errors}." if errors else ""
    return comment(procedure.description + more, indent=indent)


def _statuses(writer: TypeWriter) -> str:
    kind = writer.type(Enum(values=tuple(dict.fromkeys(code.label for code in Code))))
    # The last code of a status is the general one: 404 is NOT_FOUND, whatever was not found.
    statuses = {code.http_status: code.label for code in Code}
    rows = "".join(f"  {status}: {json.dumps(label)},\n" for status, label in statuses.items())
    return (
        f"{comment('The kind of failure that an HTTP status stands for.')}"
        f"export const CODE_OF_STATUS: Readonly<Record<number, {kind}>> = {{\n{rows}}}\n"
    )


def _reasons() -> str:
    """Return a type alone: its values, which nobody lists, would be in every page's script."""
    values = " | ".join(map(json.dumps, get_args(ErrorReason)))
    words = comment("Why a sign-in or a change of password was refused, for a program to go on.")
    return f"{words}export type ErrorReason = {values}\n"


def _soft(contract: Contract) -> str:
    procedures = (described.procedure for described in contract.procedures)
    names = [procedure.name for procedure in procedures if procedure.soft_answer is False]
    rows = "".join(f"  {json.dumps(name)},\n" for name in names)
    words = comment("The procedures whose answer in soft mode is `false`.")
    return f"{words}export const ANSWERS_FALSE: readonly string[] = [\n{rows}]\n"


def _uploads(contract: Contract) -> str:
    procedures = (described.procedure for described in contract.procedures)
    routes = {each.name: each.upload_route for each in procedures if each.upload_route}
    rows = "".join(f"  {json.dumps(name)}: {json.dumps(routes[name])},\n" for name in routes)
    words = comment("The routes of the procedures that have one for their files, below the prefix.")
    return f"{words}export const UPLOAD_ROUTES: Readonly<Record<string, string>> = {{\n{rows}}}\n"
