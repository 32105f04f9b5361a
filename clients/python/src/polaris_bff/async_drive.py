"""Flows with asyncio: requests by httpx, side by side in tasks."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing
from itertools import islice
from typing import Any, TypeVar, cast

import httpx

from polaris_bff import transport
from polaris_bff.effects import (
    Block,
    Effect,
    Emit,
    Exclusive,
    Flow,
    Reply,
    Request,
    Sleep,
    Source,
    Start,
    Take,
    Wait,
    emitting,
)
from polaris_bff.errors import BffError

T = TypeVar("T")


class AsyncDriver:
    """Does what flows ask for.

    Args:
        new_http: Makes the HTTP client, when the first request is sent.
    """

    def __init__(self, new_http: Callable[[], httpx.AsyncClient]) -> None:
        self._new_http = new_http
        self._http: httpx.AsyncClient | None = None
        self._lock = asyncio.Lock()

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end; returns what it gives."""
        async with aclosing(self.iterate(emitting(flow))) as values:
            return cast(T, await anext(values))

    async def iterate(self, flow: Flow[None]) -> AsyncGenerator[Any, None]:
        """Run a flow, and yield what it emits; closing this ends what runs."""
        value: Any = None
        failure: BaseException | None = None
        async with AsyncExitStack() as stack:
            stack.callback(flow.close)
            tasks = _Tasks(self)
            stack.push_async_callback(tasks.end)
            while True:
                try:
                    effect = flow.send(value) if failure is None else flow.throw(failure)
                except StopIteration:
                    return
                value = failure = None
                if isinstance(effect, Emit):
                    yield effect.value
                    continue
                try:
                    value = (
                        tasks.start(effect) if isinstance(effect, Start) else await self._do(effect)
                    )
                except BaseException as error:  # noqa: BLE001  # the flow's to handle
                    failure = error

    async def _do(self, effect: Effect) -> Any:  # one for each effect
        match effect:
            case Request():
                return await self._send(effect)
            case Sleep(seconds=seconds):
                return await asyncio.sleep(seconds)
            case Block(function=function):
                return await asyncio.to_thread(function)
            case Exclusive(flow=flow):
                async with self._lock:
                    return await self.run(flow)
            case Take(inputs=inputs, count=count):
                return await _taken(inputs, count)
            case Wait(handles=handles):
                done, _ = await asyncio.wait(handles, return_when=asyncio.FIRST_COMPLETED)
                return done
        raise TypeError(f"no effect: {effect!r}")

    async def _send(self, request: Request) -> Reply:
        # Data lasts as long as it goes on.
        is_data = request.sink is not None or not isinstance(request.body, bytes)
        most = None if is_data else transport.longest(request)
        try:
            return await asyncio.wait_for(self._exchange(request), most)
        except asyncio.TimeoutError:
            raise BffError("TIMEOUT", "The BFF did not answer in time") from None
        except transport.FAILURES as error:
            raise transport.unreachable(error, request.whom) from None

    async def _exchange(self, request: Request) -> Reply:
        body = request.body
        content = body if isinstance(body, bytes) else _chunks(body, request)
        transport.read_within(transport.longest(request) if isinstance(body, bytes) else math.inf)
        self._http = self._http or self._new_http()
        async with self._http.stream(
            content=content,
            extensions={"trace": _note},
            **transport.options(request),
        ) as response:
            if sink := transport.taken(request, response):
                async for chunk in response.aiter_raw(sink.chunk_size):
                    await asyncio.to_thread(sink.write, chunk)
                return transport.reply_without_body(response)
            reader = transport.Reader(request, response)
            async for chunk in response.aiter_raw():
                reader.add(chunk)
            return reader.reply()

    async def close(self) -> None:
        """Close the connections that wait for further requests."""
        if self._http is not None:
            await self._http.aclose()


class _Tasks:
    """The tasks of an iteration; they end with it."""

    def __init__(self, driver: AsyncDriver) -> None:
        self._driver = driver
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, effect: Start) -> asyncio.Task[Any]:
        """Run a flow beside the others; returns its task."""
        task = asyncio.create_task(self._driver.run(effect.flow))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def end(self) -> None:
        """Cancel what still runs, and wait for its end."""
        running = list(self._tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _taken(inputs: Any, count: int) -> list[Any]:
    if not isinstance(inputs, AsyncIterable):
        return list(islice(inputs, count))
    taken: list[Any] = []
    # `anext` and no loop: a loop would end what it does not read to the end.
    while len(taken) < count and (given := await anext(_iterator(inputs), None)) is not None:
        taken.append(given)
    return taken


def _iterator(inputs: AsyncIterable[Any]) -> AsyncIterator[Any]:
    return cast("AsyncIterator[Any]", inputs)


async def _chunks(source: Source, request: Request) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(source.read):
        source.sent(chunk)
        yield chunk
    transport.read_within(transport.longest(request))


async def _note(event: str, info: Mapping[str, Any]) -> None:
    """Have each connection's reads end in time all together."""
    if event.endswith(("connect_tcp.complete", "start_tls.complete")):
        stream = info["return_value"]
        read = stream.read

        async def read_in_time(max_bytes: int, timeout: float | None = None) -> bytes:
            return cast(bytes, await read(max_bytes, transport.time_to_read(timeout)))

        stream.read = read_in_time
