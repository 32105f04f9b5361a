"""How bytes leave: the client sessions, and a body that is sent while it is made."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self

import aiohttp

from bff.errors import requires
from bff.openstack.connector import Connector

HANG_UP_SECONDS = 0.5

Client = aiohttp.ClientSession


def new_client(connector: aiohttp.BaseConnector | None = None) -> Client:
    """Return a client session, as the process has one; used as an async context manager."""
    # No jar: a cookie that a service sets for one caller must never go along with another's call.
    # No limit to connections: each service limits its own requests, and says so when they wait.
    connector = connector or Connector(limit=0)
    client = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), connector=connector)
    # aiohttp would send a DELETE again whose answer was broken off: the first one may have worked,
    # and the second one's 404 would say that it did not. There is no public switch.
    requires("aiohttp", client, "_retry_connection")
    client._retry_connection = False
    return client


@asynccontextmanager
async def new_line() -> AsyncIterator[Client]:
    """Return a client for one request, with a connection of its own that ends with it.

    A kept connection might be closed by the service just now, and a streamed body cannot be sent
    again. Nor may uploads, which last for hours, use up the connections of calls.
    """
    lines: list[socket.socket] = []

    def new_socket(address: Any) -> socket.socket:
        made = socket.socket(*address[:3])
        lines.append(made.dup())  # aiohttp closes the other one
        return made

    connector = Connector(limit=1, force_close=True, socket_factory=new_socket)
    async with new_client(connector) as client:
        try:
            yield client
        except Exception:
            for line in lines:
                with suppress(OSError, TimeoutError):
                    await _hang_up(line)
            raise
        finally:
            for line in lines:
                # Closing alone waits until the service has taken what is on the way, if it does.
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
                line.close()


async def _hang_up(line: socket.socket) -> None:
    """Send no more, and wait a moment for the service to hang up too: then it has put all back."""
    line.setblocking(False)
    line.shutdown(socket.SHUT_WR)
    async with asyncio.timeout(HANG_UP_SECONDS):
        while await asyncio.get_running_loop().sock_recv(line, 65_536):
            pass


@dataclass(frozen=True)
class Timeouts:
    """In seconds: to connect, and from there to the whole answer.

    A body that is streamed may take hours. It has, instead, ``idle``: until the service takes
    more of it; and ``stored``: from its last byte to the answer.
    """

    connect: float
    answer: float
    idle: float = 60
    stored: float = 600


class Outgoing:
    """A body on its way out: how it ended, and by when it must move on.

    aiohttp wraps what a body raises into an error of the connection; here it is kept as it was.
    """

    def __init__(self, body: AsyncIterator[bytes], timeouts: Timeouts) -> None:
        self._body = body
        self._timeouts = timeouts
        self._resting = asyncio.Event()
        self._resting.set()
        self.deadline = asyncio.timeout(timeouts.connect + timeouts.idle)
        self.failure: Exception | None = None
        self.finished = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Return the next chunk; to be asked for it means that the one before was taken."""
        self._resting.clear()
        try:
            # How long a chunk takes to come is the body's own affair.
            self._move_on_within(None)
            chunk = await anext(self._body)
        except StopAsyncIteration:
            self.finished = True
            self._move_on_within(self._timeouts.stored)
            raise
        except Exception as failure:
            self.failure = failure
            raise
        finally:
            self._resting.set()
        self._move_on_within(self._timeouts.idle)
        return chunk

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Leave only when the body is at rest: aiohttp cancels its writer and does not wait.

        However often the caller is cancelled meanwhile: a body that still runs cannot be closed.
        """
        try:
            yield
        finally:
            again: asyncio.CancelledError | None = None
            while not self._resting.is_set():
                try:
                    await self._resting.wait()
                except asyncio.CancelledError as cancelled:
                    again = cancelled
            if again is not None:
                raise again

    def _move_on_within(self, seconds: float | None) -> None:
        when = None if seconds is None else asyncio.get_running_loop().time() + seconds
        with suppress(RuntimeError):  # it has passed already
            self.deadline.reschedule(when)
