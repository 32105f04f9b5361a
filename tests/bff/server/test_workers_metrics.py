"""The metrics of several processes in one exposition: while they run, and after one has ended."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import generate_latest

from bff.server.exposition import FOLDER_VARIABLE, WorkersMetrics, metrics_of_workers
from bff.server.metrics import METRICS
from tests.bff.conftest import Bff
from tests.bff.server.test_metrics import LIST, NAMES, free_port, samples
from tests.bff.test_workers import WORDS, workers_of
from tests.fakes.openstack import FakeOpenStack
from tests.process import ROOT, SECONDS, finished, line_of, ready, running

CALLS = f'bff_calls_total{{code="OK",procedure="{LIST}"}}'
TAKEN = f'bff_call_seconds_count{{procedure="{LIST}"}}'

# Counts, says so, and goes on until it is killed.
WORKER = """
import sys
from bff.server.metrics import Metrics
metrics = Metrics("1.2.3", ["a"])
for _ in range(int(sys.argv[1])):
    metrics.call_ended("a", "OK", 0.3)
metrics.upstream("glance")("503", 3.0)
metrics.set("bff_sessions", (), 7)
metrics.set("bff_event_loop_lag_seconds", (), float(sys.argv[1]))
print("counted", flush=True)
sys.stdin.read()
"""


@contextmanager
def worker(folder: Path, calls: int) -> Iterator[subprocess.Popen[str]]:
    """Run a process that counts some calls and stays."""
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, str(calls)],
        cwd=ROOT,
        env={**os.environ, FOLDER_VARIABLE: str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line_of(process, containing="counted")
            yield process
        finally:
            process.kill()


def values(workers: WorkersMetrics) -> dict[str, float]:
    return samples(generate_latest(workers.registry).decode())


def test_several_processes_count_as_one_and_the_counts_of_one_that_ends_stay(
    tmp_path: Path,
) -> None:
    workers = WorkersMetrics(tmp_path)
    with worker(tmp_path, 2) as first:
        with worker(tmp_path, 3) as second:
            both = values(workers)
            second.kill()
            second.wait(SECONDS)
            workers.worker_replaced(second.pid)
            one = values(workers)
        files = {path.name for path in tmp_path.iterdir()}
        first.kill()
        first.wait(SECONDS)
        # Also where nobody tells: it was not replaced.
        assert values(workers)["bff_worker_restarts_total"] == 1
    gauges = [both["bff_sessions"], both["bff_event_loop_lag_seconds"]]
    assert gauges == [14, 3]
    assert [one["bff_sessions"], one["bff_event_loop_lag_seconds"]] == [7, 2]
    assert "bff_sessions" not in values(workers)
    assert [both["bff_worker_restarts_total"], one["bff_worker_restarts_total"]] == [0, 1]
    counted = {
        'bff_calls_total{code="OK",procedure="a"}': 5,
        'bff_call_seconds_count{procedure="a"}': 5,
        'bff_call_seconds_sum{procedure="a"}': 1.5,
        'bff_call_seconds_bucket{le="0.25",procedure="a"}': 0,
        'bff_call_seconds_bucket{le="0.5",procedure="a"}': 5,
        'bff_upstream_requests_total{service="glance",status="503"}': 2,
    }
    for found in (both, one, values(workers)):
        assert {name: found[name] for name in counted} == pytest.approx(counted)
    # What ended processes have counted is read from two files, however many they were.
    assert not [name for name in files if re.search(rf"_{second.pid}\.db", name)]
    assert {path.name for path in tmp_path.iterdir()} == {"counter_ended.db", "histogram_ended.db"}


def test_a_worker_that_counted_nothing_may_end(tmp_path: Path) -> None:
    workers = WorkersMetrics(tmp_path)
    workers.worker_replaced(4_000_000)
    workers.worker_replaced(None)
    assert values(workers) == {"bff_worker_restarts_total": 2}


def test_the_folder_is_private_and_gone_afterwards() -> None:
    with metrics_of_workers("127.0.0.1", free_port()):
        folder = Path(os.environ[FOLDER_VARIABLE])
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()
    assert FOLDER_VARIABLE not in os.environ


async def exposition(port: int, client: aiohttp.ClientSession) -> dict[str, float]:
    async with client.get(f"http://127.0.0.1:{port}/metrics") as response:
        return samples(await response.text())


async def test_two_workers_are_in_one_exposition(
    openstack: FakeOpenStack, client: aiohttp.ClientSession
) -> None:
    port, token = free_port(), openstack.new_token()

    async def call(served: Bff) -> None:
        # On a connection of its own, so that either worker may take it.
        answer = await served.call(LIST, X_Auth_Token=token, Connection="close")
        assert answer["result"] == []

    settings = {
        "BFF_AUTH_URL": f"{openstack.url}/v3",
        "BFF_METRICS_ADDRESS": f"127.0.0.1:{port}",
        "BFF_REDIS_URL": "",
    }
    with running(*WORDS, **settings) as process:
        served = Bff(await ready(process), client)
        found = await exposition(port, client)
        shown = {series.partition("{")[0] for series in found}
        names = {f"{n}_count" if m.kind == "histogram" else n for n, m in METRICS.items()}
        assert len(names) == len(NAMES)
        assert names <= shown
        await asyncio.gather(*(call(served) for _ in range(20)))
        found = await exposition(port, client)
        assert (found[CALLS], found[TAKEN]) == (20, 20)
        os.kill(workers_of(process.pid)[0], signal.SIGKILL)
        await asyncio.to_thread(line_of, process, containing="takes its place", of="stderr")
        await asyncio.gather(*(call(served) for _ in range(20)))
        found = await exposition(port, client)
        assert (found[CALLS], found[TAKEN], found["bff_worker_restarts_total"]) == (40, 40, 1)
        assert (await served.request("GET", f"{served.origin}/metrics")).status == 404
        process.terminate()
        assert await asyncio.to_thread(process.wait, SECONDS) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_address_that_is_taken_is_told_before_anything_starts(workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = {
            "BFF_METRICS_ADDRESS": f"127.0.0.1:{port}",
            "BFF_AUTH_URL": "http://127.0.0.1:1",
        }
        words = ("bff", "serve", "--port", "0", "--workers", workers)
        status, errors = finished(*words, **settings)
    assert status == 1
    assert (
        f"Cannot serve metrics at 127.0.0.1:{port} (BFF_METRICS_ADDRESS): Address already" in errors
    )
