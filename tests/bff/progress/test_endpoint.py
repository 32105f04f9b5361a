"""The route over real HTTP: events, who may watch, limits, and every way in which it ends."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bff.errors import BffError, Code
from bff.progress import endpoint
from bff.progress.hub import Hub
from tests.bff.command import bff as bff_command
from tests.bff.conftest import Bff
from tests.bff.progress.conftest import IMAGE, PROJECT, Watched, fail, stream
from tests.bff.session.test_sessions import sign_in
from tests.fakes.openstack import PROJECTS, FakeOpenStack
from tests.process import SECONDS, ready, running

PARTNER = PROJECTS["partner"]


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """Yield the events of a stream: what an EventSource would dispatch, without comments."""
    assert response.status == 200, await response.text()
    found: dict[str, Any] = {}
    async with asyncio.timeout(SECONDS):
        async for line in response.content:
            name, _, value = line.decode().rstrip("\r\n").partition(": ")
            if name:
                found[name] = value
            elif "data" in found:
                yield found | {"data": json.loads(found["data"])}
                found = {}


@pytest.fixture(autouse=True)
def no_bug(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test whose server logged an exception: its client may have seen enough by then."""
    yield
    messages = [record.getMessage() for record in caplog.get_records("call")]
    assert not [message for message in messages if "Exception in ASGI" in message]


@pytest.fixture
async def served(start_watched: Watched) -> tuple[Bff, Hub]:
    return await start_watched()


async def refusal(response: aiohttp.ClientResponse) -> tuple[int, str]:
    """Return a refusal's status and code."""
    assert response.content_type == "application/json"
    error = (await response.json())["error"]
    assert error["data"]["httpStatus"] == response.status
    assert error["data"]["requestId"] == response.headers["X-Openstack-Request-Id"]
    return response.status, error["data"]["code"]


async def test_a_stream_tells_the_state_at_once_then_progress_then_the_end(
    served: tuple[Bff, Hub], openstack: FakeOpenStack
) -> None:
    bff, hub = served
    async with stream(bff, IMAGE, X_Auth_Token=openstack.new_token()) as response:
        told = events(response)
        nothing = {"uploaded": 0, "total": None, "percent": None}
        assert await anext(told) == {"event": "waiting", "data": nothing, "retry": "1000"}
        async with hub.upload(PROJECT, IMAGE, 8) as reporter:
            reporter.add_bytes(2)
            moved = await anext(told)
            assert moved["event"] == "progress"
            assert moved["data"] == {"uploaded": 2, "total": 8, "percent": 25.0}
            reporter.add_bytes(6)
        rest = [event async for event in told]
    assert rest[-1]["event"] == "complete"
    assert rest[-1]["data"] == {"uploaded": 8, "total": 8, "percent": 100.0}
    assert [event.get("id") for event in rest[:-1]] == [None] * (len(rest) - 1)


async def test_a_failed_upload_ends_the_stream_with_its_error(
    served: tuple[Bff, Hub], openstack: FakeOpenStack
) -> None:
    bff, hub = served
    async with stream(bff, IMAGE, X_Auth_Token=openstack.new_token()) as response:
        await fail(hub, BffError(Code.PAYLOAD_TOO_LARGE, "The quota is used up."), 2, total=None)
        last = [event async for event in events(response)][-1]
    assert last["event"] == "error"
    assert (last["data"]["uploaded"], last["data"]["total"]) == (2, None)
    assert last["data"]["error"]["code"] == -32013
    assert last["data"]["error"]["data"]["code"] == "PAYLOAD_TOO_LARGE"


async def test_a_stream_has_safe_headers_and_is_not_held_back_by_proxies(
    served: tuple[Bff, Hub], openstack: FakeOpenStack
) -> None:
    async with stream(served[0], IMAGE, X_Auth_Token=openstack.new_token()) as response:
        headers = response.headers
    assert response.content_type == "text/event-stream"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["X-Openstack-Request-Id"].startswith("req-")


