"""What every request to Glance has in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from bff.errors import BffError, Code
from bff.openstack.exchange import Operation, Reply
from bff.openstack.glance.body import OtherImage
from bff.openstack.service import Service


@contextmanager
def own_answer(reply: Reply) -> Iterator[None]:
    """Parse an answer inside; one that is about another image ends its connection.

    Raises:
        BffError: BAD_GATEWAY, it was the answer to another request.
    """
    try:
        yield
    except OtherImage:
        reply.discard()
        message = "Glance answered another request than this one; try again later."
        raise BffError(Code.BAD_GATEWAY, message) from None


@dataclass(frozen=True)
class Requester:
    """Sends requests below ``root`` with one token."""

    service: Service
    root: str
    token: str = field(repr=False)
    request_id: str

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
        with _explained_401(operation):
            return await self.service.call(
                method,
                self.root + path,
                operation,
                ok=frozenset({ok}),
                token=self.token,
                request_id=self.request_id,
                headers=headers,
                body=body,
            )

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
        with _explained_401(operation):
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


@contextmanager
def _explained_401(operation: Operation) -> Iterator[None]:
    """Give a 401 a message of our own.

    Glance's is that of its web framework ("wrong credentials (e.g., bad password), or your
    browser ..."), although it was sent a token that Keystone had accepted, and that ended since.
    """
    try:
        yield
    except BffError as error:
        if error.code is not Code.UNAUTHORIZED:
            raise
        message = f"Could not {operation.doing}: the session has ended; sign in again."
        raise BffError(error.code, message, **error.data) from error.__cause__
