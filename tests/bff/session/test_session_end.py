"""When a session ends: it is said in time, and signing in again goes on from there."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from tests.bff.conftest import Bff, Start
from tests.bff.session.test_long_tokens import Browser
from tests.fakes.openstack import PROJECTS, FakeOpenStack, image

LEFT = "X-Session-Expires-In"
LIST = "compute.image.listImages"
SECONDS = 60


async def posted(bff: Bff, method: str, **headers: str) -> aiohttp.ClientResponse:
    body = {"jsonrpc": "2.0", "id": 1, "method": method}
    return await bff.request("POST", bff.url, json=body, headers=headers)


@pytest.fixture
async def browser(bff: Bff, openstack: FakeOpenStack) -> Browser:
    openstack.lifetime = timedelta(seconds=1000)
    browser = Browser(bff)
    await browser.sign_in()
    return browser


async def test_each_answer_of_a_session_says_how_long_it_lasts_yet(
    browser: Browser, bff: Bff
) -> None:
    for method in (LIST, "auth.listProjects", "nonsense.procedure"):
        response = await posted(bff, method, **browser.headers())
        assert 0 < int(response.headers[LEFT]) <= 1000
    moved = {"type": "project", "projectId": PROJECTS["partner"]}
    assert "result" in await browser.call("auth.setCurrentScope", **moved)


async def test_a_session_that_begins_says_it_and_one_that_ends_says_nothing(
    bff: Bff, browser: Browser, openstack: FakeOpenStack
) -> None:
    openstack.lifetime = timedelta(seconds=2000)
    params = {"user": "alice", "password": "secret-password"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "auth.createUserSession", "params": params}
    response = await bff.request("POST", bff.url, json=body, headers=browser.headers())
    # It is of the new one, also where there was one.
    assert 1000 < int(response.headers[LEFT]) <= 2000
    assert LEFT not in (await posted(bff, "auth.terminateUserSession", **browser.headers())).headers


async def test_nobody_is_told_of_a_session_that_is_not_theirs(
    bff: Bff, browser: Browser, openstack: FakeOpenStack
) -> None:
    await browser.user()
    assert LEFT not in (await posted(bff, LIST)).headers
    assert LEFT not in (await posted(bff, LIST, **{"X-Auth-Token": "x"})).headers
    token = {"X-Auth-Token": openstack.new_token()}
    assert LEFT not in (await posted(bff, LIST, **token)).headers
    other = {"X-Session-User": "9" * 32}
    assert LEFT not in (await posted(bff, LIST, **browser.headers(), **other)).headers
    foreign = browser.headers() | {"Origin": "https://evil.example"}
    assert LEFT not in (await posted(bff, LIST, **foreign)).headers
    openstack.tokens.clear()
    forged = {"Cookie": "__Host-polaris-bff=forged", "Origin": bff.origin}
    assert LEFT not in (await posted(bff, LIST, **forged)).headers


async def test_pages_of_an_allowed_origin_may_read_it(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(allowed_origins=["https://ui.example"])
    response = await posted(bff, LIST, Origin="https://ui.example")
    assert LEFT in response.headers["Access-Control-Expose-Headers"]


async def test_who_signs_in_again_loses_neither_calls_nor_uploads_under_way(
    bff: Bff, browser: Browser, openstack: FakeOpenStack
) -> None:
    openstack.images = [queued := image(status="queued")]
    first, old = set(openstack.tokens), browser.headers()
    openstack.gate = asyncio.Event()

    async def upload() -> Any:
        url = f"{bff.origin}/polaris-bff/upload-image"
        form = aiohttp.FormData({"imageId": queued["id"]})
        form.add_field("file", b"data", filename="disk")
        response = await bff.request("POST", url, data=form, headers=old)
        return await response.json(), response.headers

    async with asyncio.timeout(SECONDS):
        uploading = asyncio.create_task(upload())
        await openstack.arrived.acquire()
        openstack.lifetime = timedelta(seconds=2000)
        await browser.sign_in()
        # What was begun with the old token goes on with it: it ends by itself.
        assert first <= set(openstack.tokens)
        openstack.gate.set()
        answer, headers = await uploading
    assert answer == {"success": True, "imageId": queued["id"]}
    assert 0 < int(headers[LEFT]) <= 1000
    renewed = await posted(bff, LIST, **browser.headers())
    assert 1000 < int(renewed.headers[LEFT]) <= 2000
