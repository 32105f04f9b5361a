"""Where Keystone is, and whether what is there is a Keystone: odd addresses and odd answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from tests.bff.conftest import Bff, Start, bff_with
from tests.conftest import Serve
from tests.fakes.errors import keystone_error
from tests.faults.faults import says, stall, with_header
from tests.faults.services import PASSWORD, Request, keystone_answer, token_of
from tests.faults.stage import Fault, Stage, set_stage

SESSION = "auth.getCurrentUserSession"
SIGN_IN = "auth.createUserSession"
ALICE = {"user": "alice", "password": PASSWORD}
V3 = {"id": "v3.14", "status": "stable"}
EVIL = {"links": [{"rel": "self", "href": "http://evil.example/v3/"}]}


At = Callable[[str], Awaitable[Bff]]


@pytest.fixture
def at(serve: Serve, client: aiohttp.ClientSession) -> At:
    """Return a function that starts a BFF with an address of Keystone's."""
    return lambda address: bff_with(serve, client, auth_url=address)


async def name(bff: Bff) -> str:
    """Return the user's name in alice's session."""
    answer = await bff.call(SESSION, x_auth_token=token_of("alice"))
    assert "result" in answer, answer
    return str(answer["result"]["user"]["name"])


def error(answer: Any) -> tuple[str, str]:
    return answer["error"]["data"]["code"], answer["error"]["message"]


def paths(stage: Stage) -> list[str]:
    return [f"{request.method} {request.path}" for request in stage.keystone.requests]


def is_version(request: Request) -> bool:
    return "/auth/" not in request.path


@pytest.mark.parametrize("folder", ["", "/identity", "/a/b"])
@pytest.mark.parametrize(
    ("end", "asked"), [("", "/"), ("/", "/"), ("//", "/"), ("/v3", "/v3"), ("/v3/", "/v3")]
)
async def test_keystone_is_found_with_a_version_in_its_address_and_without(
    folder: str, end: str, asked: str, stage: Stage, at: At
) -> None:
    def below(request: Request) -> bytes:
        assert request.path.startswith(folder)
        inner = replace(request, path=request.path.removeprefix(folder))
        return keystone_answer(inner, stage.glance.url)

    stage.keystone.right_answer = below
    bff = await at(f"{stage.keystone.url}{folder}{end}")
    assert "result" in await bff.call(SIGN_IN, ALICE)
    assert await name(bff) == "alice"
    tokens = f"{folder}/v3/auth/tokens"
    assert paths(stage) == [f"GET {folder}{asked}", f"POST {tokens}", f"GET {tokens}"]


@pytest.mark.parametrize(
    ("address", "document", "found"),
    [
        ("", {"versions": [{"id": "v2.0"}, V3]}, "/v3"),
        ("", {"versions": {"values": [V3 | {"status": "deprecated"}, {"id": "v2.0"}]}}, "/v3"),
        ("", {"versions": {"values": [{"id": "v3"}]}}, "/v3"),
        # Version 3 under a name of its own.
        ("/keystone", {"version": V3}, "/keystone"),
        # A proxy that answers with the same list everywhere.
        ("/v3", {"versions": {"values": [V3]}}, "/v3"),
        # Where the document points to is nowhere that a password goes.
        ("", {"versions": {"values": [V3 | EVIL]}}, "/v3"),
        ("/v3", {"version": V3 | EVIL}, "/v3"),
        ("", {"versions": {"values": [1, None, {"id": 3}, {"id": "v3.x"}, V3]}}, "/v3"),
    ],
)
async def test_the_document_says_whether_and_never_where(
    address: str, document: Any, found: str, stage: Stage, at: At
) -> None:
    stage.keystone.will(says(json.dumps(document).encode(), 300), is_version)
    right = stage.keystone.right_answer
    stage.keystone.right_answer = lambda request: right(
        replace(request, path="/v3" if is_version(request) else TOKENS)
    )
    bff = await at(stage.keystone.url + address)
    assert "result" in await bff.call(SIGN_IN, ALICE)
    assert paths(stage)[1:] == [f"POST {found}/auth/tokens"]


