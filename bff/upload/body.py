"""The body of a request as it comes: as fast as it is asked for, and never waited for too long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from time import monotonic

from starlette.types import Receive

from bff.errors import BffError, Code
from bff.timers import Timers

LINGER_SECONDS = 0.8
# In bytes a second. Slower than any line on which somebody uploads an image; who sends a byte a
# minute keeps a connection of Glance.
MIN_BYTES_PER_SECOND = 1024


class Body:
    """An ASGI request's body.

    Args:
        timeout: The seconds in which data must come, at MIN_BYTES_PER_SECOND or faster.
        timers: The event loop's.
    """

    def __init__(self, receive: Receive, timeout: float, timers: Timers | None = None) -> None:
        self._receive = receive
        self._timeout = timeout
        self._timers = timers or Timers()
        self.ended = False
        self._waited = 0.0
        self._received = 0

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        """Return what comes next.

        Raises:
            BffError: CLIENT_CLOSED_REQUEST, the connection is gone; TIMEOUT, nothing comes, or next
                to nothing.
        """
        while not self.ended:
            began = monotonic()
            try:
                with self._timers.timeout(self._timeout) as timeout:
                    chunk = await self._next()
            except TimeoutError:
                if not timeout.expired():
                    raise
                raise self._too_slow() from None
            self._check_rate(monotonic() - began, len(chunk))
            if chunk:
                return chunk
        raise StopAsyncIteration

    def _too_slow(self) -> BffError:
        message = f"No data was received for {self._timeout:g} seconds; upload the file again."
        return BffError(Code.TIMEOUT, message)

    def _check_rate(self, waited: float, received: int) -> None:
        """Only the time counts in which the client was waited for; Glance may be slow."""
        self._waited += waited
        self._received += received
        if self._waited > self._timeout:
            if self._received < MIN_BYTES_PER_SECOND * self._waited and not self.ended:
                message = (
                    f"Only {self._received} bytes were received in {self._waited:.0f} seconds;"
                    " upload the file again over a faster connection."
                )
                raise BffError(Code.TIMEOUT, message)
            self._waited, self._received = 0.0, 0

    async def while_connected(self, content: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        """Return chunks that come from elsewhere, for as long as the client waits for the answer.

        Raises:
            BffError: CLIENT_CLOSED_REQUEST, it does not.
        """
        disconnect = asyncio.create_task(self._until_disconnected())
        try:
            async with aclosing(content):
                async for chunk in content:
                    if disconnect.done():
                        raise _client_disconnected()
                    yield chunk
        finally:
            disconnect.cancel()

    async def drain_briefly(self) -> None:
        """Read on for a moment, so that a client that still sends finds its answer.

        A connection that is closed over unread bytes is reset, and that can take the answer away
        (RFC 9112, 9.6).
        """
        with suppress(TimeoutError, BffError):
            async with asyncio.timeout(LINGER_SECONDS):
                while not self.ended:
                    await self._next()

    async def _until_disconnected(self) -> None:
        with suppress(BffError):
            while True:
                await self._next()

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise _client_disconnected()
        self.ended = not message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk


def _client_disconnected() -> BffError:
    return BffError(Code.CLIENT_CLOSED_REQUEST, "The client went away.")
