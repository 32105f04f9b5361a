"""A BFF over real HTTP, in front of the stage."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.bff.conftest import Bff, Start, bff_with
from tests.conftest import Serve
from tests.faults.stage import Stage, set_stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """Return the two services, listening."""
    async with set_stage() as stage:
        yield stage


@pytest.fixture
def start(serve: Serve, client: aiohttp.ClientSession, stage: Stage) -> Start:
    """Return a function that starts a BFF with settings of a test's own."""

    async def start(**settings: object) -> Bff:
        return await bff_with(serve, client, auth_url=f"{stage.keystone.url}/v3", **settings)

    return start


@pytest.fixture
async def bff(start: Start) -> Bff:
    """Return a BFF that does not wait long for anybody."""
    started: Bff = await start(upstream_timeout=0.5, connect_timeout=5)
    return started
