"""Calls by the thousands: in order or as they end, in constant memory, and stopped when asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from polaris_bff import AsyncClient, Client
from tests.clients.python.conftest import Bff, Caller, FakeOpenStack, New
from tests.clients.python.hostile import Hostile, answer, results
from tests.fakes.openstack import image

GET = "compute.image.getImageById"
SECONDS = 60


def all_well(calls: list[Any]) -> bytes:
    return answer(results(calls) if len(calls) > 1 else results(calls)[0])


@pytest.mark.parametrize("ordered", [True, False])
async def test_each_input_has_its_outcome(
    alice: Caller, openstack: FakeOpenStack, ordered: bool
) -> None:
    openstack.images = [image(f"image {number}") for number in range(25)]
    ids = [each["id"] for each in openstack.images]
    ids[7] = "no id"
    outcomes = await alice.all(
        lambda client: client.map(
            GET, ({"image_id": each} for each in ids), concurrency=3, batch=4, ordered=ordered
        )
    )
    found = {outcome.input["image_id"]: outcome for outcome in outcomes}
    assert len(outcomes) == len(ids) == len(found)
    assert found["no id"].error.code == "BAD_REQUEST"
    assert all(found[each].result()["id"] == each for each in ids if each != "no id")
    if ordered:
        assert [outcome.input["image_id"] for outcome in outcomes] == ids


async def test_no_more_inputs_are_read_than_are_under_way(new: New, hostile: Hostile) -> None:
    hostile.answers = [all_well]
    read = 0

    def inputs() -> Iterator[dict[str, int]]:
        nonlocal read
        for read in range(1, 1001):
            yield {"n": read}

    ahead: list[int] = []
    caller = new(hostile.url)

    def note(outcome: Any) -> Any:
        ahead.append(read - outcome.input["n"])
        return outcome

    def use(client: Any) -> Any:
        return client.map(GET, inputs(), concurrency=2, batch=10)

    if isinstance(caller.client, AsyncClient):
        count = len([note(each) async for each in use(caller.client)])
    else:
        count = await asyncio.to_thread(lambda: len([note(each) for each in use(caller.client)]))
    assert count == 1000
    assert max(ahead) < 20


async def test_inputs_may_be_asynchronous(hostile: Hostile) -> None:
    hostile.answers = [all_well]

    async def inputs() -> AsyncIterator[dict[str, int]]:
        for number in range(25):
            yield {"n": number}

    async with AsyncClient(hostile.url) as client:
        outcomes = [each.result() async for each in client.map(GET, inputs(), batch=10)]
    assert outcomes == [{"n": number} for number in range(25)]


async def test_an_input_that_fails_ends_it(new: New, hostile: Hostile) -> None:
    hostile.answers = [all_well]

    def inputs() -> Iterator[dict[str, int]]:
        yield {"n": 1}
        raise LookupError

    with pytest.raises(LookupError):
        await new(hostile.url).all(lambda client: client.map(GET, inputs(), batch=1))


async def test_no_inputs_have_no_outcomes(new: New, hostile: Hostile) -> None:
    assert await new(hostile.url).all(lambda client: client.map(GET, [])) == []
    assert hostile.requests == []


async def test_closing_it_ends_what_runs(hostile: Hostile) -> None:
    hostile.answers = [all_well, b""]

    def read_one_and_close() -> None:
        with Client(hostile.url, timeout=3600) as client:
            outcomes = client.map(GET, [{"n": 1}] * 9, concurrency=3, batch=1, ordered=False)
            assert next(outcomes).result() == {"n": 1}
            outcomes.close()

    await asyncio.wait_for(asyncio.to_thread(read_one_and_close), SECONDS)


async def test_what_ends_early_is_cancelled_down_to_glance(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def arrived() -> None:
        for _ in range(3):
            await openstack.arrived.acquire()

    def inputs() -> Iterator[dict[str, str]]:
        for _ in range(3):
            yield {"image_id": image()["id"]}
        asyncio.run_coroutine_threadsafe(arrived(), loop).result(SECONDS)
        raise LookupError

    with Client(f"{bff.origin}/polaris-bff", token=openstack.new_token(), timeout=3600) as client:
        outcomes = client.map(GET, inputs(), concurrency=4, batch=1)
        with pytest.raises(LookupError):
            await asyncio.wait_for(asyncio.to_thread(list, outcomes), SECONDS)
    for _ in range(3):
        await asyncio.wait_for(openstack.cancelled.acquire(), SECONDS)


async def test_closing_it_ends_what_runs_in_tasks(bff: Bff, openstack: FakeOpenStack) -> None:
    openstack.images = [image() for _ in range(10)]
    inputs = [{"image_id": each["id"]} for each in openstack.images]
    async with AsyncClient(f"{bff.origin}/polaris-bff", token=openstack.new_token()) as client:
        openstack.gate = asyncio.Event()
        outcomes = client.map(GET, inputs, concurrency=3, batch=1)
        first = asyncio.create_task(anext(outcomes))
        await openstack.arrived.acquire()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await outcomes.aclose()
        await asyncio.wait_for(openstack.cancelled.acquire(), SECONDS)
