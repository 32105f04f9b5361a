"""Sessions over real HTTP: cookies, scopes, caches, log-out, CSRF."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from typing import Any

import pytest
from cachetools import TLRUCache
from cryptography.fernet import Fernet

from tests.bff.conftest import Bff, Start
from tests.fakes.openstack import PASSWORD, PROJECTS, FakeOpenStack

NAME = "__Host-polaris-bff"
LIST = "compute.image.listImages"


async def sign_in(bff: Bff, project: str | None = "demo") -> tuple[Any, str]:
    """Sign in and return the answer and the cookie as a browser would send it."""
    params = {"user": "alice", "password": PASSWORD}
    if project:
        params["projectName"] = project
    body = {"jsonrpc": "2.0", "id": 1, "method": "auth.createUserSession", "params": params}
    response = await bff.request("POST", bff.url, json=body)
    morsel = SimpleCookie(response.headers["Set-Cookie"])[NAME]
    return await response.json(), f"{NAME}={morsel.value}"


def code(answer: Any) -> Any:
    return answer["error"]["data"]["code"]


async def test_a_session_begins_with_user_and_password_and_shows_no_token(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    answer, cookie = await sign_in(bff)
    assert answer["result"]["user"]["name"] == "alice"
    assert answer["result"]["project"]["id"] == PROJECTS["demo"]
    assert answer["result"]["roles"] == ["member"]
    for secret in openstack.tokens:
        assert secret not in json.dumps(answer) + cookie


async def test_the_cookie_is_for_this_host_and_this_site_and_no_script(bff: Bff) -> None:
    body = {"method": "auth.createUserSession", "params": {"user": "a", "password": PASSWORD}}
    response = await bff.request("POST", bff.url, json={"jsonrpc": "2.0", "id": 1} | body)
    header = response.headers["Set-Cookie"]
    morsel = SimpleCookie(header)[NAME]
    assert morsel["httponly"] is True
    assert morsel["secure"] is True
    assert morsel["samesite"] == "Lax"
    assert morsel["path"] == "/"
    assert morsel["domain"] == ""
    assert 3500 < int(morsel["max-age"]) <= 3600


async def test_without_https_the_cookie_has_neither_the_flag_nor_the_prefix(start: Start) -> None:
    bff = await start(cookie_secure=False)
    body = {"method": "auth.createUserSession", "params": {"user": "a", "password": PASSWORD}}
    response = await bff.request("POST", bff.url, json={"jsonrpc": "2.0", "id": 1} | body)
    header = response.headers["Set-Cookie"]
    assert header.startswith("polaris-bff=")
    assert "Secure" not in header


async def test_a_wrong_password_is_unauthorized_and_sets_no_cookie(
    bff: Bff, logged: list[Any]
) -> None:
    params = {"user": "alice", "password": "a-guess"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "auth.createUserSession", "params": params}
    response = await bff.request("POST", bff.url, json=body)
    assert code(await response.json()) == "UNAUTHORIZED"
    assert "Set-Cookie" not in response.headers
    assert "a-guess" not in str(logged)


async def test_signing_in_to_a_foreign_project_is_forbidden_and_leaves_no_token(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    params = {"user": "alice", "password": PASSWORD, "projectName": "foreign"}
    assert code(await bff.call("auth.createUserSession", params)) == "FORBIDDEN"
    assert openstack.tokens == {}


async def test_the_cookie_works_and_is_rescoped_once(bff: Bff, openstack: FakeOpenStack) -> None:
    _, cookie = await sign_in(bff)
    openstack.calls.clear()
    for _ in range(3):
        answer = await bff.call(LIST, Cookie=cookie, Origin=bff.origin)
        assert answer["result"] == []
    assert openstack.calls["GET /v3/auth/tokens"] == 1
    assert openstack.calls["POST /v3/auth/tokens"] == 1


async def test_the_current_session_is_shown_and_null_without_one(bff: Bff) -> None:
    _, cookie = await sign_in(bff)
    mine = await bff.call("auth.getCurrentUserSession", Cookie=cookie, Origin=bff.origin)
    assert mine["result"]["project"]["name"] == "demo"
    assert (await bff.call("auth.getCurrentUserSession"))["result"] is None
    stale = await bff.call("auth.getCurrentUserSession", X_Auth_Token="dead")
    assert stale["result"] is None


async def test_the_current_session_in_a_foreign_project_is_an_error_and_not_null(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    answer = await bff.call(
        "auth.getCurrentUserSession", X_Auth_Token=openstack.new_token(), X_Project_Id="f" * 32
    )
    assert code(answer) == "FORBIDDEN"


async def test_projects_are_listed_with_and_without_a_scope(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    for project in ("demo", None):
        token = openstack.new_token(project)
        answer = await bff.call("auth.listProjects", X_Auth_Token=token)
        assert {item["name"] for item in answer["result"]} == set(PROJECTS)
    assert code(await bff.call("auth.listProjects")) == "UNAUTHORIZED"


async def test_the_scope_of_a_session_moves_and_the_cookie_remembers_it(bff: Bff) -> None:
    _, cookie = await sign_in(bff, None)
    headers = {"Cookie": cookie, "Origin": bff.origin}
    assert code(await bff.call(LIST, **headers)) == "PRECONDITION_FAILED"
    params = {"type": "project", "projectId": PROJECTS["partner"]}
    body = {"jsonrpc": "2.0", "id": 1, "method": "auth.setCurrentScope", "params": params}
    response = await bff.request("POST", bff.url, json=body, headers=headers)
    assert (await response.json())["result"]["project"]["name"] == "partner"
    moved = SimpleCookie(response.headers["Set-Cookie"])[NAME].value
    session = await bff.call(
        "auth.getCurrentUserSession", Cookie=f"{NAME}={moved}", Origin=bff.origin
    )
    assert session["result"]["project"]["id"] == PROJECTS["partner"]


async def test_a_session_can_leave_its_project(bff: Bff) -> None:
    _, cookie = await sign_in(bff)
    answer = await bff.call(
        "auth.setCurrentScope", {"type": "unscoped"}, Cookie=cookie, Origin=bff.origin
    )
    assert answer["result"]["project"] is None


async def test_a_session_whose_project_was_taken_away_can_move_to_another(
    bff: Bff, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, cookie = await sign_in(bff)
    monkeypatch.delitem(PROJECTS, "demo")
    headers = {"Cookie": cookie, "Origin": bff.origin}
    assert code(await bff.call(LIST, **headers)) == "FORBIDDEN"
    params = {"type": "project", "projectId": PROJECTS["partner"]}
    assert "result" in await bff.call("auth.setCurrentScope", params, **headers)


async def test_only_a_cookie_has_a_scope_to_set(bff: Bff, openstack: FakeOpenStack) -> None:
    token = openstack.new_token()
    answer = await bff.call("auth.setCurrentScope", {"type": "unscoped"}, X_Auth_Token=token)
    assert code(answer) == "BAD_REQUEST"
    assert "X-Project-Id" in answer["error"]["message"]


@pytest.mark.parametrize("way", ["header", "params"])
async def test_a_call_runs_in_the_project_that_it_names(
    way: str, bff: Bff, openstack: FakeOpenStack
) -> None:
    token, partner = openstack.new_token("demo"), PROJECTS["partner"]
    for _ in range(2):
        if way == "header":
            await bff.call(LIST, X_Auth_Token=token, X_Project_Id=partner)
        else:
            await bff.call(LIST, {"project_id": partner}, X_Auth_Token=token)
    seen = {r.headers["X-Auth-Token"] for r in openstack.requests if r.path == "/v2/images"}
    assert {openstack.tokens[token]["project"] for token in seen} == {"partner"}
    assert openstack.calls["POST /v3/auth/tokens"] == 1
    assert all("project_id" not in r.query_string for r in openstack.requests)


async def test_naming_the_tokens_own_project_costs_no_rescoping(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    await bff.call(LIST, X_Auth_Token=openstack.new_token(), X_Project_Id=PROJECTS["demo"])
    assert openstack.calls["POST /v3/auth/tokens"] == 0


async def test_a_foreign_project_is_forbidden(bff: Bff, openstack: FakeOpenStack) -> None:
    token = openstack.new_token()
    assert code(await bff.call(LIST, X_Auth_Token=token, X_Project_Id="f" * 32)) == "FORBIDDEN"
    assert openstack.calls["GET /v2/images"] == 0


@pytest.mark.parametrize("project_id", ["", "a/b", "a b", "x" * 256, "é"])
async def test_a_project_id_that_is_none_is_refused(
    project_id: str, bff: Bff, openstack: FakeOpenStack
) -> None:
    token = openstack.new_token()
    assert code(await bff.call(LIST, X_Auth_Token=token, X_Project_Id=project_id)) == "BAD_REQUEST"
    assert openstack.requests == []
    by_params = await bff.call(LIST, {"project_id": project_id}, X_Auth_Token=token)
    assert code(by_params) == "BAD_REQUEST"
    # Whose it is was looked at, and no more.
    assert openstack.calls["POST /v3/auth/tokens"] == openstack.calls["GET /v2/images"] == 0


@pytest.mark.parametrize("token", ["", "a b", "x" * 8193, "é", "a\tb"])
async def test_what_cannot_be_a_token_never_leaves(
    token: str, bff: Bff, openstack: FakeOpenStack
) -> None:
    assert code(await bff.call(LIST, X_Auth_Token=token)) == "UNAUTHORIZED"
    assert openstack.requests == []


async def test_a_project_alone_is_no_session(bff: Bff, openstack: FakeOpenStack) -> None:
    assert code(await bff.call(LIST, X_Project_Id=PROJECTS["demo"])) == "UNAUTHORIZED"
    assert openstack.requests == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"interface": "internal"}, "no internal endpoint of an image service."),
        ({"region": "RegionTwo"}, "no public endpoint of an image service in region RegionTwo."),
    ],
)
async def test_a_catalog_without_a_glance_is_said_to_be_so(
    settings: dict[str, str], words: str, start: Start, openstack: FakeOpenStack
) -> None:
    answer = await (await start(**settings)).call(LIST, X_Auth_Token=openstack.new_token())
    assert code(answer) == "SERVICE_UNAVAILABLE"
    assert words in answer["error"]["message"]


async def test_a_token_without_a_project_cannot_list_images(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    answer = await bff.call(LIST, X_Auth_Token=openstack.new_token(None))
    assert code(answer) == "PRECONDITION_FAILED"
    assert answer["error"]["code"] == -32012


@pytest.mark.parametrize(
    "value",
    ["garbage", Fernet(Fernet.generate_key()).encrypt(b"[]").decode()],
    ids=["no seal", "a foreign seal"],
)
async def test_a_cookie_that_we_did_not_seal_is_no_session(value: str, bff: Bff) -> None:
    answer = await bff.call(LIST, Cookie=f"{NAME}={value}", Origin=bff.origin)
    assert code(answer) == "UNAUTHORIZED"


async def test_a_cookie_sealed_with_an_older_key_still_opens(start: Start) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    _, cookie = await sign_in(await start(secret_keys=old))
    rotated = await start(secret_keys=f"{new}, {old}")
    answer = await rotated.call(LIST, Cookie=cookie, Origin=rotated.origin)
    assert answer["result"] == []


async def test_signing_out_ends_the_cookie_and_every_token_behind_it(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    _, cookie = await sign_in(bff)
    headers = {"Cookie": cookie, "Origin": bff.origin}
    assert "result" in await bff.call(LIST, **headers)
    body = {"jsonrpc": "2.0", "id": 1, "method": "auth.terminateUserSession"}
    response = await bff.request("POST", bff.url, json=body, headers=headers)
    assert (await response.json())["result"] is True
    morsel = SimpleCookie(response.headers["Set-Cookie"])[NAME]
    assert (morsel.value, morsel["max-age"]) == ("", "0")
    assert openstack.tokens == {}
    assert code(await bff.call(LIST, **headers)) == "UNAUTHORIZED"


async def test_signing_out_without_a_session_is_fine(bff: Bff) -> None:
    assert (await bff.call("auth.terminateUserSession"))["result"] is True


async def test_a_validation_holds_for_a_while_and_the_token_is_not_asked_about_again(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    token = openstack.new_token()
    for _ in range(3):
        await bff.call(LIST, X_Auth_Token=token)
    assert openstack.calls["GET /v3/auth/tokens"] == 1


async def test_a_validation_never_holds_beyond_the_tokens_expiry(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    token = openstack.new_token(expires=past)
    for _ in range(2):
        await bff.call(LIST, X_Auth_Token=token)
    assert openstack.calls["GET /v3/auth/tokens"] == 2


async def test_requests_at_the_same_time_share_one_validation(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    token = openstack.new_token()
    await asyncio.gather(*(bff.call(LIST, X_Auth_Token=token) for _ in range(20)))
    assert openstack.calls["GET /v3/auth/tokens"] == 1


async def test_a_401_from_glance_has_keystone_asked_again(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    token = openstack.new_token()
    assert "result" in await bff.call(LIST, X_Auth_Token=token)
    kept = openstack.tokens.pop(token)
    assert code(await bff.call(LIST, X_Auth_Token=token)) == "UNAUTHORIZED"
    openstack.tokens[token] = kept
    assert "result" in await bff.call(LIST, X_Auth_Token=token)
    assert openstack.calls["GET /v3/auth/tokens"] == 2


async def test_a_401_from_glance_has_the_scope_changed_anew(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    own = openstack.new_token()
    call = {"X_Auth_Token": own, "X_Project_Id": PROJECTS["partner"]}
    assert "result" in await bff.call(LIST, **call)
    (rescoped,) = openstack.tokens.keys() - {own}
    del openstack.tokens[rescoped]
    assert code(await bff.call(LIST, **call)) == "UNAUTHORIZED"
    assert "result" in await bff.call(LIST, **call)
    assert openstack.calls["POST /v3/auth/tokens"] == 2


async def test_a_bad_token_is_forgotten_without_a_look_at_all_the_others(
    bff: Bff, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def walked(_cache: TLRUCache[Any, Any]) -> Iterator[Any]:
        raise AssertionError("somebody walks through the cache")

    assert "result" in await bff.call(LIST, X_Auth_Token=openstack.new_token())
    monkeypatch.setattr(TLRUCache, "__iter__", walked)
    assert code(await bff.call(LIST, X_Auth_Token="bad")) == "UNAUTHORIZED"


OWN = "http://{host}"


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Origin": OWN}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": OWN}, True),
        ({"Origin": "https://friend.example"}, True),
        ({"Origin": "https://friend.example", "Sec-Fetch-Site": "same-site"}, True),
        ({}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://{host}"}, False),
        ({"Origin": "https://friend.example.evil.example"}, False),
        ({"Origin": OWN, "Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
    ],
)
async def test_a_cookie_counts_only_with_proof_of_its_origin(
    headers: dict[str, str], allowed: bool, start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(allowed_origins="https://friend.example/")
    _, cookie = await sign_in(bff)
    openstack.requests.clear()
    host = bff.origin.removeprefix("http://")
    sent = {name: value.format(host=host) for name, value in headers.items()}
    answer = await bff.call(LIST, Cookie=cookie, **sent)
    if allowed:
        assert answer["result"] == []
    else:
        assert code(answer) == "FORBIDDEN"
        assert openstack.requests == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_another_site_cannot_sign_a_browser_in(
    site: str, bff: Bff, openstack: FakeOpenStack
) -> None:
    params = {"user": "mallory", "password": PASSWORD}
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": site}
    assert code(await bff.call("auth.createUserSession", params, **headers)) == "FORBIDDEN"
    assert openstack.requests == []


async def test_a_token_in_a_header_needs_no_origin(bff: Bff, openstack: FakeOpenStack) -> None:
    headers = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    answer = await bff.call(LIST, X_Auth_Token=openstack.new_token(), **headers)
    assert answer["result"] == []


async def test_a_form_of_another_site_is_refused_before_anything_is_read(bff: Bff) -> None:
    _, cookie = await sign_in(bff)
    response = await bff.post(b"{}", content_type="text/plain", Cookie=cookie)
    assert response.status == 415


async def test_only_an_allowed_origin_may_read_answers(start: Start) -> None:
    bff = await start(allowed_origins="https://friend.example")
    ask = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    friend = await bff.request(
        "OPTIONS", bff.url, headers={"Origin": "https://friend.example", **ask}
    )
    assert friend.headers["Access-Control-Allow-Origin"] == "https://friend.example"
    assert friend.headers["Access-Control-Allow-Credentials"] == "true"
    stranger = await bff.request(
        "OPTIONS", bff.url, headers={"Origin": "https://evil.example", **ask}
    )
    assert "Access-Control-Allow-Origin" not in stranger.headers


async def test_no_secret_is_ever_logged(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    _, cookie = await sign_in(bff)
    await bff.call(LIST, Cookie=cookie, Origin=bff.origin)
    await bff.call(LIST, X_Auth_Token="token-that-is-dead")
    await bff.call("auth.terminateUserSession", Cookie=cookie, Origin=bff.origin)
    secrets = [*openstack.tokens, cookie.partition("=")[2], PASSWORD, "token-that-is-dead"]
    assert logged
    assert not [secret for secret in secrets if secret in str(logged)]
