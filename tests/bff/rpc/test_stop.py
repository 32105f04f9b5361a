"""A server that is stopped in the middle of something says so, to its clients and in its log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from bff.server.stop import Times
from tests.bff.conftest import Bff, Stoppable, stoppable
from tests.fakes.openstack import FakeOpenStack, image
from tests.process import SECONDS

SAID = "This server is being stopped: "
LIST = {"jsonrpc": "2.0", "id": 1, "method": "compute.image.listImages"}
# What runs is cut off at once.
AT_ONCE = Times(0, 0, 0)


class Stopped:
    """A served BFF, and what it logs when it is stopped."""

    def __init__(self, served: Stoppable, client: aiohttp.ClientSession, logged: list[Any]) -> None:
        self.server, self.sock = served
        self.bff = Bff(f"http://127.0.0.1:{self.sock.getsockname()[1]}", client)
        self.logged = logged

    async def stop(self) -> list[dict[str, Any]]:
        """Do what SIGTERM begins, and return the lines about calls and requests."""
        await self.server.shutdown([self.sock])
        assert "client went away" not in str(self.logged)
        return [line for line in self.logged if line.get("error", "").startswith(SAID)]


Before = Callable[[str], Awaitable[Stopped]]


@pytest.fixture
async def before(
    client: aiohttp.ClientSession, logged: list[Any], caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Before]:
    """Return a function that starts a BFF before a Keystone; no bug may show."""
    async with AsyncExitStack() as stack:

        async def start(auth_url: str) -> Stopped:
            served = await stack.enter_async_context(stoppable(auth_url, AT_ONCE))
            return Stopped(served, client, logged)

        yield start
    assert not [record for record in caplog.records if record.exc_info]
    assert not [line for line in logged if line.get("exc_info")]


@pytest.fixture
async def stopped(openstack: FakeOpenStack, before: Before) -> Stopped:
    """Return a BFF whose Glance answers nothing from the first call on."""
    openstack.gate = asyncio.Event()
    return await before(f"{openstack.url}/v3")


def told(answer: Any) -> tuple[Any, str]:
    assert answer["error"]["message"].startswith(SAID)
    return answer.get("id"), answer["error"]["data"]["code"]


async def test_a_call_that_is_cut_off_by_the_stop_is_told_so(
    stopped: Stopped, openstack: FakeOpenStack
) -> None:
    token = openstack.new_token()
    calling = asyncio.create_task(
        stopped.bff.request("POST", stopped.bff.url, json=LIST, headers={"X-Auth-Token": token})
    )
    async with asyncio.timeout(SECONDS):
        await openstack.arrived.acquire()
        lines = await stopped.stop()
        response = await calling
    assert response.status == 200
    assert response.content_type == "application/json"
    assert told(await response.json()) == (1, "SERVICE_UNAVAILABLE")
    (line,) = lines
    assert (line["event"], line["status"]) == ("call", "SERVICE_UNAVAILABLE")
    assert (line["log_level"], line["procedure"]) == ("error", LIST["method"])


async def test_each_call_of_a_batch_says_what_became_of_it(
    stopped: Stopped, openstack: FakeOpenStack
) -> None:
    session = LIST | {"id": "done", "method": "auth.getCurrentUserSession"}
    notification = {key: value for key, value in LIST.items() if key != "id"}
    lists = (LIST | {"id": number, "params": {"limit": number + 1}} for number in range(30))
    batch = [session, notification, *lists]
    calling = asyncio.create_task(stopped.bff.json(batch, X_Auth_Token=openstack.new_token()))
    async with asyncio.timeout(SECONDS):
        for _ in range(16):
            await openstack.arrived.acquire()
        lines = await stopped.stop()
        done, *others = await calling
    assert done["result"]["user"]["name"] == "alice"
    assert [told(answer) for answer in others] == [(n, "SERVICE_UNAVAILABLE") for n in range(30)]
    assert sum("not started" in answer["error"]["message"] for answer in others) == 15
    assert sorted(line["event"] for line in lines) == ["call"] * 16 + ["refused"] * 15
    assert openstack.calls["GET /v2/images"] == 16


async def test_a_bulk_call_that_is_cut_off_is_told_so(
    stopped: Stopped, openstack: FakeOpenStack
) -> None:
    openstack.images = [image() for _ in range(40)]
    params = {"imageIds": [one["id"] for one in openstack.images]}
    calling = asyncio.create_task(
        stopped.bff.call("compute.image.deleteImages", params, X_Auth_Token=openstack.new_token())
    )
    async with asyncio.timeout(SECONDS):
        for _ in range(16):
            await openstack.arrived.acquire()
        (line,) = await stopped.stop()
        assert told(await calling) == (1, "SERVICE_UNAVAILABLE")
    assert (line["failed_count"], line["successful_count"]) == (40, 0)


async def test_a_request_whose_body_is_still_coming_is_told_so(stopped: Stopped) -> None:
    host, port = stopped.bff.origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /polaris-bff/rpc HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n")
    writer.write(b"Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n")
    async with asyncio.timeout(SECONDS):
        # Now the body is waited for.
        await reader.readuntil(b"100 Continue\r\n\r\n")
        lines = await stopped.stop()
        head, _, answer = (await reader.read()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert told(json.loads(answer)) == (None, "SERVICE_UNAVAILABLE")
    assert [line["event"] for line in lines] == ["refused"]
    writer.close()


@pytest.mark.parametrize(
    ("method", "path", "event"),
    [
        ("POST", "rpc", "call"),
        ("GET", "upload-progress/a85abd86-55b3-4413-a5b7-6cd8a6bd99ac", "a request was cut off"),
        ("POST", "upload-image?imageId=a85abd86-55b3-4413-a5b7-6cd8a6bd99ac", "upload"),
    ],
)
async def test_every_route_that_waits_for_a_silent_keystone_is_told_so(
    method: str, path: str, event: str, before: Before
) -> None:
    asked, never = asyncio.Event(), asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await never.wait()
        writer.close()

    keystone = await asyncio.start_server(silent, "127.0.0.1", 0)
    host, port = keystone.sockets[0].getsockname()
    kinds = {"rpc": "application/json"}
    sent = {"X-Auth-Token": "a-token", "Content-Type": kinds.get(path, "application/octet-stream")}
    stopped = await before(f"http://{host}:{port}/v3")
    calling = asyncio.create_task(
        stopped.bff.request(
            method,
            f"{stopped.bff.origin}/polaris-bff/{path}",
            data=json.dumps(LIST) if method == "POST" else None,
            headers=sent,
        )
    )
    async with asyncio.timeout(SECONDS):
        await asked.wait()
        lines = await stopped.stop()
        response = await calling
    never.set()
    keystone.close()
    assert response.status == (200 if path == "rpc" else 503)
    assert told(await response.json())[1] == "SERVICE_UNAVAILABLE"
    assert [line["event"] for line in lines] == [event]
