"""Clients that know nothing of us: two JSON-RPC libraries of others, as they come, over HTTP."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jsonrpcclient
import pytest
from pjrpc.client import JsonRpcError
from pjrpc.client.backend.aiohttp import Client as Pjrpc

from tests.bff.conftest import Bff
from tests.bff.conftest import bff as bff  # noqa: PLC0414  # fixtures of theirs
from tests.bff.conftest import openstack as openstack  # noqa: PLC0414
from tests.bff.conftest import start as start  # noqa: PLC0414
from tests.fakes.openstack import FakeOpenStack, image

LIST, SHOW = "compute.image.listImages", "compute.image.getImageById"
CREATE, DELETE = "compute.image.createImage", "compute.image.deleteImage"


@pytest.fixture
def ids(openstack: FakeOpenStack) -> list[str]:
    """Return the ids of two images."""
    openstack.images = [image("first"), image("second")]
    return [one["id"] for one in openstack.images]


@pytest.fixture
async def session(openstack: FakeOpenStack) -> AsyncIterator[aiohttp.ClientSession]:
    """Return an HTTP session that sends a token."""
    async with aiohttp.ClientSession(headers={"X-Auth-Token": openstack.new_token()}) as session:
        yield session


@pytest.fixture
def pjrpc(bff: Bff, session: aiohttp.ClientSession) -> Pjrpc:
    """Return pjrpc's client."""
    return Pjrpc(bff.url, session=session)


async def test_pjrpc_calls_with_names_and_without(pjrpc: Pjrpc, ids: list[str]) -> None:
    listed: Any = await pjrpc.call(LIST)
    assert [one["id"] for one in listed] == ids
    shown: Any = await pjrpc(SHOW, imageId=ids[1])
    assert shown["name"] == "second"


async def test_pjrpc_raises_our_error_with_all_that_it_says(pjrpc: Pjrpc) -> None:
    with pytest.raises(JsonRpcError) as caught:
        await pjrpc.call(SHOW, imageId=str(uuid.uuid4()))
    assert caught.value.code == -32004
    assert "Image not found" in caught.value.message
    data: Any = caught.value.data
    assert (data["code"], data["httpStatus"], data["path"]) == ("NOT_FOUND", 404, SHOW)


async def test_pjrpc_sees_the_standards_own_numbers(pjrpc: Pjrpc) -> None:
    for number, method, params in ((-32601, "no.such", {}), (-32602, SHOW, {"imageID": "x"})):
        with pytest.raises(JsonRpcError) as caught:
            await pjrpc.call(method, **params)
        assert caught.value.code == number


async def test_pjrpc_notifies_and_is_answered_with_nothing(
    pjrpc: Pjrpc, ids: list[str], openstack: FakeOpenStack
) -> None:
    await pjrpc.notify(DELETE, imageId=ids[0])
    assert [one["id"] for one in openstack.images] == ids[1:]


async def test_pjrpc_sends_batches_with_notifications_among_the_calls(
    pjrpc: Pjrpc, ids: list[str], openstack: FakeOpenStack
) -> None:
    async with pjrpc.batch() as batch:
        batch.call(SHOW, imageId=ids[0])
        batch.notify(CREATE, name="third")
        batch.call(SHOW, imageId=ids[1])
    results: Any = batch.get_results()
    assert [one["name"] for one in results] == ["first", "second"]
    assert [one["name"] for one in openstack.images] == ["first", "second", "third"]


async def sent(session: aiohttp.ClientSession, bff: Bff, request: Any) -> Any:
    """Send what jsonrpcclient made, and return what it reads in the answer."""
    async with session.post(bff.url, json=request) as response:
        return jsonrpcclient.parse(await response.json())


async def test_jsonrpcclient_reads_results_and_errors(
    session: aiohttp.ClientSession, bff: Bff, ids: list[str]
) -> None:
    good = await sent(session, bff, jsonrpcclient.request(SHOW, params={"imageId": ids[0]}))
    assert isinstance(good, jsonrpcclient.Ok)
    assert good.result["name"] == "first"
    missing = {"imageId": str(uuid.uuid4())}
    bad = await sent(session, bff, jsonrpcclient.request_uuid(SHOW, params=missing))
    assert isinstance(bad, jsonrpcclient.Error)
    assert (bad.code, bad.data["code"]) == (-32004, "NOT_FOUND")


async def test_jsonrpcclient_has_its_ids_back_whatever_they_are(
    session: aiohttp.ClientSession, bff: Bff, ids: list[str]
) -> None:
    made = [jsonrpcclient.request_hex(LIST), jsonrpcclient.request_random(LIST)]
    answers = list(await sent(session, bff, made))
    assert [answer.id for answer in answers] == [request["id"] for request in made]
    assert [[one["id"] for one in answer.result] for answer in answers] == [ids, ids]


async def test_jsonrpcclient_notifies(
    session: aiohttp.ClientSession, bff: Bff, ids: list[str], openstack: FakeOpenStack
) -> None:
    request = jsonrpcclient.notification(DELETE, params={"imageId": ids[1]})
    async with session.post(bff.url, json=request) as response:
        assert (response.status, await response.read()) == (204, b"")
    assert [one["id"] for one in openstack.images] == ids[:1]
