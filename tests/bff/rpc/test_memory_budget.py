"""What the calls of a batch may have in memory together, while they run and afterwards."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bff.errors import BffError, Code
from bff.rpc.memory_budget import Allocation, Budget
from schemas.json import enclosed
from tests.bff.conftest import Bff, Start
from tests.fakes.openstack import FakeOpenStack, image
from tests.process import SECONDS, ready, running

MIB = 1024 * 1024
LIST = {"jsonrpc": "2.0", "id": 1, "method": "compute.image.listImages"}
CURRENT = {"jsonrpc": "2.0", "id": 1, "method": "auth.getCurrentUserSession"}


def test_what_runs_and_what_has_ended_counts_together() -> None:
    budget = Budget(100)
    ended, running_ = Allocation(budget), Allocation(budget)
    ended.count(30)
    ended.finish(60)
    running_.count(40)
    assert (budget.used, budget.exceeded) == (100, False)
    with pytest.raises(BffError, match="read more than 100 bytes") as caught:
        running_.count(1)
    assert caught.value.code is Code.PAYLOAD_TOO_LARGE
    assert budget.used == 60


def test_a_call_that_is_cut_off_makes_room_for_the_others() -> None:
    budget = Budget(100)
    one, other = Allocation(budget), Allocation(budget)
    one.count(60)
    with pytest.raises(BffError):
        other.count(50)
    other.finish(5)
    one.count(30)
    one.finish(90)
    assert (budget.used, budget.exceeded) == (95, False)


def test_an_answer_may_be_larger_than_what_was_read_for_it() -> None:
    budget = Budget(100)
    Allocation(budget).finish(101)
    assert budget.exceeded


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_texts_are_put_together_as_json_has_them(count: int) -> None:
    texts = [str(number).encode() for number in range(count)]
    assert json.loads(enclosed(b"[", texts, b"]")) == list(range(count))
    around = enclosed(b'{"a":[', texts, b'],"b":1}')
    assert json.loads(around) == {"a": list(range(count)), "b": 1}


@pytest.fixture
def large(openstack: FakeOpenStack) -> dict[str, Any]:
    """Return an image whose text has more than 40,000 bytes, the only one that there is."""
    made = image(text="x" * 40_000)
    openstack.images = [made]
    return made


def codes(answers: list[Any]) -> list[str]:
    return [one["error"]["data"]["code"] if "error" in one else "ok" for one in answers]


@pytest.mark.parametrize("name", ["listImages", "listImagesWithPagination"])
async def test_the_calls_that_go_over_are_refused_and_the_others_answered(
    name: str,
    start: Start,
    openstack: FakeOpenStack,
    large: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bff.rpc.jsonrpc.MAX_BATCH_BYTES", 100_000)
    bff = await start()
    openstack.gate = asyncio.Event()
    call = LIST | {"method": f"compute.image.{name}"}
    batch = [call | {"id": number, "params": {"limit": number + 1}} for number in range(16)]
    asking = asyncio.create_task(bff.json(batch, X_Auth_Token=openstack.new_token()))
    async with asyncio.timeout(SECONDS):
        for _ in batch:
            await openstack.arrived.acquire()
        openstack.gate.set()
        answers = await asking
    assert [answer["id"] for answer in answers] == list(range(16))
    outcomes = codes(answers)
    assert 1 <= outcomes.count("ok") <= 2
    assert set(outcomes) == {"ok", "PAYLOAD_TOO_LARGE"}
    whole = next(answer for answer in answers if "result" in answer)
    assert large["id"] in json.dumps(whole)


async def test_a_call_on_its_own_may_read_what_a_batch_may_not(
    start: Start, openstack: FakeOpenStack, large: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bff.rpc.jsonrpc.MAX_BATCH_BYTES", 10_000)
    bff = await start()
    token = openstack.new_token()
    (refused,) = await bff.json([LIST], X_Auth_Token=token)
    assert "send this call on its own" in refused["error"]["message"]
    assert (await bff.json(LIST, X_Auth_Token=token))["result"] == [large]


async def test_what_keystone_answers_is_shared_by_calls_and_counts_for_none(
    start: Start, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bff.rpc.jsonrpc.MAX_BATCH_BYTES", 10)
    bff = await start()
    (answer,) = await bff.json([CURRENT], X_Auth_Token=openstack.new_token())
    assert answer["result"]["user"]["name"] == "alice"


@pytest.mark.usefixtures("large")
async def test_in_soft_mode_a_call_that_goes_over_is_null(
    start: Start, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bff.rpc.jsonrpc.MAX_BATCH_BYTES", 10_000)
    bff = await start()
    token = openstack.new_token()
    answers = await bff.json([LIST], X_Auth_Token=token, X_BFF_Errors="soft")
    assert answers == [{"jsonrpc": "2.0", "result": None, "id": 1}]


@pytest.mark.parametrize("in_batch", [True, False])
async def test_an_answer_that_is_sent_in_pieces_is_the_same_text(
    in_batch: bool, bff: Bff, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    openstack.images = [image(f"image {number}", text="é💿" * 10_000) for number in range(20)]
    body = json.dumps([LIST, CURRENT, LIST | {"id": "two"}] if in_batch else LIST).encode()
    token = openstack.new_token()
    pieces = await bff.post(body, X_Auth_Token=token)
    monkeypatch.setattr("bff.rpc.endpoint.LARGE", 100 * MIB)
    joined = await bff.post(body, X_Auth_Token=token)
    assert await pieces.text() == await joined.text()
    for name in ("Content-Length", "Content-Type", "Cache-Control"):
        assert pieces.headers[name] == joined.headers[name]
    answer = await pieces.json()
    assert (answer[2] if in_batch else answer)["result"] == openstack.images


@pytest.fixture
async def huge() -> AsyncIterator[str]:
    """Return the address of a Glance, and Keystone, each list of which has 40 MB."""
    images = [json.dumps(image(text="x" * 8000)).encode() for _ in range(5000)]
    page = memoryview(enclosed(b'{"images":[', images, b"]}"))
    fake = FakeOpenStack()
    secret = fake.new_token()

    async def show_token(_request: web.Request) -> web.Response:
        return web.json_response(fake._body(secret))

    async def list_images(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(page))})
        await response.prepare(request)
        try:
            for start in range(0, len(page), MIB):
                await response.write(page[start : start + MIB])
        except ConnectionError:
            pass  # the call was cut off
        return response

    app = web.Application()
    app.router.add_get("/v3", fake._versions)
    app.router.add_get("/v3/auth/tokens", show_token)
    app.router.add_get("/v2/images", list_images)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake.url
    await runner.cleanup()


def memory(pid: int, name: str) -> int:
    """Return a line of proc(5)'s status, in bytes."""
    text = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024


async def test_a_batch_of_sixteen_lists_of_40_mb_takes_a_small_multiple_of_one(
    huge: str, client: aiohttp.ClientSession
) -> None:
    with running("bff", "serve", "--port", "0", BFF_AUTH_URL=f"{huge}/v3") as process:
        served = Bff(await ready(process), client)
        await served.json(CURRENT, X_Auth_Token="a-token")
        idle = memory(process.pid, "VmRSS")
        async with asyncio.timeout(SECONDS):
            batch = [LIST | {"id": number, "params": {"limit": number + 1}} for number in range(16)]
            answers = await served.json(batch, X_Auth_Token="a-token")
        peak = memory(process.pid, "VmHWM")
    outcomes = codes(answers)
    assert outcomes.count("ok") >= 1
    assert set(outcomes) == {"ok", "PAYLOAD_TOO_LARGE"}
    assert (peak - idle) / MIB < 200
