"""The JSON-RPC endpoint where the specification has no example."""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import re
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import AnyHttpUrl
from starlette.types import Message

from bff.errors import BffError, Code
from bff.rpc.endpoint import RpcEndpoint
from bff.rpc.jsonrpc import Rpc
from bff.rpc.registry import Registry, mutation, query
from bff.session.context import PublicContext
from bff.settings import Settings
from bff.timers import Timers
from schemas.base import NoInput
from tests.bff.conftest import Bff, Start
from tests.fakes.openstack import FakeOpenStack, image

URL = AnyHttpUrl("http://keystone/v3")
SECRET = "the-text-of-an-exception"


async def broken(ctx: PublicContext, params: NoInput) -> int:
    """Fail as a bug would."""
    raise RuntimeError(SECRET)


async def unserialisable(ctx: PublicContext, params: NoInput) -> Any:
    """Answer something that is no JSON."""
    return {"a": object()}


async def not_a_number(ctx: PublicContext, params: NoInput) -> float:
    """Answer NaN."""
    return math.nan


async def refused(ctx: PublicContext, params: NoInput) -> bool:
    """Fail as a handler may."""
    raise BffError(Code.CONFLICT, "no", retryAfter=7)


async def echo(ctx: PublicContext, params: NoInput) -> str:
    """Answer."""
    return "here"


async def endless(ctx: PublicContext, params: NoInput) -> None:
    """Never answer."""
    await asyncio.Event().wait()


PROCEDURES = (
    query("test.broken", broken),
    query("test.unserialisable", unserialisable),
    query("test.notANumber", not_a_number),
    mutation("test.refused", refused),
    query("test.echo", echo),
    query("test.endless", endless),
)


def call(method: str = "test.echo", **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, **more}


@pytest.fixture
async def bff(start: Start) -> Bff:
    started: Bff = await start(*PROCEDURES, max_body=20_000)
    return started


NOT_JSON = {
    "nothing": b"",
    "half a document": b'{"jsonrpc"',
    "NaN": b'{"jsonrpc":"2.0","id":NaN,"method":"test.echo"}',
    "Infinity": b'{"jsonrpc":"2.0","id":1,"method":"test.echo","params":{"a":Infinity}}',
    "a lone surrogate": b'{"jsonrpc":"2.0","id":"\\ud800","method":"test.echo"}',
    "a byte order mark": b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"test.echo"}',
    "not UTF-8": b'{"jsonrpc":"2.0","id":"\xff","method":"test.echo"}',
    "a NUL behind it": b'{"jsonrpc":"2.0","id":1,"method":"test.echo"}\0',
    "a depth of 10 000": b"[" * 10_000,
}


@pytest.mark.parametrize("fault", NOT_JSON)
async def test_what_is_not_json_is_a_parse_error(fault: str, bff: Bff) -> None:
    response = await bff.post(NOT_JSON[fault])
    answer = await response.json()
    assert response.status == 200
    assert answer["id"] is None
    assert answer["error"]["code"] == -32700
    assert answer["error"]["message"].startswith("Parse error: ")


async def test_a_depth_of_100_000_is_a_parse_error(start: Start) -> None:
    response = await (await start()).post(b"[" * 100_000 + b"]" * 100_000)
    assert (await response.json())["error"]["code"] == -32700


@pytest.mark.parametrize("values", [b"[]," * 250_000, b"{}," * 250_000, b"0," * 500_000])
async def test_a_body_of_more_than_half_a_million_values_is_not_parsed(
    values: bytes, start: Start
) -> None:
    bff = await start()
    error = (await (await bff.post(b"[" + values + b"0]")).json())["error"]
    assert error["data"]["code"] == "PAYLOAD_TOO_LARGE"
    assert "more than 500000 values" in error["message"]


async def test_a_number_of_5000_digits_harms_nobody(bff: Bff) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"test.echo","params":{"n":%s}}' % (b"9" * 5000)
    answer = await (await bff.post(body)).json()
    assert answer["error"]["code"] in (-32700, -32602)


