"""What every request to Glance has in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bff.errors import BffError, Code
from bff.openstack.exchange import Count, Operation, Reply, uncounted
from bff.openstack.glance.body import OtherImage
from bff.openstack.service import Service


class own_answer:  # noqa: N801  # as ``contextlib.suppress``
    """Parse an answer inside; one that is about another image ends its connection.

    Raises:
        BffError: BAD_GATEWAY, it was the answer to another request.
    """

    __slots__ = ("_reply",)

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: Any, _failure: Any, _where: Any) -> None:
        """Look whose answer it was."""
        if kind is OtherImage:
            self._reply.discard()
            message = "Glance answered another request than this one; try again later."
            raise BffError(Code.BAD_GATEWAY, message) from None


@dataclass(slots=True)
class Requester:
    """Sends requests below ``root`` with one token."""

    service: Service
    root: str
    token: str = field(repr=False)
    request_id: str
    count: Count = uncounted

    async def __call__(
        self,
        method: str,
        path: str,
        operation: Operation,
        *,
        ok: int,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request; ``path`` is encoded already and begins with ``/v2/``."""
        try:
            return await self.service.call(
                method,
                self.root + path,
                operation,
                ok=frozenset({ok}),
                token=self.token,
                request_id=self.request_id,
                headers=headers,
                body=body,
                count=self.count,
            )
        except BffError as error:
            raise _explained(error, operation) from error.__cause__

    async def stream(
        self,
        method: str,
        path: str,
        operation: Operation,
        *,
        ok: int,
        body: AsyncIterator[bytes],
        headers: Mapping[str, str],
    ) -> Reply:
        """Send one request whose body is made while it is sent; see ``Service.stream``."""
        try:
            return await self.service.stream(
                method,
                self.root + path,
                operation,
                ok=frozenset({ok}),
                token=self.token,
                request_id=self.request_id,
                headers=headers,
                body=body,
            )
        except BffError as error:
            raise _explained(error, operation) from error.__cause__


def _explained(error: BffError, operation: Operation) -> BffError:
    """Return the error with a message of our own, if it is a 401.

    Glance's is that of its web framework ("wrong credentials (e.g., bad password), or your
    browser ..."), although it was sent a token that Keystone had accepted, and that ended since.
    """
    if error.code is not Code.UNAUTHORIZED:
        return error
    message = f"Could not {operation.doing}: the session has ended; sign in again."
    return BffError(error.code, message, **error.data)
