"""Progress through a real Redis: its failures, its contents, and other processes."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError
from redis.asyncio import Redis

from bff.errors import BffError, Code
from bff.progress.hub import Hub
from bff.progress.redis import RedisStore
from bff.progress.store import KEEP_SECONDS
from bff.settings import Settings, explain
from tests.bff.conftest import Bff
from tests.bff.progress.conftest import IMAGE, PROJECT, RedisServer, Watched, fail, stream
from tests.bff.progress.test_endpoint import ends_its_streams, events, stopping_late
from tests.bff.progress.test_hub import looks, until, written
from tests.bff.upload.conftest import OCTETS, Uploader, error_of
from tests.fakes.openstack import FakeOpenStack, image
from tests.process import SECONDS, ready, running

DOWN, AGAIN = (
    "upload progress cannot be shared; uploads go on",
    "upload progress is shared again",
)
URL = {"auth_url": "http://keystone/v3"}


@pytest.fixture
async def hub(redis: RedisServer, quick: None) -> AsyncIterator[Hub]:
    async with Hub(RedisStore(redis.url), 10, 10) as hub:
        yield hub


async def stored(redis: RedisServer) -> list[Any]:
    """Return everything that Redis holds."""
    async with Redis.from_url(redis.url) as client:
        return [(name, await client.hgetall(name)) for name in await client.keys("*")]


async def test_an_upload_never_waits_for_redis(hub: Hub, redis: RedisServer) -> None:
    redis.send(signal.SIGSTOP)

    async def upload() -> None:
        async with hub.upload(PROJECT, IMAGE, 10) as reporter:
            reporter.add_bytes(10)

    # It ends at the first step: there is no point at which it could wait for anything.
    with pytest.raises(StopIteration):
        upload().send(None)
    redis.send(signal.SIGCONT)


async def test_a_redis_that_fails_in_mid_upload_is_logged_once_and_found_again(
    hub: Hub, redis: RedisServer, logged: list[Any]
) -> None:
    async with hub.watch(PROJECT, IMAGE) as watch:
        views = watch.views()
        async with hub.upload(PROJECT, IMAGE, 100) as reporter:
            reporter.add_bytes(10)
            await until(views, "progress", 10)
            redis.kill()
            for _ in range(5):
                reporter.add_bytes(10)
                await written(hub)
            assert [line["event"] for line in logged] == [DOWN]
            assert watch.view.data["uploaded"] == 10
            # It has forgotten everything.
            redis.start()
        await until(views, "complete", 60)
    assert [line["event"] for line in logged] == [DOWN, AGAIN]


async def test_a_redis_that_is_not_there_is_said_at_the_start_and_stops_nothing(
    logged: list[Any],
) -> None:
    async with Hub(RedisStore("redis://127.0.0.1:1"), 10, 10) as hub:
        assert [line["event"] for line in logged] == [DOWN]
        assert (await looks(hub)).event == "waiting"
        async with hub.upload(PROJECT, IMAGE, 10) as reporter:
            reporter.add_bytes(10)
    assert [line["event"] for line in logged] == [DOWN]


async def test_what_is_in_redis_expires(hub: Hub, redis: RedisServer) -> None:
    async with hub.upload(PROJECT, IMAGE, 10):
        await written(hub)
        async with Redis.from_url(redis.url) as client:
            (name,) = await client.keys("*")
            assert 0 < await client.ttl(name) <= KEEP_SECONDS


async def test_what_another_version_wrote_is_passed_over(hub: Hub, redis: RedisServer) -> None:
    async with hub.upload(PROJECT, IMAGE, 10):
        await written(hub)
        async with Redis.from_url(redis.url) as client:
            (name,) = await client.keys("*")
            await client.hset(name, "b", '{"of": "another version"}')
            await client.hset(name, "c", b"\xff")
        assert (await looks(hub)).event == "progress"


async def test_redis_holds_no_token_and_no_cookie(
    start_watched: Watched, redis: RedisServer, openstack: FakeOpenStack
) -> None:
    bff, hub = await start_watched(redis_url=redis.url)
    token = openstack.new_token()
    async with stream(bff, IMAGE, X_Auth_Token=token, Cookie="a=cookie-of-mine") as response:
        await fail(hub, BffError(Code.BAD_GATEWAY, "Glance broke off."))
        assert [event async for event in events(response)][-1]["event"] == "error"
    found = str(await stored(redis))
    assert IMAGE in found
    assert "Glance broke off." in found
    assert token not in found
    assert "cookie-of-mine" not in found


async def test_an_upload_in_one_process_is_watched_through_another(
    hub: Hub, redis: RedisServer, openstack: FakeOpenStack, client: aiohttp.ClientSession
) -> None:
    variables = stopping_late(openstack) | {"BFF_REDIS_URL": redis.url}
    words = ["bff", "serve", "--port", "0", "--workers", "2"]
    with running(*words, **variables) as process:
        token = openstack.new_token()
        bff = Bff(await ready(process), client)
        async with (
            asyncio.timeout(SECONDS),
            stream(bff, IMAGE, X_Auth_Token=token) as one,
            stream(bff, IMAGE, X_Auth_Token=token) as other,
            hub.watch(PROJECT, IMAGE) as here,
        ):
            async with hub.upload(PROJECT, IMAGE, 50) as reporter:
                reporter.add_bytes(50)
            await until(here.views(), "complete")
            for response in (one, other):
                seen = [event async for event in events(response)]
                assert seen[0]["event"] == "waiting"
                assert seen[-1]["event"] == "complete"
                assert seen[-1]["data"] == {"uploaded": 50, "total": 50, "percent": 100.0}
        await ends_its_streams(bff, process, token)


async def test_a_stop_of_the_process_that_uploads_is_told_elsewhere_as_the_upload_is_answered(
    hub: Hub, redis: RedisServer, openstack: FakeOpenStack, client: aiohttp.ClientSession
) -> None:
    waits = image(status="queued", size=None)
    openstack.images.append(waits)
    variables = {
        "BFF_AUTH_URL": f"{openstack.url}/v3",
        "BFF_REDIS_URL": redis.url,
        "BFF_SHUTDOWN_TIMEOUT": "0",
        "BFF_UPLOAD_SHUTDOWN_TIMEOUT": "0",
    }
    with running("bff", "serve", "--port", "0", **variables) as process:
        alice = Uploader(Bff(await ready(process), client), openstack.new_token())
        query = f"?imageId={waits['id']}"
        async with (
            asyncio.timeout(SECONDS),
            alice.connection(10**9, OCTETS, query) as upload,
            hub.watch(PROJECT, waits["id"]) as watch,
        ):
            views = watch.views()
            await upload.send(bytes(1_000_000))
            await until(views, "progress")
            process.send_signal(signal.SIGTERM)
            _, _, answer = await upload.answer()
            end = await until(views, "error")
    assert error_of(answer)[0] == "SERVICE_UNAVAILABLE"
    told = end.data["error"]
    assert (told["data"]["code"], told["message"]) == error_of(answer)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:my-secret@host:6379",
        "redis://user:my-secret/with-a-slash@host",
        "redis://host:my-secret",
        "redis://:my-secret@host:99999",
        "redis://:my-secret@host?max_connections=many",
        "redis://:my-secret@host?colour=red",
        "my-secret",
    ],
)
def test_an_unusable_address_stops_the_start_and_is_not_shown(url: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings(**URL, redis_url=url)  # type: ignore[arg-type]
    words = explain(refusal.value)
    assert words.startswith("BFF_REDIS_URL: Value error, must be like redis://")
    assert "my-secret" not in words + str(refusal.value)


@pytest.mark.parametrize("url", ["redis://:p%2Fw@host:6379/1", "rediss://host", "unix:///a/b.sock"])
def test_a_usable_address_is_taken_and_not_shown(url: str) -> None:
    assert url not in repr(Settings(**URL, redis_url=url))  # type: ignore[arg-type]


def test_without_the_package_the_start_stops_and_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ValidationError) as refusal:
        Settings(**URL, redis_url="redis://host")  # type: ignore[arg-type]
    assert "pip install '.[redis]'" in explain(refusal.value)
