"""Uploads that break off at any byte, on either side: nothing is stored, nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from starlette.types import ASGIApp, Message

import procedures
from bff.app import create_app
from bff.rpc.registry import Registry
from bff.settings import Settings
from tests.bff.conftest import Bff
from tests.bff.upload.conftest import (
    BOUNDARY,
    CONTENT,
    FORM,
    OCTETS,
    WAYS,
    Connection,
    Uploader,
    error_of,
    file_first,
    id_first,
    kind_and_query,
    part,
)
from tests.fakes.openstack import FakeOpenStack
from tests.process import SECONDS, ready, running

SIZE = len(CONTENT)
# `make bench` says ten thousand.
ABORTED = int(os.environ.get("UPLOADS_TO_ABORT", "300"))
CLOSING = len(f"--{BOUNDARY}--\r\n")
HOW: dict[str, Callable[[Connection], None]] = {
    "FIN": Connection.finish,
    "RST": Connection.reset,
    "silence": lambda _: None,
}


def cut_at(where: str, body: bytes) -> bytes:
    """Return the beginning of a body, up to the place where the client breaks off."""
    begin = body.index(CONTENT)
    places = {
        "headers": 0,
        "part headers": begin // 2,
        "first byte": begin + 1,
        "middle": begin + SIZE // 2,
        "last byte": begin + SIZE - 1,
        "end of the file": begin + SIZE,
        "closing boundary": len(body) - CLOSING // 2,
    }
    return body[: min(places[where], len(body) - 1)]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "where",
    [
        *("headers", "part headers", "first byte", "middle", "last byte"),
        *("end of the file", "closing boundary"),
    ],
)
async def test_a_client_that_breaks_off_stores_nothing_and_can_begin_again_at_once(
    *,
    start_uploads: Any,
    openstack: FakeOpenStack,
    queued: dict[str, Any],
    where: str,
    way: str,
    how: str,
) -> None:
    alice = await start_uploads(upload_client_timeout=0.05 if how == "silence" else 60)
    kind, query = kind_and_query(way, queued["id"])
    body = WAYS[way](queued["id"])
    async with alice.connection(len(body), kind, query) as connection:
        await connection.send(cut_at(where, body))
        HOW[how](connection)
        if how == "silence":
            assert (await connection.answer())[0] == 408
        status, answer = await alice.post(body, kind, query)
        if status == 409:
            # This Glance hangs up before it has put the image back; a real one does so afterwards.
            assert "is `queued` as before, and takes another upload" in error_of(answer)[1]
            await openstack.at_rest.wait()
            status, answer = await alice.post(body, kind, query)
    assert (status, answer) == (200, {"success": True, "imageId": queued["id"]})
    assert queued["size"] == SIZE


@pytest.mark.parametrize("way", ["id first", "octets"])
async def test_a_size_that_glance_knows_does_not_complete_an_upload_that_does_not_end(
    alice: Uploader, openstack: FakeOpenStack, queued: dict[str, Any], way: str
) -> None:
    """Glance would store the image with its last byte: that byte waits for the closing boundary."""
    body = WAYS[way](queued["id"])
    kind, _ = kind_and_query(way, queued["id"])
    query = f"?imageId={queued['id']}"
    size = f"X-Openstack-Image-Size: {SIZE}"
    length = SIZE if way == "octets" else len(body)
    sent = cut_at("last byte" if way == "octets" else "closing boundary", body)
    async with alice.connection(length, kind, query, size) as connection:
        await connection.send(sent)
        await openstack.arrived.acquire()
        await openstack.arrived.acquire()
        connection.finish()
        await openstack.cancelled.acquire()
    assert queued["status"] == "queued"


@pytest.mark.parametrize("end", [b"", b"\r\n", f"\r\n--{BOUNDARY}".encode()])
async def test_a_body_that_ends_without_its_closing_boundary_stores_nothing(
    alice: Uploader, openstack: FakeOpenStack, queued: dict[str, Any], end: bytes
) -> None:
    whole = part("imageId", queued["id"].encode()) + b"\r\n" + part("file", CONTENT) + end
    status, answer = await alice.post(whole)
    assert (status, error_of(answer)[0]) == (400, "BAD_REQUEST")
    assert "without its closing boundary" in error_of(answer)[1]
    await openstack.at_rest.wait()
    assert queued["status"] == "queued"


async def test_a_chunked_body_that_is_malformed_stores_nothing(
    alice: Uploader, openstack: FakeOpenStack, queued: dict[str, Any]
) -> None:
    async with alice.connection(None, OCTETS, f"?imageId={queued['id']}") as connection:
        await connection.send(b"4000\r\n" + bytes(0x4000) + b"\r\n", b"4000\r\n" + bytes(0x4000))
        await connection.send(b"\r\nnonsense\r\n0\r\n\r\n")
        await connection.reader.read()
    await openstack.at_rest.wait()
    assert queued["status"] == "queued"
    assert (await alice.post(CONTENT, OCTETS, f"?imageId={queued['id']}"))[0] == 200


@pytest.mark.parametrize("behind", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_a_client_that_leaves_while_its_file_goes_from_disk_to_glance_stops_it(
    alice: Uploader,
    openstack: FakeOpenStack,
    queued: dict[str, Any],
    logged: list[Any],
    behind: bytes,
) -> None:
    """It may have sent another request behind that one."""
    body = file_first(queued["id"], CONTENT * 20)
    async with alice.connection(len(body)) as connection:
        await connection.send(body, behind)
        await openstack.arrived.acquire()
        openstack.gate = gate = asyncio.Event()
        await openstack.arrived.acquire()
        connection.reset()
        # Glance takes the data from here on, and finds it cut.
        openstack.gate = None
        gate.set()
        async with asyncio.timeout(SECONDS):
            while not any(line["event"] == "upload" for line in logged):
                await asyncio.wait([asyncio.create_task(openstack.at_rest.wait())])
    (line,) = (line for line in logged if line["event"] == "upload")
    assert line["status"] == "CLIENT_CLOSED_REQUEST"
    assert queued["status"] == "queued"


# --- The file that waits on disk


async def test_a_file_that_waits_has_no_name_on_the_disk(
    start_uploads: Any, queued: dict[str, Any], tmp_path: Path
) -> None:
    alice = await start_uploads(spool_dir=tmp_path)
    body = file_first(queued["id"])
    before = spools()
    async with alice.connection(len(body)) as connection:
        await connection.send(body[: SIZE // 2])
        await until_spooled()
        assert names_in(tmp_path) == []
        await connection.send(body[SIZE // 2 :])
        assert (await connection.answer())[0] == 200
    assert spools() == before


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def open_files(pid: int | str = "self") -> list[str]:
    """Return what a process has open, by name."""
    found = []
    for number in names_in(Path(f"/proc/{pid}/fd")):
        with suppress(OSError):  # it was closed meanwhile
            found.append(str(Path(f"/proc/{pid}/fd/{number}").readlink()))
    return found


def spools(pid: int | str = "self") -> set[str]:
    """Return the nameless files that a process has open."""
    return {name for name in open_files(pid) if name.endswith("(deleted)")}


async def until_spooled(pid: int | str = "self") -> None:
    before = spools(pid)
    async with asyncio.timeout(SECONDS):
        while not spools(pid) - before:
            await asyncio.to_thread(os.sched_yield)


@pytest.mark.parametrize("declared", [True, False])
async def test_there_is_room_for_so_much_and_the_error_says_how_to_need_none(
    start_uploads: Any, queued: dict[str, Any], declared: bool
) -> None:
    alice = await start_uploads(max_spool_bytes=100_000)
    body = file_first(queued["id"])

    async def pieces() -> Any:
        for start in range(0, len(body), 50_000):
            yield body[start : start + 50_000]

    for _ in range(2):  # what the first one had is free again
        status, answer = await alice.post(body if declared else pieces())
        assert (status, error_of(answer)[0]) == (413, "PAYLOAD_TOO_LARGE")
        assert "send imageId before the file" in error_of(answer)[1]
        assert (await alice.post(file_first(queued["id"], bytes(90_000))))[0] == 200
        queued["status"] = "queued"
    assert (await alice.post(id_first(queued["id"])))[0] == 200


@pytest.mark.parametrize(
    ("failure", "status", "words"),
    [(28, 413, "no room left"), (5, 503, "cannot buffer the file")],
)
async def test_a_disk_that_fails_is_an_answer_and_not_a_crash(
    *,
    alice: Uploader,
    queued: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    failure: int,
    status: int,
    words: str,
) -> None:
    class Failing:
        def write(self, _data: bytes) -> int:
            raise OSError(failure, "no")

        def close(self) -> None:
            pass

    monkeypatch.setattr("bff.upload.spool.TemporaryFile", lambda **_: Failing())
    answered, answer = await alice.post(file_first(queued["id"]))
    assert (answered, words in error_of(answer)[1]) == (status, True)


# --- The server's own end


@pytest.mark.parametrize(
    ("way", "how"), [("id first", signal.SIGTERM), ("file first", signal.SIGKILL)]
)
async def test_a_server_that_ends_in_mid_upload_stores_nothing_and_leaves_no_file(
    *,
    openstack: FakeOpenStack,
    queued: dict[str, Any],
    client: aiohttp.ClientSession,
    tmp_path: Path,
    way: str,
    how: signal.Signals,
) -> None:
    variables = {
        "BFF_AUTH_URL": f"{openstack.url}/v3",
        "BFF_SPOOL_DIR": str(tmp_path),
        "BFF_UPLOAD_SHUTDOWN_TIMEOUT": "0",
    }
    kind, query = kind_and_query(way, queued["id"])
    body = WAYS[way](queued["id"], CONTENT * 20)
    with running("bff", "serve", "--port", "0", **variables) as process:
        alice = Uploader(Bff(await ready(process), client), openstack.new_token())
        async with asyncio.timeout(SECONDS), alice.connection(len(body), kind, query) as connection:
            waiting = asyncio.create_task(until_spooled(process.pid))
            await asyncio.sleep(0)
            await connection.send(body[: len(body) // 2])
            if way == "file first":
                await waiting
            else:
                waiting.cancel()
                await openstack.arrived.acquire()
                await openstack.arrived.acquire()
            process.send_signal(how)
            if how is signal.SIGTERM:
                status, _, answer = await connection.answer()
                assert (status, error_of(answer)[0]) == (503, "SERVICE_UNAVAILABLE")
            await asyncio.to_thread(process.wait, SECONDS)
    await openstack.at_rest.wait()
    assert queued["status"] == "queued"
    assert names_in(tmp_path) == []


# --- Leaks


async def aborted(app: ASGIApp, state: Any, query: bytes, kind: bytes, parts: list[bytes]) -> None:
    """Upload some of a file to the application itself, and go away."""
    left = iter(parts)

    async def receive() -> Message:
        chunk = next(left, None)
        if chunk is None:
            return {"type": "http.disconnect"}
        more = not chunk.endswith(b"--\r\n")
        return {"type": "http.request", "body": chunk, "more_body": more}

    async def send(_message: Message) -> None:
        pass

    headers = [(b"content-type", kind), (b"x-auth-token", state.pop("token"))]
    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/polaris-bff/upload-image"}
    scope |= {"query_string": query, "headers": headers, "state": state, "root_path": ""}
    await app(scope, receive, send)


@pytest.mark.many
async def test_aborted_uploads_leave_no_file_no_socket_and_no_task(
    openstack: FakeOpenStack, queued: dict[str, Any], tmp_path: Path
) -> None:
    settings = Settings(auth_url=f"{openstack.url}/v3", spool_dir=tmp_path)
    app = create_app(settings, Registry(procedures.ALL))
    token = openstack.new_token().encode()
    by_query = f"imageId={queued['id']}".encode()
    chunk = bytes(1000)
    ways = [
        (by_query, OCTETS.encode(), [chunk, chunk]),
        (b"", FORM.encode(), [part("imageId", queued["id"].encode()) + b"\r\n"]),
        (b"", FORM.encode(), [part("file", chunk), chunk]),
        (by_query, FORM.encode(), [part("file", chunk), chunk]),
        (by_query, OCTETS.encode(), []),
        (b"", FORM.encode(), [file_first(queued["id"], chunk)]),
    ]
    async with app.router.lifespan_context(app) as state:
        assert state is not None

        async def once(number: int) -> None:
            query, kind, parts = ways[number % len(ways)]
            await aborted(app, {**state, "token": token}, query, kind, parts)

        for number in range(len(ways)):
            await once(number)
        before = await at_rest(openstack)
        for number in range(ABORTED):
            await once(number)
        assert await at_rest(openstack) == before
    assert names_in(tmp_path) == []
    assert queued["status"] == "queued"


async def at_rest(openstack: FakeOpenStack) -> tuple[int, int]:
    """Return the open files and the tasks when everything that ends has ended."""
    await openstack.at_rest.wait()
    gc.collect()
    smallest: tuple[int, int] = (10**9, 10**9)
    for _ in range(100):
        await asyncio.sleep(0)
        now = (len(open_files()), len(asyncio.all_tasks()))
        smallest = min(smallest, now)
    return smallest
