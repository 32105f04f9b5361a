"""Bulk operations: at most so many at a time, in the order asked, each image on its own."""

from __future__ import annotations

import asyncio
import random
import uuid
from typing import Any

import pytest

from bff.rpc.bulk import Bulk
from tests.bff.conftest import Bff, Start
from tests.fakes.openstack import BREAK, SILENCE, FakeOpenStack, image

SECONDS = 20
# The request that each procedure makes for one image.
REQUESTS = {
    "deleteImages": "DELETE /v2/images/{}",
    "activateImages": "POST /v2/images/{}/actions/reactivate",
    "deactivateImages": "POST /v2/images/{}/actions/deactivate",
}
every_procedure = pytest.mark.parametrize("procedure", REQUESTS)


def images(openstack: FakeOpenStack, count: int) -> list[str]:
    """Put images into the fake Glance and return their ids, shuffled."""
    made = [image(f"image {number}") for number in range(count)]
    openstack.images = made
    return random.Random(count).sample([one["id"] for one in made], count)


async def run(
    bff: Bff, openstack: FakeOpenStack, procedure: str, ids: list[str], **headers: str
) -> Any:
    """Make one call and return its result."""
    token = openstack.new_token()
    name = f"compute.image.{procedure}"
    answer = await bff.call(name, {"imageIds": ids}, X_Auth_Token=token, **headers)
    assert "result" in answer, answer
    return answer["result"]


def asked(openstack: FakeOpenStack) -> list[str]:
    """Return what Glance was asked, in order."""
    return [f"{r.method} {r.path}" for r in openstack.requests if r.path.startswith("/v2/")]


def failures(result: Any) -> dict[str, tuple[str, str]]:
    """Return error and code of each failure by the image's id, in order."""
    assert all(one.keys() == {"id", "error", "code", "message"} for one in result["failed"])
    return {one["id"]: (one["error"], one["code"]) for one in result["failed"]}


@every_procedure
async def test_1000_images_are_done_in_one_call_16_at_a_time_and_come_back_in_order(
    procedure: str, bff: Bff, openstack: FakeOpenStack
) -> None:
    ids = images(openstack, 1000)
    openstack.gate = asyncio.Event()
    call = asyncio.create_task(run(bff, openstack, procedure, ids))
    async with asyncio.timeout(SECONDS):
        for _ in range(16):
            await openstack.arrived.acquire()
        openstack.gate.set()
        assert await call == {"successful": ids, "failed": []}
    assert openstack.most_at_a_time == 16
    assert sorted(asked(openstack)) == sorted(REQUESTS[procedure].format(i) for i in ids)


async def test_the_number_at_a_time_is_a_setting(start: Start, openstack: FakeOpenStack) -> None:
    bff = await start(bulk_concurrency=3)
    ids = images(openstack, 20)
    assert (await run(bff, openstack, "deleteImages", ids))["successful"] == ids
    assert openstack.most_at_a_time <= 3


@every_procedure
async def test_an_image_that_is_named_several_times_is_done_once(
    procedure: str, bff: Bff, openstack: FakeOpenStack
) -> None:
    one, other = images(openstack, 2)
    missing = str(uuid.uuid4())
    result = await run(bff, openstack, procedure, [one, other, one, missing, one, other, missing])
    assert result["successful"] == [one, other]
    assert failures(result) == {missing: ("404", "NOT_FOUND")}
    assert sorted(asked(openstack)) == sorted(
        REQUESTS[procedure].format(i) for i in (one, other, missing)
    )


TROUBLE = {
    "is forbidden": (403, ("403", "FORBIDDEN")),
    "is in use": (409, ("409", "CONFLICT")),
    "vanished": (404, ("404", "NOT_FOUND")),
    "vanished meanwhile": (410, ("404", "NOT_FOUND")),
    "asks for patience": (429, ("429", "TOO_MANY_REQUESTS")),
    "is too much for Glance": (500, ("502", "BAD_GATEWAY")),
    "breaks the connection": (BREAK, ("502", "BAD_GATEWAY")),
    "needs another token": (401, ("401", "UNAUTHORIZED")),
}


@every_procedure
async def test_an_image_that_fails_does_not_spoil_the_others(
    procedure: str, bff: Bff, openstack: FakeOpenStack
) -> None:
    ids = images(openstack, 4 * len(TROUBLE))
    bad = dict(zip(ids[::4], TROUBLE.values(), strict=True))
    openstack.trouble = {image_id: trouble for image_id, (trouble, _) in bad.items()}
    result = await run(bff, openstack, procedure, ids)
    assert result["successful"] == [image_id for image_id in ids if image_id not in bad]
    assert list(failures(result).items()) == [(i, expected) for i, (_, expected) in bad.items()]
    for failure in result["failed"]:
        assert failure["id"] in failure["message"]


async def test_a_bug_that_one_image_meets_does_not_spoil_the_others(logged: list[Any]) -> None:
    async def act(image_id: str) -> None:
        if image_id == "bad":
            raise RuntimeError("the-text-of-an-exception")

    result = await Bulk(act, ["one", "bad", "other"], "req-1").run(concurrency=1, seconds=SECONDS)
    assert result.successful == ["one", "other"]
    (failure,) = result.failed
    assert (failure.id, failure.error, failure.code) == ("bad", "500", "INTERNAL_SERVER_ERROR")
    assert failure.message == "Internal error: it was logged under the request id req-1."
    assert [line["event"] for line in logged] == ["a handler failed"]


