"""A Keystone whose tokens are too long for a cookie, before a real Chromium and ``bff serve``."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from aiohttp import web
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect

from tests.browser.conftest import Explorer
from tests.fakes.openstack import PASSWORD, FakeOpenStack, image
from tests.process import line_of, running

SECONDS = 60
LENGTH = 6000
# An upload with its progress, as a page makes both without any client of ours.
UPLOAD = """async (imageId) => {
  const events = new EventSource(`upload-progress/${imageId}`)
  const complete = new Promise((resolve) => events.addEventListener("complete", resolve))
  await new Promise((resolve) => events.addEventListener("open", resolve))
  const form = new FormData()
  form.append("imageId", imageId)
  form.append("file", new Blob([new Uint8Array(3_000_000)]))
  const response = await fetch("upload-image", { method: "POST", body: form })
  await complete
  events.close()
  return response.json()
}"""


@pytest.fixture(scope="module")
def openstack() -> Iterator[FakeOpenStack]:
    """Return a fake Keystone and Glance that run in a thread of their own."""
    fake = FakeOpenStack(token_length=LENGTH)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> web.AppRunner:
        runner = web.AppRunner(fake.application())
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        fake.url = f"http://{host}:{port}"
        return runner

    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(SECONDS)
    try:
        yield fake
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(SECONDS)
        loop.close()


@pytest.fixture(scope="module")
def address(openstack: FakeOpenStack) -> Iterator[str]:
    """Return the address of a BFF in front of it."""
    variables = {"BFF_AUTH_URL": f"{openstack.url}/v3", "BFF_LOG_LEVEL": "error"}
    with running("bff", "serve", "--port", "0", **variables) as process:
        yield line_of(process, containing="ready ").removeprefix("ready ")


def test_a_browser_keeps_a_session_of_several_cookies_and_sends_them_all(
    chromium: Chromium, address: str, openstack: FakeOpenStack
) -> None:
    openstack.images = [image("mine"), queued := image("queued", status="queued")]
    with chromium.new_context(base_url=address, reduced_motion="reduce") as context:
        tab = Explorer(context.new_page()).open()
        tab.sign_in("alice", PASSWORD, "demo")
        cookies = context.cookies()
        assert len(cookies) == 3
        assert all(each["name"].startswith("__Host-polaris-bff") for each in cookies)
        assert all(len(each["name"] + each["value"]) <= 4096 for each in cookies)
        expect(tab.page.get_by_role("link", name="mine")).to_be_visible()
        answer = tab.page.evaluate(UPLOAD, queued["id"])
        assert answer == {"success": True, "imageId": queued["id"]}
        tab.page.reload()
        expect(tab.page.get_by_role("link", name="queued")).to_be_visible()
        # A shorter session in another tab leaves nothing of the longer one.
        openstack.token_length = 0
        params = {"user": "alice", "password": PASSWORD, "projectName": "demo"}
        call = {"jsonrpc": "2.0", "id": 1, "method": "auth.createUserSession", "params": params}
        tab.page.evaluate(
            """(call) => fetch("rpc", {
              method: "POST", headers: { "content-type": "application/json" },
              body: JSON.stringify(call),
            })""",
            call,
        )
        assert len(context.cookies()) == 1
        tab.page.reload()
        expect(tab.page.get_by_role("link", name="mine")).to_be_visible()
        tab.sign_out()
        assert context.cookies() == []
        assert tab.complaints == []
