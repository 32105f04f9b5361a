"""The tasks of a batch: which call begins when, in how many tasks, and how all of it ends."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextvars import ContextVar
from typing import Any

import pytest

from bff.rpc.task_pool import TaskPool
from bff.server.deadline import Deadline
from tests.process import SECONDS

LIMIT = 4
SEEN: ContextVar[str] = ContextVar("seen", default="nothing")


async def finished(
    run: Callable[[int], Awaitable[None]],
    count: int,
    *held: Sequence[int],
    limit: int = LIMIT,
    until: asyncio.Future[None] | None = None,
) -> None:
    pool = TaskPool(run, limit, Deadline())
    for calls in held:
        pool.hold_back(calls, until or asyncio.get_running_loop().create_future())
    async with asyncio.timeout(SECONDS):
        await pool.finish(count)


@pytest.mark.parametrize("held", [(), ([0, 2, 4, 5],), ([1, 3], [2, 6, 4])])
async def test_one_at_a_time_begins_in_order(held: tuple[list[int], ...]) -> None:
    begun: list[int] = []

    async def run(number: int) -> None:
        begun.append(number)
        await asyncio.sleep(0)

    await finished(run, 7, *held, limit=1)
    assert begun == list(range(7))


async def test_those_that_need_not_wait_share_a_task() -> None:
    tasks: set[object] = set()

    async def run(number: int) -> None:
        tasks.add(asyncio.current_task())
        if number == 0:
            await asyncio.sleep(0)

    await finished(run, 20, range(20))
    assert len(tasks) == 1


@pytest.mark.parametrize("held", [(), (range(20),)])
async def test_those_that_wait_run_beside_each_other_up_to_the_limit(held: Sequence[range]) -> None:
    running, most = 0, 0

    async def run(number: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(10):
            await asyncio.sleep(0)
        running -= 1

    await finished(run, 20, *held)
    assert most == LIMIT


async def test_a_first_call_that_waits_on_holds_nobody_back() -> None:
    until: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    others_ended = asyncio.Event()
    ended: list[int] = []

    async def run(number: int) -> None:
        if number == 0:
            until.set_result(None)
            await others_ended.wait()
        ended.append(number)
        if len(ended) == 9:
            others_ended.set()

    await finished(run, 10, range(10), until=until)
    assert ended == [*range(1, 10), 0]


async def test_a_task_does_not_know_what_calls_of_another_have_set() -> None:
    seen: list[str] = []

    async def run(number: int) -> None:
        seen.append(SEEN.get())
        SEEN.set(f"call {number}")
        for _ in range(10 if number else 0):
            await asyncio.sleep(0)

    SEEN.set("the request")
    await finished(run, LIMIT, range(LIMIT))
    # The second one is in the task of the first.
    assert seen == ["the request", "call 0", "the request", "the request"]


class Held:
    """Ten calls, of which the first has begun and waits, and the others for what it waits for."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.until: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._deadline, self._waiting = Deadline(), asyncio.Event()
        pool = TaskPool(self._run, LIMIT, self._deadline)
        pool.hold_back(range(10), self.until)
        self.work = asyncio.create_task(pool.finish(10))

    async def _run(self, number: int) -> None:
        self.begun.append(number)
        self._waiting.set()
        await asyncio.Event().wait()

    async def begin(self) -> None:
        async with asyncio.timeout(SECONDS):
            await self._waiting.wait()

    def disconnect(self) -> None:
        self._deadline.disconnected = True
        self.work.cancel()


async def turns_pass(turns: int = 10) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


async def test_nothing_begins_when_the_client_is_gone() -> None:
    held = Held()
    await held.begin()
    held.until.set_result(None)
    held.disconnect()
    async with asyncio.timeout(SECONDS):
        with pytest.raises(asyncio.CancelledError):
            await held.work
    await turns_pass()
    assert held.begun == [0]
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("turns", range(5))
async def test_nothing_begins_when_the_list_comes_behind_the_disconnect(turns: int) -> None:
    held = Held()
    await held.begin()
    held.disconnect()
    await turns_pass(turns)
    if not held.until.done():
        held.until.set_result(None)
    await turns_pass()
    assert held.work.cancelled()
    assert held.begun == [0]
    assert asyncio.all_tasks() == {asyncio.current_task()}


class _Patient(Deadline):
    """Is asked for no more than an end needs."""

    waits = 0

    async def all_of(self, calls: Collection[asyncio.Task[Any]]) -> None:
        self.waits += 1
        assert self.waits < 10
        await super().all_of(calls)


async def test_a_task_that_is_cancelled_before_it_begins_is_not_waited_for() -> None:
    async def run(number: int) -> None:
        raise AssertionError(number)

    work = asyncio.create_task(TaskPool(run, LIMIT, _Patient()).finish(2))
    before = asyncio.all_tasks()
    await asyncio.sleep(0)
    for task in asyncio.all_tasks() - before:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_a_list_that_never_came_keeps_nothing_of_the_calls() -> None:
    until: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(_number: int) -> None:
        await asyncio.sleep(0)

    pool = TaskPool(run, LIMIT, Deadline())
    pool.hold_back(range(3), until)
    await pool.finish(3)
    known = weakref.ref(pool)
    del pool
    await asyncio.sleep(0)
    # Without a search for garbage.
    assert known() is None
