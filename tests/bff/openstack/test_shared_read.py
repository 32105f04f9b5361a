"""A read for several calls: sent once, ended with the last of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bff import log_fields
from bff.errors import BffError, Code
from bff.openstack.exchange import Count, uncounted
from bff.openstack.shared_read import SharedRead

SECONDS = 10


class Upstream:
    """Answers when it is told to; says how often it was asked and how often it was cancelled."""

    def __init__(self) -> None:
        self.asked = self.cancelled = 0
        self.answers: asyncio.Queue[Any] = asyncio.Queue()
        self.count: Count = uncounted

    async def read(self, count: Count) -> Any:
        self.asked += 1
        self.count = count
        try:
            answer = await self.answers.get()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        log_fields.bind(upstream_request_id=f"req-{self.asked}")
        if isinstance(answer, BaseException):
            raise answer
        count(len(answer))
        return answer


class Waiters:
    """Tasks that wait for one read."""

    def __init__(self, count: int) -> None:
        self.upstream = Upstream()
        self.read = SharedRead(self.upstream.read)
        self.counted = [0] * count
        self.tasks = [asyncio.create_task(self._wait(number)) for number in range(count)]

    async def _wait(self, number: int) -> Any:
        def count(size: int) -> None:
            self.counted[number] += size

        answer = await self.read.answer(count)
        return answer, log_fields.current().get("upstream_request_id")

    async def turn(self) -> None:
        """Let whatever is ready run."""
        for _ in range(5):
            await asyncio.sleep(0)


async def test_all_get_the_answer_of_one_request_and_its_name() -> None:
    waiters = Waiters(5)
    await waiters.turn()
    waiters.upstream.answers.put_nowait(b"answer")
    async with asyncio.timeout(SECONDS):
        assert await asyncio.gather(*waiters.tasks) == [(b"answer", "req-1")] * 5
    assert waiters.upstream.asked == 1
    assert waiters.counted == [6] * 5


async def test_who_comes_later_counts_the_same_and_asks_nothing() -> None:
    waiters = Waiters(1)
    waiters.upstream.answers.put_nowait(b"answer")
    await waiters.tasks[0]
    counted: list[int] = []
    assert await waiters.read.answer(counted.append) == b"answer"
    assert (counted, waiters.upstream.asked) == ([6], 1)


async def test_one_that_goes_away_ends_nothing_and_the_last_one_ends_it() -> None:
    waiters = Waiters(3)
    await waiters.turn()
    for task in waiters.tasks[:2]:
        task.cancel()
    await waiters.turn()
    assert waiters.upstream.cancelled == 0
    waiters.tasks[2].cancel()
    await waiters.turn()
    assert waiters.upstream.cancelled == 1
    assert all(task.cancelled() for task in waiters.tasks)


async def test_one_who_comes_after_it_was_given_up_asks_anew() -> None:
    waiters = Waiters(1)
    await waiters.turn()
    waiters.tasks[0].cancel()
    await asyncio.wait(waiters.tasks)
    waiters.upstream.answers.put_nowait(b"answer")
    async with asyncio.timeout(SECONDS):
        assert await waiters.read.answer(uncounted) == b"answer"
    assert (waiters.upstream.asked, waiters.upstream.cancelled) == (2, 1)


@pytest.mark.parametrize("failure", [BffError(Code.NOT_FOUND, "no"), RuntimeError("a bug")])
async def test_a_failure_is_told_to_all_who_wait_and_not_remembered(failure: Exception) -> None:
    waiters = Waiters(3)
    await waiters.turn()
    waiters.upstream.answers.put_nowait(failure)
    async with asyncio.timeout(SECONDS):
        await asyncio.wait(waiters.tasks)
    assert [task.exception() for task in waiters.tasks] == [failure] * 3
    waiters.upstream.answers.put_nowait(b"answer")
    assert await waiters.read.answer(uncounted) == b"answer"


async def test_a_read_that_is_cancelled_from_elsewhere_leaves_nobody_waiting() -> None:
    waiters = Waiters(2)
    await waiters.turn()
    waiters.upstream.answers.put_nowait(asyncio.CancelledError())
    async with asyncio.timeout(SECONDS):
        await asyncio.wait(waiters.tasks)
    assert all(task.cancelled() for task in waiters.tasks)


async def test_who_reads_too_much_leaves_the_read_to_the_others() -> None:
    upstream = Upstream()
    read = SharedRead(upstream.read)

    def refuse(size: int) -> None:
        if size:
            raise BffError(Code.PAYLOAD_TOO_LARGE, "too much")

    refused = asyncio.create_task(read.answer(refuse))
    served = asyncio.create_task(read.answer(uncounted))
    upstream.answers.put_nowait(b"answer")
    async with asyncio.timeout(SECONDS):
        assert await served == b"answer"
        with pytest.raises(BffError, match="too much"):
            await refused
    with pytest.raises(BffError, match="too much"):
        await read.answer(refuse)


async def test_a_read_that_is_too_much_for_all_is_ended() -> None:
    upstream = Upstream()
    read = SharedRead(upstream.read)

    def refuse(size: int) -> None:
        raise BffError(Code.PAYLOAD_TOO_LARGE, "too much")

    reading = asyncio.create_task(read.answer(refuse))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(BffError, match="too much"):
        upstream.count(1)
    with pytest.raises(BffError, match="too much"):
        await reading
