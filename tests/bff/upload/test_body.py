"""How slowly a body may come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message

from bff.errors import BffError, Code
from bff.upload.body import MIN_BYTES_PER_SECOND, Body

PATIENCE = 60


class Client:
    """Sends so many chunks, each after so many seconds of a clock of its own."""

    def __init__(self, chunk: bytes, seconds: float, chunks: int) -> None:
        self.now = 0.0
        self.chunk = chunk
        self.seconds = seconds
        self._left = chunks

    def clock(self) -> float:
        return self.now

    async def receive(self) -> Message:
        self.now += self.seconds
        self._left -= 1
        return {"type": "http.request", "body": self.chunk, "more_body": self._left > 0}


async def drained(body: Body) -> None:
    async for _ in body:
        pass


async def arrived(client: Client, monkeypatch: pytest.MonkeyPatch, pause: float = 0) -> int:
    monkeypatch.setattr("bff.upload.body.monotonic", client.clock)
    count = 0
    async for chunk in Body(client.receive, PATIENCE):
        count += len(chunk)
        client.now += pause
    return count


async def test_a_client_that_sends_a_byte_now_and_then_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Client(b"x", 20, 1000)
    with pytest.raises(BffError, match="Only 4 bytes were received in 80 seconds") as caught:
        await arrived(client, monkeypatch)
    assert caught.value.code is Code.TIMEOUT


async def test_a_good_beginning_does_not_count_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(b"x" * 1_000_000, 1, 10**6)
    monkeypatch.setattr("bff.upload.body.monotonic", client.clock)
    body = Body(client.receive, PATIENCE)
    for _ in range(1000):
        await anext(body)
    client.chunk, client.seconds = b"x", 20
    with pytest.raises(BffError, match="bytes were received in"):
        await drained(body)


async def test_a_slow_line_is_slow_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(b"x" * MIN_BYTES_PER_SECOND * 20, 20, 1000)
    assert await arrived(client, monkeypatch) == MIN_BYTES_PER_SECOND * 20 * 1000


async def test_the_time_in_which_glance_takes_it_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Client(b"x", 0.001, 1000)
    assert await arrived(client, monkeypatch, pause=3600) == 1000


async def test_a_small_file_may_take_its_time_if_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await arrived(Client(b"x", 50, 2), monkeypatch) == 2


async def test_watching_a_client_ends_with_what_it_waits_for() -> None:
    async def content() -> AsyncGenerator[bytes]:
        yield b"x"

    body = Body(asyncio.Event().wait, PATIENCE)  # type: ignore[arg-type]  # says nothing
    assert [chunk async for chunk in body.while_connected(content())] == [b"x"]
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_timeout_of_the_servers_own_is_not_told_as_the_clients() -> None:
    async def receive() -> Message:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await drained(Body(receive, PATIENCE))


async def test_a_client_that_sends_nothing_is_told_so() -> None:
    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(BffError, match="No data was received for 0 seconds") as caught:
        await drained(Body(receive, 0))
    assert caught.value.code is Code.TIMEOUT
