"""Connections of clients that send or read otherwise than they should, as bytes on a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from bff.rpc.registry import query
from bff.server import protocol as connection
from bff.server.protocol import MAX_HEAD_BYTES, Connection
from bff.session.context import PublicContext
from schemas.base import NoInput
from tests.bff.conftest import Bff, Start
from tests.fakes.openstack import FakeOpenStack

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
CHUNKED = (
    b"POST /polaris-bff/rpc HTTP/1.1\r\nHost: x\r\ncontent-type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
SECONDS = 10


@asynccontextmanager
async def connected(bff: Bff) -> AsyncIterator[Streams]:
    host, port = bff.origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        async with asyncio.timeout(SECONDS):
            yield reader, writer
    finally:
        writer.close()


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Return what comes before the server closes the connection."""
    received = bytearray()
    # What it did not read any more resets it.
    with suppress(ConnectionError):
        while part := await reader.read(1_000_000):
            received += part
    return bytes(received)


def noted(monkeypatch: pytest.MonkeyPatch, method: str) -> asyncio.Semaphore:
    """Return what is released whenever a method of a connection was called."""
    called = asyncio.Semaphore(0)
    real = getattr(Connection, method)

    def noting(self: Connection, *args: object) -> None:
        real(self, *args)
        called.release()

    monkeypatch.setattr(Connection, method, noting)
    return called


ENDLESS = {
    "an address": (b"GET /", b"x" * 1000),
    "a header": (b"GET / HTTP/1.1\r\na: ", b"x" * 1000),
    "headers": (b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 200),
    "a chunk's extension": (CHUNKED + b"1;", b"x" * 1000),
    "trailers": (CHUNKED + b"1\r\n[\r\n0\r\n", b"a: b\r\n" * 200),
}


@pytest.mark.parametrize("what", ENDLESS)
async def test_a_head_without_end_ends_the_connection(what: str, bff: Bff) -> None:
    begin, more = ENDLESS[what]
    async with connected(bff) as (reader, writer):
        writer.write(begin)
        ended = asyncio.create_task(rest(reader))
        with suppress(ConnectionError):
            while not ended.done():
                writer.write(more)
                await writer.drain()
                await asyncio.sleep(0)
        assert (await ended)[:12] in (b"HTTP/1.1 431", b"")
    assert "result" in await bff.call("auth.getCurrentUserSession")


@pytest.mark.parametrize("what", ["a: b\r\n" * 20_000, f"a: {'x' * MAX_HEAD_BYTES}\r\n"])
@pytest.mark.parametrize("where", ["head", "trailers"])
async def test_a_head_that_is_too_large_does_nothing_even_if_it_comes_at_once(
    what: str, where: str, start: Start
) -> None:
    told: list[str] = []

    async def tell(ctx: PublicContext, params: NoInput) -> None:
        """Note the call."""
        told.append("called")

    bff = await start(query("test.tell", tell))
    body = b'{"jsonrpc":"2.0","id":1,"method":"test.tell"}'
    chunk = b"%x\r\n%s\r\n0\r\n" % (len(body), body)
    head = CHUNKED.removesuffix(b"\r\n")
    more = (what.encode(), b"") if where == "head" else (b"", what.encode())
    async with connected(bff) as (reader, writer):
        writer.write(head + more[0] + b"\r\n" + chunk + more[1] + b"\r\n")
        assert (await rest(reader))[:12] in (b"HTTP/1.1 431", b"")
    assert told == []


