"""Two BFFs behind a real nginx or HAProxy, with one Redis: whichever answers, it is right."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.fernet import Fernet

from bff.settings import MIB
from tests.bff.progress.conftest import RedisServer
from tests.deploy.proxies import KINDS, Proxy, running_proxy
from tests.devcloud import Cloud
from tests.process import SECONDS, line_of, running

pytestmark = pytest.mark.cloud
CONTENT = os.urandom(MIB) * 8
RAW = {"container_format": "bare", "disk_format": "raw"}


@pytest.fixture(scope="module")
def servers(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Return the addresses of two BFFs that share keys and a Redis."""
    with ExitStack() as stack:
        # The path of a socket has at most 107 bytes: pytest's own folders may be too deep.
        redis = RedisServer(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        stack.callback(redis.kill)
        shared = {
            "BFF_AUTH_URL": cloud.auth_url,
            "BFF_SECRET_KEYS": Fernet.generate_key().decode(),
            "BFF_REDIS_URL": redis.url,
            "BFF_TRUSTED_PROXIES": "127.0.0.1",
            # Each asks Keystone itself, so that a session's end is seen by both at once.
            "BFF_TOKEN_CACHE_SECONDS": "0",
            # Nobody reads their lines.
            "BFF_LOG_LEVEL": "error",
            "BFF_AUDIT_FILE": str(tmp_path_factory.mktemp("bff") / "audit.log"),
        }
        words = ("bff", "serve", "--port", "0")
        both = [stack.enter_context(running(*words, **shared)) for _ in range(2)]
        first, second = [line_of(process, containing="ready ").split("/")[2] for process in both]
        yield first, second


@pytest.fixture(scope="module", params=KINDS)
def proxy(
    request: pytest.FixtureRequest,
    servers: tuple[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Proxy]:
    """Return a proxy in front of them."""
    folder = tmp_path_factory.mktemp(request.param)
    with running_proxy(request.param, folder, servers) as running_one:
        yield running_one


@dataclass
class Browser:
    """Signed in by a cookie, as a page is."""

    proxy: Proxy
    session: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return f"{self.proxy.origin}/polaris-bff"

    async def answer(self, method: str, mark: str = "", **params: Any) -> Any:
        """Return the whole answer to a call; ``mark`` is for the proxy's log."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        async with self.session.post(f"{self.url}/rpc?{mark}", json=body) as response:
            return await response.json()

    async def do(self, method: str, mark: str = "", **params: Any) -> Any:
        answer = await self.answer(method, mark, **params)
        assert "result" in answer, answer
        return answer["result"]

    async def sign_in(self) -> None:
        await self.do("auth.createUserSession", user="alice", password="alice", projectName="demo")

    async def queued(self) -> str:
        made = await self.do("compute.image.createImage", name="behind a proxy", **RAW)
        return str(made["id"])

    @asynccontextmanager
    async def watching(self, image_id: str) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
        """Watch an upload from now on."""
        url = f"{self.url}/upload-progress/{image_id}"
        async with self.session.get(url) as response:
            assert response.status == 200
            events = _events(response)
            assert (await anext(events))[0] == "waiting"
            yield events


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in response.content:
        kind, _, value = line.decode().strip().partition(": ")
        if kind == "event":
            name = value
        elif kind == "data":
            yield name, json.loads(value)


@pytest.fixture
async def browser(proxy: Proxy) -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.CookieJar(unsafe=True),
        headers={"Origin": proxy.origin},
        connector=aiohttp.TCPConnector(ssl=proxy.ssl),
        timeout=aiohttp.ClientTimeout(total=SECONDS),
    ) as session:
        yield Browser(proxy, session)


async def asked_of_both(browser: Browser, method: str, mark: str, **params: Any) -> list[Any]:
    """Make the same call until each BFF has answered it; returns all answers."""
    # Each over a connection of its own, side by side: round robin and least connections alike
    # give them to both.
    answers = await asyncio.gather(*(browser.answer(method, mark, **params) for _ in range(8)))
    seen = await asyncio.to_thread(browser.proxy.servers_of, mark, requests=8)
    assert set(seen) == {0, 1}
    return list(answers)


async def test_a_session_is_known_to_both_moves_in_both_and_ends_in_both(
    browser: Browser, cloud: Cloud
) -> None:
    await browser.sign_in()
    for answer in await asked_of_both(browser, "compute.image.listImages", "signed-in"):
        assert "Ubuntu 24.04 LTS" in [image["name"] for image in answer["result"]]

    partner = cloud.projects["partner"]
    await browser.do("auth.setCurrentScope", type="project", projectId=partner)
    for answer in await asked_of_both(browser, "auth.getCurrentUserSession", "moved"):
        assert answer["result"]["project"]["id"] == partner

    copy = {cookie.key: cookie.value for cookie in browser.session.cookie_jar}
    await browser.do("auth.terminateUserSession")
    assert len(browser.session.cookie_jar) == 0
    browser.session.cookie_jar.update_cookies(copy)
    for answer in await asked_of_both(browser, "compute.image.listImages", "signed-out"):
        assert answer["error"]["data"]["code"] == "UNAUTHORIZED"


async def test_an_upload_flows_through_and_is_watched_through_both(
    browser: Browser, cloud: Cloud
) -> None:
    await browser.sign_in()
    image_id = await browser.queued()
    seen: list[list[tuple[str, Any]]] = [[], []]
    begun = [asyncio.Event(), asyncio.Event()]
    sent: list[int] = []

    async def watch(number: int, events: AsyncIterator[tuple[str, Any]]) -> None:
        async for event in events:
            seen[number].append(event)
            if event[1]["uploaded"] > 0:
                begun[number].set()

    async def file() -> AsyncIterator[bytes]:
        yield CONTENT[: len(CONTENT) // 2]
        for event in begun:
            await asyncio.wait_for(event.wait(), SECONDS)
        sent.append(len(seen[0]))
        yield CONTENT[len(CONTENT) // 2 :]

    async with AsyncExitStack() as stack:
        # One after the other, so that they are at one BFF each.
        watchers = [await stack.enter_async_context(browser.watching(image_id)) for _ in range(2)]
        watched = asyncio.gather(*(watch(number, each) for number, each in enumerate(watchers)))
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(len(CONTENT))}
        url = f"{browser.url}/upload-image?imageId={image_id}"
        upload = browser.session.post(url, data=file(), headers=headers, expect100=True)
        async with upload as response:
            assert await response.json() == {"success": True, "imageId": image_id}
        await asyncio.wait_for(watched, SECONDS)

    # Half of the file had gone to Glance, and both watchers knew, before the other half was sent.
    assert sent
    whole = {"uploaded": len(CONTENT), "total": len(CONTENT), "percent": 100.0}
    assert [events[-1] for events in seen] == 2 * [("complete", whole)]
    servers_of = browser.proxy.servers_of
    path = f"/upload-progress/{image_id}"
    assert set(await asyncio.to_thread(servers_of, path, requests=2)) == {0, 1}

    image = cloud.glance().get(f"/v2/images/{image_id}")
    found = image["status"], image["size"], image["os_hash_value"]
    assert found == ("active", len(CONTENT), hashlib.sha512(CONTENT).hexdigest())


async def test_a_form_with_its_file_first_and_a_wrong_digest_are_dealt_with_through_the_proxy(
    browser: Browser, cloud: Cloud
) -> None:
    await browser.sign_in()
    image_id = await browser.queued()
    for digest, status in (("0" * 128, 400), (hashlib.sha512(CONTENT).hexdigest(), 200)):
        form = aiohttp.FormData()
        form.add_field("file", BytesIO(CONTENT), filename="disk.img")
        form.add_field("imageId", image_id)
        headers = {"X-Upload-Sha512": digest}
        url = f"{browser.url}/upload-image"
        async with browser.session.post(url, data=form, headers=headers) as response:
            assert response.status == status, await response.text()
    assert cloud.glance().get(f"/v2/images/{image_id}")["size"] == len(CONTENT)


async def test_the_sizes_of_the_bff_are_those_of_the_proxy(browser: Browser) -> None:
    url, most = f"{browser.url}/rpc", 16 * MIB
    call = b'{"jsonrpc":"2.0","id":1,"method":"auth.getCurrentUserSession"}'
    json_type = {"Content-Type": "application/json"}
    for size, status in ((most, 200), (most + 1, 413)):
        body = call.ljust(size)
        async with browser.session.post(url, data=BytesIO(body), headers=json_type) as response:
            answer = await response.json()
            assert (response.status, "error" in answer) == (status, status != 200)
    for size, status in ((31 * 1024, 200), (33 * 1024, 431)):
        long = {"X-First": "a" * size, "X-Second": "b" * size}
        async with browser.session.post(url, data=call, headers=json_type | long) as response:
            assert response.status == status


async def test_another_sites_page_is_refused_and_the_own_one_is_not(browser: Browser) -> None:
    await browser.sign_in()
    for origin, status in ((browser.proxy.origin, 200), ("https://127.0.0.1", 403)):
        body = {"jsonrpc": "2.0", "id": 1, "method": "auth.listProjects"}
        headers = {"Origin": origin, "X-Forwarded-Proto": "http"}
        async with browser.session.post(
            f"{browser.url}/rpc", json=body, headers=headers
        ) as response:
            answer = await response.json()
        assert ("error" in answer) == (status == 403), answer