async def test_a_timeout_that_is_a_bug_is_not_taken_for_the_end_of_the_calls_time() -> None:
    async def act(image_id: str) -> None:
        raise TimeoutError(image_id)

    result = await Bulk(act, ["one"], "req-1").run(concurrency=1, seconds=SECONDS)
    assert [failure.code for failure in result.failed] == ["INTERNAL_SERVER_ERROR"]


async def test_an_image_that_is_never_answered_does_not_spoil_the_others(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(upstream_timeout=1)
    ids = images(openstack, 20)
    openstack.trouble = {ids[0]: SILENCE}
    result = await run(bff, openstack, "deleteImages", ids)
    assert result["successful"] == ids[1:]
    assert failures(result) == {ids[0]: ("504", "GATEWAY_TIMEOUT")}


async def test_what_is_not_done_within_the_calls_deadline_fails_and_what_is_done_is_told(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(call_timeout=1, bulk_concurrency=1)
    ids = images(openstack, 6)
    openstack.trouble = {ids[3]: SILENCE}
    result = await run(bff, openstack, "deleteImages", ids)
    assert result["successful"] == ids[:3]
    assert failures(result) == dict.fromkeys(ids[3:], ("408", "TIMEOUT"))
    assert asked(openstack) == [REQUESTS["deleteImages"].format(i) for i in ids[:4]]
    timed_out, *not_started = [failure["message"] for failure in result["failed"]]
    assert "may have worked" in timed_out
    assert all(message.startswith("Timed out before") for message in not_started)


@every_procedure
async def test_a_client_that_goes_away_stops_what_has_not_begun_and_what_was_done_is_logged(
    procedure: str, bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    ids = images(openstack, 100)
    openstack.trouble = dict.fromkeys(ids[5:], SILENCE)
    call = asyncio.create_task(run(bff, openstack, procedure, ids))
    async with asyncio.timeout(SECONDS):
        for _ in range(5 + 16):
            await openstack.arrived.acquire()
        call.cancel()
        for _ in range(16):
            await openstack.cancelled.acquire()
    assert sorted(asked(openstack)) == sorted(REQUESTS[procedure].format(i) for i in ids[:21])
    (line,) = [line for line in logged if line["event"] == "call"]
    assert line["status"] == "CLIENT_CLOSED_REQUEST"
    assert line["successful"] == ids[:5]
    assert (line["failed"], line["failed_count"]) == (ids[5:15], 95)


@every_procedure
async def test_what_was_done_and_what_was_not_is_in_the_log(
    procedure: str, bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    one, other, bad = images(openstack, 3)
    openstack.trouble = {bad: 409}
    await run(bff, openstack, procedure, [one, bad, other])
    (line,) = [line for line in logged if line["event"] == "call"]
    assert (line["successful"], line["failed"]) == ([one, other], [bad])


@every_procedure
async def test_in_soft_mode_single_failures_stay_in_the_result(
    procedure: str, bff: Bff, openstack: FakeOpenStack
) -> None:
    missing = str(uuid.uuid4())
    result = await run(bff, openstack, procedure, [missing], X_BFF_Errors="soft")
    assert failures(result) == {missing: ("404", "NOT_FOUND")}


async def test_a_token_that_glance_refuses_is_looked_at_again(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    ids = images(openstack, 3)
    openstack.trouble = dict.fromkeys(ids, 401)
    token = openstack.new_token()
    name, params = "compute.image.deleteImages", {"imageIds": ids}
    for _ in range(2):
        result = (await bff.call(name, params, X_Auth_Token=token))["result"]
        assert failures(result) == dict.fromkeys(ids, ("401", "UNAUTHORIZED"))
    assert openstack.calls["GET /v3/auth/tokens"] == 2


@every_procedure
async def test_of_no_images_nothing_is_done_and_nothing_failed(
    procedure: str, bff: Bff, openstack: FakeOpenStack
) -> None:
    assert await run(bff, openstack, procedure, []) == {"successful": [], "failed": []}
    assert asked(openstack) == []


async def test_no_images_need_a_session_as_some_do(bff: Bff) -> None:
    answer = await bff.call("compute.image.deleteImages", {"imageIds": []})
    assert answer["error"]["data"]["code"] == "UNAUTHORIZED"


REFUSED: dict[str, tuple[Any, list[str | int]]] = {
    "1001": ([str(uuid.UUID(int=n)) for n in range(1001)], ["imageIds"]),
    "one alone": (str(uuid.UUID(int=1)), ["imageIds"]),
    "null": (None, ["imageIds"]),
    "one that is no id": ([str(uuid.UUID(int=1)), "../tasks"], ["imageIds", 1]),
    "one that is a number": ([1], ["imageIds", 0]),
}


@pytest.mark.parametrize("fault", REFUSED)
@every_procedure
async def test_ids_that_cannot_be_are_refused_before_anything_is_done(
    procedure: str, fault: str, bff: Bff, openstack: FakeOpenStack
) -> None:
    ids, path = REFUSED[fault]
    name = f"compute.image.{procedure}"
    answer = await bff.call(name, {"imageIds": ids}, X_Auth_Token=openstack.new_token())
    assert answer["error"]["data"]["code"] == "BAD_REQUEST"
    assert [issue["path"] for issue in answer["error"]["data"]["issues"]] == [path]
    assert asked(openstack) == []


async def test_another_name_for_the_ids_is_refused_with_the_right_one(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    params = {"imageIDs": [str(uuid.uuid4())]}
    token = openstack.new_token()
    error = (await bff.call("compute.image.deleteImages", params, X_Auth_Token=token))["error"]
    assert "did you mean imageIds?" in error["message"]
