"""Timers in numbers: one of the event loop's for all that end within the same moment.

One of its own costs uvloop more than the rest of a timeout, and hardly any timeout ever ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property
from typing import Any

# In seconds: how much later than asked something may happen.
TICK = 0.1
# In seconds: a timeout that is shorter ends when it should.
SHORTEST = 1.0

Callback = Callable[[], None]
Due = dict[Callback, None]


class Timers:
    """Makes timeouts for the tasks of one event loop."""

    def __init__(self) -> None:
        # By the tick.
        self._due: dict[int, Due] = {}

    @cached_property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop; asyncio makes a call of the system whenever it is asked for it."""
        return asyncio.get_running_loop()

    def timeout(self, seconds: float) -> Timeout:
        """Return a timeout as ``asyncio.timeout`` does, to be entered."""
        return Timeout(self, seconds)

    def call_later(self, seconds: float, callback: Callback) -> Due:
        """Call something later; it is taken back by removing it from what is returned."""
        tick = int((self.loop.time() + seconds) / TICK) + 1
        due = self._due.get(tick)
        if due is None:
            due = self._due[tick] = {}
            self.loop.call_at(tick * TICK, self._call, tick)
        due[callback] = None
        return due

    def _call(self, tick: int) -> None:
        for callback in list(self._due.pop(tick)):
            callback()


class Timeout:
    """``asyncio.Timeout``, as far as it is used here, among others that end together."""

    __slots__ = ("_cancelling", "_due", "_exact", "_is_over", "_seconds", "_task", "_timers")

    def __init__(self, timers: Timers, seconds: float) -> None:
        self._timers, self._seconds = timers, seconds
        self._is_over = False
        self._due: Due = {}
        self._exact: asyncio.TimerHandle | None = None

    def expired(self) -> bool:
        """Return whether its time is over."""
        return self._is_over

    def expire(self) -> None:
        """End it now."""
        if not self._is_over:
            self._is_over = True
            self._task.cancel()

    def __enter__(self) -> Timeout:
        """Begin; it costs less than an ``async with``, as nothing is waited for."""
        task = asyncio.current_task(self._timers.loop)
        if task is None:
            raise RuntimeError("a timeout is for a task")
        self._task, self._cancelling = task, task.cancelling()
        if self._seconds < SHORTEST:
            self._exact = self._timers.loop.call_later(self._seconds, self.expire)
        else:
            self._due = self._timers.call_later(self._seconds, self.expire)
        return self

    def __exit__(self, kind: Any, _failure: Any, _where: Any) -> None:
        """End.

        Raises:
            TimeoutError: its time was over.
        """
        self._due.pop(self.expire, None)
        if self._exact is not None:
            self._exact.cancel()
        if not self._is_over:
            return
        # Who is cancelled by somebody else, too, must not take that for the timeout.
        if self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError
