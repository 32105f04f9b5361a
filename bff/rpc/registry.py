"""The registry: a procedure is a value, and all of them are checked when the process starts."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import Enum
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter

from bff.errors import COMMON, BffError, Code
from bff.session.context import ProjectContext, PublicContext
from schemas.base import Input
from schemas.json import Json

Handler = Callable[..., Awaitable[Any]]
# An error, and optionally when this procedure answers it.
Documented = Code | tuple[Code, str]

_SEGMENT = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# A client's Proxy must not be taken for a promise or a function; `rpc` is JSON-RPC's own.
_RESERVED = frozenset({"then", "call", "apply"})
_RESERVED_NAMESPACE = "rpc"
MAX_NAME_LENGTH = 100


class Kind(Enum):
    """Whether a procedure reads or changes something."""

    QUERY = "query"
    MUTATION = "mutation"


@dataclass(frozen=True)
class Procedure:
    """A typed procedure; input, output and access are read from its handler.

    Args:
        soft_answer: What it answers in soft mode when it fails.
        errors: The errors of its own that it documents.
        upstream: The request to Glance or Keystone behind it, for people to read.
        reasons: When it answers these errors, in its own words.
        example_overrides: What its example answer has that differs from the examples of its schema.
        upload_route: The route below the prefix that takes its file as a stream, if there is one.
        gathered_by: The parameter that names the image, if calls of a batch are answered together.
        is_destructive: Whether it takes away what nothing gives back, or what others may be using:
            a person is asked first.
    """

    name: str
    kind: Kind
    handler: Handler
    access: type[PublicContext]
    input: type[Input]
    output: TypeAdapter[Any]
    soft_answer: bool | None
    errors: tuple[Code, ...]
    upstream: str
    reasons: Mapping[Code, str] = field(default_factory=dict)
    example_overrides: Mapping[str, Any] = field(default_factory=dict)
    upload_route: str = ""
    gathered_by: str = ""
    is_destructive: bool = False

    @property
    def may_end_with(self) -> tuple[Code, ...]:
        """Its own errors, those of its context and those of any call, in the table's order."""
        may = {*self.errors, *self.access.access_errors, *COMMON}
        return tuple(code for code in Code if code in may)

    @property
    def reads_in_project(self) -> bool:
        """Whether it is a query in a project."""
        return self.kind is Kind.QUERY and issubclass(self.access, ProjectContext)

    @property
    def description(self) -> str:
        """What it does: the handler's docstring."""
        return inspect.getdoc(self.handler) or ""


def query(
    name: str,
    handler: Handler,
    *errors: Documented,
    upstream: str = "",
    example_overrides: Mapping[str, Any] | None = None,
    gathered_by: str = "",
) -> Procedure:
    """Return a procedure that only reads; see ``Procedure`` for what is said of it."""
    procedure = _procedure(
        name, Kind.QUERY, handler, errors, upstream=upstream, example_overrides=example_overrides
    )
    return replace(procedure, gathered_by=gathered_by)


def mutation(
    name: str,
    handler: Handler,
    *errors: Documented,
    upstream: str = "",
    example_overrides: Mapping[str, Any] | None = None,
    upload_route: str = "",
    is_destructive: bool = False,
) -> Procedure:
    """Return a procedure that changes something; the rest as for ``query``."""
    procedure = _procedure(
        name, Kind.MUTATION, handler, errors, upstream=upstream, example_overrides=example_overrides
    )
    return replace(procedure, upload_route=upload_route, is_destructive=is_destructive)


def _procedure(
    name: str,
    kind: Kind,
    handler: Handler,
    errors: tuple[Documented, ...],
    *,
    upstream: str,
    example_overrides: Mapping[str, Any] | None,
) -> Procedure:
    if not inspect.iscoroutinefunction(handler):
        raise TypeError(f"{name}: the handler must be an async function")
    parameters = list(inspect.signature(handler).parameters)
    hints = get_type_hints(handler)
    if len(parameters) != 2 or not {*parameters, "return"} <= hints.keys():
        raise TypeError(f"{name}: the handler must be (ctx, input) -> output, all annotated")
    access, input_type = hints[parameters[0]], hints[parameters[1]]
    if not _is_subclass(access, PublicContext):
        raise TypeError(f"{name}: the handler's first parameter must be a context")
    if not _is_subclass(input_type, Input):
        raise TypeError(f"{name}: the handler's second parameter must be an Input")
    answer = hints["return"]
    output = get_args(answer)[0] if get_origin(answer) is Json else answer
    documented = [error if isinstance(error, tuple) else (error, "") for error in errors]
    return Procedure(
        name,
        kind,
        handler,
        access,
        input_type,
        TypeAdapter[Any](output),
        soft_answer=False if output is bool else None,
        errors=tuple(code for code, _ in documented),
        reasons={code: reason for code, reason in documented if reason},
        upstream=upstream,
        example_overrides=example_overrides or {},
    )


def _is_subclass(value: Any, of: type) -> bool:
    return isinstance(value, type) and issubclass(value, of)


class Registry(Mapping[str, Procedure]):
    """Every procedure by its dotted name; read-only.

    Raises:
        ValueError: a name is malformed, reserved or taken.
    """

    def __init__(self, procedures: Iterable[Procedure]) -> None:
        self._procedures: dict[str, Procedure] = {}
        for procedure in procedures:
            _check_name(procedure.name)
            if procedure.name in self._procedures:
                raise ValueError(f"{procedure.name}: there are two procedures of this name")
            self._procedures[procedure.name] = procedure

    def __getitem__(self, name: str) -> Procedure:
        return self._procedures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._procedures)

    def __len__(self) -> int:
        return len(self._procedures)

    def nearest(self, name: str) -> str | None:
        """Return the name that was probably meant."""
        close = get_close_matches(name[:MAX_NAME_LENGTH], self._procedures, n=1)
        return close[0] if close else None

    def not_found(self, name: str) -> BffError:
        """Return the error for a name that is not in the registry."""
        nearest = self.nearest(name)
        hint = f"; did you mean {nearest}?" if nearest else "."
        message = f"Method not found: there is no procedure {name[:MAX_NAME_LENGTH]!r}{hint}"
        return BffError(Code.PROCEDURE_NOT_FOUND, message)


def _check_name(name: str) -> None:
    segments = name.split(".")
    if not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise ValueError(f"{name!r}: not a dotted name")
    if segments[0] == _RESERVED_NAMESPACE or _RESERVED & set(segments):
        raise ValueError(f"{name}: this name is reserved")
