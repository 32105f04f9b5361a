"""The Python contract: types, a table of the procedures, and a method for each of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from bff.contract.model import Contract, Described
from bff.contract.names import Branch, by_name, snake
from bff.contract.python_types import TypeWriter, about, docstring, parameter_names
from bff.contract.tree import Enum
from bff.errors import Code
from bff.rpc.registry import Kind, Procedure
from schemas.error import ErrorReason

_HEAD = '''\
"""Every procedure of the BFF and its types.

Written by `bff python-types` from the registry and the schemas. Do not edit: run `make docs`.
"""
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from polaris_bff.procedure import Node, Procedure

if TYPE_CHECKING:
    from typing_extensions import NotRequired

    from polaris_bff.outcome import Outcome
'''


@dataclass(frozen=True)
class _Flavour:
    """One way to call: the beginning of its classes' names, and how its methods look."""

    prefix: str
    define: str
    give: str
    answer: str
    about: str


_FLAVOURS: tuple[tuple[str, str, str, str, str], ...] = (
    ("", "def", "return", "{}", "answers when the call has ended"),
    ("Async", "async def", "return await", "{}", "is awaited"),
    ("Batch", "def", "return", "Outcome[{}]", "is sent with the others of its batch"),
)


def as_python(contract: Contract) -> str:
    """Return the module."""
    writer = TypeWriter()
    models = [writer.definition(name, whole) for name, whole in sorted(contract.types.items())]
    inputs = [writer.input(name, whole) for name, whole in sorted(contract.inputs.items())]
    tree = by_name(contract)
    nodes = [
        node
        for flavour in _FLAVOURS
        for node in _Nodes(_Flavour(*flavour), writer).written(tree, "", "Every procedure")
    ]
    tables = [_statuses(writer), _procedures(contract)]
    return "\n\n".join([_HEAD, *writer.enums(), *models, *inputs, *tables, *nodes])


class _Nodes:
    """Writes the classes of one way to call."""

    def __init__(self, flavour: _Flavour, writer: TypeWriter) -> None:
        self._flavour = flavour
        self._writer = writer

    def written(self, branch: Branch, path: str, words: str) -> Iterator[str]:
        """Return the class of a branch, behind those that are in it."""
        members = []
        for name, node in branch.items():
            if isinstance(node, Described):
                members.append(self._method(name, node))
                continue
            below = f"{path}.{name}".strip(".")
            yield from self.written(node, below, f"The procedures below `{below}`")
            members.append(_property(name, self._name(below), below))
        yield (
            f"class {self._name(path)}(Node):\n"
            + docstring(f"{words}; each {self._flavour.about}.", "    ")
            + "".join(f"\n{member}" for member in members)
        )

    def _name(self, path: str) -> str:
        parts = path.split(".") if path else ["procedures"]
        return self._flavour.prefix + "".join(part[:1].upper() + part[1:] for part in parts)

    def _method(self, name: str, described: Described) -> str:
        names, python = parameter_names(described.parameters), snake(name)
        flavour, more = self._flavour, described.parameters.additional is not None
        answer = flavour.answer.format(self._writer.type(described.result))
        given = ", ".join(f"{json.dumps(wire)}: {argument}" for argument, wire in names.items())
        call = json.dumps(described.procedure.name) + f", {{{given}}}"
        alias = "" if python == name else f"\n    {name} = {python}\n"
        return (
            f"    {flavour.define} {python}({self._arguments(described, names, more=more)}"
            f") -> {answer}:\n"
            + docstring(_about(described, names, more=more), "        ")
            + f"        {flavour.give} self._call({call}{', properties' if more else ''})\n"
            + alias
        )

    def _arguments(self, described: Described, names: Mapping[str, str], *, more: bool) -> str:
        lines = []
        for argument, wire in names.items():
            part = described.parameters.properties[wire]
            kind = self._writer.type(part.type)
            if not part.required:
                kind = f"{kind.removesuffix(' | None')} | None = None"
            lines.append((part.required, f"        {argument}: {kind},\n"))
        if more:
            lines.append((False, "        properties: Mapping[str, str] | None = None,\n"))
        if not lines:
            return "self"
        # Those that have to be there, first.
        ordered = sorted(lines, key=lambda line: not line[0])
        return "\n        self,\n        *,\n" + "".join(line for _, line in ordered) + "    "


def _property(name: str, kind: str, path: str) -> str:
    return (
        f"    @property\n    def {snake(name)}(self) -> {kind}:\n"
        + docstring(f"The procedures below `{path}`.", "        ")
        + f"        return {kind}(self._send)\n"
    )


def _about(described: Described, names: Mapping[str, str], *, more: bool) -> str:
    """Return what a method's docstring says, in Google's form."""
    procedure, properties = described.procedure, described.parameters.properties
    arguments = [
        f"    {name}: {about(properties[wire].type)}".rstrip() for name, wire in names.items()
    ]
    if more:
        arguments.append("    properties: Further properties of its own, by name.")
    text = procedure.description.replace("``", "`")
    if arguments:
        text += "\n\nArgs:\n" + "\n".join(arguments)
    errors = ", ".join(sorted({code.label for code in procedure.errors}))
    return text + (f"\n\nRaises:\n    BffError: {errors}; and as any call." if errors else "")


def _statuses(writer: TypeWriter) -> str:
    kind = writer.type(Enum(values=tuple(dict.fromkeys(code.label for code in Code))))
    # Of no procedure's answer, but of errors' ``data``.
    writer.type(Enum(values=get_args(ErrorReason)))
    # The last code of a status is the general one: 404 is NOT_FOUND, whatever was not found.
    statuses = {code.http_status: code.label for code in Code}
    rows = "".join(
        f"        {status}: {json.dumps(label)},\n" for status, label in statuses.items()
    )
    return (
        "# The kind of failure that an HTTP status stands for.\n"
        f"CODE_OF_STATUS: Mapping[int, {kind}] = MappingProxyType(\n    {{\n{rows}    }}\n)\n"
    )


def _procedures(contract: Contract) -> str:
    rows = "".join(
        f"        {json.dumps(described.procedure.name)}: Procedure(\n"
        f"            {_row(described.procedure)}\n"
        f"            {_names(described)},\n"
        "        ),\n"
        for described in contract.procedures
    )
    return (
        "# What the client must know of each procedure.\n"
        f"PROCEDURES: Mapping[str, Procedure] = MappingProxyType(\n    {{\n{rows}    }}\n)\n"
    )


def _row(procedure: Procedure) -> str:
    route = json.dumps(procedure.upload_route) if procedure.upload_route else "None"
    return f"{procedure.kind is Kind.QUERY}, {route},"


def _names(described: Described) -> str:
    return json.dumps(parameter_names(described.parameters))
