"""How long something may take, and what is told when it has to end before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bff.errors import BffError, Code, stopping


class Lifetime:
    """Of the calls of one HTTP request: to their deadlines, or until the server is stopped."""

    def __init__(self) -> None:
        self.stopping = False
        self._client_left = False
        self._running: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def within(self, seconds: float, late: BffError) -> AsyncIterator[None]:
        """End the block after ``seconds``, or when the server is stopped.

        A ``TimeoutError`` of the block's own passes as what it is.

        Raises:
            BffError: ``late``; SERVICE_UNAVAILABLE, the server is being stopped.
        """
        deadline = asyncio.timeout(0 if self.stopping else seconds)
        self._running.add(deadline)
        try:
            async with deadline:
                yield
        except TimeoutError:
            if not deadline.expired():
                raise
            raise (stopping() if self.stopping else late) from None
        finally:
            self._running.discard(deadline)

    def stop(self) -> None:
        """Let every deadline be over: the server is being stopped."""
        self.stopping = True
        now = asyncio.get_running_loop().time()
        for deadline in self._running:
            if not deadline.expired():
                deadline.reschedule(now)

    def leave(self) -> None:
        """Say that the client went away, before its calls are cancelled."""
        self._client_left = True

    def cut_off(self) -> BffError:
        """Return why a call was cancelled; nothing but these two does it."""
        if self._client_left:
            return BffError(Code.CLIENT_CLOSED_REQUEST, "The client went away.")
        return stopping()
