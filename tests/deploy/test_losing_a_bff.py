"""A worker that is killed, and a BFF that stops, behind nginx and HAProxy, under 64 clients."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.bff.conftest import openstack as openstack_fixture
from tests.bff.test_workers import served_by, workers_of
from tests.deploy.files import documents
from tests.deploy.proxies import KINDS, Proxy, running_proxy
from tests.fakes.openstack import FakeOpenStack
from tests.process import SECONDS, ready, running

openstack = openstack_fixture
CLIENTS = 64
# How often each client calls once the BFF is lost.
MORE = 5
# Between two calls of a client, in seconds.
MOST_PAUSE = 0.3
COMPOSE = documents("compose.yaml")[0]["services"]["bff-1"]["environment"]


@dataclass
class Client:
    """A user who makes one image after the other, over one connection that is kept."""

    session: aiohttp.ClientSession
    url: str
    token: str
    made: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    async def make_an_image(self) -> None:
        name = f"req-{uuid.uuid4()}"
        headers = {"X-Auth-Token": self.token, "X-Openstack-Request-Id": name}
        method = "compute.image.createImage"
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"name": name}}
        try:
            async with self.session.post(self.url, json=call, headers=headers) as response:
                said = await response.text()
        except aiohttp.ClientConnectionError as error:
            # HAProxy's way with all but the first request of a client's connection.
            said = repr(error)
        if '"result":' in said and name in said:
            self.made.append(name)
        else:
            self.failed[name] = said

    async def make_images(self, number: int) -> None:
        for _ in range(number):
            await self.make_an_image()


@asynccontextmanager
async def clients_of(proxy: Proxy, openstack: FakeOpenStack) -> AsyncIterator[list[Client]]:
    async with AsyncExitStack() as stack:
        clients = []
        for _ in range(CLIENTS):
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=proxy.ssl, limit=1),
                timeout=aiohttp.ClientTimeout(total=SECONDS),
            )
            await stack.enter_async_context(session)
            url = f"{proxy.origin}/polaris-bff/rpc"
            clients.append(Client(session, url, openstack.new_token()))
        yield clients


@dataclass
class Stage:
    """Two BFFs, the first with two workers, behind a proxy."""

    proxy: Proxy
    first: subprocess.Popen[str]
    second: subprocess.Popen[str]

    @property
    def processes(self) -> list[int]:
        """Those that serve."""
        return [*workers_of(self.first.pid), self.second.pid]


@asynccontextmanager
async def staged(
    kind: str, drain: str, openstack: FakeOpenStack, folder: Path
) -> AsyncIterator[Stage]:
    variables = {"BFF_AUTH_URL": f"{openstack.url}/v3", "BFF_LOG_LEVEL": "error"}
    variables["BFF_DRAIN_SECONDS"] = drain
    # Nobody reads what they print before they have ended.
    variables["BFF_AUDIT_FILE"] = str(folder / "audit.log")
    # The bound of a caller is not what is shown here.
    variables["BFF_MAX_CALLS_PER_CALLER"] = str(CLIENTS)
    # How busy the machine is shall not matter.
    for name in ("CONNECT_TIMEOUT", "QUEUE_TIMEOUT", "UPSTREAM_TIMEOUT", "SHUTDOWN_TIMEOUT"):
        variables[f"BFF_{name}"] = str(SECONDS)
    words = ("bff", "serve", "--port", "0", "--workers")
    with running(*words, "2", **variables) as first, running(*words, "1", **variables) as second:
        one, two = [(await ready(each)).removeprefix("http://") for each in (first, second)]
        with running_proxy(kind, folder, (one, two)) as proxy:
            yield Stage(proxy, first, second)


def sender_of(request: web.Request, processes: list[int]) -> int:
    """Return the process that has sent a request."""
    assert request.transport
    return served_by(request.transport, processes)


def everything_is_kept(clients: list[Client], openstack: FakeOpenStack) -> None:
    """Check that each image that a client was told of is there, and none of them twice."""
    stored = Counter(image["name"] for image in openstack.images)
    assert set(stored.values()) == {1}
    made = {name for client in clients for name in client.made}
    assert made <= set(stored)
    failed = {name for client in clients for name in client.failed}
    assert set(stored) <= made | failed


@pytest.mark.parametrize("kind", ["nginx"])
async def test_a_worker_that_is_killed_fails_the_calls_in_flight_on_it_and_no_other(
    kind: str, openstack: FakeOpenStack, tmp_path: Path
) -> None:
    async with (
        asyncio.timeout(SECONDS),
        staged(kind, "0", openstack, tmp_path) as stage,
        clients_of(stage.proxy, openstack) as clients,
    ):
        processes = stage.processes
        # So that connections and tokens are known, and kept.
        await asyncio.gather(*(client.make_images(2) for client in clients))
        openstack.requests.clear()
        openstack.gate = asyncio.Event()
        calls = asyncio.gather(*(client.make_images(1 + MORE) for client in clients))
        while openstack.at_a_time < CLIENTS:
            await openstack.arrived.acquire()
            assert not any(client.failed for client in clients)
        in_flight = {
            request.headers["X-Openstack-Request-Id"]: sender_of(request, processes)
            for request in openstack.requests
            # HAProxy asks for /readyz, and that asks the services.
            if request.path == "/v2/images"
        }
        assert len(in_flight) == CLIENTS
        # The system chooses which worker accepts a connection.
        calls_of = Counter(in_flight.values())
        victim = max(workers_of(stage.first.pid), key=lambda worker: calls_of[worker])
        assert 0 < calls_of[victim] < CLIENTS
        lost = {name for name, owner in in_flight.items() if owner == victim}
        os.kill(victim, signal.SIGKILL)
        # Its clients have heard of it, and call again.
        for _ in lost:
            await openstack.cancelled.acquire()
        openstack.gate.set()
        await calls
    assert {name for client in clients for name in client.failed} == lost
    assert not lost & {image["name"] for image in openstack.images}
    everything_is_kept(clients, openstack)


# With time for the proxy to notice as in deploy/, and without any.
@pytest.mark.parametrize("drain", [COMPOSE["BFF_DRAIN_SECONDS"], "0"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_stop_under_load_loses_no_call(
    kind: str, drain: str, openstack: FakeOpenStack, tmp_path: Path
) -> None:
    async with (
        asyncio.timeout(SECONDS),
        staged(kind, drain, openstack, tmp_path) as stage,
        clients_of(stage.proxy, openstack) as clients,
    ):
        over = asyncio.Event()

        async def work(client: Client) -> None:
            await client.make_images(MORE)
            loaded.release()
            while not over.is_set():
                await client.make_an_image()
                # So that the proxy keeps idle connections too.
                await asyncio.sleep(pauses.random() * MOST_PAUSE)
            await client.make_images(MORE)

        loaded, pauses = asyncio.Semaphore(0), random.Random(0)
        calls = asyncio.gather(*(work(client) for client in clients))
        for _ in clients:
            await loaded.acquire()
        stage.first.terminate()
        await asyncio.to_thread(stage.first.wait, SECONDS)
        over.set()
        await calls
    assert [client.failed for client in clients if client.failed] == []
    everything_is_kept(clients, openstack)