INVALID_REQUESTS: dict[str, Any] = {
    "a true id": call(id=True),
    "an object id": call(id={}),
    "an array id": call(id=[1]),
    "a wrong version": call() | {"jsonrpc": "1.0"},
    "a version that is a number": call() | {"jsonrpc": 2.0},
    "no version": {"id": 1, "method": "test.echo"},
    "no method": {"jsonrpc": "2.0", "id": 1},
    "a method that is null": call(method=None),  # type: ignore[arg-type]
    "params that are a string": call(params="bar"),
    "params that are false": call(params=False),
    "a string": "text",
    "null": None,
}


@pytest.mark.parametrize("fault", INVALID_REQUESTS)
async def test_what_is_not_a_request_is_answered_as_invalid(fault: str, bff: Bff) -> None:
    element = INVALID_REQUESTS[fault]
    alone = await (await bff.post(json.dumps(element).encode())).json()
    in_batch, neighbour = await bff.json([element, call()])
    sent_id = element.get("id") if isinstance(element, dict) else None
    expected_id = 1 if sent_id == 1 and sent_id is not True else None
    for answer in (alone, in_batch):
        assert answer["error"]["code"] == -32600
        assert answer["error"]["message"].startswith("Invalid Request: ")
        assert answer["id"] == expected_id
    assert neighbour["result"] == "here"


@pytest.mark.parametrize("call_id", [None, 0, -1, 1.5, "", "a", 2**63])
async def test_an_id_comes_back_as_it_was_sent(call_id: Any, bff: Bff) -> None:
    assert await bff.json(call(id=call_id)) == {"jsonrpc": "2.0", "result": "here", "id": call_id}


@pytest.mark.parametrize("params", [None, {}, [], [{}], [None]])
async def test_no_input_can_be_said_in_every_way(params: Any, bff: Bff) -> None:
    assert (await bff.json(call(params=params)))["result"] == "here"


async def test_an_unknown_member_of_a_request_is_ignored(bff: Bff) -> None:
    assert (await bff.json(call(traceparent="x")))["result"] == "here"


async def test_more_than_one_positional_input_is_refused(bff: Bff) -> None:
    assert (await bff.json(call(params=[{}, {}])))["error"]["code"] == -32602


async def test_a_batch_is_answered_in_its_order_each_element_on_its_own(bff: Bff) -> None:
    answers = await bff.json(
        [call("test.broken", id="a"), 1, call(id="b"), call("test.unserialisable", id="c")]
    )
    assert [answer["id"] for answer in answers] == ["a", None, "b", "c"]
    assert answers[2]["result"] == "here"
    assert [answers[i]["error"]["code"] for i in (0, 1, 3)] == [-32603, -32600, -32603]


async def test_a_batch_of_101_is_refused_whole_and_one_of_100_is_not(bff: Bff) -> None:
    refusal = await bff.json([call()] * 101)
    assert refusal["error"]["data"]["code"] == "BAD_REQUEST"
    assert "at most 100" in refusal["error"]["message"]
    assert len(await bff.json([call()] * 100)) == 100


