"""How bytes leave: the client sessions, and a body that is sent while it is made."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import aiohttp

from bff.errors import requires
from bff.openstack.connector import Connector

# For how long an aborted request waits for the service to close its end.
HALF_CLOSED_SECONDS = 0.5

# How many bytes of an answer may wait to be read before the connection is told to wait.
READ_BYTES = 512 * 1024

Client = aiohttp.ClientSession


class Request(aiohttp.ClientRequest):
    """A request whose body stops quietly when the connection ends: its reader is told of that."""

    async def write_bytes(self, *args: Any) -> None:
        """Send the body.

        aiohttp (3.14.5) runs this as a task that nobody waits for when the answer fails first, and
        asyncio would log its failure as one that was never retrieved.
        """
        with suppress(ConnectionError):
            await super().write_bytes(*args)


def new_client(connector: aiohttp.BaseConnector | None = None) -> Client:
    """Return a client session, as the process has one; used as an async context manager."""
    # No jar: a cookie that a service sets for one caller must never go along with another's call.
    # No limit to connections: each service limits its own requests, and says so when they wait.
    connector = connector or Connector(limit=0)
    client = aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=connector,
        request_class=Request,
        read_bufsize=READ_BYTES,
    )
    # aiohttp would send a DELETE again whose answer was broken off: the first one may have worked,
    # and the second one's 404 would say that it did not. There is no public switch.
    requires("aiohttp", client, "_retry_connection")
    client._retry_connection = False
    return client


@asynccontextmanager
async def dedicated_client() -> AsyncIterator[Client]:
    """Return a client for one request, with a connection of its own that ends with it.

    A kept connection might be closed by the service just now, and a streamed body cannot be sent
    again. Nor may uploads, which last for hours, use up the connections of calls.
    """
    sockets: list[socket.socket] = []

    def new_socket(address: Any) -> socket.socket:
        sock = socket.socket(*address[:3])
        sockets.append(sock.dup())  # aiohttp closes the other one
        return sock

    connector = Connector(limit=1, force_close=True, socket_factory=new_socket)
    async with new_client(connector) as client:
        try:
            yield client
        except Exception:
            for sock in sockets:
                with suppress(OSError, TimeoutError):
                    await _half_close(sock)
            raise
        finally:
            for sock in sockets:
                # Closing alone waits until the service has taken what is on the way, if it does.
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
                sock.close()


async def _half_close(sock: socket.socket) -> None:
    """Send no more, and wait a moment for the service to close too: then it has put all back."""
    sock.setblocking(False)
    sock.shutdown(socket.SHUT_WR)
    async with asyncio.timeout(HALF_CLOSED_SECONDS):
        while await asyncio.get_running_loop().sock_recv(sock, 65_536):
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

    @cached_property
    def connecting(self) -> aiohttp.ClientTimeout:
        """For aiohttp: the other times are kept by whoever waits."""
        return aiohttp.ClientTimeout(total=None, sock_connect=self.connect)


class StreamedBody:
    """A body that is sent while it is made: how it ended, and the deadline of its next step.

    aiohttp wraps what a body raises into an error of the connection; here it is kept as it was.
    """

    def __init__(self, body: AsyncIterator[bytes], timeouts: Timeouts) -> None:
        self._body = body
        self._timeouts = timeouts
        self._paused = asyncio.Event()
        self._paused.set()
        self.deadline = asyncio.timeout(timeouts.connect + timeouts.idle)
        self.failure: Exception | None = None
        self.finished = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Return the next chunk; to be asked for it means that the one before was taken."""
        self._paused.clear()
        try:
            # The deadline is for the service; how long a chunk takes to come is up to the body.
            self.set_deadline(None)
            chunk = await anext(self._body)
        except StopAsyncIteration:
            self.finished = True
            self.set_deadline(self._timeouts.stored)
            raise
        except Exception as failure:
            self.failure = failure
            raise
        finally:
            self._paused.set()
        self.set_deadline(self._timeouts.idle)
        return chunk

    @asynccontextmanager
    async def awaited(self) -> AsyncIterator[None]:
        """Leave only when the body is not running: aiohttp cancels its writer and does not wait.

        This holds however often the caller is cancelled meanwhile: a running body cannot be closed.
        """
        try:
            yield
        finally:
            cancellation: asyncio.CancelledError | None = None
            while not self._paused.is_set():
                try:
                    await self._paused.wait()
                except asyncio.CancelledError as again:
                    cancellation = again
            if cancellation is not None:
                raise cancellation

    def set_deadline(self, seconds: float | None) -> None:
        """Give the next step so many seconds from now on; ``None``: as long as it takes."""
        when = None if seconds is None else asyncio.get_running_loop().time() + seconds
        with suppress(RuntimeError):  # it has passed already
            self.deadline.reschedule(when)
