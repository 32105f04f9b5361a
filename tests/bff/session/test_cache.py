"""The cache in which many wait for one look-up."""

from __future__ import annotations

import asyncio

import pytest

from bff.session.cache import SingleFlightCache


class Source:
    """A look-up that counts, and that can be held back."""

    def __init__(self) -> None:
        self.calls = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.fails = False

    async def __call__(self) -> str:
        self.calls += 1
        await self.gate.wait()
        if self.fails:
            raise LookupError
        return f"value {self.calls}"


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def cache() -> SingleFlightCache[str, str]:
    return SingleFlightCache(2, lambda _value: 10, lambda: 0)


async def test_a_value_is_looked_up_once(
    cache: SingleFlightCache[str, str], source: Source
) -> None:
    assert [await cache.get("a", source) for _ in range(3)] == ["value 1"] * 3


async def test_a_value_that_has_expired_is_looked_up_again(source: Source) -> None:
    now = [0.0]
    cache: SingleFlightCache[str, str] = SingleFlightCache(2, lambda _v: 10, lambda: now[0])
    await cache.get("a", source)
    now[0] = 10.0
    assert await cache.get("a", source) == "value 2"


async def test_many_wait_for_one_look_up(
    cache: SingleFlightCache[str, str], source: Source
) -> None:
    source.gate.clear()
    waiting = [asyncio.create_task(cache.get("a", source)) for _ in range(5)]
    await asyncio.sleep(0)
    source.gate.set()
    assert await asyncio.gather(*waiting) == ["value 1"] * 5


async def test_one_that_goes_away_does_not_take_the_answer_from_the_others(
    cache: SingleFlightCache[str, str], source: Source
) -> None:
    source.gate.clear()
    first, second = (asyncio.create_task(cache.get("a", source)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    source.gate.set()
    assert await second == "value 1"


async def test_a_failure_reaches_everybody_and_is_not_kept(
    cache: SingleFlightCache[str, str], source: Source
) -> None:
    source.fails = True
    results = await asyncio.gather(
        *(cache.get("a", source) for _ in range(3)), return_exceptions=True
    )
    assert [type(result) for result in results] == [LookupError] * 3
    source.fails = False
    assert await cache.get("a", source) == "value 2"


async def test_a_dropped_value_is_looked_up_again(
    cache: SingleFlightCache[str, str], source: Source
) -> None:
    await cache.get("a", source)
    cache.drop(["b"])
    assert await cache.get("a", source) == "value 1"
    cache.drop(["a"])
    assert await cache.get("a", source) == "value 2"


async def test_a_look_up_that_was_under_way_at_a_drop_is_not_kept(
    cache: SingleFlightCache[str, str], source: Source
) -> None:
    source.gate.clear()
    waiting = asyncio.create_task(cache.get("a", source))
    await asyncio.sleep(0)
    cache.drop(cache.pending)
    source.gate.set()
    assert await waiting == "value 1"
    assert await cache.get("a", source) == "value 2"


async def test_it_never_holds_more_than_its_size(
    cache: SingleFlightCache[str, str], source: Source
) -> None:
    for key in ("a", "b", "c", "a"):
        await cache.get(key, source)
    assert source.calls == 4
