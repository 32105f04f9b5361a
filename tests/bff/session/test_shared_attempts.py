"""Attempts to sign in are counted for all processes and hosts that share a Redis."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from redis import Redis

from bff.session.attempts import Bound, SharedAttemptsError
from bff.session.redis_attempts import RedisAttempts
from bff.session.sign_in_guard import PAUSE_SECONDS
from tests.bff.conftest import Bff, Start
from tests.bff.progress.conftest import RedisServer
from tests.bff.session.conftest import Clock
from tests.bff.session.test_sign_in_guard import ISSUE, attempt, attempts
from tests.fakes.openstack import PASSWORD, FakeOpenStack
from tests.process import SECONDS

KEYS = "polaris-bff:sign-ins:*"
ALONE = "sign-ins are counted for this process alone"


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a Redis on a busy machine take its time."""
    monkeypatch.setattr("bff.session.redis_attempts.TIMEOUT_SECONDS", SECONDS)


@pytest.fixture
async def two(start: Start, redis: RedisServer, clock: Clock, patient: None) -> tuple[Bff, Bff]:
    """Return two BFFs that share a Redis and nothing else."""
    return await start(redis_url=redis.url), await start(redis_url=redis.url)


def age(redis: RedisServer, milliseconds: int) -> None:
    """Let time pass for everything that Redis has counted."""
    with Redis.from_url(redis.url) as client:
        for key in client.keys(KEYS):
            for member in client.zrange(key, 0, -1):
                client.zincrby(key, -milliseconds, member)


async def test_two_processes_have_one_bound(two: tuple[Bff, Bff], openstack: FakeOpenStack) -> None:
    openstack.held[ISSUE] = asyncio.Event()
    trying = [asyncio.create_task(attempts(bff, 25)) for bff in two]
    for _ in range(10):
        await openstack.arrived.acquire()
    openstack.held[ISSUE].set()
    assert sum(await asyncio.gather(*trying), Counter()) == {
        "UNAUTHORIZED": 10,
        "TOO_MANY_REQUESTS": 40,
    }
    assert openstack.calls[ISSUE] == 10


async def test_what_one_has_counted_the_other_refuses(
    two: tuple[Bff, Bff], redis: RedisServer
) -> None:
    here, there = two
    await attempts(here, 10)
    refused = await attempt(there, PASSWORD)
    assert refused["error"]["data"]["code"] == "TOO_MANY_REQUESTS"
    assert 30 < refused["error"]["data"]["retryAfter"] <= 60
    age(redis, 30_000)
    refused = await attempt(there, PASSWORD)
    assert 0 < refused["error"]["data"]["retryAfter"] <= 30
    age(redis, 30_000)
    assert "result" in await attempt(there, PASSWORD)


async def test_a_success_is_given_back_there_too(two: tuple[Bff, Bff]) -> None:
    here, there = two
    for _ in range(12):
        assert "result" in await attempt(here, PASSWORD)
    assert await attempts(there, 11) == {"UNAUTHORIZED": 10, "TOO_MANY_REQUESTS": 1}


async def test_the_address_is_shared(two: tuple[Bff, Bff]) -> None:
    here, there = two
    for number in range(60):
        await attempt(here if number % 2 else there, user=f"user-{number}")
    for bff in two:
        assert await attempts(bff, 1, user="another") == {"TOO_MANY_REQUESTS": 1}


async def test_what_redis_refuses_does_not_count(
    two: tuple[Bff, Bff], redis: RedisServer, clock: Clock
) -> None:
    here, there = two
    await attempts(here, 10)
    age(redis, 30_000)
    assert await attempts(there, 30) == {"TOO_MANY_REQUESTS": 30}
    age(redis, 30_000)
    assert await attempts(there, 40) == {"UNAUTHORIZED": 10, "TOO_MANY_REQUESTS": 30}
    assert await attempts(there, 40, user="bob") == {"UNAUTHORIZED": 10, "TOO_MANY_REQUESTS": 30}


async def test_the_window_moves_in_redis(two: tuple[Bff, Bff], redis: RedisServer) -> None:
    for bff in two:
        await attempts(bff, 5)
        age(redis, 20_000)
    for bff in two:
        refused = await attempt(bff)
        assert 0 < refused["error"]["data"]["retryAfter"] <= 20
    age(redis, 20_000)
    assert await attempts(two[0], 9) == {"UNAUTHORIZED": 5, "TOO_MANY_REQUESTS": 4}


