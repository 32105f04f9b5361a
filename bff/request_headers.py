"""The headers of an HTTP request, read once."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Scope

_KEY = "bff.headers"


def headers_in(scope: Scope) -> Mapping[bytes, bytes]:
    """Return the first value of each header of a request, by its name in small letters."""
    try:
        found: dict[bytes, bytes] = scope[_KEY]
    except KeyError:
        found = scope[_KEY] = dict(reversed(scope["headers"]))
    return found


def header(scope: Scope, name: bytes) -> str | None:
    """Return the first value of a header, ``None`` where there is none."""
    value = headers_in(scope).get(name)
    return None if value is None else value.decode("latin-1")


def all_of(scope: Scope, name: bytes) -> list[str]:
    """Return the value of each header of this name."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]
