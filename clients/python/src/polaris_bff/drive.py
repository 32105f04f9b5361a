"""Flows with blocking calls: requests by httpx, side by side in threads."""

from __future__ import annotations

import math
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, suppress
from itertools import islice
from typing import Any, TypeVar, cast
from weakref import WeakSet

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

T = TypeVar("T")


class _Stopped(BaseException):
    """Ends the flows of an iteration that nobody reads any more."""


class Driver:
    """Does what flows ask for.

    Args:
        new_http: Makes the HTTP client, when the first request is sent.
        lock: Of those flows that run exclusively.
    """

    def __init__(self, new_http: Callable[[], httpx.Client], lock: threading.RLock) -> None:
        self._new_http = new_http
        self._http: httpx.Client | None = None
        self._http_lock = threading.Lock()
        self._lock = lock
        self._stopped = threading.Event()
        self._sockets: WeakSet[socket.socket] = WeakSet()

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end; returns what it gives."""
        with closing(self.iterate(emitting(flow))) as values:
            return cast(T, next(values))

    def iterate(self, flow: Flow[None]) -> Generator[Any, None, None]:
        """Run a flow, and yield what it emits; closing this ends what runs."""
        value: Any = None
        failure: BaseException | None = None
        with ExitStack() as stack:
            stack.callback(flow.close)
            pool = _Pool(self, stack)
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
                    value = pool.start(effect) if isinstance(effect, Start) else self._do(effect)
                except BaseException as error:  # noqa: BLE001  # the flow's to handle
                    failure = error

    def _do(self, effect: Effect) -> Any:  # one for each effect
        if self._stopped.is_set():
            raise _Stopped
        match effect:
            case Request():
                return self._send(effect)
            case Sleep(seconds=seconds):
                return self._stopped.wait(seconds)
            case Block(function=function):
                return function()
            case Exclusive(flow=flow):
                with self._lock:
                    return self.run(flow)
            case Take(inputs=inputs, count=count):
                return list(islice(cast("Iterator[Any]", inputs), count))
            case Wait(handles=handles):
                return wait(handles, return_when=FIRST_COMPLETED).done
        raise TypeError(f"no effect: {effect!r}")

    def _send(self, request: Request) -> Reply:
        body = request.body
        content = body if isinstance(body, bytes) else self._chunks(body, request)
        # An upload lasts as long as it goes on.
        transport.read_within(transport.longest(request) if isinstance(body, bytes) else math.inf)
        try:
            with self._client().stream(
                content=content,
                extensions={"trace": self._note},
                **transport.options(request),
            ) as response:
                if sink := transport.taken(request, response):
                    for chunk in response.iter_raw(sink.chunk_size):
                        sink.write(chunk)
                    return transport.reply_without_body(response)
                reader = transport.Reader(request, response)
                for chunk in response.iter_raw():
                    reader.add(chunk)
                return reader.reply()
        except transport.FAILURES as error:
            raise transport.unreachable(error, request.whom) from None

    def _client(self) -> httpx.Client:
        with self._http_lock:
            if self._http is None:
                self._http = self._new_http()
            return self._http

    def _chunks(self, source: Source, request: Request) -> Iterator[bytes]:
        while chunk := source.read():
            source.sent(chunk)
            yield chunk
        transport.read_within(transport.longest(request))

    def _note(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of each connection, which is what can be ended from another thread."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            _bound(info["return_value"])
        if event == "connection.connect_tcp.complete":
            self._sockets.add(info["return_value"].get_extra_info("socket"))
            if self._stopped.is_set():
                self.stop()

    def stop(self) -> None:
        """End what runs: requests, by their connections, and waits. Nothing runs here any more."""
        self._stopped.set()
        for connection in list(self._sockets):
            # Of TLS too, the connection itself: whoever reads from it wakes up.
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connections that wait for further requests."""
        if self._http is not None:
            self._http.close()


class _Pool:
    """The threads of an iteration; they end with it."""

    def __init__(self, driver: Driver, stack: ExitStack) -> None:
        self._driver = driver
        self._stack = stack
        self._threads: ThreadPoolExecutor | None = None

    def start(self, effect: Start) -> Any:
        """Run a flow beside the others; returns its future."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(effect.most, "polaris-bff")
            self._stack.callback(self._end)
        return self._threads.submit(self._driver.run, effect.flow)

    def _end(self) -> None:
        if self._threads is not None:
            self._driver.stop()
            self._threads.shutdown(cancel_futures=True)


def _bound(stream: Any) -> None:
    """Have a connection's reads end in time all together."""
    read = stream.read

    def read_in_time(max_bytes: int, timeout: float | None = None) -> bytes:
        return cast(bytes, read(max_bytes, transport.time_to_read(timeout)))

    stream.read = read_in_time
