"""A BFF over real HTTP, in front of the fake Keystone and Glance."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import uvicorn
from aiohttp import web
from pydantic import BaseModel

import procedures
from bff.app import create_app
from bff.rpc.registry import Procedure, Registry
from bff.server.protocol import Connection
from bff.server.stop import Server, Times
from bff.settings import Settings
from tests import canary
from tests.conftest import Serve
from tests.fakes.openstack import FakeOpenStack


class Bff:
    """A served BFF and the ways to call it."""

    def __init__(self, url: str, client: aiohttp.ClientSession) -> None:
        self.url = f"{url}/polaris-bff/rpc"
        self.origin = url
        self.client = client

    async def request(self, method: str, url: str, **more: Any) -> aiohttp.ClientResponse:
        """Send a request and read its answer to the end."""
        async with self.client.request(method, url, **more) as response:
            canary.check_answer(response.headers, await response.read())
            return response

    async def post(self, body: bytes, **headers: str) -> aiohttp.ClientResponse:
        """Send bytes as they are; header names with ``_`` for ``-``."""
        sent = {"content-type": "application/json", **_named(headers)}
        return await self.request("POST", self.url, data=body, headers=sent)

    async def json(self, body: Any, **headers: str) -> Any:
        """Send JSON and return the answer's JSON."""
        sent = _named(headers)
        return await (await self.request("POST", self.url, json=body, headers=sent)).json()

    async def call(self, method: str, params: Any = None, **headers: str) -> Any:
        """Make one call and return the whole answer."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return await self.json(body, **headers)


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


async def bff_with(
    serve: Serve, client: aiohttp.ClientSession, *more: Procedure, **settings: Any
) -> Bff:
    """Serve a BFF with settings and procedures of a test's own."""
    app = create_app(given(**settings), Registry([*procedures.ALL, *more]))
    return Bff(await serve(app), client)


def given(**settings: Any) -> Settings:
    """Return settings, checked as ever; the environment is not searched for others, in 1 ms."""
    made = Settings.__new__(Settings)
    BaseModel.__init__(made, **settings)
    return made


Stoppable = tuple[Server, socket.socket]


@asynccontextmanager
async def stoppable(auth_url: str, times: Times) -> AsyncIterator[Stoppable]:
    """Start the server of ``bff serve`` in the test's own process; the test shuts it down."""
    app = create_app(given(auth_url=auth_url), Registry(procedures.ALL))
    config = uvicorn.Config(app, http=Connection, log_config=None)
    config.load()
    server = Server(config, times)
    server.lifespan = config.lifespan_class(config)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        await server.startup([sock])
        yield server, sock


Start = Callable[..., Any]


@pytest.fixture
async def openstack() -> AsyncIterator[FakeOpenStack]:
    """Return the fake services, listening."""
    fake = FakeOpenStack()
    runner = web.AppRunner(fake.application(), handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


@pytest.fixture
def start(serve: Serve, client: aiohttp.ClientSession, openstack: FakeOpenStack) -> Start:
    """Return a function that starts a BFF with settings and procedures of a test's own."""

    async def start(*more: Procedure, **settings: Any) -> Bff:
        settings = {"auth_url": f"{openstack.url}/v3", **settings}
        return await bff_with(serve, client, *more, **settings)

    return start


@pytest.fixture
async def bff(start: Start) -> Bff:
    """Return a BFF with the default settings."""
    started: Bff = await start()
    return started