async def test_an_idle_stream_has_heartbeats(
    served: tuple[Bff, Hub], openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "HEARTBEAT_SECONDS", 0.01)
    async with stream(served[0], IMAGE, X_Auth_Token=openstack.new_token()) as response:
        async with asyncio.timeout(SECONDS):
            lines = [await response.content.readline() for _ in range(8)]
    assert lines.count(b": still here\r\n") >= 2


async def test_the_end_is_seen_afterwards_but_not_told_twice_to_the_same_eventsource(
    served: tuple[Bff, Hub], openstack: FakeOpenStack
) -> None:
    bff, hub = served
    token = openstack.new_token()
    async with stream(bff, IMAGE, X_Auth_Token=token) as response:
        async with hub.upload(PROJECT, IMAGE, 0):
            pass
        last = [event async for event in events(response)][-1]
    async with stream(bff, IMAGE, X_Auth_Token=token) as response:
        assert [event async for event in events(response)] == [last]
    async with stream(bff, IMAGE, X_Auth_Token=token, Last_Event_ID=last["id"]) as response:
        assert response.status == 204
    for query, event in ((f"?after={last['id']}", "waiting"), ("?after=", "complete")):
        async with stream(bff, IMAGE, query, X_Auth_Token=token) as response:
            assert (await anext(events(response)))["event"] == event


async def test_a_foreign_upload_looks_like_none(
    served: tuple[Bff, Hub], openstack: FakeOpenStack
) -> None:
    bff, hub = served
    foreign = openstack.new_token("partner")
    async with hub.upload(PROJECT, IMAGE, 8) as reporter:
        reporter.add_bytes(2)
        async with stream(bff, IMAGE, X_Auth_Token=openstack.new_token()) as response:
            told = events(response)
            while (await anext(told))["event"] != "progress":
                pass
        async with (
            stream(bff, IMAGE, X_Auth_Token=foreign) as theirs,
            stream(bff, str(uuid.uuid4()), X_Auth_Token=foreign) as nobodys,
        ):
            assert await anext(events(theirs)) == await anext(events(nobodys))
            headers = [
                {name.lower(): value for name, value in response.headers.items()}
                for response in (theirs, nobodys)
            ]
            for found in headers:
                found.pop("date", None)
                del found["x-openstack-request-id"]
            assert headers[0] == headers[1]


async def test_a_browser_watches_with_its_cookie_and_names_a_project_in_the_query(
    served: tuple[Bff, Hub],
) -> None:
    bff, hub = served
    _, cookie = await sign_in(bff)
    headers = {"Cookie": cookie, "Sec_Fetch_Site": "same-origin"}
    async with hub.upload(PARTNER, IMAGE, 8), stream(bff, IMAGE, **headers) as mine:
        assert (await anext(events(mine)))["event"] == "waiting"
        async with stream(bff, IMAGE, f"?project_id={PARTNER}", **headers) as partners:
            told = events(partners)
            while (await anext(told))["event"] != "progress":
                pass
        async with stream(bff, IMAGE, X_Project_Id=PARTNER, **headers) as partners:
            assert (await anext(events(partners)))["event"] == "progress"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Origin": "https://other.example"},
        {"Origin": "https://other.example"},
    ],
)
async def test_another_site_cannot_watch_with_the_browsers_cookie(
    headers: dict[str, str], served: tuple[Bff, Hub]
) -> None:
    _, cookie = await sign_in(served[0])
    async with stream(served[0], IMAGE, Cookie=cookie, **headers) as response:
        assert await refusal(response) == (403, "FORBIDDEN")


async def test_a_page_of_an_allowed_origin_may_watch(start_watched: Watched) -> None:
    bff, _ = await start_watched(allowed_origins=("https://front.example",))
    _, cookie = await sign_in(bff)
    sent = {"Cookie": cookie, "Origin": "https://front.example", "Sec_Fetch_Site": "cross-site"}
    async with stream(bff, IMAGE, **sent) as response:
        assert (await anext(events(response)))["event"] == "waiting"
        assert response.headers["Access-Control-Allow-Origin"] == "https://front.example"
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
    asked = {
        "Origin": "https://front.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "x-project-id, last-event-id",
    }
    url = f"{bff.origin}/polaris-bff/upload-progress/{IMAGE}"
    assert (await bff.request("OPTIONS", url, headers=asked)).status == 200


