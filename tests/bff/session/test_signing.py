"""Signing in and out when something does not go well: what is told is what happened."""

from __future__ import annotations

import asyncio
import bisect
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bff.errors import BffError, Code
from bff.openstack.identity import with_password
from bff.openstack.keystone import Keystone, Token
from bff.session.cookies import MAX_COOKIE_BYTES, MAX_PARTS, SessionCookie
from bff.session.sessions import Credentials, Sessions
from bff.settings import Settings
from schemas.keystone import ProjectKey, Scope, TokenBody, UserKey
from tests.bff.conftest import Bff, Start
from tests.bff.session.test_sessions import LIST, code, sign_in
from tests.fakes.openstack import PASSWORD, FakeOpenStack

REVOKE = "DELETE /v3/auth/tokens"
SIGN_OUT = "auth.terminateUserSession"
SESSION = "auth.getCurrentUserSession"
SECONDS = 10


async def signed_in(bff: Bff) -> dict[str, str]:
    """Return the headers of a session that was used, and so is in the cache."""
    _, cookie = await sign_in(bff)
    headers = {"Cookie": cookie, "Origin": bff.origin}
    assert (await bff.call(LIST, **headers))["result"] == []
    return headers


async def answered(bff: Bff, method: str, params: Any = None, **headers: str) -> tuple[Any, Any]:
    """Return the answer to a call, and its Set-Cookie header."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    response = await bff.request("POST", bff.url, json=body, headers=headers)
    return await response.json(), response.headers.get("Set-Cookie")


@pytest.mark.parametrize("status", [400, 403, 429, 500, 503])
async def test_the_cookie_stays_until_the_token_is_revoked(
    status: int, bff: Bff, openstack: FakeOpenStack
) -> None:
    headers = await signed_in(bff)
    openstack.refused[REVOKE] = status
    answer, cookie = await answered(bff, SIGN_OUT, **headers)
    assert "error" in answer
    assert cookie is None
    assert openstack.tokens
    openstack.refused.clear()
    answer, cookie = await answered(bff, SIGN_OUT, **headers)
    assert answer["result"] is True
    assert "Max-Age=0" in cookie
    assert openstack.tokens == {}


async def test_in_soft_mode_too(bff: Bff, openstack: FakeOpenStack) -> None:
    headers = await signed_in(bff)
    openstack.refused[REVOKE] = 503
    soft = {"X-BFF-Errors": "soft"}
    answer, cookie = await answered(bff, SIGN_OUT, **headers, **soft)
    assert (answer["result"], cookie) == (False, None)


async def test_a_token_that_has_ended_at_keystone_already_is_signed_out(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    headers = await signed_in(bff)
    openstack.tokens.clear()
    openstack.refused[REVOKE] = 404
    answer, cookie = await answered(bff, SIGN_OUT, **headers)
    assert answer["result"] is True
    assert "Max-Age=0" in cookie


async def test_signing_out_a_token_in_a_header_leaves_the_session_in_the_cookie(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    headers = await signed_in(bff)
    token = openstack.new_token()
    answer, cookie = await answered(bff, SIGN_OUT, **headers, **{"X-Auth-Token": token})
    assert (answer["result"], cookie) == (True, None)
    assert token not in openstack.tokens
    assert (await bff.call(SESSION, **headers))["result"] is not None


async def test_a_client_that_goes_away_is_signed_out_all_the_same(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    headers = await signed_in(bff)
    openstack.held[REVOKE] = asyncio.Event()
    leaving = asyncio.create_task(bff.call(SIGN_OUT, **headers))
    async with asyncio.timeout(SECONDS):
        await openstack.arrived.acquire()
        await openstack.arrived.acquire()
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        openstack.held[REVOKE].set()
        while "result" in await bff.call(LIST, **headers):
            pass
    assert openstack.tokens == {}
    assert code(await bff.call(LIST, **headers)) == "UNAUTHORIZED"


async def test_no_role_in_the_project_stays_the_reason_when_tidying_fails(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    openstack.refused[REVOKE] = 500
    params = {"user": "alice", "password": PASSWORD, "projectName": "foreign"}
    answer, cookie = await answered(bff, "auth.createUserSession", params)
    assert code(answer) == "FORBIDDEN"
    assert cookie is None
    (line,) = [line for line in logged if "could not be revoked" in line["event"]]
    assert line["log_level"] == "warning"
    assert not [secret for secret in openstack.tokens if secret in str(logged)]


TOO_LONG = "browsers keep 4096 of each. Send the token in X-Auth-Token."
AIOHTTP_TAKES = 8190
CLOCKS = "the clocks of this server and of Keystone differ"


@pytest.mark.parametrize("project", ["demo", None])
@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ({"lifetime": timedelta(hours=-1)}, CLOCKS),
        ({"lifetime": timedelta()}, CLOCKS),
        ({"lifetime": timedelta(seconds=0.9)}, CLOCKS),
        ({"lifetime": timedelta(days=-3650)}, CLOCKS),
    ],
)
async def test_a_session_that_no_browser_would_keep_does_not_begin(
    odd: dict[str, Any],
    words: str,
    project: str | None,
    bff: Bff,
    openstack: FakeOpenStack,
) -> None:
    for name, value in odd.items():
        setattr(openstack, name, value)
    params = {"user": "alice", "password": PASSWORD, "projectName": project}
    answer, cookie = await answered(
        bff, "auth.createUserSession", {k: v for k, v in params.items() if v}
    )
    assert code(answer) == "BAD_GATEWAY"
    assert words in answer["error"]["message"]
    assert cookie is None
    assert openstack.tokens == {}


@pytest.mark.parametrize("revocation", [None, 503])
async def test_a_token_that_is_too_long_for_all_cookies_is_revoked(
    revocation: int | None,
    bff: Bff,
    openstack: FakeOpenStack,
    logged: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Longer ones than three cookies hold do not come through aiohttp.
    monkeypatch.setattr("bff.session.cookies.MAX_PARTS", 1)
    openstack.token_length = 3000
    if revocation:
        openstack.refused[REVOKE] = revocation
    params = {"user": "alice", "password": PASSWORD}
    answer, cookie = await answered(bff, "auth.createUserSession", params)
    assert code(answer) == "BAD_GATEWAY"
    assert TOO_LONG in answer["error"]["message"]
    assert cookie is None
    warned = [line for line in logged if "could not be revoked" in line["event"]]
    assert bool(warned) is bool(revocation)
    assert bool(openstack.tokens) is bool(revocation)
    assert not [secret for secret in openstack.tokens if secret in str([answer, logged])]


def cookies_of(length: int, scope: Scope) -> tuple[str, ...]:
    cookie = SessionCookie.of(Settings(auth_url="http://k/v3"))
    later = datetime.now(UTC) + timedelta(hours=1)
    return tuple(cookie.set(Credentials("t" * length, scope), later).values())


def longest(scope: Scope, count: int = 1) -> int:
    """Return the length of the longest token that fits into so many cookies with a scope."""
    lengths = range(1, count * MAX_COOKIE_BYTES)
    return bisect.bisect(lengths, 0, key=lambda length: len(cookies_of(length, scope)) > count)


@pytest.mark.parametrize("count", [1, 2])
def test_cookies_are_as_long_as_browsers_keep(count: int) -> None:
    most = longest(Scope(), count)
    for length, needed in ((most, count), (most + 1, count + 1)):
        cookies = cookies_of(length, Scope())
        assert len(cookies) == needed
        assert max(map(len, cookies)) <= MAX_COOKIE_BYTES
    # Fernet seals in blocks of sixteen bytes, and writes four characters for three; an hour's
    # seconds are not as long as any number of them.
    assert len(cookies_of(most, Scope())[-1]) > MAX_COOKIE_BYTES - 40


def test_any_token_that_comes_through_fits() -> None:
    scope = Scope("project", "p" * 255)
    assert len(cookies_of(AIOHTTP_TAKES, scope)) == MAX_PARTS
    with pytest.raises(BffError, match="does not fit"):
        cookies_of(2 * AIOHTTP_TAKES, scope)


DOMAIN = {"id": "default", "name": "Default"}
OWN = Credentials("root")
ELSEWHERE = Credentials("root", Scope("project", "p"))
ENDED = BffError(Code.UNAUTHORIZED, "ended")


KINDS = ("sign in", "validate", "rescope", "revoke")


class Slow(Keystone):
    """A Keystone that knows one token, and answers each kind of request when it is told to."""

    def __init__(self) -> None:
        self.is_alive = True
        self.asked = {kind: asyncio.Event() for kind in KINDS}
        self.may_answer = {kind: asyncio.Event() for kind in self.asked}
        self.failure: BffError | None = None
        for event in self.may_answer.values():
            event.set()

    async def _answer(self, kind: str) -> Token:
        is_alive = self.is_alive
        self.asked[kind].set()
        await self.may_answer[kind].wait()
        if not is_alive:
            raise ENDED
        project = {"id": "p", "name": "p", "domain": DOMAIN} if kind == "rescope" else None
        user = {"id": "u", "name": "u", "domain": DOMAIN}
        ends = datetime.now(UTC) + timedelta(hours=1)
        body = {"user": user, "expires_at": ends, "project": project}
        return Token(kind, TokenBody.model_validate(body))

    async def sign_in(self, *_: Any, **__: Any) -> Token:
        return await self._answer("sign in")

    async def validate(self, *_: Any, **__: Any) -> Token:
        return await self._answer("validate")

    async def rescope(self, *_: Any, **__: Any) -> Token:
        return await self._answer("rescope")

    async def revoke(self, *_: Any, **__: Any) -> None:
        self.asked["revoke"].set()
        await self.may_answer["revoke"].wait()
        if self.failure is not None:
            raise self.failure
        self.is_alive = False


def make() -> tuple[Slow, Sessions]:
    keystone = Slow()
    return keystone, Sessions(keystone, 60, 100)


async def is_accepted(sessions: Sessions, credentials: Credentials = OWN) -> bool:
    try:
        await sessions.token(credentials, "req-1")
    except BffError:
        return False
    return True


async def left(sessions: Sessions, keystone: Slow) -> None:
    """Sign out, and go away while the token is being revoked."""
    keystone.may_answer["revoke"].clear()
    leaving = asyncio.create_task(sessions.sign_out(OWN, "req-1"))
    await keystone.asked["revoke"].wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    keystone.may_answer["revoke"].set()
    await asyncio.gather(*sessions._tasks, return_exceptions=True)


@pytest.mark.parametrize("credentials", [OWN, ELSEWHERE])
async def test_a_caller_who_left_is_forgotten_when_the_token_is_revoked(
    credentials: Credentials,
) -> None:
    keystone, sessions = make()
    assert await is_accepted(sessions, credentials)
    await left(sessions, keystone)
    assert not await is_accepted(sessions, credentials)
    assert not keystone.is_alive


async def test_a_caller_who_left_is_forgotten_too_when_keystone_refuses() -> None:
    keystone, sessions = make()
    assert await is_accepted(sessions)
    keystone.failure = BffError(Code.SERVICE_UNAVAILABLE, "not now")
    await left(sessions, keystone)
    keystone.asked["validate"].clear()
    assert await is_accepted(sessions)
    assert keystone.asked["validate"].is_set()


async def test_what_was_looked_up_while_the_token_was_revoked_is_forgotten() -> None:
    keystone, sessions = make()
    keystone.may_answer["revoke"].clear()
    leaving = asyncio.create_task(sessions.sign_out(OWN, "req-1"))
    await keystone.asked["revoke"].wait()
    assert await is_accepted(sessions)
    keystone.may_answer["revoke"].set()
    await leaving
    assert not await is_accepted(sessions)


@pytest.mark.parametrize(
    ("kind", "credentials"), [("validate", OWN), ("validate", ELSEWHERE), ("rescope", ELSEWHERE)]
)
@pytest.mark.parametrize("leaves", [True, False])
async def test_a_look_up_under_way_does_not_bring_the_token_back(
    kind: str, credentials: Credentials, leaves: bool
) -> None:
    keystone, sessions = make()
    keystone.may_answer[kind].clear()
    looking = asyncio.create_task(is_accepted(sessions, credentials))
    await keystone.asked[kind].wait()
    if leaves:
        await left(sessions, keystone)
    else:
        await sessions.sign_out(OWN, "req-1")
    keystone.may_answer[kind].set()
    await looking
    assert not await is_accepted(sessions, credentials)


async def test_a_caller_who_leaves_while_signing_in_leaves_no_token() -> None:
    keystone, sessions = make()
    keystone.may_answer["rescope"].clear()
    signing_in = sessions.sign_in(
        with_password(UserKey("u"), PASSWORD), ProjectKey("p"), "req-1", attempt=nullcontext()
    )
    leaving = asyncio.create_task(signing_in)
    await keystone.asked["rescope"].wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await asyncio.gather(*sessions._tasks)
    assert not keystone.is_alive


async def test_a_sign_in_that_is_given_up_leaves_no_token(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(call_timeout=0.1)
    answers = openstack.held["POST /v3/auth/tokens"] = asyncio.Event()
    revokes = openstack.held[REVOKE] = asyncio.Event()
    params = {"user": "alice", "password": PASSWORD}
    assert code(await bff.call("auth.createUserSession", params)) == "TIMEOUT"
    async with asyncio.timeout(SECONDS):
        await openstack.arrived.acquire()
        answers.set()
        await openstack.arrived.acquire()
    assert openstack.requests[-1].headers["X-Subject-Token"] in openstack.tokens
    revokes.set()
