"""The tasks in which the calls of a batch run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import copy_context
from heapq import heappop, heappush

from bff.server.deadline import Deadline


class TaskPool:
    """Runs numbered calls in a bounded number of tasks, always the lowest number that may begin.

    A task runs call after call, and another one begins only while calls wait for something: to
    start and suspend a task costs as much as many a call.

    Args:
        run: Runs one call; it raises nothing but its own cancellation.
        limit: How many run at a time.
        deadline: Of the request; nothing begins when its client is gone.
    """

    def __init__(
        self, run: Callable[[int], Awaitable[None]], limit: int, deadline: Deadline
    ) -> None:
        self._run = run
        self._limit = limit
        self._deadline = deadline
        self._loop = asyncio.get_running_loop()
        # Of the request; what a call says of itself in its log lines is not for the next task.
        self._context = copy_context()
        self._ready: list[int] = []
        self._behind: dict[int, Sequence[int]] = {}
        self._awaited: list[asyncio.Future[None]] = []
        self._tasks: list[asyncio.Task[None]] = []

    def hold_back(self, calls: Sequence[int], until: asyncio.Future[None]) -> None:
        """Let all but the first of these calls begin when ``until`` is done, or the first is."""
        first, *others = calls
        self._behind[first] = others
        self._awaited.append(until)
        until.add_done_callback(lambda _: self._release(first))

    async def finish(self, count: int) -> None:
        """Run the calls from 0 to ``count``, and wait for them as ``Deadline.all_of`` does."""
        held = {number for others in self._behind.values() for number in others}
        self._ready = [number for number in range(count) if number not in held]
        for _ in self._ready[: self._limit]:
            self._begin()
        try:
            while self._running():
                await self._deadline.all_of(self._tasks)
        finally:
            # What nobody waits for any more would know the pool, and the pool what knows it.
            for until in self._awaited:
                until.cancel()
        for task in self._tasks:
            task.result()

    def _running(self) -> int:
        return sum(not task.done() for task in self._tasks)

    def _may_begin(self) -> bool:
        return bool(self._ready) and not self._deadline.disconnected

    def _begin(self) -> None:
        self._tasks.append(self._loop.create_task(self._work()))

    async def _work(self) -> None:
        while self._may_begin():
            number = heappop(self._ready)
            await self._run(number)
            self._release(number)

    def _release(self, first: int) -> None:
        if others := self._behind.pop(first, ()):
            for number in others:
                heappush(self._ready, number)
            self._loop.call_soon(self._grow, context=self._context)

    def _grow(self) -> None:
        """Begin another task if there is something to do: those that run are waiting."""
        if self._may_begin() and self._running() < self._limit:
            self._begin()
            self._loop.call_soon(self._grow, context=self._context)
