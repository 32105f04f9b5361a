"""Under load: callers take turns, nobody waits for long, and who has to wait is told why."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.bff.conftest import Bff, Start
from tests.fakes.openstack import BREAK, PASSWORD, FakeOpenStack

LIST = "compute.image.listImages"
DELETE = "compute.image.deleteImages"


def batch(size: int, method: str = LIST, params: Any = None) -> list[dict[str, Any]]:
    """Return a batch of the same call; no two lists are the same, which would be read once."""
    call = {"jsonrpc": "2.0", "method": method}
    return [
        {**call, "id": number, "params": params or {"limit": number + 1}} for number in range(size)
    ]


def errors(answers: Any) -> set[tuple[str, int | None]]:
    """Return code and ``retryAfter`` of whatever failed."""
    failed = [answer["error"]["data"] for answer in answers if "error" in answer]
    return {(data["code"], data.get("retryAfter")) for data in failed}


async def arrivals(openstack: FakeOpenStack, count: int) -> None:
    """Wait until so many requests more have reached Glance."""
    for _ in range(count):
        await openstack.arrived.acquire()


async def known(bff: Bff, openstack: FakeOpenStack, **token: Any) -> str:
    """Return a token of somebody who has called before."""
    made = openstack.new_token(**token)
    await bff.call("auth.getCurrentUserSession", x_auth_token=made)
    return made


async def test_a_script_holds_up_nobody_else(start: Start, openstack: FakeOpenStack) -> None:
    bff = await start()
    script, person = await known(bff, openstack), await known(bff, openstack)
    openstack.gate = asyncio.Event()
    ids = [str(uuid4()) for _ in range(1000)]
    deleting = asyncio.ensure_future(
        bff.json(batch(16, DELETE, {"imageIds": ids}), x_auth_token=script)
    )
    await arrivals(openstack, 32)
    listing = asyncio.ensure_future(bff.call(LIST, x_auth_token=person))
    await arrivals(openstack, 1)
    assert openstack.requests[-1].method == "GET"
    # Whatever it asks for, the script has no more than its share.
    assert openstack.at_a_time == 33
    openstack.gate.set()
    assert (await listing)["result"] == []
    deleting.cancel()


async def test_a_caller_has_its_calls_at_a_time_over_all_its_requests(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(max_calls_per_caller=4)
    script, person = await known(bff, openstack), await known(bff, openstack)
    openstack.gate = asyncio.Event()
    batches = [asyncio.ensure_future(bff.json(batch(3), x_auth_token=script)) for _ in range(5)]
    await arrivals(openstack, 4)
    other = asyncio.ensure_future(bff.call(LIST, x_auth_token=person))
    await arrivals(openstack, 1)
    assert openstack.at_a_time == 5
    openstack.gate.set()
    answers = [answer for group in batches for answer in await group]
    assert len(answers) == 15
    assert errors([*answers, await other]) == set()


async def test_who_waits_for_own_calls_too_long_is_told_to_send_fewer(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(max_calls_per_caller=1, call_timeout=0.4)
    script = await known(bff, openstack)
    openstack.gate = asyncio.Event()
    answers = await bff.json(batch(3), x_auth_token=script)
    assert errors(answers) == {("TIMEOUT", None), ("TOO_MANY_REQUESTS", 1)}
    (first, *_) = [a["error"]["message"] for a in answers if "retryAfter" in a["error"]["data"]]
    assert first == "You have too many calls under way: retry later, with fewer at a time."


async def test_who_waits_for_others_too_long_is_told_that_the_server_is_busy(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(max_calls=1, queue_timeout=0.05)
    script, person = await known(bff, openstack), await known(bff, openstack)
    openstack.gate = asyncio.Event()
    holding = asyncio.ensure_future(bff.call(LIST, x_auth_token=script))
    await arrivals(openstack, 1)
    waiting = await bff.call(LIST, x_auth_token=person)
    assert errors([waiting]) == {("SERVICE_UNAVAILABLE", 1)}
    assert waiting["error"]["message"] == "This server has too many calls under way: retry later."
    openstack.gate.set()
    assert "result" in await holding


async def test_a_full_queue_refuses_at_once(start: Start, openstack: FakeOpenStack) -> None:
    bff = await start(max_calls=1, max_waiting=0, queue_timeout=3600)
    script, person = await known(bff, openstack), await known(bff, openstack)
    openstack.gate = asyncio.Event()
    holding = asyncio.ensure_future(bff.call(LIST, x_auth_token=script))
    await arrivals(openstack, 1)
    assert errors([await bff.call(LIST, x_auth_token=person)]) == {("SERVICE_UNAVAILABLE", 1)}
    holding.cancel()


async def test_of_a_slow_glance_it_is_said_that_its_queue_is_full_and_not_that_it_is_silent(
    start: Start, openstack: FakeOpenStack
) -> None:
    limits = {"max_glance_requests": 2, "queue_timeout": 0.05}
    bff = await start(**limits)
    openstack.gate = asyncio.Event()
    callers = [await known(bff, openstack) for _ in range(8)]
    calls = [asyncio.ensure_future(bff.call(LIST, x_auth_token=caller)) for caller in callers]
    refused = [await call for call in asyncio.as_completed(calls[2:], timeout=60)][:6]
    messages = {answer["error"]["message"] for answer in refused}
    assert messages == {"This server has too many requests to Glance under way: retry later."}
    openstack.gate.set()
    assert errors([await call for call in calls[:2]]) == set()


async def test_retries_do_not_multiply_the_load_of_a_glance_that_resets_everything(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(breaker_failures=1000)
    openstack.glance_status = BREAK
    token = await known(bff, openstack)
    answers = await bff.json(batch(90), x_auth_token=token)
    assert errors(answers) == {("BAD_GATEWAY", None)}
    assert 90 < openstack.calls["GET /v2/images"] <= 90 + 10


async def test_a_glance_that_fails_and_fails_is_left_alone_and_that_is_said(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(breaker_failures=5, breaker_seconds=3600, batch_concurrency=1)
    openstack.glance_status = 503
    token = await known(bff, openstack)
    answers = await bff.json(batch(8), x_auth_token=token)
    assert openstack.calls["GET /v2/images"] == 5
    assert answers[-1]["error"]["data"]["retryAfter"] == 3600
    assert answers[-1]["error"]["message"] == (
        "Could not list images: the last requests to Glance failed, so none is sent for a moment;"
        " try again later."
    )
    projects = await bff.call("auth.listProjects", x_auth_token=token)
    assert "result" in projects


@pytest.mark.parametrize("size", [1, 3])
async def test_a_clients_own_deadline_ends_its_calls_down_to_glance(
    bff: Bff, openstack: FakeOpenStack, size: int
) -> None:
    openstack.gate = asyncio.Event()
    token = await known(bff, openstack)
    answers = await bff.json(batch(size), x_auth_token=token, x_request_timeout="0.2")
    assert errors(answers) == {("TIMEOUT", None)}
    for _ in range(size):
        await openstack.cancelled.acquire()


async def test_a_clients_deadline_is_for_the_whole_batch(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(batch_concurrency=1)
    openstack.gate = asyncio.Event()
    token = await known(bff, openstack)
    answers = await bff.json(batch(20), x_auth_token=token, x_request_timeout="0.2")
    assert errors(answers) == {("TIMEOUT", None)}
    # No time was left for the others.
    assert openstack.calls["GET /v2/images"] == 1


async def test_a_clients_deadline_is_no_longer_than_the_servers(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(call_timeout=0.2)
    openstack.gate = asyncio.Event()
    token = await known(bff, openstack)
    answer = await bff.call(LIST, x_auth_token=token, x_request_timeout="999999999")
    assert answer["error"]["message"] == "compute.image.listImages took longer than 0.2 seconds."


BAD = ["", "0", "0.0", "-1", "+1", "1e3", "inf", "nan", "1s", "1,5", "١", "9" * 5000, ".5", "0x1"]


@pytest.mark.parametrize("seconds", BAD)
async def test_a_deadline_that_is_none_is_refused(bff: Bff, seconds: str) -> None:
    sent = {"x_request_timeout": seconds.encode().decode("latin-1")}
    response = await bff.post(b'{"jsonrpc":"2.0","id":1,"method":"auth.listProjects"}', **sent)
    assert response.status == 400
    assert "X-Request-Timeout takes a number of seconds" in await response.text()


async def test_who_shares_an_address_shares_no_turns_at_glance(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(max_calls_per_caller=2)
    openstack.gate = asyncio.Event()
    # Nobody has seen these tokens before, and all come from one address.
    crowd = [
        asyncio.ensure_future(bff.call(LIST, x_auth_token=openstack.new_token())) for _ in range(10)
    ]
    await arrivals(openstack, 10)
    given = {"user": "alice", "password": PASSWORD, "domainName": "Default"}
    assert "result" in await bff.call("auth.createUserSession", given)
    openstack.gate.set()
    assert errors([await call for call in crowd]) == set()
