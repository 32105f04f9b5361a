"""What requests to Keystone and Glance show: on the wire, in health and in the metrics."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.bff.conftest import Bff, Start
from tests.bff.server.test_metrics import LIST, Measured, free_port, samples
from tests.fakes.openstack import BREAK, SILENCE, FakeOpenStack, image
from tests.process import SECONDS

NOBODY = "http://127.0.0.1:1"


async def measured(start: Start, **settings: Any) -> Measured:
    port = free_port()
    bff: Bff = await start(metrics_address=f"127.0.0.1:{port}", **settings)
    made = Measured(bff.origin, bff.client)
    made.port = port
    return made


async def readiness(bff: Bff) -> Any:
    return await (await bff.request("GET", f"{bff.origin}/readyz")).json()


def requests(service: str, status: str) -> str:
    return f'bff_upstream_requests_total{{service="{service}",status="{status}"}}'


async def get_image(bff: Bff, openstack: FakeOpenStack, trouble: int) -> Any:
    """Ask for an image with which Glance has trouble; returns the error's code."""
    held = image()
    openstack.trouble[held["id"]] = trouble
    answer = await bff.call(
        "compute.image.getImageById", {"imageId": held["id"]}, X_Auth_Token=openstack.new_token()
    )
    return answer["error"]["data"]["code"]


async def test_what_answers_calls_is_not_probed(bff: Bff, openstack: FakeOpenStack) -> None:
    await bff.call(LIST, X_Auth_Token=openstack.new_token())
    before = openstack.calls.copy()
    assert await readiness(bff) == {"status": "ready", "keystone": "ok", "glance": "ok"}
    assert openstack.calls == before


async def test_what_fails_calls_is_not_probed_either(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(glance_url=NOBODY)
    await bff.call(LIST, X_Auth_Token=openstack.new_token())
    assert await readiness(bff) == {"status": "not ready", "keystone": "ok", "glance": "failing"}


async def test_requests_to_services_are_counted(start: Start, openstack: FakeOpenStack) -> None:
    bff = await measured(start)
    await bff.call(LIST, X_Auth_Token=openstack.new_token())
    await bff.call(LIST, X_Auth_Token="none")
    found = samples(await bff.exposition())
    assert found[requests("glance", "200")] == 1
    # The version document, and the token.
    assert found[requests("keystone", "200")] == 2
    assert found[requests("keystone", "404")] == 1
    assert found['bff_upstream_seconds_count{service="keystone"}'] == 3


@pytest.mark.parametrize(
    ("trouble", "status", "times"), [(BREAK, "broken", 3), (SILENCE, "timeout", 1), (503, "503", 1)]
)
async def test_requests_that_fail_are_counted_by_how(
    trouble: int, status: str, times: int, start: Start, openstack: FakeOpenStack
) -> None:
    bff = await measured(start, upstream_timeout=0.5)
    await get_image(bff, openstack, trouble)
    assert await bff.value(requests("glance", status)) == times
    await bff.until('bff_upstream_retries_total{service="glance"}', times - 1)


async def test_an_upload_is_counted_and_its_time_is_not(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await measured(start)
    waiting = image(status="queued")
    openstack.images.append(waiting)
    headers = {
        "X-Auth-Token": openstack.new_token(),
        "Content-Type": "application/octet-stream",
        "X-Image-Id": waiting["id"],
    }
    address = f"{bff.origin}/polaris-bff/upload-image"
    assert (await bff.request("POST", address, data=b"x", headers=headers)).status == 200
    found = samples(await bff.exposition())
    assert found[requests("glance", "204")] == 1
    assert found['bff_upstream_seconds_count{service="glance"}'] == found[requests("glance", "200")]


async def test_a_service_that_nobody_reaches_is_counted(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await measured(start, glance_url=NOBODY)
    await bff.call(LIST, X_Auth_Token=openstack.new_token())
    assert await bff.value(requests("glance", "unreachable")) == 3


async def test_a_breaker_shows_and_so_does_what_it_keeps_back(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await measured(start, breaker_failures=1, breaker_seconds=SECONDS)
    assert await get_image(bff, openstack, 503) == "SERVICE_UNAVAILABLE"
    await bff.until('bff_upstream_breaker_open{service="glance"}', 1)
    await bff.call(LIST, X_Auth_Token=openstack.new_token())
    await bff.until('bff_upstream_shed_total{reason="breaker",service="glance"}', 1)
    found = samples(await bff.exposition())
    assert found['bff_upstream_breaker_open{service="keystone"}'] == 0
    assert found[requests("glance", "503")] == 1


async def test_what_waits_for_its_turn_is_in_flight_too(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await measured(start, max_calls_per_caller=2, max_requests_per_caller=1)
    token = openstack.new_token()
    await bff.call("auth.getCurrentUserSession", X_Auth_Token=token)
    openstack.gate = asyncio.Event()
    calls = [asyncio.create_task(bff.call(LIST, X_Auth_Token=token)) for _ in range(3)]
    await bff.until("bff_calls_in_flight", 3)
    await bff.until("bff_calls_waiting", 1)
    await bff.until('bff_upstream_in_flight{service="glance"}', 1)
    await bff.until('bff_upstream_waiting{service="glance"}', 1)
    openstack.gate.set()
    assert [call["result"] for call in await asyncio.gather(*calls)] == [[], [], []]
    for gauge in ("bff_calls_in_flight", "bff_calls_waiting"):
        await bff.until(gauge, 0)


async def test_calls_that_are_shed_are_counted(start: Start, openstack: FakeOpenStack) -> None:
    bff = await measured(start, max_calls_per_caller=1, max_waiting=0)
    token = openstack.new_token()
    await bff.call("auth.getCurrentUserSession", X_Auth_Token=token)
    openstack.gate = asyncio.Event()
    first = asyncio.create_task(bff.call(LIST, X_Auth_Token=token))
    await openstack.arrived.acquire()
    refused = await bff.call(LIST, X_Auth_Token=token)
    assert refused["error"]["data"]["code"] == "TOO_MANY_REQUESTS"
    openstack.gate.set()
    await first
    await bff.until('bff_calls_shed_total{reason="caller"}', 1)
    counted = f'bff_calls_total{{code="TOO_MANY_REQUESTS",procedure="{LIST}"}}'
    assert await bff.value(counted) == 1