TOKENS = "/v3/auth/tokens"
OTHERS = json.dumps({"versions": {"values": [{"id": "v2.16"}]}}).encode()
ODD: tuple[Any, ...] = (
    *([], None, "v3", 3, {}, {"version": None}, {"version": "v3"}, {"version": [V3]}),
    *({"versions": None}, {"versions": "v3"}, {"versions": {"values": "v3"}}),
    *({"versions": {"values": {"v3": V3}}}, {"version": {"id": ["v3"]}}),
)
NO_KEYSTONE = {
    "another page": says(b"<html>It works!</html>"),
    "nothing": says(b""),
    "an unknown path": says(b"<html>", 404),
    "a proxy's password": says(b"<html>", 401),
    "forbidden": says(b"", 403),
    "Keystone's own refusal": says(keystone_error(401), 401),
    "no such path of Keystone's": says(keystone_error(404), 404),
    "a redirect": says(b"", 302, Location="http://evil.example/v3"),
    "choices elsewhere": says(b"", 300, Location="http://evil.example/v3"),
    "another service": says(OTHERS, 300),
    "a version of tomorrow": says(b'{"version": {"id": "v30.1"}}'),
    "a refusal with a document": says(b'{"version": {"id": "v3.14"}}', 404),
    **{str(odd): says(json.dumps(odd).encode()) for odd in ODD},
}


@pytest.mark.parametrize("end", ["", "/v3", "/identity"])
@pytest.mark.parametrize("fault", NO_KEYSTONE.values(), ids=NO_KEYSTONE)
async def test_an_address_without_a_keystone_is_named_and_gets_no_password(
    fault: Fault, end: str, stage: Stage, at: At
) -> None:
    stage.keystone.right_answer = lambda _request: b""
    stage.keystone.will(fault, always=True)
    bff = await at(stage.keystone.url.replace("://", "://me:a-secret@") + end)
    for answer in (
        await bff.call(SIGN_IN, ALICE),
        await bff.call(SESSION, x_auth_token=token_of("alice")),
        await bff.call("auth.listProjects", x_auth_token=token_of("alice")),
    ):
        code, message = error(answer)
        assert code == "BAD_GATEWAY"
        assert f"no Keystone with version 3 at {stage.keystone.url}{end} " in message
        assert "a-secret" not in message
    assert all(request.method == "GET" for request in stage.keystone.requests)
    assert PASSWORD.encode() not in b"".join(request.body for request in stage.keystone.requests)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (500, "BAD_GATEWAY"),
        (503, "SERVICE_UNAVAILABLE"),
        (504, "GATEWAY_TIMEOUT"),
        (429, "TOO_MANY_REQUESTS"),
    ],
)
async def test_a_keystone_that_fails_for_a_while_is_asked_again_at_the_next_call(
    status: int, code: str, bff: Bff, stage: Stage
) -> None:
    stage.keystone.will(says(b"", status), is_version)
    assert error(await bff.call(SIGN_IN, ALICE))[0] == code
    assert await name(bff) == "alice"


async def test_a_silent_keystone_is_asked_again_at_the_next_call(bff: Bff, stage: Stage) -> None:
    stage.keystone.will(stall, is_version)
    assert error(await bff.call(SIGN_IN, ALICE))[0] == "GATEWAY_TIMEOUT"
    assert await name(bff) == "alice"


async def test_a_keystone_that_is_down_does_not_stop_the_start(
    at: At,
) -> None:
    async with set_stage() as stage:
        address = stage.keystone.url
    bff = await at(address)
    code, message = error(await bff.call(SIGN_IN, ALICE))
    assert code == "SERVICE_UNAVAILABLE"
    assert "Keystone cannot be reached" in message


async def test_whoever_comes_at_the_same_time_shares_one_look(bff: Bff, stage: Stage) -> None:
    calls = (bff.call(SESSION, x_auth_token=token_of(user)) for user in ("alice", "bob") * 10)
    assert all("result" in answer for answer in await asyncio.gather(*calls))
    assert await name(bff) == "alice"
    assert paths(stage).count("GET /v3") == 1


async def test_a_caller_who_goes_away_takes_the_answer_from_nobody(
    start: Start, stage: Stage
) -> None:
    bff = await start()
    go, asked = asyncio.Event(), asyncio.Event()

    async def later(wire: Any, right: bytes) -> None:
        asked.set()
        await go.wait()
        await wire.send(right)

    stage.keystone.will(later, is_version)
    leaving = asyncio.create_task(bff.call(SIGN_IN, ALICE))
    await asked.wait()
    staying = asyncio.create_task(name(bff))
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    go.set()
    assert await staying == "alice"
    assert paths(stage).count("GET /v3") == 1


@pytest.mark.parametrize("value", [b"", b"a token", b"\xff\xfe", "ö".encode(), b"a\ttab"])
async def test_a_new_token_that_no_header_can_carry_is_a_bad_gateway(
    value: bytes, bff: Bff, stage: Stage
) -> None:
    stage.keystone.will(
        with_header("X-Subject-Token", value), lambda request: request.method == "POST"
    )
    assert error(await bff.call(SIGN_IN, ALICE)) == (
        "BAD_GATEWAY",
        "Keystone answered without a token.",
    )
