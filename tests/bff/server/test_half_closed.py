"""Clients that end what they send, as ``nc -N`` does, and those that are gone."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import uvloop
from starlette.types import ASGIApp

import procedures
from bff.app import create_app
from bff.rpc.registry import Registry
from bff.settings import Settings
from tests.bff.conftest import Bff
from tests.bff.server.test_protocol import CHUNKED, SECONDS, Streams, connected, rest
from tests.conftest import served as served_here
from tests.fakes.openstack import FakeOpenStack, image

CALL = b'{"jsonrpc":"2.0","id":1,"method":"compute.image.listImages"}'
IMAGE = "a85abd86-55b3-4d5b-b0b4-5d0a6e6042fc"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


def request(openstack: FakeOpenStack, body: bytes = CALL, path: bytes = b"rpc") -> bytes:
    """Return a whole request; calls and files differ in their media types."""
    media_type = b"json" if path == b"rpc" else b"octet-stream"
    return (
        b"POST /polaris-bff/%s HTTP/1.1\r\nHost: x\r\nX-Auth-Token: %s\r\n"
        b"Content-Type: application/%s\r\nContent-Length: %d\r\n\r\n%s"
    ) % (path, openstack.new_token().encode(), media_type, len(body), body)


async def probes(reader: asyncio.StreamReader, count: int) -> None:
    """Wait until the client was asked so often whether it still listens."""
    for _ in range(count):
        assert await reader.readexactly(len(INTERIM)) == INTERIM


@asynccontextmanager
async def served_by_uvloop(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application on the event loop of ``bff serve``, in a thread; yields its address."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def there(step: Coroutine[Any, Any, Any]) -> Any:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(step, loop))

    serving = served_here(app)
    try:
        yield await there(serving.__aenter__())
        await there(serving.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        await asyncio.to_thread(thread.join)
        loop.close()


@pytest.fixture(params=[served_here, served_by_uvloop], ids=["asyncio", "uvloop"])
async def served(
    request: pytest.FixtureRequest, client: aiohttp.ClientSession, openstack: FakeOpenStack
) -> AsyncIterator[Bff]:
    """Return a BFF on each of the event loops: on that of the tests, and on the server's own."""
    app = create_app(Settings(auth_url=f"{openstack.url}/v3"), Registry(procedures.ALL))
    async with request.param(app) as origin:
        yield Bff(origin, client)


@asynccontextmanager
async def waiting(bff: Bff, openstack: FakeOpenStack, sent: bytes) -> AsyncIterator[Streams]:
    """Send something and its end; yields when Glance was asked, and is let go afterwards."""
    openstack.gate = asyncio.Event()
    async with connected(bff) as (reader, writer):
        writer.write(sent)
        writer.write_eof()
        await openstack.arrived.acquire()
        yield reader, writer
        openstack.gate.set()


async def test_who_says_no_more_gets_its_answer(served: Bff, openstack: FakeOpenStack) -> None:
    async with connected(served) as (reader, writer):
        writer.write(request(openstack))
        writer.write_eof()
        assert b'"result":[]' in await rest(reader)


async def test_who_says_no_more_is_waited_for(served: Bff, openstack: FakeOpenStack) -> None:
    async with waiting(served, openstack, request(openstack)) as (reader, _):
        await probes(reader, 2)
        assert openstack.gate is not None
        openstack.gate.set()
        answer = (await rest(reader)).replace(INTERIM, b"")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close" in answer
    assert b'"result":[]' in answer


@pytest.mark.parametrize("chunked", [False, True])
async def test_whoever_sent_a_whole_file_is_told_that_it_is_stored(
    served: Bff, openstack: FakeOpenStack, *, chunked: bool
) -> None:
    made = image(status="queued", size=None)
    openstack.images.append(made)
    content = b"x" * 300_000
    sent = request(openstack, content, b"upload-image?imageId=%s" % made["id"].encode())
    if chunked:
        head = sent.partition(b"\r\n\r\n")[0].replace(
            b"Content-Length: 300000", b"Transfer-Encoding: chunked"
        )
        sent = b"%s\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (head, len(content), content)
    async with connected(served) as (reader, writer):
        writer.write(sent)
        writer.write_eof()
        assert b'"success":true' in await rest(reader)
    assert (made["status"], made["size"]) == ("active", len(content))


async def test_each_whole_request_is_answered_and_half_a_one_behind_is_dropped(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    one = request(openstack)
    for half in (b"", b"GET /nothing HT", one[:-1]):
        async with connected(bff) as (reader, writer):
            writer.write(one + one + half)
            writer.write_eof()
            assert (await rest(reader)).count(b'"result":[]') == 2


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_who_went_away_is_noticed_down_to_glance(
    how: str, served: Bff, openstack: FakeOpenStack
) -> None:
    openstack.gate = asyncio.Event()
    async with connected(served) as (_, writer):
        writer.write(request(openstack))
        await openstack.arrived.acquire()
        if how == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
    async with asyncio.timeout(SECONDS):
        await openstack.cancelled.acquire()


async def test_who_goes_away_later_is_noticed_too(served: Bff, openstack: FakeOpenStack) -> None:
    async with waiting(served, openstack, request(openstack)) as (reader, writer):
        await probes(reader, 1)
        writer.close()
        await openstack.cancelled.acquire()


async def test_half_a_file_and_an_end_is_nobody_who_waits(
    served: Bff, openstack: FakeOpenStack
) -> None:
    made = image(status="queued", size=None)
    openstack.images.append(made)
    sent = request(openstack, b"x" * 300_000, b"upload-image?imageId=%s" % made["id"].encode())
    async with connected(served) as (reader, writer):
        writer.write(sent[:-1])
        writer.write_eof()
        assert b'"success":true' not in await rest(reader)
    async with asyncio.timeout(SECONDS):
        await openstack.at_rest.wait()
    assert made["status"] == "queued"


@pytest.mark.parametrize("half", [b"", b"GET / HTTP/1.1\r\nHost:", CHUNKED + b"2\r\n["])
async def test_an_end_without_a_whole_request_ends_the_connection(half: bytes, bff: Bff) -> None:
    async with connected(bff) as (reader, writer):
        writer.write(half)
        writer.write_eof()
        assert await rest(reader) == b""


async def test_http_1_0_knows_no_interim_answer_so_its_end_is_the_end(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.gate = asyncio.Event()
    async with connected(bff) as (reader, writer):
        writer.write(request(openstack).replace(b"HTTP/1.1", b"HTTP/1.0"))
        await openstack.arrived.acquire()
        writer.write_eof()
        await openstack.cancelled.acquire()
        assert await rest(reader) == b""


async def test_a_stream_of_events_ends_with_what_its_client_sends(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    head = (
        b"GET /polaris-bff/upload-progress/%s HTTP/1.1\r\nHost: x\r\nX-Auth-Token: %s\r\n\r\n"
    ) % (IMAGE.encode(), openstack.new_token().encode())
    for late in (False, True):
        async with connected(bff) as (reader, writer):
            writer.write(head)
            if late:
                await reader.readuntil(b"event: waiting")
            writer.write_eof()
            await rest(reader)


async def test_a_large_answer_comes_whole_to_who_says_no_more(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.images = [image("x" * 200) for _ in range(900)]
    batch = b"[%s]" % b",".join([CALL] * 20)
    async with connected(bff) as (reader, writer):
        writer.write(request(openstack, batch))
        writer.write_eof()
        _, _, body = (await rest(reader)).replace(INTERIM, b"").partition(b"\r\n\r\n")
    assert [len(answer["result"]) for answer in json.loads(body)] == [900] * 20
