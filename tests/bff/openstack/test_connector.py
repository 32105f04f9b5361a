"""A kept connection is used again only when nothing has come on it (see ``tests/faults``)."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any

import aiohttp
import pytest

from bff.openstack.connector import Connector, last_connection
from bff.openstack.transport import new_client

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
SECONDS = 30


class Server(threading.Thread):
    """Answers each connection's first request; says more, or hangs up, when it is told to."""

    def __init__(self, more: bytes) -> None:
        super().__init__(daemon=True)
        self._more = more
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.go, self.said = threading.Event(), threading.Event()

    def run(self) -> None:
        with ExitStack() as stack:
            stack.enter_context(self._listener)
            for body in (b"first", b"right"):
                connection = stack.enter_context(self._listener.accept()[0])
                connection.recv(65_536)
                connection.sendall(ANSWER + body)
                self.go.wait(SECONDS)
                if self._more:
                    connection.sendall(self._more)
                else:
                    connection.shutdown(socket.SHUT_WR)
                self.said.set()


@pytest.mark.parametrize("more", [ANSWER + b"wrong", b"HTT", b""], ids=["answer", "part", "end"])
async def test_what_waits_at_the_socket_is_seen_before_a_connection_is_used_again(
    more: bytes,
) -> None:
    server = Server(more)
    server.start()
    async with aiohttp.ClientSession(connector=Connector()) as client:
        async with client.post(server.url) as response:
            assert await response.read() == b"first"
        # The loop stands still meanwhile, and has read nothing of it.
        server.go.set()
        assert server.said.wait(SECONDS)
        async with client.post(server.url) as response:
            assert await response.read() == b"right"
    server.join(SECONDS)


async def test_a_connection_over_1023_descriptors_can_be_looked_at() -> None:
    """``select.select`` could not."""
    server = Server(b"")
    server.start()
    server.go.set()
    # Duplicates of one socket stand for a thousand open connections.
    with socket.socket() as one:
        many = [one.dup() for _ in range(1100)]
        try:
            async with aiohttp.ClientSession(connector=Connector()) as client:
                for body in (b"first", b"right"):
                    async with client.post(server.url) as response:
                        assert await response.read() == body
                    assert server.said.wait(SECONDS)
        finally:
            for duplicate in many:
                duplicate.close()
    server.join(SECONDS)


async def test_a_connection_that_ends_under_a_body_is_told_once() -> None:
    """By the answer, and not as a task's failure that nobody retrieved."""
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))

    async def body() -> AsyncIterator[bytes]:
        yield b"all of it"
        connection = last_connection.get()
        assert connection is not None
        connection.abort()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with new_client() as client:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with pytest.raises(aiohttp.ClientConnectionError):
                await client.put(url, data=body())
    gc.collect()
    assert complaints == []