async def test_whoever_may_not_watch_is_told_why(
    served: tuple[Bff, Hub], openstack: FakeOpenStack
) -> None:
    bff, _ = served
    mine, unscoped = openstack.new_token(), openstack.new_token(None)
    foreign = "f" * 32
    cases: list[tuple[str, dict[str, str], tuple[int, str]]] = [
        ("", {}, (401, "UNAUTHORIZED")),
        ("", {"X_Auth_Token": "dead"}, (401, "UNAUTHORIZED")),
        ("", {"X_Auth_Token": unscoped}, (412, "PRECONDITION_FAILED")),
        (f"?project_id={foreign}", {"X_Auth_Token": mine}, (403, "FORBIDDEN")),
        ("", {"X_Auth_Token": mine, "X_Project_Id": foreign}, (403, "FORBIDDEN")),
        ("?project_id=../x", {"X_Auth_Token": mine}, (400, "BAD_REQUEST")),
        ("?project_id=", {"X_Auth_Token": mine}, (400, "BAD_REQUEST")),
        ("?after=x", {"X_Auth_Token": mine}, (400, "BAD_REQUEST")),
    ]
    for query, headers, expected in cases:
        async with stream(bff, IMAGE, query, **headers) as response:
            assert await refusal(response) == expected, (query, headers)


@pytest.mark.parametrize(
    "image_id",
    ["x", f"{IMAGE}x", "*", f"{IMAGE}%0A", f"{IMAGE}:x", "%00", "a" * 10_000],
    ids=range(7),
)
async def test_an_id_that_is_no_uuid_is_refused(
    image_id: str, served: tuple[Bff, Hub], openstack: FakeOpenStack
) -> None:
    async with stream(served[0], image_id, X_Auth_Token=openstack.new_token()) as response:
        assert await refusal(response) == (400, "BAD_REQUEST")


async def test_only_get_watches(served: tuple[Bff, Hub], openstack: FakeOpenStack) -> None:
    bff, hub = served
    url = f"{bff.origin}/polaris-bff/upload-progress/{IMAGE}"
    headers = {"X-Auth-Token": openstack.new_token()}
    response = await bff.request("POST", url, headers=headers)
    assert await refusal(response) == (405, "METHOD_NOT_SUPPORTED")
    assert response.headers["Allow"] == "GET, HEAD"
    head = await bff.request("HEAD", url, headers=headers)
    assert (head.status, head.content_type) == (200, "text/event-stream")
    assert not hub._watches


async def test_a_watcher_too_many_is_refused_until_another_one_leaves(
    start_watched: Watched, openstack: FakeOpenStack
) -> None:
    bff, _ = await start_watched(max_watchers=1)
    headers = {"X_Auth_Token": openstack.new_token()}
    async with stream(bff, IMAGE, **headers), stream(bff, IMAGE, **headers) as response:
        assert await refusal(response) == (429, "TOO_MANY_REQUESTS")
    async with asyncio.timeout(SECONDS):
        # The server hears a moment later that the first one is gone.
        while True:
            async with stream(bff, IMAGE, **headers) as response:
                if response.status == 200:
                    break


