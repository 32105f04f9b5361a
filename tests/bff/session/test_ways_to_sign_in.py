"""Second factors, application credentials, tokens and new passwords, before a fake Keystone.

What the real one answers is proven in ``tests/cloud/test_ways_to_sign_in.py``; here are the hostile
cases, and what must not get out.
"""

from __future__ import annotations

import asyncio
import json
import time
from http.cookies import SimpleCookie
from typing import Any

import aiohttp
import pytest
from cryptography.fernet import Fernet

from bff.session.receipt_cookie import RECEIPT_SECONDS
from tests.bff.conftest import Bff, Start
from tests.bff.session.conftest import Clock
from tests.bff.session.test_sessions import LIST, code
from tests.fakes.openstack import (
    APP_SECRET,
    PASSCODE,
    PASSWORD,
    PROJECTS,
    FakeOpenStack,
)

SIGN_IN, CHANGE = "auth.createUserSession", "auth.changePassword"
ISSUE, CHANGE_AT_KEYSTONE = "POST /v3/auth/tokens", f"POST /v3/users/{'u' * 32}/password"
SESSION, PENDING = "__Host-polaris-bff", "__Host-polaris-bff-receipt"
ALICE = {"user": "alice", "password": PASSWORD}
RULES = [["password", "totp"]]
CREDENTIAL = {"applicationCredentialId": "c", "applicationCredentialSecret": APP_SECRET}