async def test_the_calls_of_a_batch_that_has_answered_too_much_are_not_begun(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[None] = []

    async def noted(ctx: PublicContext, params: NoInput) -> str:
        """Answer."""
        begun.append(None)
        return "here"

    monkeypatch.setattr("bff.rpc.jsonrpc.MAX_BATCH_BYTES", 50)
    bff = await start(query("test.noted", noted), batch_concurrency=1)
    notification = {"jsonrpc": "2.0", "method": "test.noted"}
    calls = [call("test.noted", id=number) for number in range(4)]
    answers = await bff.json([*calls, notification])
    assert [answer.get("result") for answer in answers] == ["here", "here", None, None]
    assert {answer["error"]["data"]["code"] for answer in answers[2:]} == {"PAYLOAD_TOO_LARGE"}
    assert [answer["id"] for answer in answers] == [0, 1, 2, 3]
    assert len(begun) == 2


@pytest.mark.parametrize("length_known", [True, False])
async def test_a_body_over_the_limit_is_refused_with_413(length_known: bool, bff: Bff) -> None:
    async def chunks() -> Any:
        for _ in range(3):
            yield b" " * 10_000

    body: Any = b" " * 30_000 if length_known else chunks()
    response = await bff.request(
        "POST", bff.url, data=body, headers={"content-type": "application/json"}
    )
    assert response.status == 413
    answer = await response.json()
    assert answer["error"]["code"] == -32013
    assert "BFF_MAX_BODY" in answer["error"]["message"]


async def test_a_client_that_goes_away_before_its_request_is_whole_is_answered_nothing() -> None:
    beginning: Message = {"type": "http.request", "body": b"[", "more_body": True}
    messages = iter([beginning, {"type": "http.disconnect"}])

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        raise AssertionError(message)

    endpoint = RpcEndpoint(Rpc(Registry([]), Settings(auth_url=URL)), 1000, seconds=10)
    headers = [(b"content-type", b"application/json")]
    state = {"cloud": SimpleNamespace(timers=Timers())}
    scope = {"type": "http", "method": "POST", "headers": headers, "state": state}
    await endpoint(scope, receive, send)
    assert not list(messages)


async def test_a_body_that_does_not_come_is_a_timeout_and_ends_the_connection(
    start: Start,
) -> None:
    bff = await start(call_timeout=0.05)
    host, port = bff.origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /polaris-bff/rpc HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n")
    writer.write(b"Content-Type: application/json\r\n\r\n[")
    async with asyncio.timeout(10):
        head, _, answer = (await reader.read()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer)["error"]["data"]["code"] == "TIMEOUT"
    writer.close()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_another_http_method_is_refused_with_405(method: str, bff: Bff) -> None:
    response = await bff.request(method, bff.url)
    assert response.status == 405
    assert response.headers["Allow"] == "POST"
    assert (await response.json())["error"]["code"] == -32005


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/x-www-form-urlencoded", "text/json", "application/jsonx", ""],
)
async def test_another_media_type_is_refused_with_415(media_type: str, bff: Bff) -> None:
    response = await bff.post(b"{}", content_type=media_type)
    assert response.status == 415
    assert (await response.json())["error"]["code"] == -32015


@pytest.mark.parametrize("coding", ["gzip", "br", "GZIP", "identity, deflate", "x"])
async def test_a_body_in_a_coding_is_refused_with_415_and_not_taken_for_broken_text(
    coding: str, bff: Bff
) -> None:
    packed = gzip.compress(json.dumps(call()).encode())
    response = await bff.post(packed, Content_Encoding=coding)
    error = (await response.json())["error"]
    assert response.status == 415
    assert error["data"]["code"] == "UNSUPPORTED_MEDIA_TYPE"
    assert "without a Content-Encoding" in error["message"]


