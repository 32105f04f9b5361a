"""The policy of an upstream service: its breaker, its budget of retries, and its refusals."""

from __future__ import annotations

import asyncio

import pytest

from bff.errors import BffError, Code
from bff.openstack.policy import Breaker, Limits, Policy, RetryBudget


class Clock:
    """A time that tests set, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def policy(clock: Clock | None = None, **limits: float) -> Policy:
    """Return a policy with few slots and no patience, that takes three failures."""
    few = {"requests": 1, "per_caller": 1, "patience": 0, "failures": 3, **limits}
    made = Policy("Glance", Limits(**few))  # type: ignore[arg-type]
    made.breaker = Breaker(3, 5.0, clock or Clock())
    return made


def broken(code: Code = Code.BAD_GATEWAY) -> BffError:
    error = BffError(code, "Could not list images: Glance broke off its answer.")
    error.__cause__ = ConnectionError()
    return error


async def answer(of: Policy, status: int = 200, failure: BaseException | None = None) -> None:
    """Send a request that is answered with a status, or fails."""
    async with of.admit("alice", "list images") as exchange:
        if failure is not None and failure.__cause__ is not None:
            raise failure
        exchange.status = status
        if failure is not None:
            raise failure


async def fail(of: Policy, times: int) -> None:
    for _ in range(times):
        with pytest.raises(BffError):
            await answer(of, failure=broken())


async def refused(of: Policy) -> BffError:
    with pytest.raises(BffError) as told:
        await answer(of)
    return told.value


async def test_after_many_failures_nothing_is_sent_until_a_probe_succeeds() -> None:
    clock = Clock()
    glance = policy(clock)
    await fail(glance, 3)
    clock.now = 1.5
    error = await refused(glance)
    assert (error.code, error.data) == (Code.SERVICE_UNAVAILABLE, {"retryAfter": 4})
    assert "the last requests to Glance failed" in error.message
    clock.now = 5.0
    await fail(glance, 1)  # the probe
    assert (await refused(glance)).data == {"retryAfter": 5}
    clock.now = 10.0
    await answer(glance)
    await answer(glance)
    assert glance.shed == {"breaker": 2}


async def test_there_is_one_probe_at_a_time_and_one_that_was_cancelled_counts_for_nothing() -> None:
    clock = Clock()
    glance = policy(clock, requests=2, per_caller=2)
    await fail(glance, 3)
    clock.now = 5.0

    async def probe() -> None:
        async with glance.admit("alice", "list images"):
            await asyncio.Event().wait()

    probing = asyncio.create_task(probe())
    await asyncio.sleep(0)
    assert (await refused(glance)).code is Code.SERVICE_UNAVAILABLE
    probing.cancel()
    await asyncio.wait((probing,))
    await answer(glance)
    await answer(glance)


@pytest.mark.parametrize("status", [200, 401, 404, 409, 500])
async def test_whatever_is_answered_shows_that_a_service_lives(status: int) -> None:
    glance = policy()
    await fail(glance, 2)
    await answer(glance, status)
    await fail(glance, 2)
    await answer(glance)


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_service_that_says_that_it_cannot_is_not_asked_again_at_once(status: int) -> None:
    glance = policy()
    for _ in range(3):
        await answer(glance, status)
    assert (await refused(glance)).code is Code.SERVICE_UNAVAILABLE


async def test_failures_that_end_late_do_not_keep_the_breaker_open() -> None:
    clock = Clock()
    breaker = Breaker(1, 5.0, clock)
    breaker.began()
    breaker.began()
    breaker.failed()
    clock.now = 4.0
    breaker.failed()
    assert breaker.seconds_left == 1.0


async def test_who_finds_every_slot_taken_is_told_by_whom() -> None:
    glance = policy()
    async with glance.admit("alice", "list images"):
        with pytest.raises(BffError) as others:
            async with glance.admit("bob", "list images"):
                pass
    assert others.value.code is Code.SERVICE_UNAVAILABLE
    assert others.value.data == {"retryAfter": 1}
    assert "This server has too many requests to Glance under way" in others.value.message
    assert glance.shed == {"queue": 1}
    await answer(glance)


async def test_a_tenth_of_the_requests_may_be_retries_and_three_at_least() -> None:
    clock = Clock()
    budget = RetryBudget(clock)
    assert [budget.take() for _ in range(4)] == [True, True, True, False]
    for _ in range(100):
        budget.count_request()
    assert sum(budget.take() for _ in range(100)) == 7
    clock.now = 200.0  # all of that counts for nothing any more
    assert [budget.take() for _ in range(4)] == [True, True, True, False]
    assert budget.spent == 13


async def test_an_observer_is_told_how_each_request_ended() -> None:
    seen: list[str] = []
    glance = Policy("Glance", observe=lambda status, _: seen.append(status))
    await answer(glance, 404)
    for code in (Code.GATEWAY_TIMEOUT, Code.SERVICE_UNAVAILABLE, Code.BAD_GATEWAY):
        with pytest.raises(BffError):
            await answer(glance, failure=broken(code))
    with pytest.raises(BffError):
        await answer(glance, 403, BffError(Code.FORBIDDEN, "Glance refused."))
    assert seen == ["404", "timeout", "unreachable", "broken", "403"]
