"""Deadlines, and the error of what is ended by its deadline, a stop or a disconnect."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

from bff.errors import BffError, Code, stopping
from bff.timers import Timeout, Timers


class Deadline:
    """Ends the calls of one HTTP request: at their deadlines, or when the server stops.

    Args:
        seconds: When all of them have to be over, from now on; ``None``: each has its own deadline.
        timers: The event loop's.
    """

    def __init__(self, seconds: float | None = None, timers: Timers | None = None) -> None:
        self.timers = timers or Timers()
        self.stopping = False
        self.disconnected = False
        self._ends = None if seconds is None else _now() + seconds
        self._running: set[Timeout] = set()

    def seconds_left(self, at_most: float) -> float:
        """Return how long something may take that may take ``at_most`` seconds by itself."""
        return at_most if self._ends is None else min(at_most, max(self._ends - _now(), 0.0))

    def within(self, seconds: float, timeout_error: Callable[[], BffError]) -> _Within:
        """End the block after ``seconds``, or when the server is stopped: ``with``.

        A ``TimeoutError`` that the block itself raises passes unchanged.

        Raises:
            BffError: ``timeout_error``; SERVICE_UNAVAILABLE, the server is being stopped.
        """
        return _Within(self, 0 if self.stopping else seconds, timeout_error)

    async def all_of(self, calls: Collection[asyncio.Task[Any]]) -> None:
        """Wait for the calls of a batch; a stop ends each of them, a disconnect cancels them."""
        try:
            await asyncio.wait(calls)
        except asyncio.CancelledError:
            if self.disconnected:
                for call in calls:
                    call.cancel()
                await asyncio.wait(calls)
                raise
            _uncancel()
            self.stop()
            await self.all_of(calls)

    def stop(self) -> None:
        """Expire every deadline now: the server is being stopped."""
        self.stopping = True
        for timeout in self._running:
            timeout.expire()

    def cancellation_error(self) -> BffError:
        """Return why a call was cancelled: only a disconnect or a stop does that."""
        if self.disconnected:
            return BffError(Code.CLIENT_CLOSED_REQUEST, "The client went away.")
        return stopping()


class _Within:
    """See ``Deadline.within``."""

    __slots__ = ("_deadline", "_error", "_timeout")

    def __init__(self, deadline: Deadline, seconds: float, error: Callable[[], BffError]) -> None:
        self._deadline, self._error = deadline, error
        self._timeout = deadline.timers.timeout(seconds)

    def __enter__(self) -> None:
        self._timeout.__enter__()
        self._deadline._running.add(self._timeout)

    def __exit__(self, kind: Any, failure: BaseException | None, where: Any) -> None:
        deadline = self._deadline
        deadline._running.discard(self._timeout)
        try:
            self._timeout.__exit__(kind, failure, where)
        except TimeoutError:
            raise (stopping() if deadline.stopping else self._error()) from None
        if kind is asyncio.CancelledError and not deadline.disconnected and _uncancel():
            # The server is being stopped: each call that still runs answers that for itself.
            deadline.stopping = True
            raise stopping() from None


def _uncancel() -> bool:
    """Take a request to cancel the task at hand back; returns whether there was one."""
    task = asyncio.current_task()
    if task is None or not task.cancelling():
        return False
    task.uncancel()
    return True


def _now() -> float:
    return asyncio.get_running_loop().time()