def cookies(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Return the cookies that an answer sets, by name; each has what protects it."""
    found: dict[str, str] = {}
    for header in response.headers.getall("Set-Cookie", []):
        assert header.endswith("; Path=/; HttpOnly; Secure; SameSite=Lax")
        for morsel in SimpleCookie(header).values():
            found[morsel.key] = morsel.value
    return found


async def ask(
    bff: Bff, params: Any, method: str = SIGN_IN, **given: str
) -> tuple[Any, dict[str, str]]:
    """Call with cookies of these names; returns the answer, and the cookies that it sets."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    headers = {"Origin": bff.origin}
    if given:
        names = {"session": SESSION, "pending": PENDING}
        headers["Cookie"] = "; ".join(f"{names[key]}={value}" for key, value in given.items())
    response = await bff.request("POST", bff.url, json=body, headers=headers)
    return await response.json(), cookies(response)


async def first_step(bff: Bff, **more: str) -> str:
    """Give the password; returns the sealed receipt."""
    answer, set_by = await ask(bff, ALICE | more)
    assert answer["error"]["data"]["reason"] == "SECOND_FACTOR_REQUIRED"
    return set_by[PENDING]


def reason(answer: Any) -> str | None:
    """Return the reason of a refusal, if it has one."""
    return str(answer["error"]["data"].get("reason")) if "error" in answer else "none"


async def test_a_second_factor_is_asked_for_and_signs_in(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    openstack.rules = RULES
    answer, set_by = await ask(bff, ALICE | {"projectName": "demo"})
    data = answer["error"]["data"]
    assert (data["code"], data["reason"], data["methods"]) == (
        "UNAUTHORIZED",
        "SECOND_FACTOR_REQUIRED",
        ["totp"],
    )
    assert set_by.keys() == {PENDING}
    assert openstack.receipts[0] not in str(answer) + str(set_by)
    answer, set_by = await ask(bff, {"passcode": PASSCODE}, pending=set_by[PENDING])
    assert answer["result"]["project"]["name"] == "demo"
    # The session begins, and the receipt ends.
    assert set_by.keys() == {SESSION, PENDING}
    assert not set_by[PENDING]
    answer, _ = await ask(bff, None, LIST, session=set_by[SESSION])
    assert "result" in answer
    for secret in (PASSWORD, PASSCODE, openstack.receipts[0]):
        assert secret not in str(logged)
    lines = [line for line in logged if line.get("procedure") == SIGN_IN]
    assert {line["user_name"] for line in lines} == {"alice"}


async def test_password_and_passcode_at_once_need_no_cookie(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.rules = RULES
    answer, set_by = await ask(bff, ALICE | {"passcode": PASSCODE})
    assert answer["result"]["user"]["name"] == "alice"
    assert set_by.keys() == {SESSION}
    wrong, set_by = await ask(bff, ALICE | {"passcode": "a-guess"})
    assert (code(wrong), reason(wrong)) == ("UNAUTHORIZED", "None")
    assert not set_by


async def test_a_wrong_passcode_may_be_followed_by_the_right_one(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.rules = RULES
    pending = await first_step(bff)
    wrong, set_by = await ask(bff, {"passcode": "a-guess"}, pending=pending)
    assert wrong["error"]["message"].startswith("Wrong passcode")
    assert not set_by
    right, _ = await ask(bff, {"passcode": PASSCODE}, pending=pending)
    assert "result" in right


def sealed(content: str, key: bytes, at: float | None = None) -> str:
    """Return a content as the server itself would seal it, now or at another time."""
    return Fernet(key).encrypt_at_time(content.encode(), int(at or time.time())).decode()


@pytest.fixture
async def bff(start: Start, clock: Clock) -> Bff:
    """Return a BFF whose guard has a clock that stands."""
    started: Bff = await start()
    return started


@pytest.fixture
def key() -> bytes:
    """Return the key of a BFF's cookies."""
    return Fernet.generate_key()


@pytest.fixture
async def keyed(start: Start, key: bytes) -> Bff:
    """Return a BFF with that key."""
    started: Bff = await start(secret_keys=key.decode())
    return started


USER = {"id": None, "name": "alice", "domain": {"id": None, "name": "Default"}}


def content(**more: Any) -> str:
    """Return what is sealed of a sign-in that waits."""
    return json.dumps({"receipt": "r", "user": USER, "project": None} | more)


async def test_what_is_no_sealed_receipt_begins_the_sign_in_anew(
    keyed: Bff, key: bytes, openstack: FakeOpenStack
) -> None:
    openstack.rules = RULES
    pending = await first_step(keyed)
    signed_in, set_by = await ask(keyed, {"passcode": PASSCODE}, pending=pending)
    assert "result" in signed_in
    session = set_by[SESSION]
    openstack.calls.clear()
    forged = [
        *("", "x", "gAAAA", pending[:-4], pending.swapcase(), "x" * 3000),
        # A session is no receipt, though it is sealed with the same key.
        session,
        sealed(f"receipt:{content()}", Fernet.generate_key()),
        sealed(f"receipt:{content()}", key, time.time() - RECEIPT_SECONDS - 5),
        sealed(content(), key),
        sealed(f"session:{content()}", key),
        sealed("receipt:", key),
        sealed("receipt:[]", key),
        sealed("receipt:{}", key),
        sealed(f"receipt:{content(user=None)}", key),
        sealed(f"receipt:{content(user={'odd': 1})}", key),
    ]
    for value in forged:
        answer, set_by = await ask(keyed, {"passcode": PASSCODE}, pending=value)
        assert (code(answer), reason(answer)) == ("UNAUTHORIZED", "SIGN_IN_EXPIRED"), value
        assert set_by == {PENDING: ""}
    answer, set_by = await ask(keyed, {"passcode": PASSCODE})
    assert (reason(answer), set_by) == ("SIGN_IN_EXPIRED", {})
    assert ISSUE not in openstack.calls


async def test_a_receipt_is_no_session(bff: Bff, openstack: FakeOpenStack) -> None:
    openstack.rules = RULES
    pending = await first_step(bff)
    answer, _ = await ask(bff, None, "auth.getCurrentUserSession", session=pending)
    assert answer["result"] is None


async def test_a_receipt_that_keystone_has_forgotten_begins_anew(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.rules = RULES
    pending = await first_step(bff)
    openstack.receipts.clear()
    answer, _ = await ask(bff, {"passcode": PASSCODE}, pending=pending)
    assert reason(answer) == "SIGN_IN_EXPIRED"


async def test_a_receipt_is_replayed_only_with_a_passcode_that_is_right(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.rules = RULES
    pending = await first_step(bff)
    assert "result" in (await ask(bff, {"passcode": PASSCODE}, pending=pending))[0]
    answer, set_by = await ask(bff, {"passcode": "a-guess"}, pending=pending)
    assert (code(answer), set_by) == ("UNAUTHORIZED", {})


async def test_a_receipt_asks_for_the_passcode_of_its_own_user(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.rules = RULES
    pending = await first_step(bff)
    await ask(bff, {"passcode": PASSCODE}, pending=pending)
    requests = [request for request in openstack.requests if request.method == "POST"]
    sent = [json.loads(await request.text()) for request in requests]
    totp = [body for body in sent if "totp" in body["auth"]["identity"]]
    named = [body["auth"]["identity"]["totp"]["user"]["name"] for body in totp]
    assert named == ["alice"]
    mixed, _ = await ask(bff, {"passcode": PASSCODE, "user": "bob"}, pending=pending)
    assert code(mixed) == "BAD_REQUEST"


@pytest.mark.parametrize(
    ("rules", "methods"),
    [
        ([["password", "duo"]], ["duo"]),
        ([["password", "totp", "duo"]], []),
        ("absurd", []),
        ([], []),
    ],
)
async def test_a_factor_that_cannot_be_given_here_sets_no_cookie(
    bff: Bff, openstack: FakeOpenStack, rules: Any, methods: list[str]
) -> None:
    openstack.rules = rules
    answer, set_by = await ask(bff, ALICE)
    data = answer["error"]["data"]
    assert (data["reason"], data["methods"], set_by) == ("SECOND_FACTOR_REQUIRED", methods, {})
    assert "cannot be given here" in answer["error"]["message"]


async def test_a_receipt_that_no_cookie_could_hold_is_not_kept(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.rules = RULES
    long = "\U0001f98a" * 255
    answer, set_by = await ask(
        bff, ALICE | {"projectName": long, "projectDomainName": long, "user": long}
    )
    assert (reason(answer), set_by) == ("SECOND_FACTOR_REQUIRED", {})
    assert "together" in answer["error"]["message"]
    assert "alone" not in answer["error"]["message"]


async def test_passcodes_are_bounded_as_passwords_are(
    bff: Bff, openstack: FakeOpenStack, clock: Clock
) -> None:
    openstack.rules = RULES
    pending = await first_step(bff)
    guesses = [await ask(bff, {"passcode": f"{n:06}"}, pending=pending) for n in range(8)]
    assert {code(answer) for answer, _ in guesses} == {"UNAUTHORIZED"}
    # In the same count, whichever way.
    for _ in range(2):
        answer, _ = await ask(bff, ALICE | {"passcode": "a-guess"})
        assert code(answer) == "UNAUTHORIZED"
    for params in ({"passcode": PASSCODE}, ALICE, ALICE | {"passcode": PASSCODE}):
        answer, set_by = await ask(bff, params, pending=pending)
        assert (code(answer), set_by) == ("TOO_MANY_REQUESTS", {})
    changing, _ = await ask(bff, ALICE | {"newPassword": "x"}, CHANGE)
    assert code(changing) == "TOO_MANY_REQUESTS"
    assert openstack.password == PASSWORD


GUESSES: list[tuple[str, dict[str, str]]] = [
    (SIGN_IN, {"userId": "u" * 32, "password": "a-guess"}),
    (SIGN_IN, {"user": "alice", "userDomainId": "default", "password": "a-guess"}),
    (SIGN_IN, CREDENTIAL | {"applicationCredentialSecret": "a-guess"}),
    (
        SIGN_IN,
        {
            "applicationCredentialName": "ci",
            "user": "alice",
            "applicationCredentialSecret": "a-guess",
        },
    ),
    (CHANGE, {"user": "alice", "password": "a-guess", "newPassword": "new"}),
    (CHANGE, {"userId": "u" * 32, "password": "a-guess", "newPassword": "new"}),
]


@pytest.mark.parametrize(("method", "params"), GUESSES)
async def test_every_secret_has_ten_guesses(
    method: str, params: dict[str, str], bff: Bff, openstack: FakeOpenStack, clock: Clock
) -> None:
    right = {
        "password": PASSWORD,
        "applicationCredentialSecret": APP_SECRET,
    }
    codes = [code((await ask(bff, params, method))[0]) for _ in range(12)]
    assert codes == ["UNAUTHORIZED"] * 10 + ["TOO_MANY_REQUESTS"] * 2
    known = params | {name: value for name, value in right.items() if name in params}
    asked = openstack.calls.total()
    answer, _ = await ask(bff, known, method)
    assert code(answer) == "TOO_MANY_REQUESTS"
    assert openstack.calls.total() == asked
    clock.now += 60.1
    if method == SIGN_IN:
        assert "result" in (await ask(bff, known, method))[0]


async def test_tokens_are_bounded_by_the_address(start: Start, clock: Clock) -> None:
    bff = await start(sign_ins_per_address=3)
    codes = [code((await ask(bff, {"token": f"guess-{n}"}))[0]) for n in range(5)]
    assert codes == ["UNAUTHORIZED"] * 3 + ["TOO_MANY_REQUESTS"] * 2


@pytest.mark.parametrize(("method", "params"), GUESSES)
async def test_a_request_tries_one_secret(
    method: str, params: dict[str, str], bff: Bff, openstack: FakeOpenStack
) -> None:
    calls = [{"jsonrpc": "2.0", "id": n, "method": method, "params": params} for n in range(5)]
    answers = await bff.json([*calls, {**calls[0], "method": SIGN_IN, "params": ALICE}])
    codes = [code(answer) for answer in answers]
    assert codes.count("TOO_MANY_REQUESTS") == 5


async def test_another_site_changes_no_password(bff: Bff, openstack: FakeOpenStack) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": CHANGE, "params": ALICE | {"newPassword": "new"}}
    answer = await bff.json(body, Origin="https://evil.example")
    assert code(answer) == "FORBIDDEN"
    assert openstack.password == PASSWORD


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Return at once where a real Keystone would take its time."""
    monkeypatch.setattr("bff.session.sessions.SAME_SECOND", 0)


@pytest.mark.parametrize("who", [{"user": "alice"}, {"userId": "u" * 32}])
async def test_an_expired_password_is_changed(
    who: dict[str, str], bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    openstack.has_expired = True
    given = who | {"password": PASSWORD}
    expired, _ = await ask(bff, given)
    data = expired["error"]["data"]
    assert (data["code"], data["reason"]) == ("UNAUTHORIZED", "PASSWORD_EXPIRED")
    assert data["userId"] == "u" * 32
    new = "secret-password-of-today"
    changed, set_by = await ask(bff, given | {"newPassword": new}, CHANGE)
    assert (changed["result"], set_by) == (True, {})
    assert "result" in (await ask(bff, who | {"password": new}))[0]
    assert PASSWORD not in str(logged)
    assert new not in str(logged)
    [line] = [one for one in logged if one["event"] == "audit" and one["procedure"] == CHANGE]
    assert line["outcome"] == "ok"
    assert line.get("user_name", line.get("user_id")) in who.values()


async def test_the_token_that_told_whose_password_it_is_does_not_stay(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    changed, _ = await ask(bff, ALICE | {"newPassword": "new"}, CHANGE)
    assert changed["result"] is True
    assert not openstack.tokens


async def test_who_has_a_second_factor_changes_the_password_too(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.rules = RULES
    changed, set_by = await ask(bff, ALICE | {"newPassword": "new"}, CHANGE)
    assert (changed["result"], set_by) == (True, {})


async def test_a_change_goes_on_when_the_client_leaves(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(call_timeout=0.1)
    held = openstack.held[CHANGE_AT_KEYSTONE] = asyncio.Event()
    params = {"userId": "u" * 32, "password": PASSWORD, "newPassword": "new"}
    assert code((await ask(bff, params, CHANGE))[0]) == "TIMEOUT"
    await openstack.arrived.acquire()
    held.set()
    async with asyncio.timeout(10):
        await openstack.has_changed.wait()
    assert openstack.password == "new"


async def test_an_application_credential_brings_its_project(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    answer, set_by = await ask(bff, CREDENTIAL)
    assert answer["result"]["project"]["name"] == "demo"
    session = set_by[SESSION]
    assert "result" in (await ask(bff, None, LIST, session=session))[0]
    projects, _ = await ask(bff, None, "auth.listProjects", session=session)
    assert [one["name"] for one in projects["result"]] == ["demo"]
    move = {"type": "project", "projectId": PROJECTS["partner"]}
    moved, _ = await ask(bff, move, "auth.setCurrentScope", session=session)
    assert code(moved) == "FORBIDDEN"
    assert "its own project alone" in moved["error"]["message"]
    stay = {"type": "project", "projectId": PROJECTS["demo"]}
    assert "result" in (await ask(bff, stay, "auth.setCurrentScope", session=session))[0]
    assert APP_SECRET not in str(logged)
    [line] = [one for one in logged if one["event"] == "audit" and one["procedure"] == SIGN_IN]
    assert line["application_credential"] == "c"
    assert line["user_name"] == "alice"


async def test_a_token_becomes_a_session(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    token = openstack.new_token(None)
    answer, set_by = await ask(bff, {"token": token, "projectName": "demo"})
    assert answer["result"]["project"]["name"] == "demo"
    assert token not in str(answer) + str(set_by) + str(logged)
    [line] = [one for one in logged if one["event"] == "audit"]
    assert (line["user_name"], line["outcome"]) == ("alice", "ok")
    ended, _ = await ask(bff, None, "auth.terminateUserSession", session=set_by[SESSION])
    assert ended["result"] is True
    assert token not in openstack.tokens


async def test_a_token_that_finds_no_project_is_left_as_it_was(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    token = openstack.new_token(None)
    answer, set_by = await ask(bff, {"token": token, "projectName": "foreign"})
    assert (code(answer), set_by) == ("FORBIDDEN", {})
    assert token in openstack.tokens


async def test_a_token_too_long_for_all_cookies_is_left_as_it_was(
    bff: Bff, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bff.session.cookies.MAX_PARTS", 1)
    openstack.token_length = 5000
    token = openstack.new_token("demo")
    answer, set_by = await ask(bff, {"token": token})
    assert (code(answer), set_by) == ("BAD_GATEWAY", {})
    assert token in openstack.tokens


async def test_a_token_that_is_none_is_refused_and_not_repeated(bff: Bff) -> None:
    answer, set_by = await ask(bff, {"token": "token-of-nobody"})
    assert (code(answer), set_by) == ("UNAUTHORIZED", {})
    assert "token-of-nobody" not in str(answer)
