"""A call for a session that is not there any more is refused, whoever has signed in since."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bff.conftest import Bff, Start
from tests.bff.session.test_sessions import sign_in
from tests.fakes.openstack import PROJECTS, FakeOpenStack, image

# The fake Keystone knows one user.
ALICE, BOB = "u" * 32, "b" * 32
DEMO, PARTNER = (f"project:{PROJECTS[name]}" for name in ("demo", "partner"))
LIST = "compute.image.listImages"
NEED_A_SESSION = {
    LIST: None,
    "compute.image.createImage": {"name": "x"},
    "auth.getCurrentUserSession": None,
    "auth.listProjects": None,
    "auth.setCurrentScope": {"type": "unscoped"},
    "auth.terminateUserSession": None,
}


async def session(bff: Bff) -> dict[str, str]:
    """Sign in; return the headers of a page that has this session, in demo."""
    _, cookie = await sign_in(bff)
    return {"Cookie": cookie, "Origin": bff.origin}


def outcome(answer: Any) -> str:
    return "ok" if "result" in answer else str(answer["error"]["data"]["code"])


@pytest.mark.parametrize("method", NEED_A_SESSION)
@pytest.mark.parametrize(
    "expected",
    [{"X-Session-User": BOB}, {"X-Session-Scope": PARTNER}, {"X-Session-Scope": "unscoped"}],
    ids=str,
)
async def test_a_call_for_another_session_is_refused_and_does_nothing(
    bff: Bff, openstack: FakeOpenStack, method: str, expected: dict[str, str]
) -> None:
    headers = await session(bff)
    asked = len(openstack.requests)
    answer = await bff.call(method, NEED_A_SESSION[method], **headers, **expected)
    assert (outcome(answer), answer["error"]["code"]) == ("SESSION_CHANGED", -32019)
    assert answer["error"]["data"]["httpStatus"] == 409
    assert "Nothing was done" in answer["error"]["message"]
    assert not [value for value in (ALICE, "alice", PROJECTS["demo"]) if value in str(answer)]
    assert {r.method for r in openstack.requests[asked:]} <= {"GET"}
    # The session itself is untouched.
    assert outcome(await bff.call(LIST, **headers)) == "ok"


@pytest.mark.parametrize("method", NEED_A_SESSION)
async def test_a_call_for_the_session_that_is_there_is_carried_out(bff: Bff, method: str) -> None:
    expected = {"X-Session-User": ALICE, "X-Session-Scope": DEMO}
    headers = await session(bff)
    answer = await bff.call(method, NEED_A_SESSION[method], **headers, **expected)
    assert outcome(answer) == "ok"


async def test_the_good_way_costs_no_request_more(bff: Bff, openstack: FakeOpenStack) -> None:
    headers = await session(bff)
    await bff.call(LIST, **headers)
    before = openstack.calls.total()
    await bff.call(LIST, **headers, X_Session_User=ALICE, X_Session_Scope=DEMO)
    assert openstack.calls.total() == before + 1


async def test_where_a_call_is_to_run_is_not_where_the_session_works(bff: Bff) -> None:
    headers = {**await session(bff), "X-Project-Id": PROJECTS["partner"]}
    assert outcome(await bff.call(LIST, **headers, X_Session_Scope=DEMO)) == "ok"
    assert outcome(await bff.call(LIST, **headers, X_Session_Scope=PARTNER)) == "SESSION_CHANGED"
    there = {"project_id": PROJECTS["partner"]}
    assert outcome(await bff.call(LIST, there, **headers, X_Session_Scope=DEMO)) == "ok"


async def test_a_token_in_a_header_counts_too(bff: Bff, openstack: FakeOpenStack) -> None:
    token = openstack.new_token("demo")
    for expected, result in (
        ({"X-Session-User": ALICE, "X-Session-Scope": DEMO}, "ok"),
        ({"X-Session-User": BOB}, "SESSION_CHANGED"),
        ({"X-Session-Scope": PARTNER}, "SESSION_CHANGED"),
    ):
        assert outcome(await bff.call(LIST, X_Auth_Token=token, **expected)) == result
    refused = await bff.call("auth.terminateUserSession", X_Auth_Token=token, X_Session_User=BOB)
    assert outcome(refused) == "SESSION_CHANGED"
    assert token in openstack.tokens


async def test_without_a_session_there_is_none_to_be_another(bff: Bff) -> None:
    nobody = {"Origin": bff.origin, "X-Session-User": BOB}
    assert outcome(await bff.call(LIST, **nobody)) == "UNAUTHORIZED"
    assert (await bff.call("auth.getCurrentUserSession", **nobody))["result"] is None
    assert (await bff.call("auth.terminateUserSession", **nobody))["result"] is True


async def test_a_session_that_has_ended_is_unauthorized_and_signs_out(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    headers = {**await session(bff), "X-Session-User": BOB}
    openstack.tokens.clear()
    assert outcome(await bff.call(LIST, **headers)) == "UNAUTHORIZED"
    assert (await bff.call("auth.terminateUserSession", **headers))["result"] is True


async def test_signing_in_does_not_look_at_the_session_before(bff: Bff) -> None:
    params = {"user": "alice", "password": "secret-password"}
    answer = await bff.call("auth.createUserSession", params, X_Session_User=BOB)
    assert outcome(answer) == "ok"


@pytest.mark.parametrize(
    "expected",
    [
        {"X-Session-User": ""},
        {"X-Session-User": "a b"},
        {"X-Session-User": "../x"},
        {"X-Session-User": "x" * 256},
        {"X-Session-Scope": ""},
        {"X-Session-Scope": "project"},
        {"X-Session-Scope": "project:"},
        {"X-Session-Scope": "project:a b"},
        {"X-Session-Scope": "system:all"},
        {"X-Session-Scope": "unscoped:x"},
    ],
    ids=str,
)
async def test_a_malformed_expectation_is_a_bad_request(bff: Bff, expected: dict[str, str]) -> None:
    headers = await session(bff)
    assert outcome(await bff.call(LIST, **headers, **expected)) == "BAD_REQUEST"


async def test_all_calls_of_a_batch_are_refused_alike_and_one_look_up_serves_them(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(token_cache_seconds=0)
    headers = {**await session(bff), "X-Session-User": BOB}
    before = openstack.calls["GET /v3/auth/tokens"]
    batch = [{"jsonrpc": "2.0", "id": n, "method": LIST} for n in range(20)]
    assert {outcome(a) for a in await bff.json(batch, **headers)} == {"SESSION_CHANGED"}
    assert openstack.calls["GET /v3/auth/tokens"] == before + 1


async def test_in_soft_mode_it_is_refused_as_softly_as_all_else(bff: Bff) -> None:
    headers = {**await session(bff), "X-Session-User": BOB, "X-BFF-Errors": "soft"}
    assert (await bff.call(LIST, **headers))["result"] is None


@pytest.mark.parametrize("place", ["header", "query"])
async def test_an_upload_for_another_session_is_refused(
    bff: Bff, openstack: FakeOpenStack, place: str
) -> None:
    headers = {**await session(bff), "Content-Type": "application/octet-stream"}
    openstack.images.append(queued := image(status="queued"))
    url = f"{bff.origin}/polaris-bff/upload-image?imageId={queued['id']}"
    if place == "query":
        url += f"&session_user={BOB}"
    else:
        headers["X-Session-User"] = BOB
    response = await bff.request("POST", url, data=b"hello", headers=headers)
    assert response.status == 409
    assert (await response.json())["error"]["data"]["code"] == "SESSION_CHANGED"
    assert queued["status"] == "queued"


@pytest.mark.parametrize(
    "query", [f"session_user={BOB}", f"session_scope={PARTNER}"], ids=["user", "scope"]
)
async def test_a_watcher_of_another_session_is_refused(bff: Bff, query: str) -> None:
    headers = await session(bff)
    url = f"{bff.origin}/polaris-bff/upload-progress/{image()['id']}?{query}"
    response = await bff.request("GET", url, headers=headers)
    assert response.status == 409
    assert (await response.json())["error"]["data"]["code"] == "SESSION_CHANGED"


async def test_another_origin_may_send_the_headers(start: Start) -> None:
    bff = await start(allowed_origins="https://ui.example")
    names = "x-session-user, x-session-scope"
    asking = {"Origin": "https://ui.example", "Access-Control-Request-Method": "POST"}
    asking["Access-Control-Request-Headers"] = names
    assert (await bff.request("OPTIONS", bff.url, headers=asking)).status == 200
