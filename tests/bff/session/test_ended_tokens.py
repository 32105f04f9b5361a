"""Tokens that are none: Keystone is asked of each, and not again and again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bff.session.sessions import ENDED_SECONDS, MAX_ENDED
from tests.bff.conftest import Bff, Start
from tests.bff.session.conftest import Clock
from tests.bff.session.test_sessions import LIST, code, sign_in
from tests.fakes.openstack import FakeOpenStack

LOOK_UP, REVOKE = "GET /v3/auth/tokens", "DELETE /v3/auth/tokens"
SIGN_OUT = "auth.terminateUserSession"


@pytest.fixture
async def bff(start: Start, clock: Clock) -> Bff:
    """Return a BFF whose clock stands."""
    started: Bff = await start()
    return started


@pytest.mark.many
async def test_one_that_is_sent_a_thousand_times_is_asked_for_once(
    bff: Bff, openstack: FakeOpenStack, clock: Clock
) -> None:
    first = await bff.call(LIST, X_Auth_Token="nonsense")
    for _ in range(ENDED_SECONDS):
        answers = await asyncio.gather(
            *(bff.call(LIST, X_Auth_Token="nonsense") for _ in range(200))
        )
        for answer in answers:
            assert answer["error"]["message"] == first["error"]["message"]
            assert code(answer) == "UNAUTHORIZED"
        assert openstack.calls[LOOK_UP] == 1
        clock.now += 1
    await bff.call(LIST, X_Auth_Token="nonsense")
    assert openstack.calls[LOOK_UP] == 2


@pytest.mark.many
async def test_a_thousand_different_ones_are_asked_for_once_each(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    for _ in range(2):
        for begin in range(0, 1000, 100):
            tokens = [f"nonsense-{n}" for n in range(begin, begin + 100)]
            await asyncio.gather(*(bff.call(LIST, X_Auth_Token=token) for token in tokens))
    assert openstack.calls[LOOK_UP] == 1000


@pytest.mark.parametrize(
    "method", [LIST, "auth.listProjects", "auth.getCurrentUserSession", "auth.setCurrentScope"]
)
async def test_whatever_is_called(method: str, bff: Bff, openstack: FakeOpenStack) -> None:
    calls = [{"jsonrpc": "2.0", "id": n, "method": method} for n in range(10)]
    for _ in range(5):
        await bff.json(calls, X_Auth_Token="nonsense")
    assert openstack.calls[LOOK_UP] <= 1


async def test_signing_out_with_it_is_no_way_around(bff: Bff, openstack: FakeOpenStack) -> None:
    openstack.refused[REVOKE] = 404
    for _ in range(10):
        assert (await bff.call(SIGN_OUT, X_Auth_Token="nonsense"))["result"] is True
    assert (openstack.calls[REVOKE], openstack.calls[LOOK_UP]) == (1, 1)


async def test_a_token_that_was_only_looked_up_is_still_revoked(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    """One node of a Keystone may not know yet what another one has issued."""
    await bff.call(LIST, X_Auth_Token="late")
    openstack.tokens["late"] = {"project": "demo", "parent": None}
    assert (await bff.call(SIGN_OUT, X_Auth_Token="late"))["result"] is True
    assert openstack.tokens == {}


async def test_one_that_becomes_valid_is_taken_after_that(
    bff: Bff, openstack: FakeOpenStack, clock: Clock
) -> None:
    assert code(await bff.call(LIST, X_Auth_Token="late")) == "UNAUTHORIZED"
    openstack.tokens["late"] = {"project": "demo", "parent": None}
    clock.now += ENDED_SECONDS
    assert (await bff.call(LIST, X_Auth_Token="late"))["result"] == []


async def test_a_sign_in_is_not_touched_by_what_was_known(
    bff: Bff, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bff.call(LIST, X_Auth_Token="next-token")
    new_token = openstack.new_token

    def next_token(*args: Any, **more: Any) -> str:
        openstack.tokens["next-token"] = openstack.tokens.pop(new_token(*args, **more))
        return "next-token"

    monkeypatch.setattr(openstack, "new_token", next_token)
    _, cookie = await sign_in(bff, None)
    assert "result" in await bff.call("auth.listProjects", Cookie=cookie, Origin=bff.origin)


async def test_a_valid_token_is_not_touched_by_others(bff: Bff, openstack: FakeOpenStack) -> None:
    token = openstack.new_token()
    assert (await bff.call(LIST, X_Auth_Token=token))["result"] == []
    await asyncio.gather(*(bff.call(LIST, X_Auth_Token=f"{token}{n}") for n in range(50)))
    assert (await bff.call(LIST, X_Auth_Token=token))["result"] == []


@pytest.mark.parametrize("status", [403, 429, 500, 503])
async def test_other_failures_are_not_kept(status: int, bff: Bff, openstack: FakeOpenStack) -> None:
    token = openstack.new_token()
    openstack.refused[LOOK_UP] = status
    assert code(await bff.call(LIST, X_Auth_Token=token)) != "UNAUTHORIZED"
    openstack.refused.clear()
    assert (await bff.call(LIST, X_Auth_Token=token))["result"] == []


async def test_what_is_remembered_of_them_is_bounded(
    start: Start, openstack: FakeOpenStack, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_ENDED == 10_000
    monkeypatch.setattr("bff.session.sessions.MAX_ENDED", 10)
    bff = await start()
    for number in [*range(20), 19, 10, 9]:
        await bff.call(LIST, X_Auth_Token=f"nonsense-{number}")
    assert openstack.calls[LOOK_UP] == 21
