"""Fair slots: turns, bounds for each caller, and what happens when too many wait."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from bff.errors import BffError, Code
from bff.openstack.slots import FairSlots

LONG = 60.0


class Requests:
    """Requests that hold a slot until they are told to end; remembers the order of their starts."""

    def __init__(self, slots: FairSlots) -> None:
        self.slots = slots
        self.started: list[str] = []
        self.running: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def send(self, name: str, patience: float = LONG, own: float | None = None) -> None:
        """Begin one; the first letter of its name is the caller."""
        self.tasks[name] = asyncio.create_task(self._run(name, patience, own))

    async def _run(self, name: str, patience: float, own: float | None) -> None:
        async with self.slots.hold(name[0], patience, own):
            self.started.append(name)
            self.running[name] = asyncio.Event()
            await self.running[name].wait()

    async def end(self, name: str) -> None:
        self.running.pop(name).set()
        await self.tasks[name]
        await settled()


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_callers_take_turns_however_many_requests_each_has() -> None:
    requests = Requests(FairSlots("calls", 1, per_key=1, max_waiting=100))
    for name in ("a0", "a1", "a2", "a3", "b0", "b1", "c0"):
        requests.send(name)
    await settled()
    order = []
    while requests.running:
        (name,) = requests.running
        order.append(name)
        await requests.end(name)
    assert order == ["a0", "b0", "c0", "a1", "b1", "a2", "a3"]


async def test_a_caller_has_no_more_than_its_bound_while_slots_are_free() -> None:
    requests = Requests(FairSlots("calls", 10, per_key=2, max_waiting=100))
    for name in ("a0", "a1", "a2", "b0"):
        requests.send(name)
    await settled()
    assert requests.started == ["a0", "a1", "b0"]
    await requests.end("b0")
    assert requests.started == ["a0", "a1", "b0"]
    await requests.end("a1")
    assert requests.started == ["a0", "a1", "b0", "a2"]


async def test_who_waits_too_long_for_others_is_told_so() -> None:
    requests = Requests(FairSlots("calls", 1, per_key=1, max_waiting=100))
    requests.send("a0")
    await settled()
    requests.send("b0", patience=0)
    with pytest.raises(BffError) as told:
        await requests.tasks["b0"]
    assert told.value.code is Code.SERVICE_UNAVAILABLE
    assert told.value.data == {"retryAfter": 1}
    await requests.end("a0")
    assert (requests.slots.in_use, requests.slots.waiting) == (0, 0)


async def test_own_requests_are_waited_for_as_long_as_they_take() -> None:
    requests = Requests(FairSlots("calls", 2, per_key=1, max_waiting=100))
    requests.send("a0")
    await settled()
    requests.send("a1", patience=0)
    requests.send("a2", patience=0, own=0)
    with pytest.raises(BffError) as told:
        await requests.tasks["a2"]
    assert told.value.code is Code.TOO_MANY_REQUESTS
    assert not requests.tasks["a1"].done()
    await requests.end("a0")
    await requests.end("a1")


async def test_a_full_queue_sheds_the_newest_of_whoever_has_most_in_it() -> None:
    requests = Requests(FairSlots("calls", 1, per_key=1, max_waiting=3))
    for name in ("a0", "a1", "a2", "a3", "b0"):
        requests.send(name)
    await settled()
    with pytest.raises(BffError) as told:
        await requests.tasks["a3"]
    assert told.value.code is Code.TOO_MANY_REQUESTS
    requests.send("a4")
    with pytest.raises(BffError) as refused:
        await requests.tasks["a4"]
    assert refused.value.code is Code.TOO_MANY_REQUESTS
    for name in ("c0", "d0"):
        requests.send(name)
    await settled()
    assert requests.tasks["a2"].done()
    with pytest.raises(BffError) as full:
        await requests.tasks["d0"]
    assert full.value.code is Code.SERVICE_UNAVAILABLE
    with pytest.raises(BffError):
        await requests.tasks["a2"]
    while requests.running:
        await requests.end(*requests.running)
    assert requests.started == ["a0", "b0", "c0", "a1"]


async def test_a_request_that_is_cancelled_at_its_turn_takes_no_slot_with_it() -> None:
    requests = Requests(FairSlots("calls", 1, per_key=1, max_waiting=100))
    for name in ("a0", "b0", "c0"):
        requests.send(name)
    await settled()
    requests.running.pop("a0").set()
    await requests.tasks["a0"]
    # b0 has the slot, and has not run since.
    requests.tasks["b0"].cancel()
    await settled()
    assert requests.started == ["a0", "c0"]
    await requests.end("c0")
    assert (requests.slots.in_use, requests.slots.waiting) == (0, 0)


@pytest.mark.parametrize("seed", range(20))
async def test_no_slot_is_lost_whatever_happens(seed: int) -> None:
    random = Random(seed)  # a test's
    slots = FairSlots("calls", 3, per_key=2, max_waiting=6)
    held: list[str] = []

    async def request(key: str) -> None:
        patience = random.choice((0, 0.001, LONG))
        async with slots.hold(key, patience, random.choice((None, 0.0, LONG))):
            held.append(key)
            try:
                assert len(held) <= slots.in_use <= 3
                assert held.count(key) <= 2
                for _ in range(random.randrange(4)):
                    await asyncio.sleep(0)
            finally:
                held.remove(key)

    tasks: list[asyncio.Task[None]] = []
    for _ in range(200):
        tasks.append(asyncio.create_task(request(random.choice("abc"))))
        if random.random() < 0.3:
            random.choice(tasks).cancel()
        if random.random() < 0.5:
            await asyncio.sleep(0)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(result) for result in results} <= {type(None), BffError, asyncio.CancelledError}
    assert (slots.in_use, slots.waiting, held) == (0, 0, [])
