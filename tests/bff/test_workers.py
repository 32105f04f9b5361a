"""Several workers on one port, as processes: their start, their parent's end, and the stop."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from cryptography.fernet import Fernet

from tests.bff.conftest import Bff
from tests.bff.upload.conftest import Connection
from tests.fakes.openstack import PASSWORD, FakeOpenStack
from tests.process import ROOT, SECONDS, line_of, ready, running
from tests.tls import Authority

LIST = b'{"jsonrpc":"2.0","id":1,"method":"compute.image.listImages"}'
WORDS = ("bff", "serve", "--port", "0", "--workers", "2")


def request(token: str = "none", path: str = "rpc") -> bytes:
    """Return a call; with a token that is nobody's, it is answered without a service."""
    lines = [f"POST /polaris-bff/{path} HTTP/1.1", "Host: bff", f"X-Auth-Token: {token}"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(LIST)}", "", ""]
    return "\r\n".join(lines).encode() + LIST


@asynccontextmanager
async def connected(origin: str) -> AsyncIterator[Connection]:
    address = urlsplit(origin)
    assert address.hostname
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    yield Connection(reader, writer)
    writer.close()


def workers_of(pid: int) -> list[int]:
    """Return the processes that serve for this one."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [
        int(child)
        for child in children
        if b"spawn_main" in (Path("/proc") / child / "cmdline").read_bytes()
    ]


def is_refused(address: tuple[str, int]) -> bool:
    """Return whether nobody listens; fails when a connection is accepted and dropped."""
    try:
        with socket.create_connection(address, SECONDS):
            return False
    except ConnectionRefusedError:
        return True


async def until_refused(origin: str) -> None:
    host, port = origin.removeprefix("http://").split(":")
    deadline = time.monotonic() + SECONDS
    while not await asyncio.to_thread(is_refused, (host, int(port))):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def exists(pid: int) -> bool:
    """Return whether a process runs; one that nobody waited for is over too."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


async def test_no_worker_outlives_a_parent_that_is_killed(openstack: FakeOpenStack) -> None:
    with running(*WORDS, BFF_AUTH_URL=f"{openstack.url}/v3") as process:
        origin = await ready(process)
        workers = workers_of(process.pid)
        assert len(workers) == 2
        process.kill()
        await until_refused(origin)
        deadline = time.monotonic() + SECONDS
        while any(exists(worker) for worker in workers):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)


@pytest.mark.processes
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_stop_refuses_who_comes_and_lets_a_running_call_end(
    how: signal.Signals, openstack: FakeOpenStack, client: aiohttp.ClientSession
) -> None:
    openstack.gate = asyncio.Event()
    with running(*WORDS, BFF_AUTH_URL=f"{openstack.url}/v3") as process:
        served = Bff(await ready(process), client)
        call = served.call("compute.image.listImages", X_Auth_Token=openstack.new_token())
        last = asyncio.create_task(call)
        async with asyncio.timeout(SECONDS):
            await openstack.arrived.acquire()
            process.send_signal(how)
            await until_refused(served.origin)
            assert not last.done()
            openstack.gate.set()
            assert (await last)["result"] == []


@pytest.mark.processes
async def test_a_worker_that_ends_is_told_of_and_replaced(openstack: FakeOpenStack) -> None:
    with running(*WORDS, BFF_AUTH_URL=f"{openstack.url}/v3") as process:
        await ready(process)
        worker = workers_of(process.pid)[0]
        os.kill(worker, signal.SIGKILL)
        line = await asyncio.to_thread(line_of, process, containing="takes its place", of="stderr")
        assert f"Worker {worker} was ended by SIGKILL" in line


def sockets_of(pid: int) -> set[str]:
    """Return the inodes of a process's sockets."""
    links = (str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir())
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def served_by(client: asyncio.StreamWriter | asyncio.BaseTransport, workers: list[int]) -> int:
    """Return the worker that has the other end of a connection."""
    ours, theirs = (client.get_extra_info(name)[1] for name in ("sockname", "peername"))
    ends = f":{theirs:04X}", f":{ours:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(ends[0]) and fields[2].endswith(ends[1]):
            (worker,) = [pid for pid in workers if fields[9] in sockets_of(pid)]
            return worker
    raise AssertionError("nobody has it")


