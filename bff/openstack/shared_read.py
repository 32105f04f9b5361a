"""A read that several calls wait for: sent once, and ended when nobody waits for it any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from bff import log_fields
from bff.errors import BffError
from bff.openstack.exchange import Count

T = TypeVar("T")
# What ``Service`` says of an answer in the log line of the call that it is for.
NOTES = ("upstream_request_id", "upstream_status")


@dataclass(frozen=True)
class _Outcome(Generic[T]):
    """How a read ended: with its answer, or with an exception; and what log lines say of it."""

    answer: T | None = None
    failure: Exception | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)


class SharedRead(Generic[T]):
    """A read for several calls. Its answer is remembered, a failure is not.

    It runs in a task of its own, since none of the calls may end it for the others. The last one
    that goes away does.

    Args:
        read: Sends it, and counts what is read.
    """

    def __init__(self, read: Callable[[Count], Awaitable[T]]) -> None:
        self._read = read
        self._loop = asyncio.get_running_loop()
        self._size = 0
        self._task: asyncio.Task[None] | None = None
        self._outcome: _Outcome[T] | None = None
        self._waiting: dict[asyncio.Future[_Outcome[T]], Count] = {}

    async def answer(self, count: Count) -> T:
        """Return the answer; its bytes are counted for each call that gets it.

        Raises:
            Exception: whatever the read raised, or ``count``.
        """
        outcome = self._outcome
        if outcome is None:
            outcome = await self._wait(count)
        else:
            count(self._size)
        log_fields.bind(**outcome.notes)
        if outcome.failure is not None:
            raise outcome.failure.with_traceback(None)
        return outcome.answer  # type: ignore[return-value]  # there is one where nothing failed

    async def _wait(self, count: Count) -> _Outcome[T]:
        if self._task is None:
            self._size = 0
            self._task = self._loop.create_task(self._run())
        else:
            count(self._size)
        waiter: asyncio.Future[_Outcome[T]] = self._loop.create_future()
        self._waiting[waiter] = count
        try:
            return await waiter
        finally:
            self._waiting.pop(waiter, None)
            if not self._waiting and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _run(self) -> None:
        log_fields.unbind(*NOTES)
        answer: T | None = None
        failure: Exception | None = None
        try:
            answer = await self._read(self._count)
        except Exception as error:  # noqa: BLE001  # whoever waits is told
            failure = error
        except asyncio.CancelledError:
            if self._is_current():
                for waiter in self._waiting:
                    waiter.cancel()
            raise
        notes = log_fields.current()
        outcome = _Outcome(answer, failure, {key: notes[key] for key in NOTES if key in notes})
        if self._is_current():
            self._task = None
            self._outcome = outcome if failure is None else None
            self._settle(outcome)

    def _is_current(self) -> bool:
        """Return whether the task that runs is waited for; given up, another may have followed."""
        return self._task is asyncio.current_task()

    def _settle(self, outcome: _Outcome[T]) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(outcome)

    def _count(self, size: int) -> None:
        self._size += size
        failure: BffError | None = None
        for waiter, count in list(self._waiting.items()):
            try:
                count(size)
            except BffError as error:
                failure = error
                del self._waiting[waiter]
                if not waiter.done():
                    waiter.set_result(_Outcome(failure=error))
        if failure is not None and not self._waiting:
            self._task = None
            raise failure
