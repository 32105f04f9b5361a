"""Another wire on the executor, made of its public parts: one call a line, plain JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

import procedures
from bff.app import create_app
from bff.errors import BffError
from bff.rpc.call import run
from bff.rpc.registry import Registry, query
from bff.session.caller import Caller
from bff.session.context import PublicContext
from bff.session.services import Cloud
from bff.session.sessions import Credentials
from bff.settings import Settings
from schemas.base import NoInput
from tests.fakes.openstack import FakeOpenStack, image

LIST = "compute.image.listImages"


async def never(ctx: PublicContext, params: NoInput) -> bool:
    """Wait for ever."""
    return await asyncio.Event().wait()


REGISTRY = Registry([*procedures.ALL, query("test.never", never)])


async def answer(line: str, cloud: Cloud, token: str) -> str:
    """Serve one line, as ``NAME {input}``; ``?`` in front asks softly."""
    name, _, text = line.lstrip("?").partition(" ")
    caller = Caller(cloud, "req-toy", Credentials(token))
    try:
        result = await run(
            REGISTRY[name], caller, json.loads(text or "{}"), soft=line.startswith("?")
        )
    except BffError as error:
        return f"{error.code.label} {error.message}"
    return bytes(result).decode()


@pytest.fixture
async def cloud(openstack: FakeOpenStack) -> AsyncIterator[Cloud]:
    """Return what lives as long as the process, without a route."""
    settings = Settings(auth_url=f"{openstack.url}/v3", call_timeout=0.2)
    app = create_app(settings, REGISTRY)
    async with app.router.lifespan_context(app) as state:
        found: Any = state
        yield found["cloud"]


async def test_a_line_is_answered_with_the_result(cloud: Cloud, openstack: FakeOpenStack) -> None:
    openstack.images = [image("first"), image("second")]
    answered = await answer(f'{LIST} {{"limit": 2}}', cloud, openstack.new_token())
    assert [found["name"] for found in json.loads(answered)] == ["first", "second"]


async def test_a_failure_is_its_code_and_its_message(
    cloud: Cloud, openstack: FakeOpenStack
) -> None:
    token = openstack.new_token()
    assert (await answer(f'{LIST} {{"limit": 0}}', cloud, token)).startswith("BAD_REQUEST ")
    assert (await answer(LIST, cloud, "nobody's")).startswith("UNAUTHORIZED ")
    assert await answer(f'?{LIST} {{"limit": 0}}', cloud, token) == "null"


async def test_the_deadline_and_the_log_line_are_the_executors(
    cloud: Cloud, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    late = await answer("test.never", cloud, openstack.new_token())
    assert late == "TIMEOUT test.never took longer than 0.2 seconds."
    (line,) = (line for line in logged if line["event"] == "call")
    assert (line["procedure"], line["status"]) == ("test.never", "TIMEOUT")
