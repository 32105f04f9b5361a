"""Both clients, called in the same way, in front of the fake services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from polaris_bff import AsyncClient, Client, Retry
from tests.bff.conftest import Bff, Start, bff, openstack, start
from tests.clients.python.hostile import Hostile
from tests.fakes.openstack import FakeOpenStack

__all__ = ["Bff", "FakeOpenStack", "Start", "bff", "openstack", "start"]


@pytest.fixture(scope="package", autouse=True)
def usual_trust() -> Iterator[None]:
    """Trust what httpx does: files that the machine names are read anew for each client."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            patch.delenv(name, raising=False)
        yield


# So that nothing waits.
AT_ONCE = Retry(first=0.0)


class Caller:
    """One of the two clients."""

    def __init__(self, client: Client | AsyncClient) -> None:
        self.client: Any = client

    async def do(self, use: Callable[[Any], Any]) -> Any:
        """Return what a client's method returns: ``do(lambda client: client.call("…"))``."""
        if isinstance(self.client, AsyncClient):
            return await use(self.client)
        return await asyncio.to_thread(use, self.client)

    async def call(self, procedure: str, **params: Any) -> Any:
        """Call a procedure by its name."""
        return await self.do(lambda client: client.call(procedure, **params))

    async def all(self, use: Callable[[Any], Any]) -> list[Any]:
        """Return all that a client's method yields."""
        if isinstance(self.client, AsyncClient):
            return [each async for each in use(self.client)]
        return await asyncio.to_thread(lambda: list(use(self.client)))

    async def batch(self, fill: Callable[[Any], Any]) -> Any:
        """Fill a batch and send it; returns what filling returned."""
        if isinstance(self.client, AsyncClient):
            async with self.client.batch() as batch:
                return fill(batch)
        return await asyncio.to_thread(self._batch, fill)

    def _batch(self, fill: Callable[[Any], Any]) -> Any:
        with self.client.batch() as batch:
            return fill(batch)

    async def close(self) -> None:
        """Close the client."""
        if isinstance(self.client, AsyncClient):
            await self.client.close()
        else:
            self.client.close()


New = Callable[..., Caller]


@pytest.fixture(params=[Client, AsyncClient])
async def new(request: pytest.FixtureRequest) -> AsyncIterator[New]:
    """Return a function that makes a client, of either kind."""
    made: list[Caller] = []

    def new(url: str | None, **options: Any) -> Caller:
        caller = Caller(request.param(url, **{"retry": AT_ONCE, **options}))
        made.append(caller)
        return caller

    yield new
    for caller in made:
        await caller.close()


@pytest.fixture
def alice(new: New, bff: Bff, openstack: FakeOpenStack) -> Caller:
    """Return a client with a token of alice's."""
    return new(f"{bff.origin}/polaris-bff", token=openstack.new_token())


@pytest.fixture
async def hostile() -> AsyncIterator[Hostile]:
    """Return a server that answers whatever it is told to."""
    server = Hostile()
    await server.start()
    yield server
    await server.stop()