@pytest.mark.parametrize("code", [Code.UNAUTHORIZED, Code.SERVICE_UNAVAILABLE])
async def test_the_end_of_the_session_ends_the_stream_and_a_pause_of_keystone_does_not(
    code: Code,
    served: tuple[Bff, Hub],
    openstack: FakeOpenStack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bff, hub = served
    checked = asyncio.Semaphore(0)
    entered = endpoint._authorized_context

    async def refuse(request: Any) -> Any:
        checked.release()
        raise BffError(code, "Keystone says so.")

    monkeypatch.setattr(endpoint, "RECHECK_SECONDS", 0.01)
    async with stream(bff, IMAGE, X_Auth_Token=openstack.new_token()) as response:
        told = events(response)
        assert (await anext(told))["event"] == "waiting"
        monkeypatch.setattr(endpoint, "_authorized_context", refuse)
        if code is Code.UNAUTHORIZED:
            assert [event async for event in told] == []
            return
        for _ in range(3):
            await checked.acquire()
        async with hub.upload(PROJECT, IMAGE, 8):
            assert (await anext(told))["event"] == "progress"
        monkeypatch.setattr(endpoint, "_authorized_context", entered)


async def test_a_revoked_token_ends_the_stream(
    start_watched: Watched, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "RECHECK_SECONDS", 0.01)
    bff, _ = await start_watched(token_cache_seconds=0)
    token = openstack.new_token()
    async with stream(bff, IMAGE, X_Auth_Token=token) as response:
        told = events(response)
        assert (await anext(told))["event"] == "waiting"
        del openstack.tokens[token]
        assert [event async for event in told] == []
    async with stream(bff, IMAGE, X_Auth_Token=token) as response:
        assert await refusal(response) == (401, "UNAUTHORIZED")


async def test_a_client_that_does_not_read_is_given_up(
    start_watched: Watched,
    openstack: FakeOpenStack,
    logged: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(endpoint, "SEND_SECONDS", 0.01)
    ended = asyncio.Event()

    def stuck(app: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            async def send_start_only(message: Message) -> None:
                if message["type"] == "http.response.body" and "progress" in scope["path"]:
                    await asyncio.Event().wait()
                await send(message)

            await app(scope, receive, send_start_only)
            if scope["type"] == "http" and "progress" in scope["path"]:
                ended.set()

        return serve

    bff, hub = await start_watched(stuck)
    async with stream(bff, IMAGE, X_Auth_Token=openstack.new_token()):
        async with asyncio.timeout(SECONDS):
            await ended.wait()
    assert not hub._watches
    assert "a watcher does not read what it is sent" in [line["event"] for line in logged]


async def test_sigterm_ends_an_open_stream_in_good_order(
    openstack: FakeOpenStack, client: aiohttp.ClientSession
) -> None:
    with running("bff", "serve", "--port", "0", **stopping_late(openstack)) as process:
        bff = Bff(await ready(process), client)
        await ends_its_streams(bff, process, openstack.new_token())


def stopping_late(openstack: FakeOpenStack) -> dict[str, str]:
    """Return settings with which a stream that held up the stop would make the test fail."""
    return {"BFF_AUTH_URL": f"{openstack.url}/v3", "BFF_SHUTDOWN_TIMEOUT": "3600"}


async def ends_its_streams(bff: Bff, process: subprocess.Popen[str], token: str) -> None:
    async with stream(bff, str(uuid.uuid4()), X_Auth_Token=token) as response:
        told = events(response)
        assert (await anext(told))["event"] == "waiting"
        process.send_signal(signal.SIGTERM)
        # The end of the body arrives: a broken one would raise.
        assert [event async for event in told] == []
    assert await asyncio.to_thread(process.wait, SECONDS) in (0, -signal.SIGTERM)
    assert process.stderr is not None
    assert "without completing" not in process.stderr.read()


@pytest.mark.parametrize(
    ("workers", "redis_url", "says"),
    [("2", "", True), ("1", "", False), ("2", "redis://127.0.0.1:1", False)],
)
def test_several_workers_without_redis_say_what_will_not_work(
    workers: str, redis_url: str, says: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        # It stops once it has said that: the port is taken.
        words = ["serve", "--port", str(taken.getsockname()[1]), "--workers", workers]
        keystone = {"BFF_AUTH_URL": "http://127.0.0.1:1/v3"}
        done = bff_command(*words, **keystone, BFF_REDIS_URL=redis_url)
    assert ("BFF_REDIS_URL is not set: with several workers" in done.stderr) is says
    assert "Cannot listen" in done.stderr
