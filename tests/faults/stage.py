"""A Keystone and a Glance over raw sockets that do on command what real ones do on bad days.

Without a command they answer like the real ones, kept alive, each user with what is theirs. A fault
takes the place of one answer: it is given the connection and the bytes that would be right. Nothing
between it and the wire could mend what it does.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from tests.faults.services import Request, glance_answer, keystone_answer


@dataclass
class Wire:
    """The connection on which a fault plays."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        """Send each part in a packet of its own, as far as the system lets it."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def until_gone(self) -> None:
        """Wait until the other side has ended the connection."""
        while await self.reader.read(65_536):
            pass

    def reset(self) -> None:
        """End the connection by RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Fault = Callable[[Wire, bytes], Awaitable[None]]
Condition = Callable[[Request], bool]


@dataclass(frozen=True)
class Plan:
    """A fault that is to come."""

    when: Condition
    fault: Fault
    always: bool
    undone: bool


@dataclass
class Upstream:
    """One service: its right answers, the faults that are to come, and what it was asked."""

    right_answer: Callable[[Request], bytes]
    url: str = ""
    requests: list[Request] | deque[Request] = field(default_factory=list)
    connections: int = 0
    greeting: bytes = b""
    _faults: list[Plan] = field(default_factory=list)

    def will(
        self,
        fault: Fault,
        when: Condition = lambda _request: True,
        *,
        always: bool = False,
        undone: bool = False,
    ) -> None:
        """Let a fault take the place of the next answer, or of each one, to such a request.

        Args:
            undone: Whether it plays before the body is read; the service then does nothing.
        """
        self._faults.append(Plan(when, fault, always, undone))

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen on a free loopback port."""
        tasks: set[asyncio.Task[None]] = set()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.add(task := asyncio.ensure_future(self._talk(Wire(reader, writer))))
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _talk(self, wire: Wire) -> None:
        self.connections += 1
        wire.writer.write(self.greeting)
        try:
            while not wire.writer.transport.is_closing():
                await self._answer(wire)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            wire.writer.close()

    async def _answer(self, wire: Wire) -> None:
        head = await _head(wire.reader)
        plan = self._plan_for(head)
        if plan is not None and plan.undone:
            self.requests.append(head)
            await plan.fault(wire, b"")
            # Else the body would be taken for the next request.
            await _body(wire.reader, head.headers)
            return
        request = replace(head, body=await _body(wire.reader, head.headers))
        self.requests.append(request)
        fault = plan.fault if plan is not None else Wire.send
        await fault(wire, self.right_answer(request))

    def _plan_for(self, request: Request) -> Plan | None:
        for plan in self._faults:
            if plan.when(request):
                if not plan.always:
                    self._faults.remove(plan)
                return plan
        return None


@dataclass
class Stage:
    """Both services."""

    keystone: Upstream
    glance: Upstream


@asynccontextmanager
async def set_stage() -> AsyncIterator[Stage]:
    """Start both services; the catalog of the one names the other."""
    glance = Upstream(glance_answer)
    keystone = Upstream(lambda request: keystone_answer(request, glance.url))
    async with AsyncExitStack() as stack:
        for service in (glance, keystone):
            await stack.enter_async_context(service.listening())
        yield Stage(keystone, glance)


async def _head(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *fields = head.rstrip("\r\n").split("\r\n")
    method, path, _ = line.split(" ")
    headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in fields)}
    return Request(method, path, headers, b"")


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = b""
    # ``readline`` would return what there is where the connection ends.
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body
