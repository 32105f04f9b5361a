"""Fields that go along with every log line of a request, a call or a task.

Like ``structlog.contextvars``, whose variable for each field costs a search through the whole
context for every line.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

_fields: ContextVar[Mapping[str, Any]] = ContextVar("fields", default=MappingProxyType({}))


def bind(**fields: Any) -> None:
    """Add fields to the lines that follow in this task, and in tasks that it starts from now on."""
    _fields.set({**_fields.get(), **fields})


def unbind(*names: str) -> None:
    """Leave fields out of the lines that follow in this task."""
    _fields.set({name: value for name, value in _fields.get().items() if name not in names})


class bound:  # noqa: N801  # as ``contextlib.suppress``
    """Adds fields to the lines inside; what is bound there ends there."""

    __slots__ = ("_given", "_token")

    def __init__(self, **fields: Any) -> None:
        self._given = fields

    def __enter__(self) -> None:
        """Add them."""
        self._token = _fields.set({**_fields.get(), **self._given})

    def __exit__(self, *_: object) -> None:
        """Put back what was bound before."""
        _fields.reset(self._token)


def current() -> Mapping[str, Any]:
    """Return the fields that are bound."""
    return _fields.get()


def merge(_logger: Any, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Add them to a line, which has its own first: a processor of structlog."""
    return {**_fields.get(), **event}