async def test_a_body_that_is_encoded_for_its_transfer_is_refused_with_415(bff: Bff) -> None:
    host, port = bff.origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /polaris-bff/rpc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n")
    writer.write(b"Content-Type: application/json\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")
    writer.write(b"1\r\n[\r\n0\r\n\r\n")
    async with asyncio.timeout(10):
        head, _, answer = (await reader.read()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 415 ")
    assert "no Transfer-Encoding but chunked" in json.loads(answer)["error"]["message"]
    writer.close()


async def test_a_coding_that_changes_nothing_is_none(bff: Bff) -> None:
    response = await bff.post(json.dumps(call()).encode(), Content_Encoding="Identity")
    assert (await response.json())["result"] == "here"


async def test_the_media_type_may_have_parameters_and_any_case(bff: Bff) -> None:
    response = await bff.post(
        json.dumps(call()).encode(), content_type="Application/JSON; charset=utf-8"
    )
    assert response.status == 200


async def test_another_address_is_not_found_and_says_where_calls_go(bff: Bff) -> None:
    response = await bff.request("GET", f"{bff.origin}/polaris-bff/nothing")
    answer = await response.json()
    assert response.status == 404
    assert answer["error"]["data"]["code"] == "NOT_FOUND"
    assert "/polaris-bff/rpc" in answer["error"]["message"]


async def test_the_text_of_an_exception_is_in_the_log_and_nowhere_else(
    bff: Bff, logged: list[Any]
) -> None:
    response = await bff.post(json.dumps(call("test.broken")).encode())
    text = await response.text()
    request_id = response.headers["X-Openstack-Request-Id"]
    assert SECRET not in text + str(response.headers)
    assert request_id in json.loads(text)["error"]["message"]
    failures = [line for line in logged if line["event"] == "a handler failed"]
    assert [str(line["exc_info"]) for line in failures] == [SECRET]
    assert failures[0]["request_id"] == request_id


@pytest.mark.parametrize("method", ["test.broken", "test.unserialisable"])
async def test_a_bug_is_an_internal_error(method: str, bff: Bff) -> None:
    error = (await bff.call(method))["error"]
    assert error["code"] == -32603
    assert error["data"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["data"]["path"] == method


async def test_nan_never_leaves(bff: Bff) -> None:
    assert (await bff.call("test.notANumber"))["result"] is None


async def test_a_call_beyond_its_deadline_is_a_timeout(start: Start) -> None:
    bff = await start(*PROCEDURES, call_timeout=0.2)
    error = (await bff.call("test.endless"))["error"]
    assert error["data"]["code"] == "TIMEOUT"
    assert error["code"] == -32008


async def timeout_of_its_own(ctx: PublicContext, params: NoInput) -> int:
    """Fail as a library does that has a clock of its own."""
    raise TimeoutError(SECRET)


async def timeout_of_a_part(ctx: PublicContext, params: NoInput) -> int:
    """Fail because a part took too long."""
    async with asyncio.timeout(0):
        await asyncio.Event().wait()
    return 1


async def cancelled_part(ctx: PublicContext, params: NoInput) -> int:
    """Wait for something that is cancelled, though nobody cancels the call."""
    part = asyncio.ensure_future(asyncio.Event().wait())
    part.cancel()
    await part
    return 1


@pytest.mark.parametrize("handler", [timeout_of_its_own, timeout_of_a_part, cancelled_part])
@pytest.mark.parametrize("in_batch", [True, False])
async def test_only_the_calls_own_deadline_is_a_timeout_and_the_rest_are_bugs(
    handler: Any, in_batch: bool, start: Start, logged: list[Any]
) -> None:
    bff = await start(query("test.clock", handler), *PROCEDURES)
    calls = [call("test.clock"), call()]
    answers = await bff.json(calls) if in_batch else [await bff.json(one) for one in calls]
    assert answers[0]["error"]["data"]["code"] == "INTERNAL_SERVER_ERROR"
    assert answers[1]["result"] == "here"
    (bug,) = [line for line in logged if line["event"] == "a handler failed"]
    assert isinstance(bug["exc_info"], TimeoutError | asyncio.CancelledError)


async def test_an_unknown_procedure_names_the_nearest_one(bff: Bff) -> None:
    error = (await bff.call("compute.image.listImage"))["error"]
    assert error["code"] == -32601
    assert "did you mean compute.image.listImages?" in error["message"]


@pytest.mark.parametrize("method", ["rpc.discovery", "rpc.", "rpc.describe", "rpc"])
async def test_jsonrpcs_own_name_space_holds_nothing_but_discover(method: str, bff: Bff) -> None:
    assert (await bff.call(method))["error"]["code"] == -32601


async def test_the_name_of_an_unknown_procedure_is_cut_before_it_is_repeated(start: Start) -> None:
    error = (await (await start()).call("x" * 1_000_000))["error"]
    assert len(json.dumps(error)) < 1000


@pytest.mark.parametrize(
    ("method", "answer"),
    [("test.refused", False), ("test.broken", None), ("compute.image.deleteImage", False)],
)
async def test_in_soft_mode_a_failure_is_null_or_false_and_is_logged_whole(
    method: str, answer: Any, bff: Bff, logged: list[Any]
) -> None:
    got = await bff.call(method, X_BFF_Errors="soft")
    assert got == {"jsonrpc": "2.0", "result": answer, "id": 1}
    (line,) = [line for line in logged if line["event"] == "call"]
    assert line["soft"] is True
    assert line["status"] != "ok"
    assert line["error"]


async def test_in_soft_mode_faults_of_the_protocol_stay_errors(bff: Bff) -> None:
    answers = await bff.json([1, call("test.unknown")], X_BFF_Errors="soft")
    assert [answer["error"]["code"] for answer in answers] == [-32600, -32601]


async def test_what_an_error_carries_reaches_the_client(bff: Bff) -> None:
    data = (await bff.call("test.refused"))["error"]["data"]
    assert data["retryAfter"] == 7
    assert data["httpStatus"] == 409


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("req-0a1b2c3d-0000-4000-8000-0123456789ab", True),
        ("req-0a1b2c3d-0000-4000-8000-0123456789ab0", False),
        ("my own id", False),
        (None, False),
    ],
)
async def test_the_request_id_is_the_callers_or_a_new_one(
    given: str | None, kept: bool, bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    headers = {"X-Auth-Token": openstack.new_token()}
    if given is not None:
        headers["X-Openstack-Request-Id"] = given
    response = await bff.request(
        "POST",
        bff.url,
        json=[call("compute.image.listImages"), call("test.refused")],
        headers=headers,
    )
    request_id = response.headers["X-Openstack-Request-Id"]
    assert re.fullmatch(r"req-[0-9a-f-]{36}", request_id)
    assert (request_id == given) is kept
    assert {r.headers["X-Openstack-Request-Id"] for r in openstack.requests} == {request_id}
    assert (await response.json())[1]["error"]["data"]["requestId"] == request_id
    assert {line["request_id"] for line in logged} == {request_id}


async def test_a_call_is_one_log_line_with_what_operators_look_for(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    await bff.call("compute.image.listImages", X_Auth_Token=openstack.new_token())
    (line,) = [line for line in logged if line["event"] == "call"]
    assert line["procedure"] == "compute.image.listImages"
    assert line["project"] == "d" * 32
    assert line["status"] == "ok"
    assert line["ms"] >= 0


async def test_answers_are_neither_cached_nor_sniffed_nor_framed(bff: Bff) -> None:
    headers = (await bff.post(b"{}")).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "Server" not in headers


async def test_when_the_client_goes_away_the_call_to_glance_is_cut(
    start: Start, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    bff = await start()
    openstack.gate = asyncio.Event()
    token = openstack.new_token()
    lists = [call("compute.image.listImages", params={"limit": number}) for number in range(1, 31)]
    listing = asyncio.create_task(bff.json(lists, X_Auth_Token=token))
    async with asyncio.timeout(10):
        for _ in range(16):
            await openstack.arrived.acquire()
        listing.cancel()
        for _ in range(16):
            await openstack.cancelled.acquire()
    assert openstack.calls["GET /v2/images"] == 16
    closed = [line for line in logged if line.get("status") == "CLIENT_CLOSED_REQUEST"]
    assert len(closed) == 16


async def test_a_batch_of_100_costs_one_validation_and_16_calls_at_a_time(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(token_cache_seconds=0)
    openstack.images = [image()]
    openstack.gate = asyncio.Event()
    calls = [call("compute.image.listImages", params={"limit": number}) for number in range(1, 101)]
    batch = asyncio.create_task(bff.json(calls, X_Auth_Token=openstack.new_token()))
    async with asyncio.timeout(10):
        for _ in range(16):
            await openstack.arrived.acquire()
        openstack.gate.set()
        answers = await batch
    assert [answer["result"][0]["name"] for answer in answers] == ["an image"] * 100
    assert openstack.calls["GET /v3/auth/tokens"] == 1
    assert openstack.most_at_a_time == 16


async def test_a_batch_with_a_bad_token_asks_keystone_once(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    answers = await bff.json([call("compute.image.listImages")] * 100, X_Auth_Token="bad")
    assert {answer["error"]["data"]["code"] for answer in answers} == {"UNAUTHORIZED"}
    assert openstack.calls["GET /v3/auth/tokens"] == 1
