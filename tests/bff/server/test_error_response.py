"""The responses where there is no call: unknown addresses and unexpected exceptions."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from bff.server.middleware import CatchAllMiddleware, RequestIdMiddleware
from tests.bff.conftest import Bff, Start
from tests.conftest import Serve
from tests.inputs import UUID

SECRET = "the-text-of-an-exception"


def broken(_contract: object) -> dict[str, Any]:
    raise RuntimeError(SECRET)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "rpc/"),
        ("POST", "upload-image/"),
        ("POST", "assets/"),
        ("GET", "openrpc.json/"),
        ("GET", f"upload-progress/{UUID}/"),
    ],
)
async def test_a_slash_too_many_is_not_found_rather_than_led_elsewhere(
    method: str, path: str, bff: Bff
) -> None:
    url = f"{bff.origin}/polaris-bff/{path}"
    sent = {"X-Auth-Token": "t", "Host": "elsewhere.example"}
    response = await bff.request(method, url, json={}, headers=sent, allow_redirects=False)
    error = (await response.json())["error"]
    assert (response.status, error["data"]["code"]) == (404, "NOT_FOUND")
    assert "location" not in response.headers
    assert "calls go to POST /polaris-bff/rpc." in error["message"]


async def test_a_route_that_is_only_read_says_with_which_methods(bff: Bff) -> None:
    response = await bff.request("POST", f"{bff.origin}/polaris-bff/openrpc.json")
    error = (await response.json())["error"]
    assert (response.status, error["data"]["code"]) == (405, "METHOD_NOT_SUPPORTED")
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD"}


async def test_a_bug_in_a_plain_route_is_an_internal_error_with_the_request_id_and_no_more(
    start: Start, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bff.contract.discovery.openrpc.document", broken)
    origin = "https://front.example"
    bff = await start(allowed_origins=[origin])
    url = f"{bff.origin}/polaris-bff/openrpc.json"
    response = await bff.request("GET", url, headers={"Origin": origin})
    request_id = response.headers["X-Openstack-Request-Id"]
    error = (await response.json())["error"]
    assert (response.status, error["data"]["code"]) == (500, "INTERNAL_SERVER_ERROR")
    assert error["data"]["requestId"] == request_id
    assert request_id in error["message"]
    assert SECRET not in await response.text() + str(response.headers)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Access-Control-Allow-Origin"] == origin
    (line,) = [line for line in logged if line["event"] == "a request failed"]
    assert line["request_id"] == request_id


async def test_a_bug_in_the_middle_of_an_answer_breaks_it_off(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    async def content() -> Any:
        yield b"the beginning"
        raise RuntimeError(SECRET)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await StreamingResponse(content())(scope, receive, send)

    async with client.get(await serve(RequestIdMiddleware(CatchAllMiddleware(app)))) as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
