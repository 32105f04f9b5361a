"""Timers in numbers: one of the event loop's for all that end within the same moment.

One of its own costs uvloop more than the rest of a timeout, and hardly any timeout ever ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

# In seconds: how much later than asked something may happen.
TICK = 0.1
# A timeout that is shorter, in seconds, ends when it should.
SHORTEST = 1.0

Callback = Callable[[], None]
Due = dict[Callback, None]


class Timers:
    """Makes timeouts for the tasks of one event loop."""

    def __init__(self) -> None:
        # By the tick.
        self._due: dict[int, Due] = {}

    def timeout(self, seconds: float | None) -> asyncio.Timeout | _Timeout:
        """Return a timeout as ``asyncio.timeout`` does, to be entered."""
        if seconds is None or seconds < SHORTEST:
            return asyncio.timeout(seconds)
        return _Timeout(self, seconds)

    def call_later(self, seconds: float, callback: Callback) -> Due:
        """Call something later; it is taken back by removing it from what is returned."""
        loop = asyncio.get_running_loop()
        tick = int((loop.time() + seconds) / TICK) + 1
        due = self._due.get(tick)
        if due is None:
            due = self._due[tick] = {}
            loop.call_at(tick * TICK, self._call, tick)
        due[callback] = None
        return due

    def _call(self, tick: int) -> None:
        for callback in list(self._due.pop(tick)):
            callback()


class _Timeout:
    """A timeout that is among those that end together, as long as it is entered."""

    __slots__ = ("_due", "_seconds", "_timeout", "_timers")

    def __init__(self, timers: Timers, seconds: float) -> None:
        self._timers, self._seconds = timers, seconds
        self._timeout = asyncio.timeout(None)

    async def __aenter__(self) -> asyncio.Timeout:
        timeout = await self._timeout.__aenter__()
        self._due = self._timers.call_later(self._seconds, self._end)
        return timeout

    async def __aexit__(self, kind: Any, failure: Any, where: Any) -> None:
        self._due.pop(self._end, None)
        await self._timeout.__aexit__(kind, failure, where)

    def _end(self) -> None:
        if not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time())