async def test_redis_holds_no_name_and_no_address_and_nothing_for_long(
    two: tuple[Bff, Bff], redis: RedisServer
) -> None:
    await attempt(two[0], user="alice-in-wonderland", domainName="Chess")
    with Redis.from_url(redis.url) as client:
        keys = client.keys(KEYS)
        assert len(keys) == 2
        kept = str(keys) + str([client.zrange(key, 0, -1) for key in keys])
        assert all(0 < client.pttl(key) <= 60_000 for key in keys)
    assert not [part for part in ("alice", "wonder", "Chess", "127.0.0.1", "guess") if part in kept]


async def test_without_redis_the_bound_of_the_process_holds(
    two: tuple[Bff, Bff], redis: RedisServer, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    redis.kill()
    for bff in two:
        assert await attempts(bff, 25) == {"UNAUTHORIZED": 10, "TOO_MANY_REQUESTS": 15}
    assert openstack.calls[ISSUE] == 20
    # One of each process.
    assert [line["log_level"] for line in logged if line["event"] == ALONE] == ["warning"] * 2


async def test_what_this_process_has_seen_counts_on_when_redis_goes(
    two: tuple[Bff, Bff], redis: RedisServer
) -> None:
    await attempts(two[0], 9)
    redis.kill()
    assert await attempts(two[0], 5) == {"UNAUTHORIZED": 1, "TOO_MANY_REQUESTS": 4}


async def test_a_redis_that_hangs_is_left_alone_for_a_while(
    start: Start,
    redis: RedisServer,
    clock: Clock,
    logged: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bff.session.redis_attempts.TIMEOUT_SECONDS", 0.05)
    asked: list[float] = []
    add = RedisAttempts.add

    async def noted(shared: RedisAttempts, name: str, bounds: Sequence[Bound]) -> list[float]:
        asked.append(clock.now)
        return await add(shared, name, bounds)

    monkeypatch.setattr(RedisAttempts, "add", noted)
    bff = await start(redis_url=redis.url)
    redis.send(signal.SIGSTOP)
    for _ in range(60):
        assert "result" in await attempt(bff, PASSWORD)
        clock.now += 1
    assert asked == [1000.0 + PAUSE_SECONDS * n for n in range(60 // PAUSE_SECONDS)]
    assert len([line for line in logged if line["event"] == ALONE]) == 1


async def test_a_redis_that_comes_back_is_used_again(
    start: Start, redis: RedisServer, clock: Clock, patient: None
) -> None:
    here, there = await start(redis_url=redis.url), await start(redis_url=redis.url)
    redis.kill()
    assert await attempts(here, 5) == {"UNAUTHORIZED": 5}
    redis.start()
    clock.now += PAUSE_SECONDS
    assert await attempts(here, 5) == {"UNAUTHORIZED": 5}
    assert await attempts(there, 10) == {"UNAUTHORIZED": 5, "TOO_MANY_REQUESTS": 5}


@pytest.mark.parametrize(
    ("address", "connection"),
    [
        ("redis://:secret@127.0.0.1:1/2", "Connection"),
        ("rediss://user:secret@127.0.0.1:1", "SSLConnection"),
        ("unix://:secret@/nowhere/redis.sock?db=3", "UnixDomainSocketConnection"),
    ],
)
async def test_every_kind_of_address_is_understood(address: str, connection: str) -> None:
    shared = RedisAttempts(address)
    try:
        assert shared._redis.connection_pool.connection_class.__name__ == connection
        with pytest.raises(SharedAttemptsError) as raised:
            await shared.add("an attempt", [Bound("user", "key", 1)])
        assert "secret" not in str(raised.value)
    finally:
        await shared.close()


async def test_many_at_a_time_share_few_connections(redis: RedisServer, patient: None) -> None:
    shared = RedisAttempts(redis.url)
    try:
        bounds = [Bound("user", "key", 7)]
        added = await asyncio.gather(*(shared.add(f"attempt-{n}", bounds) for n in range(200)))
        assert sum(waits == [0] for waits in added) == 7
        with Redis.from_url(redis.url) as client:
            assert client.info("clients")["connected_clients"] <= 11
    finally:
        await shared.close()
