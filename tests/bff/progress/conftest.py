"""A real Redis for each test that asks for one, and a BFF whose hub the test can upload to."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

import procedures
from bff.app import create_app
from bff.progress.hub import Hub
from bff.progress.redis import RedisStore
from bff.progress.store import MemoryStore, Store
from bff.rpc.registry import Registry
from bff.settings import Settings
from tests.bff.conftest import Bff
from tests.conftest import Serve
from tests.fakes.openstack import PROJECTS, FakeOpenStack
from tests.process import SECONDS

PROJECT = PROJECTS["demo"]
IMAGE = str(uuid.uuid4())


class RedisServer:
    """A redis-server on a socket in a folder of its own; it keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "redis.sock"
        self.url = f"unix://{self._socket}"
        self.start()

    def start(self) -> None:
        words = ["redis-server", "--port", "0", "--unixsocket", str(self._socket), "--save", ""]
        self._process = subprocess.Popen(
            [*words, "--dir", str(self._socket.parent)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if "eady to accept connections" in line:
                return
        raise AssertionError("redis-server ended before it was ready")

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate(timeout=SECONDS)


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """Return a running Redis."""
    # The path of a socket has at most 107 bytes: pytest's own folders may be too deep.
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        yield server
        server.kill()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the hub look a hundred times a second, so that tests need not wait for it."""
    monkeypatch.setattr("bff.progress.hub.INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr("bff.progress.hub.ROUNDS_WHEN_IDLE", 1)


NewHub = Callable[..., Awaitable[Hub]]


@pytest.fixture(params=["memory", "redis"])
def new_store(request: pytest.FixtureRequest) -> Callable[[], Store]:
    """Return a function whose stores all share what they know."""
    if request.param == "memory":
        store = MemoryStore()
        return lambda: store
    server: RedisServer = request.getfixturevalue("redis")
    return lambda: RedisStore(server.url)


@pytest.fixture
async def new_hub(new_store: Callable[[], Store], quick: None) -> AsyncIterator[NewHub]:
    """Return a function that opens a hub, as each process has one."""
    async with AsyncExitStack() as stack:

        async def new(max_watchers: int = 10, max_watchers_per_project: int = 5) -> Hub:
            hub = Hub(new_store(), max_watchers, max_watchers_per_project)
            return await stack.enter_async_context(hub)

        yield new


@pytest.fixture
async def hub(new_hub: NewHub) -> Hub:
    """Return one hub."""
    return await new_hub()


Watched = Callable[..., Awaitable[tuple[Bff, Hub]]]


@pytest.fixture
def start_watched(
    serve: Serve, client: aiohttp.ClientSession, openstack: FakeOpenStack, quick: None
) -> Watched:
    """Return a function that starts a BFF and returns its hub too, as an upload finds it."""

    async def start(around: Callable[[ASGIApp], ASGIApp] = lambda app: app, **settings: Any) -> Any:
        hubs: list[Hub] = []

        async def show(request: Request) -> Response:
            hubs.append(request.state.progress)
            return Response()

        known = Settings(auth_url=f"{openstack.url}/v3", **settings)
        app = create_app(known, Registry(procedures.ALL))
        app.routes.append(Route("/hub", show))
        bff = Bff(await serve(around(app)), client)
        await bff.request("GET", f"{bff.origin}/hub")
        return bff, hubs[0]

    return start


@asynccontextmanager
async def stream(
    bff: Bff, image_id: str, query: str = "", **headers: str
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Open the progress of an image, as an EventSource does; header names with ``_`` for ``-``."""
    url = f"{bff.origin}/polaris-bff/upload-progress/{image_id}{query}"
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with bff.client.get(url, headers=sent) as response:
        yield response


async def fail(hub: Hub, failure: BaseException, count: int = 1, **upload: Any) -> None:
    """Upload ``count`` bytes and fail; the failure has to go on its way."""
    arguments: dict[str, Any] = {"project_id": PROJECT, "image_id": IMAGE, "total": 100} | upload

    async def upload_and_fail() -> None:
        async with hub.upload(**arguments) as reporter:
            reporter.add_bytes(count)
            raise failure

    with pytest.raises(type(failure)):
        await upload_and_fail()