@pytest.mark.parametrize("where", ["head", "trailers"])
async def test_whoever_sends_too_large_a_head_is_told_so(
    where: str, bff: Bff, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as the answer is not lost with the bytes that nobody reads any more."""
    monkeypatch.setattr(connection, "MAX_HEAD_BYTES", 300)
    head, end = CHUNKED.removesuffix(b"\r\n"), b"0\r\n"
    more = b"a: %s\r\n\r\n" % (b"x" * 300)
    async with connected(bff) as (reader, writer):
        writer.write(head + more if where == "head" else head + b"\r\n" + end + more)
        assert (await rest(reader)).startswith(b"HTTP/1.1 431")


async def test_each_request_of_a_connection_may_have_a_head_of_its_own(bff: Bff) -> None:
    head = b"GET /nothing HTTP/1.1\r\nHost: x\r\na: %s\r\n" % (b"x" * (MAX_HEAD_BYTES // 2))
    async with connected(bff) as (reader, writer):
        for last in (b"", b"", b"", b"Connection: close\r\n"):
            writer.write(head + last + b"\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 404")
            await reader.readuntil(b"}}}")


async def test_nothing_is_written_into_an_answer_that_has_begun(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    token = openstack.new_token().encode()
    path = b"/polaris-bff/upload-progress/a85abd86-55b3-4d5b-b0b4-5d0a6e6042fc"
    for bad in (
        b"CONNECT a:1 HTTP/1.1\r\n\r\n",
        b"no HTTP\r\n\r\n",
        b"GET /" + b"x" * 2 * MAX_HEAD_BYTES,
    ):
        async with connected(bff) as (reader, writer):
            head = b"GET %s HTTP/1.1\r\nHost: x\r\nX-Auth-Token: %s\r\n\r\n" % (path, token)
            writer.write(head)
            await reader.readuntil(b"event: waiting")
            writer.write(bad)
            assert b"HTTP/1.1" not in await rest(reader)


async def test_a_head_of_60_000_bytes_is_read_whatever_its_body_has(bff: Bff) -> None:
    answer = await bff.post(b" " * (2 * MAX_HEAD_BYTES), **{f"x{n}": "y" * 6000 for n in range(10)})
    assert answer.status == 200


async def test_a_head_that_does_not_come_ends_the_connection(
    bff: Bff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.01)
    for begin in (b"", b"GET /polaris-bff/ HTTP/1.1\r\nHost:"):
        async with connected(bff) as (reader, writer):
            writer.write(begin)
            assert await rest(reader) == b""


async def test_an_answer_is_not_cut_off_by_half_a_request_behind_it(
    bff: Bff, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    out_of_patience = noted(monkeypatch, "_head_timed_out")
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.01)
    openstack.gate = asyncio.Event()
    call = {"jsonrpc": "2.0", "id": 1, "method": "compute.image.listImages"}
    body = json.dumps(call).encode()
    head = CHUNKED.replace(b"Host:", b"X-Auth-Token: %s\r\nHost:" % openstack.new_token().encode())
    async with connected(bff) as (reader, writer):
        writer.write(head + b"%x\r\n%s\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost:" % (len(body), body))
        await openstack.arrived.acquire()
        await out_of_patience.acquire()
        openstack.gate.set()
        assert b'"result":[]' in await rest(reader)


# --- What belongs to which part of a request


def offering(what: bytes, *, close: bool = True) -> bytes:
    """Return the head of a call that offers another protocol."""
    more = b"Connection: Upgrade, HTTP2-Settings%s\r\n" % (b", close" if close else b"")
    offer = b"Upgrade: %s\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n" % what
    return CHUNKED.replace(b"Transfer-Encoding: chunked\r\n", more + offer)


CALL = b'{"jsonrpc":"2.0","id":1,"method":"auth.getCurrentUserSession"}'


@pytest.mark.parametrize("what", [b"h2c", b"websocket", b"anything/1"])
@pytest.mark.parametrize("cut", [0, 1, 30, None])
async def test_an_offer_of_another_protocol_is_ignored(
    what: bytes, cut: int | None, bff: Bff
) -> None:
    head = offering(what).replace(b"\r\n\r\n", b"\r\nContent-Length: %d\r\n\r\n" % len(CALL))
    request = head + CALL
    at = len(head) + cut if cut is not None else len(head) - 7
    async with connected(bff) as (reader, writer):
        writer.write(request[:at])
        await writer.drain()
        await asyncio.sleep(0)
        writer.write(request[at:])
        assert b'"result":' in await rest(reader)


async def test_a_body_behind_an_offer_is_never_the_next_request(bff: Bff) -> None:
    inner = b"GET /polaris-bff/openrpc.json HTTP/1.1\r\nHost: x\r\n\r\n"
    length = b"\r\nContent-Length: %d\r\n\r\n" % len(inner)
    head = offering(b"h2c", close=False).replace(b"\r\n\r\n", length)
    async with connected(bff) as (reader, writer):
        writer.write(head + inner)
        writer.write(b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answers = await rest(reader)
    assert answers.count(b"HTTP/1.1 ") == 2
    assert b'"PARSE_ERROR"' in answers
    assert b"HTTP/1.1 404" in answers
    assert b"openrpc" not in answers


@pytest.mark.many
async def test_any_number_of_offers_in_one_packet_is_ignored(bff: Bff) -> None:
    one = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with connected(bff) as (reader, writer):
        writer.write(one * 1500 + last)
        assert (await rest(reader)).count(b"HTTP/1.1 404") == 1501


async def test_a_tunnel_is_refused_and_nothing_behind_it_is_read(
    bff: Bff, monkeypatch: pytest.MonkeyPatch
) -> None:
    reparse_without_upgrade = noted(monkeypatch, "reparse_without_upgrade")
    async with connected(bff) as (reader, writer):
        writer.write(b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n")
        writer.write(b"GET /polaris-bff/openrpc.json HTTP/1.1\r\nHost: x\r\n\r\n")
        answers = await rest(reader)
    assert answers.startswith(b"HTTP/1.1 400")
    assert answers.count(b"HTTP/1.1 ") == 1
    assert reparse_without_upgrade.locked()


@pytest.mark.parametrize("together", [True, False])
async def test_a_trailer_is_no_header(
    bff: Bff, openstack: FakeOpenStack, *, together: bool
) -> None:
    call = b'{"jsonrpc":"2.0","id":1,"method":"compute.image.listImages"}'
    head = CHUNKED.replace(b"Host:", b"Connection: close\r\nHost:")
    request = head + b"%x\r\n%s\r\n0\r\n" % (len(call), call)
    trailers = b"X-Auth-Token: %s\r\n\r\n" % openstack.new_token().encode()
    async with connected(bff) as (reader, writer):
        writer.write(request + trailers if together else request)
        if not together:
            await writer.drain()
            writer.write(trailers)
        assert b'"UNAUTHORIZED"' in await rest(reader)


async def test_a_client_that_leaves_is_noticed_also_with_a_request_behind_the_one_that_runs(
    start: Start,
) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(ctx: PublicContext, params: NoInput) -> None:
        """Take for ever."""
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    bff = await start(query("test.wait", wait))
    body = b'{"jsonrpc":"2.0","id":1,"method":"test.wait"}'
    async with connected(bff) as (_, writer):
        writer.write(CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        writer.write(b"GET /polaris-bff/ HTTP/1.1\r\nHost: x\r\n\r\n")
        await begun.wait()
    async with asyncio.timeout(SECONDS):
        await cancelled.wait()


LARGE = 20_000_000


async def large(ctx: PublicContext, params: NoInput) -> str:
    """Answer more than the system keeps for a client that does not read."""
    return "x" * LARGE


@asynccontextmanager
async def asked_for_much(start: Start) -> AsyncIterator[asyncio.StreamReader]:
    bff = await start(query("test.large", large))
    body = b'{"jsonrpc":"2.0","id":1,"method":"test.large"}'
    head = CHUNKED.replace(b"Host:", b"Connection: close\r\nHost:")
    async with connected(bff) as (reader, writer):
        writer.write(head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        yield reader


async def test_a_client_that_does_not_read_its_answer_is_cut_off(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "READ_SECONDS", 0.01)
    lost = noted(monkeypatch, "connection_lost")
    async with asked_for_much(start) as reader:
        await lost.acquire()
        assert len(await rest(reader)) < LARGE


async def test_a_client_that_reads_its_answer_slowly_gets_all_of_it(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "READ_SECONDS", 0.01)
    monkeypatch.setattr(connection, "MIN_READ_BYTES", -LARGE)
    looked = noted(monkeypatch, "_check_reader")
    async with asked_for_much(start) as reader:
        for _ in range(3):
            await looked.acquire()
        assert len(await rest(reader)) > LARGE
