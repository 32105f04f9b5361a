"""Timeouts that share a timer of the loop end, and end only, what they are for."""

from __future__ import annotations

import asyncio

import pytest

from bff import timers
from bff.timers import SHORTEST, Timers


@pytest.fixture(params=[0.01, SHORTEST])
def seconds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """Return a time that ends exactly, and one that ends with others: both soon."""
    if request.param == SHORTEST:
        monkeypatch.setattr(timers, "SHORTEST", 0.0)
        monkeypatch.setattr(timers, "TICK", 0.01)
    return 0.01


async def test_what_takes_too_long_is_a_timeout(seconds: float) -> None:
    timeout = Timers().timeout(seconds)
    with pytest.raises(TimeoutError), timeout:
        await asyncio.Event().wait()
    assert timeout.expired()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_what_is_over_in_time_is_not_ended_later(seconds: float) -> None:
    shared = Timers()
    with shared.timeout(seconds):
        pass
    with pytest.raises(TimeoutError), shared.timeout(seconds):
        await asyncio.Event().wait()


async def test_a_timeouts_own_exception_passes(seconds: float) -> None:
    timeout = Timers().timeout(seconds)
    with pytest.raises(TimeoutError, match="another"), timeout:
        raise TimeoutError("another")
    assert not timeout.expired()


async def test_who_is_cancelled_is_not_told_of_a_timeout(seconds: float) -> None:
    shared, inside = Timers(), asyncio.Event()

    async def work() -> None:
        with shared.timeout(60 * seconds):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_of_two_that_end_together_the_outer_one_is_told(seconds: float) -> None:
    shared, told = Timers(), []
    outer, inner = shared.timeout(seconds), shared.timeout(seconds)

    async def work() -> None:
        with outer:
            try:
                with inner:
                    outer.expire()
                    inner.expire()
                    await asyncio.Event().wait()
            except TimeoutError:
                told.append("inner")

    with pytest.raises(TimeoutError):
        await work()
    assert told == []


async def test_many_timeouts_of_a_moment_are_one_timer_of_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared, loop = Timers(), asyncio.get_running_loop()
    made: list[float] = []
    moment = loop.time()
    monkeypatch.setattr(loop, "time", lambda: moment)
    monkeypatch.setattr(loop, "call_at", lambda when, *_: made.append(when))
    async with asyncio.TaskGroup() as group:
        for _ in range(1000):
            group.create_task(_briefly(shared))
    assert len(made) == 1


async def _briefly(shared: Timers) -> None:
    with shared.timeout(3600):
        await asyncio.sleep(0)