async def test_a_worker_that_is_killed_takes_no_call_but_its_own(
    openstack: FakeOpenStack, client: aiohttp.ClientSession
) -> None:
    token = openstack.new_token()
    openstack.gate = asyncio.Event()
    all_at_once = dict.fromkeys(("BFF_MAX_CALLS_PER_CALLER", "BFF_MAX_REQUESTS_PER_CALLER"), "1000")
    with running(*WORDS, BFF_AUTH_URL=f"{openstack.url}/v3", **all_at_once) as process:
        served = Bff(await ready(process), client)
        workers, calls = workers_of(process.pid), list[tuple[int, Connection]]()
        async with asyncio.timeout(SECONDS), AsyncExitStack() as stack:
            # Until each has some under way: the system chooses who accepts.
            while len(calls) < 32 or len({worker for worker, _ in calls}) < 2:
                connection = await stack.enter_async_context(connected(served.origin))
                await connection.send(request(token))
                await openstack.arrived.acquire()
                calls.append((served_by(connection.writer, workers), connection))
            victim = workers[0]
            os.kill(victim, signal.SIGKILL)
            for worker, connection in calls:
                if worker == victim:
                    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                        await connection.answer()
            # Whoever comes meanwhile is served, and those of the other one are.
            later = [served.call("compute.image.listImages", X_Auth_Token=token) for _ in range(8)]
            coming = asyncio.gather(*later)
            openstack.gate.set()
            assert all(answer["result"] == [] for answer in await coming)
            for worker, connection in calls:
                if worker != victim:
                    assert (await connection.answer())[2]["result"] == []


@pytest.mark.processes
@pytest.mark.parametrize("count", ["1", "2"])
async def test_hup_takes_new_keys_and_loses_no_call(
    count: str, openstack: FakeOpenStack, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    keys = tmp_path / "keys"
    keys.write_text(f"{old}\n")
    settings = {"BFF_AUTH_URL": f"{openstack.url}/v3", "BFF_SECRET_KEYS_FILE": str(keys)}
    with running(*WORDS[:-1], count, **settings, BFF_CA_FILE=str(Authority(tmp_path).file)) as it:
        served = Bff(await ready(it), client)

        async def reload(content: str, says: str) -> None:
            keys.write_text(content)
            it.send_signal(signal.SIGHUP)
            for _ in range(int(count)):
                line = await asyncio.to_thread(line_of, it, containing="keys and cert", of="stderr")
                assert says in line

        async def user(cookie: str) -> Any:
            sent = {"Cookie": cookie, "Origin": served.origin}
            answer = await served.call("auth.getCurrentUserSession", **sent)
            return answer["result"] and answer["result"]["user"]["name"]

        async with asyncio.timeout(SECONDS):
            workers = workers_of(it.pid)
            first, sealed = await signed_in(served)
            Fernet(old).decrypt(sealed)
            openstack.gate = asyncio.Event()
            params = {"X_Auth_Token": openstack.new_token()}
            running_call = asyncio.create_task(served.call("compute.image.listImages", **params))
            await openstack.arrived.acquire()
            await reload("no key", "must be 32 bytes in URL-safe base64")
            (tmp_path / "authority.pem").rename(tmp_path / "away")
            await reload(f"{new},{old}\n", "BFF_CA_FILE: ")
            _, sealed = await signed_in(served)
            Fernet(old).decrypt(sealed)
            (tmp_path / "away").rename(tmp_path / "authority.pem")
            await reload(f"{new},{old}\n", "were read again")
            _, sealed = await signed_in(served)
            Fernet(new).decrypt(sealed)
            assert await user(first) == "alice"
            await reload(new, "were read again")
            assert await user(first) is None
            openstack.gate.set()
            assert (await running_call)["result"] == []
            assert workers_of(it.pid) == workers


async def signed_in(served: Bff) -> tuple[str, str]:
    """Sign in; returns the cookie, and its value."""
    params = {"user": "alice", "password": PASSWORD, "projectName": "demo"}
    sign_in = {"jsonrpc": "2.0", "id": 1, "method": "auth.createUserSession", "params": params}
    response = await served.request("POST", served.url, json=sign_in)
    (morsel,) = SimpleCookie(response.headers["Set-Cookie"]).values()
    return f"{morsel.key}={morsel.value}", morsel.value


@contextmanager
def starting_with(change: str) -> Iterator[subprocess.Popen[str]]:
    """Start two workers with a change to their module, and end with the test."""
    code = f"import bff.cli, bff.workers; {change}; bff.cli.app()"
    with subprocess.Popen(
        [sys.executable, "-c", code, *WORDS[1:]],
        cwd=ROOT,
        env={"BFF_AUTH_URL": "http://127.0.0.1:1/v3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("bff.cli.FACTORY = 'nowhere:create'", "ended with status 3 (its reason is above)"),
        (
            # It never returns.
            "bff.cli.FACTORY = 'signal:pause'; bff.workers.READY_SECONDS = 0",
            "took more than 0 seconds",
        ),
    ],
)
def test_a_worker_that_does_not_get_ready_stops_the_start(change: str, reason: str) -> None:
    with starting_with(change) as process:
        printed, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "ready" not in printed
    assert reason in errors
    assert "before it was ready" in errors


async def test_a_stop_during_the_start_is_no_failure() -> None:
    with running(*WORDS, BFF_AUTH_URL="http://127.0.0.1:1/v3") as process:
        while not await asyncio.to_thread(workers_of, process.pid):
            assert process.poll() is None
        process.terminate()
        _, errors = await asyncio.to_thread(process.communicate, timeout=SECONDS)
    assert "before it was ready" not in errors
    assert process.returncode in (0, -signal.SIGTERM)
