"""Who tries passwords is stopped before Keystone is asked, and nobody else is."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from io import BytesIO
from typing import Any

import pytest

from bff.errors import BffError, Code
from bff.session.sign_in_guard import SignInGuard
from tests.bff.conftest import Bff, Start
from tests.bff.session.conftest import Clock
from tests.bff.session.test_sessions import LIST, code
from tests.fakes.openstack import PASSWORD, FakeOpenStack

ISSUE = "POST /v3/auth/tokens"
SIGN_IN = "auth.createUserSession"


async def attempt(bff: Bff, password: str = "a-guess", user: str = "alice", **more: Any) -> Any:
    return await bff.call(SIGN_IN, {"user": user, "password": password, **more})


async def attempts(bff: Bff, count: int, *args: Any, **more: Any) -> Counter[str]:
    """Make attempts at the same time; returns how often which code was answered."""
    answers = await asyncio.gather(*(attempt(bff, *args, **more) for _ in range(count)))
    return Counter(code(answer) if "error" in answer else "OK" for answer in answers)


def batch(*passwords: str, user: str = "alice") -> list[dict[str, Any]]:
    return [
        {
            "jsonrpc": "2.0",
            "id": number,
            "method": SIGN_IN,
            "params": {"user": user, "password": password},
        }
        for number, password in enumerate(passwords)
    ]


async def test_a_request_signs_in_once(bff: Bff, openstack: FakeOpenStack) -> None:
    answers = await bff.json(batch(*(f"guess-{n}" for n in range(99)), PASSWORD))
    assert openstack.calls[ISSUE] == 1
    codes = Counter(map(code, answers))
    assert codes == {"UNAUTHORIZED": 1, "TOO_MANY_REQUESTS": 99}
    assert answers[-1]["error"]["message"].startswith("One sign-in a request:")


async def test_also_in_other_names_and_as_notifications(bff: Bff, openstack: FakeOpenStack) -> None:
    calls = [*batch("a-guess", user="bob"), *batch("a-guess", PASSWORD)]
    for call in calls[1:]:
        del call["id"]
    await bff.json(calls)
    assert openstack.calls[ISSUE] == 1


async def test_calls_beside_a_sign_in_are_not_touched(bff: Bff, openstack: FakeOpenStack) -> None:
    others = [{"jsonrpc": "2.0", "id": n, "method": LIST} for n in "ab"]
    calls = [others[0], *batch(PASSWORD), others[1]]
    answers = await bff.json(calls, X_Auth_Token=openstack.new_token())
    assert all("result" in answer for answer in answers)


async def test_of_a_hundred_attempts_at_a_time_ten_reach_keystone(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.held[ISSUE] = asyncio.Event()
    trying = asyncio.create_task(attempts(bff, 59))
    for _ in range(10):
        await openstack.arrived.acquire()
    openstack.held[ISSUE].set()
    assert await trying == {"UNAUTHORIZED": 10, "TOO_MANY_REQUESTS": 49}
    assert openstack.calls[ISSUE] == 10


async def test_while_the_bound_holds_a_right_password_is_refused_like_a_wrong_one(
    bff: Bff, openstack: FakeOpenStack, clock: Clock
) -> None:
    await attempts(bff, 10)
    right, wrong = await attempt(bff, PASSWORD), await attempt(bff)
    for answer in (right, wrong):
        assert answer["error"]["data"].pop("requestId")
    assert right == wrong
    assert right["error"]["message"] == (
        "Too many attempts to sign in as this user: retry in 60 seconds."
    )
    data = {"code": "TOO_MANY_REQUESTS", "httpStatus": 429, "path": SIGN_IN, "retryAfter": 60}
    assert right["error"]["data"] == data
    assert openstack.calls[ISSUE] == 10


@pytest.fixture
async def bff(start: Start, clock: Clock) -> Bff:
    """Return a BFF whose guard has a clock that stands."""
    started: Bff = await start()
    return started


async def test_the_window_moves(bff: Bff, clock: Clock) -> None:
    for _ in range(10):
        assert await attempts(bff, 1) == {"UNAUTHORIZED": 1}
        clock.now += 2.5
    refused = await attempt(bff, PASSWORD)
    assert refused["error"]["data"]["retryAfter"] == 35
    clock.now += 34.9
    assert (await attempt(bff, PASSWORD))["error"]["data"]["retryAfter"] == 1
    clock.now += 0.2
    assert await attempts(bff, 2) == {"UNAUTHORIZED": 1, "TOO_MANY_REQUESTS": 1}
    clock.now += 60
    assert "result" in await attempt(bff, PASSWORD)


async def test_a_refused_attempt_does_not_count(bff: Bff, clock: Clock) -> None:
    await attempts(bff, 10)
    clock.now += 59
    assert await attempts(bff, 20) == {"TOO_MANY_REQUESTS": 20}
    clock.now += 1
    assert "result" in await attempt(bff, PASSWORD)


async def test_who_signs_in_rightly_is_bounded_by_the_address_alone(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    for _ in range(60):
        assert "result" in await attempt(bff, PASSWORD)
    refused = await attempt(bff, PASSWORD)
    assert refused["error"]["message"] == (
        "Too many attempts to sign in from this address: retry in 60 seconds."
    )
    assert openstack.calls[ISSUE] == 60


async def test_a_success_gives_no_other_attempt_back(bff: Bff) -> None:
    await attempts(bff, 9)
    assert "result" in await attempt(bff, PASSWORD)
    assert await attempts(bff, 2) == {"UNAUTHORIZED": 1, "TOO_MANY_REQUESTS": 1}


async def test_a_right_password_without_a_role_is_none_that_was_tried(bff: Bff) -> None:
    for _ in range(12):
        assert code(await attempt(bff, PASSWORD, projectName="foreign")) == "FORBIDDEN"


@pytest.mark.parametrize("status", [403, 429, 500, 503])
async def test_nor_is_one_that_keystone_did_not_look_at(
    status: int, bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.refused[ISSUE] = status
    for _ in range(12):
        await attempt(bff)
    openstack.refused.clear()
    assert await attempts(bff, 11) == {"UNAUTHORIZED": 10, "TOO_MANY_REQUESTS": 1}


async def test_a_client_that_goes_away_has_tried(bff: Bff, openstack: FakeOpenStack) -> None:
    openstack.held[ISSUE] = asyncio.Event()
    leaving = [asyncio.create_task(attempt(bff)) for _ in range(10)]
    for _ in leaving:
        await openstack.arrived.acquire()
    for one in leaving:
        one.cancel()
    await asyncio.gather(*leaving, return_exceptions=True)
    assert code(await attempt(bff, PASSWORD)) == "TOO_MANY_REQUESTS"
    openstack.held[ISSUE].set()


async def test_other_users_and_domains_have_their_own_attempts(bff: Bff) -> None:
    await attempts(bff, 10)
    assert "result" in await attempt(bff, PASSWORD, "bob")
    assert "result" in await attempt(bff, PASSWORD, domainName="Other")


@pytest.mark.parametrize(
    ("user", "domain"),
    [
        ("ALICE", "default"),
        (" alice", "Default "),
        ("alice\u3000", "DEFAULT"),
        ("álicé", "Dëfault"),
        ("a\u0301lice", "Default"),
        ("al\u00adi\u200bce", "Default"),
        ("ａｌｉｃｅ", "Ｄｅｆａｕｌｔ"),
        ("al\u0131ce", "Default"),
        ("al\u0130ce", "Default"),
    ],
)
async def test_one_user_in_another_spelling_is_the_same(bff: Bff, user: str, domain: str) -> None:
    await attempts(bff, 10)
    answer = await attempt(bff, PASSWORD, user, domainName=domain)
    assert code(answer) == "TOO_MANY_REQUESTS"


async def test_zero_is_no_bound(start: Start) -> None:
    bff = await start(sign_ins_per_user=0, sign_ins_per_address=0)
    assert await attempts(bff, 100) == {"UNAUTHORIZED": 100}


async def test_each_bound_holds_without_the_other(start: Start) -> None:
    of_user = await start(sign_ins_per_user=3, sign_ins_per_address=0)
    assert await attempts(of_user, 9) == {"UNAUTHORIZED": 3, "TOO_MANY_REQUESTS": 6}
    of_address = await start(sign_ins_per_user=0, sign_ins_per_address=3)
    assert await attempts(of_address, 9) == {"UNAUTHORIZED": 3, "TOO_MANY_REQUESTS": 6}


@pytest.mark.parametrize("name", ["a\x00b", "a\r\nb", "\ud800", "x" * 256, "x" * 10_000_000, ""])
async def test_a_name_that_is_none_is_refused_and_not_counted(
    bff: Bff, openstack: FakeOpenStack, name: str
) -> None:
    (call,) = batch("a-guess", user=name)
    body = BytesIO(json.dumps(call).encode())
    headers = {"content-type": "application/json"}
    answer = await (await bff.request("POST", bff.url, data=body, headers=headers)).json()
    assert code(answer) in ("BAD_REQUEST", "PARSE_ERROR")
    assert ISSUE not in openstack.calls


async def test_a_line_says_who_and_from_where(bff: Bff, logged: list[Any]) -> None:
    await attempts(bff, 11)
    lines = [line for line in logged if line.get("procedure") == SIGN_IN]
    assert {(line["client"], line["user_name"]) for line in lines} == {("127.0.0.1", "alice")}
    calls = Counter(line["status"] for line in lines if line["event"] == "call")
    assert calls == {
        "UNAUTHORIZED": 10,
        "TOO_MANY_REQUESTS": 1,
    }
    assert "a-guess" not in str(logged)


@pytest.mark.parametrize("trusted", ["", "10.0.0.1"])
async def test_an_operator_is_told_that_a_proxy_may_be_the_address(
    trusted: str, start: Start, clock: Clock, logged: list[Any]
) -> None:
    bff = await start(trusted_proxies=trusted, sign_ins_per_address=1)
    await attempts(bff, 5)
    hints = [line for line in logged if "BFF_TRUSTED_PROXIES" in line["event"]]
    assert len(hints) == (0 if trusted else 1)


async def once(guard: SignInGuard, user: str, address: str = "192.0.2.1") -> str:
    """Try a wrong password; returns the code of the answer."""
    with pytest.raises(BffError) as raised:
        async with guard.attempt((user, "Default"), address):
            raise BffError(Code.UNAUTHORIZED, "Wrong.")
    return raised.value.code.name


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1:2:3", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("64:ff9b::192.0.2.1", "192.0.2.1", True),
        ("64:ff9b::192.0.2.1", "64:ff9b::192.0.2.2", False),
        ("unknown", "unknown", True),
    ],
)
async def test_what_counts_as_one_address(first: str, second: str, same: bool) -> None:
    guard = SignInGuard(0, 1, clock=Clock())
    assert await once(guard, "alice", first) == "UNAUTHORIZED"
    expected = "TOO_MANY_REQUESTS" if same else "UNAUTHORIZED"
    assert await once(guard, "bob", second) == expected
