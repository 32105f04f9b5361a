"""Deadlines, and the error of what is ended by its deadline, a stop or a disconnect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bff.errors import BffError, Code, stopping


class Deadline:
    """Ends the calls of one HTTP request: at their deadlines, or when the server stops.

    Args:
        seconds: When all of them have to be over, from now on; ``None``: each has its own deadline.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.stopping = False
        self._ends = None if seconds is None else _now() + seconds
        self._client_disconnected = False
        self._running: set[asyncio.Timeout] = set()

    def seconds_left(self, at_most: float) -> float:
        """Return how long something may take that may take ``at_most`` seconds by itself."""
        return at_most if self._ends is None else min(at_most, max(self._ends - _now(), 0.0))

    @asynccontextmanager
    async def within(self, seconds: float, timeout_error: BffError) -> AsyncIterator[None]:
        """End the block after ``seconds``, or when the server is stopped.

        A ``TimeoutError`` that the block itself raises passes unchanged.

        Raises:
            BffError: ``timeout_error``; SERVICE_UNAVAILABLE, the server is being stopped.
        """
        deadline = asyncio.timeout(0 if self.stopping else seconds)
        self._running.add(deadline)
        try:
            async with deadline:
                yield
        except TimeoutError:
            if not deadline.expired():
                raise
            raise (stopping() if self.stopping else timeout_error) from None
        finally:
            self._running.discard(deadline)

    def stop(self) -> None:
        """Expire every deadline now: the server is being stopped."""
        self.stopping = True
        for deadline in self._running:
            if not deadline.expired():
                deadline.reschedule(_now())

    def disconnect(self) -> None:
        """Say that the client went away, before its calls are cancelled."""
        self._client_disconnected = True

    def cancellation_error(self) -> BffError:
        """Return why a call was cancelled: only a disconnect or a stop does that."""
        if self._client_disconnected:
            return BffError(Code.CLIENT_CLOSED_REQUEST, "The client went away.")
        return stopping()


def _now() -> float:
    return asyncio.get_running_loop().time()
