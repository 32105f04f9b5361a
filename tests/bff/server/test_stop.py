"""The stop, of one process and of several, as their clients and the services see it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import uuid
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import pytest

from bff.server import protocol
from bff.server.stop import Times
from tests.bff.conftest import Bff, Stoppable, stoppable
from tests.bff.test_workers import connected, request, until_refused
from tests.bff.upload.conftest import CONTENT, OCTETS, Uploader
from tests.fakes.openstack import FakeOpenStack, image
from tests.process import SECONDS, line_of, ready, running

ENDED = (0, -signal.SIGTERM, -signal.SIGINT)
BEGUN = "the stop has begun"


def watch(token: str) -> bytes:
    """Return a request for the progress of an upload that there is not."""
    path = f"/polaris-bff/upload-progress/{uuid.uuid4()}"
    return f"GET {path} HTTP/1.1\r\nHost: bff\r\nX-Auth-Token: {token}\r\n\r\n".encode()


async def said(process: subprocess.Popen[str], what: str) -> str:
    return await asyncio.to_thread(line_of, process, containing=what, of="stderr")


async def ends(process: subprocess.Popen[str]) -> None:
    assert await asyncio.to_thread(process.wait, SECONDS) in ENDED


@pytest.mark.parametrize(
    ("workers", "first", "second"),
    [
        ("1", signal.SIGTERM, signal.SIGTERM),
        ("2", signal.SIGTERM, signal.SIGTERM),
        ("2", signal.SIGINT, signal.SIGINT),
    ],
)
async def test_everything_is_served_until_the_balancer_knows(
    workers: str, first: signal.Signals, second: signal.Signals, openstack: FakeOpenStack
) -> None:
    openstack.gate = asyncio.Event()
    variables = {"BFF_AUTH_URL": f"{openstack.url}/v3", "BFF_DRAIN_SECONDS": "3600"}
    words = ("bff", "serve", "--port", "0", "--workers", workers)
    with running(*words, **variables, BFF_SHUTDOWN_TIMEOUT="3600") as process:
        origin = await ready(process)
        async with asyncio.timeout(SECONDS), connected(origin) as before, connected(origin) as idle:
            await before.send(request(openstack.new_token()))
            await openstack.arrived.acquire()
            await idle.send(request())
            _, headers, _ = await idle.answer()
            assert "connection" not in headers
            # To each process, as systemd and a terminal do; the parent's own is one more.
            os.killpg(process.pid, first)
            for _ in range(int(workers)):
                await said(process, BEGUN)
            # Kept connections as well as new ones, whichever worker has them.
            await idle.send(request())
            _, headers, _ = await idle.answer()
            assert headers["connection"] == "close"
            for _ in range(10):
                async with connected(origin) as new:
                    await new.send(request(path="nothing"))
                    status, headers, _ = await new.answer()
                    assert (status, headers["connection"]) == (404, "close")
            # Progress streams begin, and go on, until the wait is over.
            async with connected(origin) as watching:
                await watching.send(watch(openstack.new_token()))
                assert b"event: waiting" in await watching.reader.readuntil(b"event: waiting")
                process.send_signal(second)
                await until_refused(origin)
                assert (await watching.reader.read()).endswith(b"\r\n0\r\n\r\n")
            openstack.gate.set()
            status, headers, answer = await before.answer()
            assert (status, headers["connection"]) == (200, "close")
            assert answer["result"] == []
            assert await before.reader.read() == b""
        await ends(process)


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_the_wait_for_the_balancer_ends_by_itself(
    workers: str, openstack: FakeOpenStack
) -> None:
    variables = {"BFF_AUTH_URL": f"{openstack.url}/v3", "BFF_DRAIN_SECONDS": "0.2"}
    words = ("bff", "serve", "--port", "0", "--workers", workers)
    with running(*words, **variables) as process:
        origin = await ready(process)
        process.send_signal(signal.SIGTERM)
        await until_refused(origin)
        await ends(process)


@pytest.mark.processes
@pytest.mark.parametrize("workers", ["1", "2"])
async def test_another_interrupt_waits_for_no_call(workers: str, openstack: FakeOpenStack) -> None:
    openstack.gate = asyncio.Event()
    variables = {"BFF_AUTH_URL": f"{openstack.url}/v3", "BFF_SHUTDOWN_TIMEOUT": "3600"}
    words = ("bff", "serve", "--port", "0", "--workers", workers)
    with running(*words, **variables) as process:
        origin = await ready(process)
        async with asyncio.timeout(SECONDS), connected(origin) as connection:
            await connection.send(request(openstack.new_token()))
            await openstack.arrived.acquire()
            process.send_signal(signal.SIGINT)
            await until_refused(origin)
            process.send_signal(signal.SIGINT)
            await ends_somehow(process)


async def ends_somehow(process: subprocess.Popen[str]) -> None:
    # 130 where the second interrupt is raised as what it is.
    assert await asyncio.to_thread(process.wait, SECONDS) in (*ENDED, 1, 130)


@pytest.mark.processes
@pytest.mark.parametrize("longer", ["calls", "uploads"])
async def test_calls_and_uploads_have_their_own_time(
    longer: str, openstack: FakeOpenStack, client: aiohttp.ClientSession
) -> None:
    queued = image(status="queued")
    openstack.images.append(queued)
    seconds = {"calls": "0", "uploads": "0", longer: "3600"}
    variables = {
        "BFF_AUTH_URL": f"{openstack.url}/v3",
        "BFF_SHUTDOWN_TIMEOUT": seconds["calls"],
        "BFF_UPLOAD_SHUTDOWN_TIMEOUT": seconds["uploads"],
    }
    query = f"?imageId={queued['id']}"
    with running("bff", "serve", "--port", "0", **variables) as process:
        bff = Bff(await ready(process), client)
        token = openstack.new_token()
        async with (
            asyncio.timeout(SECONDS),
            Uploader(bff, token).connection(len(CONTENT), OCTETS, query) as upload,
            connected(bff.origin) as call,
        ):
            await upload.send(CONTENT[:300_000])
            # Its look at the image, and its data.
            await openstack.arrived.acquire()
            await openstack.arrived.acquire()
            openstack.gate = asyncio.Event()
            await call.send(request(token))
            await openstack.arrived.acquire()
            process.send_signal(signal.SIGTERM)
            if longer == "uploads":
                cut = await call.answer()
                assert cut[2]["error"]["data"]["code"] == "SERVICE_UNAVAILABLE"
                openstack.gate.set()
                await upload.send(CONTENT[300_000:])
                assert (await upload.answer())[2] == {"success": True, "imageId": queued["id"]}
            else:
                status, headers, told = await upload.answer()
                assert (status, headers["connection"]) == (503, "close")
                assert "This server is being stopped: if the image is" in told["error"]["message"]
                await openstack.at_rest.wait()
                openstack.gate.set()
                assert (await call.answer())[2]["result"][0]["status"] == "queued"
        await ends(process)
    assert queued["status"] == ("active" if longer == "uploads" else "queued")


async def test_a_request_that_has_begun_to_come_is_answered(openstack: FakeOpenStack) -> None:
    variables = {"BFF_AUTH_URL": f"{openstack.url}/v3", "BFF_SHUTDOWN_TIMEOUT": "3600"}
    with running("bff", "serve", "--port", "0", **variables) as process:
        origin = await ready(process)
        async with asyncio.timeout(SECONDS), connected(origin) as one, connected(origin) as kept:
            await kept.send(request())
            await kept.answer()
            whole = request(openstack.new_token())
            for connection in (one, kept):
                await connection.send(whole[:20])
            # A later one that is answered: what came before was taken in.
            async with connected(origin) as other:
                await other.send(request())
                await other.answer()
            process.send_signal(signal.SIGTERM)
            await until_refused(origin)
            for connection in (one, kept):
                await connection.send(whole[20:])
                status, headers, answer = await connection.answer()
                assert (status, headers["connection"]) == (200, "close")
                assert answer["result"] == []
        await ends(process)


# --- In the test's own process


def serving(openstack: FakeOpenStack) -> AbstractAsyncContextManager[Stoppable]:
    """Start a server; the test shuts it down."""
    return stoppable(f"{openstack.url}/v3", Times(0, 3600, 3600))


def client_of(sock: socket.socket) -> socket.socket:
    """Connect; the system accepts it, and nobody else has a turn meanwhile."""
    return socket.create_connection(sock.getsockname()[:2], SECONDS)


async def read_all(client: socket.socket) -> bytes:
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    parts: list[Any] = [b"none"]
    while parts[-1]:
        parts.append(await loop.sock_recv(client, 65_536))
    return b"".join(parts[1:])


async def test_who_was_connected_by_the_system_alone_is_served(
    openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "LAST_SECONDS", 3600)
    async with asyncio.timeout(SECONDS), serving(openstack) as (server, sock):
        # One that has asked already, and one that asks after the server has stopped to listen.
        with client_of(sock) as early, client_of(sock) as late:
            early.sendall(request())
            stopping = asyncio.create_task(server.shutdown([sock]))
            assert (await read_all(early)).startswith(b"HTTP/1.1 200 OK\r\n")
            late.sendall(request())
            assert b"\r\nconnection: close\r\n" in (await read_all(late)).lower()
            await stopping
        assert sock.fileno() == -1


async def test_who_asks_nothing_does_not_hold_up_the_stop(
    openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "LAST_SECONDS", 0)
    async with asyncio.timeout(SECONDS), serving(openstack) as (server, sock):
        with client_of(sock) as silent, client_of(sock) as idle:
            idle.sendall(request())
            idle.setblocking(False)
            assert await asyncio.get_running_loop().sock_recv(idle, 65_536)
            await server.shutdown([sock])
            assert await read_all(silent) == await read_all(idle) == b""


async def test_a_call_on_its_way_over_a_kept_connection_is_answered(
    openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that has sent one cannot send it again elsewhere, and its client sees it fail."""
    told, shutdown = asyncio.Event(), protocol.Connection.shutdown

    def tell(connection: protocol.Connection) -> None:
        shutdown(connection)
        told.set()

    monkeypatch.setattr(protocol.Connection, "shutdown", tell)
    monkeypatch.setattr(protocol, "LAST_SECONDS", 3600)
    async with asyncio.timeout(SECONDS), serving(openstack) as (server, sock):
        with client_of(sock) as kept:
            kept.sendall(request())
            kept.setblocking(False)
            assert await asyncio.get_running_loop().sock_recv(kept, 65_536)
            stopping = asyncio.create_task(server.shutdown([sock]))
            await told.wait()
            kept.sendall(request())
            assert b"\r\nconnection: close\r\n" in (await read_all(kept)).lower()
            await stopping
