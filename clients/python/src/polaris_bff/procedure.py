"""What the generated contract is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Procedure(NamedTuple):
    """What the client must know of a procedure.

    Args:
        reads: It changes nothing, so that it can be sent again.
        upload_route: The route that takes its file as a stream, below the prefix.
        parameters: Their names on the wire, by those in Python.
    """

    reads: bool
    upload_route: str | None
    parameters: Mapping[str, str]


# Makes a call of a procedure, given its name and the parameters as they are on the wire.
Send = Callable[[str, dict[str, Any]], Any]


class Node:
    """What the names of procedures have in common up to a dot: ``client.compute.image``."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def _call(
        self, name: str, given: Mapping[str, Any], properties: Mapping[str, str] | None = None
    ) -> Any:
        # To the server, `null` means the same as nothing.
        named = {key: value for key, value in given.items() if value is not None}
        return self._send(name, {**(properties or {}), **named})
