"""Several workers on one port, as processes: their start, their parent's end, and the stop."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.bff.conftest import Bff
from tests.fakes.openstack import FakeOpenStack
from tests.process import ROOT, SECONDS, line_of, ready, running

WORDS = ("bff", "serve", "--port", "0", "--workers", "2")


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


async def test_a_worker_that_ends_is_told_of_and_replaced(openstack: FakeOpenStack) -> None:
    with running(*WORDS, BFF_AUTH_URL=f"{openstack.url}/v3") as process:
        await ready(process)
        worker = workers_of(process.pid)[0]
        os.kill(worker, signal.SIGKILL)
        line = await asyncio.to_thread(line_of, process, containing="takes its place", of="stderr")
        assert f"Worker {worker} was ended by SIGKILL" in line


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
