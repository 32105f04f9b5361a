"""Which answers of the endpoint are compressed, and which never are."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from bff.rpc.registry import query
from bff.server.compression import CODINGS, Compression
from bff.session.context import ProjectContext, UserContext
from schemas.base import NoInput
from tests.bff.conftest import Bff, Start
from tests.fakes.openstack import FakeOpenStack, image
from tests.process import SECONDS

LIST = {"jsonrpc": "2.0", "id": 1, "method": "compute.image.listImages"}
GET = {"jsonrpc": "2.0", "id": 2, "method": "compute.image.getImageById"}
NOTIFICATION = {"jsonrpc": "2.0", "method": LIST["method"]}
CURRENT = {"jsonrpc": "2.0", "id": 3, "method": "auth.getCurrentUserSession"}
DISCOVER = {"jsonrpc": "2.0", "id": 4, "method": "rpc.discover"}
DELETE = {
    "jsonrpc": "2.0",
    "id": 5,
    "method": "compute.image.deleteImage",
    "params": {"imageId": "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac"},
}


@pytest.fixture(autouse=True)
def many(openstack: FakeOpenStack) -> None:
    """Have images that are worth it."""
    openstack.images = [image(f"image {number}", text="é💿" * 500) for number in range(20)]


async def answered(
    bff: Bff, openstack: FakeOpenStack, calls: Any, accepted: str = "zstd, gzip", **headers: str
) -> aiohttp.ClientResponse:
    """Send calls; return the answer, which was unpacked."""
    body = json.dumps(calls).encode()
    sent = {"X_Auth_Token": openstack.new_token(), "Accept_Encoding": accepted, **headers}
    return await bff.post(body, **sent)


def is_compressed(response: aiohttp.ClientResponse) -> bool:
    """Return whether it is."""
    return "Content-Encoding" in response.headers


def may_be(response: aiohttp.ClientResponse) -> bool:
    """Return whether another client might have got another form of it."""
    return "accept-encoding" in response.headers.get("Vary", "")


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("count", [20, 400])
async def test_a_list_is_the_same_text_in_fewer_bytes(
    coding: str, count: int, bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.images = [image(f"image {number}", text="é💿" * 500) for number in range(count)]
    plain = await answered(bff, openstack, LIST, "identity")
    packed = await answered(bff, openstack, LIST, coding)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == coding
    text = await plain.text()
    assert await packed.text() == text
    assert int(plain.headers["Content-Length"]) == len(text.encode())
    assert int(packed.headers["Content-Length"]) < len(text.encode()) / 5
    assert packed.headers["Vary"] == plain.headers["Vary"] == "accept-encoding"
    assert "Transfer-Encoding" not in packed.headers
    assert packed.headers["Content-Type"] == "application/json"
    assert packed.headers["Cache-Control"] == "no-store"
    assert packed.headers["X-Openstack-Request-Id"]


async def test_the_bytes_are_as_many_as_declared(bff: Bff, openstack: FakeOpenStack) -> None:
    headers = {"x-auth-token": openstack.new_token(), "accept-encoding": "gzip"}
    async with (
        aiohttp.ClientSession(auto_decompress=False) as client,
        client.post(bff.url, json=LIST, headers=headers) as response,
    ):
        body = await response.read()
    assert body.startswith(b"\x1f\x8b")
    assert int(response.headers["Content-Length"]) == len(body)


@pytest.mark.parametrize(
    ("calls", "compressed"),
    [
        ([LIST], True),
        ([LIST, NOTIFICATION, GET], True),
        ([LIST, CURRENT], False),
        ([CURRENT, LIST], False),
        ([LIST, {**CURRENT, "id": 3, "method": "auth.listProjects"}], False),
        ([LIST, DELETE], False),
        ([LIST, {"jsonrpc": "2.0", "method": "auth.terminateUserSession"}], False),
        ([LIST, DISCOVER], False),
        ([LIST, {**LIST, "method": "compute.image.none"}], False),
        ([LIST, {**LIST, "method": ["compute.image.listImages"]}], False),
        ([LIST, 1], False),
        ([LIST, {}], False),
        (DISCOVER, False),
        ({**LIST, "method": "x" * 5000}, False),
        ({**LIST, "method": {}}, False),
        ([], False),
    ],
)
async def test_only_queries_in_a_project_are_compressed(
    calls: Any, compressed: bool, bff: Bff, openstack: FakeOpenStack
) -> None:
    response = await answered(bff, openstack, calls)
    assert response.status == 200
    assert is_compressed(response) is may_be(response) is compressed


async def large(ctx: UserContext, params: NoInput) -> str:
    """Answer much."""
    return "x" * 100_000


async def with_cookie(ctx: ProjectContext, params: NoInput) -> str:
    """Answer much, and set a cookie."""
    ctx.caller.set_cookies["session"] = "session=secret"
    return "x" * 100_000


async def test_what_is_about_a_session_or_sets_a_cookie_is_not_compressed(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(query("test.large", large), query("test.cookie", with_cookie))
    for name in ("test.large", "test.cookie"):
        response = await answered(bff, openstack, {**LIST, "method": name})
        assert len(await response.text()) > 100_000
        assert not may_be(response)
        assert not is_compressed(response)


@pytest.mark.parametrize("settings", [{"compression": False}, {"expose_locations": True}])
async def test_the_settings_may_forbid_it(
    settings: dict[str, Any], start: Start, openstack: FakeOpenStack
) -> None:
    response = await answered(await start(**settings), openstack, LIST)
    assert not is_compressed(response)
    assert not may_be(response)


async def test_a_small_answer_is_compressed_for_who_refuses_it_otherwise(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    soft = {"X_BFF_Errors": "soft"}
    plain = await answered(bff, openstack, GET, "gzip", **soft)
    packed = await answered(bff, openstack, GET, "gzip, identity;q=0", **soft)
    assert (is_compressed(plain), is_compressed(packed)) == (False, True)
    assert may_be(plain)
    assert await plain.json() == await packed.json() == {"jsonrpc": "2.0", "result": None, "id": 2}


@pytest.mark.parametrize("accepted", ["identity;q=0", "*;q=0", "br", "gzip;q=x"])
async def test_who_can_be_given_nothing_else_gets_the_answer_as_it_is(
    accepted: str, bff: Bff, openstack: FakeOpenStack
) -> None:
    response = await answered(bff, openstack, LIST, accepted)
    assert (response.status, is_compressed(response)) == (200, False)
    assert len((await response.json())["result"]) == 20


async def test_what_has_no_answer_has_no_coding(bff: Bff, openstack: FakeOpenStack) -> None:
    response = await answered(bff, openstack, NOTIFICATION, "gzip, identity;q=0")
    assert response.status == 204
    assert not may_be(response)
    assert not is_compressed(response)


async def test_other_answers_and_other_routes_are_left_alone(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    headers = {"Accept-Encoding": "gzip, identity;q=0"}
    for method, url in (
        ("GET", bff.url),
        ("HEAD", bff.url),
        ("GET", bff.url.replace("rpc", "openrpc.json")),
        ("GET", bff.url.replace("rpc", "healthz")),
    ):
        response = await bff.request(method, url, headers=headers)
        assert not may_be(response)
        assert not is_compressed(response)
    response = await answered(bff, openstack, LIST, Content_Type="text/plain")
    assert response.status == 415
    assert not may_be(response)


async def test_what_else_the_answer_depends_on_is_said_too(
    start: Start, openstack: FakeOpenStack
) -> None:
    origin = "https://other.example"
    bff = await start(allowed_origins=(origin,))
    response = await answered(bff, openstack, LIST, "gzip", Origin=origin)
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Vary"].lower() == "accept-encoding, origin"


async def test_a_client_that_goes_away_meanwhile_ends_it(
    bff: Bff, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless(*_: Any) -> Any:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(Compression, "encoded", endless)
    asking = asyncio.create_task(answered(bff, openstack, LIST))
    async with asyncio.timeout(SECONDS):
        await begun.wait()
        asking.cancel()
        await ended.wait()
