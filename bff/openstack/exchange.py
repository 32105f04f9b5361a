"""One request to Keystone or Glance: what it is for, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from bff.errors import BffError, Code
from bff.openstack.connector import UpstreamConnection

# Is called with the size of each part of an answer, in bytes; an exception from it ends whatever
# waits for that.
Count = Callable[[int], None]


def uncounted(_size: int) -> None:
    """Count nothing."""


@dataclass(frozen=True)
class Operation:
    """What a request is for, in words for the error message.

    Args:
        doing: A verb and its object: ``delete image a85a…``.
        missing: The whole message when the service knows no such thing.
        gone: The whole message when it was deleted meanwhile (410); ``missing`` without it.
    """

    doing: str
    missing: str | None = None
    gone: str | None = None


@dataclass(frozen=True)
class Reply:
    """An answer with a status that was expected."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    connection: UpstreamConnection | None = field(default=None, repr=False)

    def discard(self) -> None:
        """End the connection over which it came: nothing that comes next on it can be trusted."""
        if self.connection is not None:
            self.connection.abort()

    def json(self) -> Any:
        """Return the body's JSON.

        Raises:
            BffError: BAD_GATEWAY, it is none.
        """
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise BffError(
                Code.BAD_GATEWAY, "The service answered something that is not JSON."
            ) from None
