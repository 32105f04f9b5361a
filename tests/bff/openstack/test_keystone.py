"""Keystone: the requests exactly, and what each of its documented answers means."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import orjson
import pytest
from aioresponses import aioresponses
from aioresponses.core import RequestCall
from yarl import URL

from bff.errors import BffError, Code
from bff.openstack.failure import KEYSTONE_ERRORS
from bff.openstack.identity import Receipt, with_passcode, with_password
from bff.openstack.keystone import Keystone, Token
from bff.openstack.service import Service
from bff.openstack.transport import Timeouts, new_client
from schemas.headers import REQUEST_ID
from schemas.keystone import DomainKey, Scope, UserKey
from tests.fakes.errors import keystone_error

V3 = "https://keystone.example/v3"
TOKENS = f"{V3}/auth/tokens"
PROJECTS = f"{V3}/auth/projects"
SECRET = "gAAAAAB-the-token"
PASSWORD = "correct horse battery staple"
NEW_PASSWORD = "a new horse"
DEFAULT = {"id": "default", "name": "Default"}
UNSCOPED = {
    "user": {"id": "u1", "name": "alice", "domain": DEFAULT, "password_expires_at": None},
    "expires_at": "2026-11-24T15:00:00.000000Z",
    "methods": ["password"],
}
SCOPED = UNSCOPED | {
    "project": {"id": "p1", "name": "demo", "domain": DEFAULT},
    "roles": [{"id": "r1", "name": "member"}],
    "catalog": [
        {
            "type": "image",
            "name": "glance",
            "endpoints": [{"interface": "public", "url": "http://g", "region_id": None, "id": "e"}],
        }
    ],
}
ISSUED = {"X-Subject-Token": SECRET}
VERSION = {"version": {"id": "v3.14", "status": "stable", "links": []}}

Ask = Callable[[Keystone], Awaitable[Any]]


ALICE = UserKey(name="alice", domain=DomainKey(name="Default"))


async def sign_in(keystone: Keystone) -> Token:
    outcome = await keystone.sign_in(with_password(ALICE, PASSWORD), "req-1")
    assert isinstance(outcome, Token)
    return outcome


async def change_password(keystone: Keystone) -> None:
    await keystone.change_password("u1", PASSWORD, NEW_PASSWORD, "req-1")


def rescope(keystone: Keystone) -> Awaitable[Token]:
    return keystone.rescope(SECRET, {"project": {"id": "p1"}}, "req-1")


def validate(keystone: Keystone) -> Awaitable[Token]:
    return keystone.validate(SECRET, "req-1")


def projects(keystone: Keystone) -> Awaitable[Any]:
    return keystone.projects(SECRET, "req-1")


def revoke(keystone: Keystone) -> Awaitable[None]:
    return keystone.revoke(SECRET, "req-1")


SENT_AS: dict[Ask, tuple[str, str]] = {
    sign_in: ("POST", TOKENS),
    rescope: ("POST", TOKENS),
    validate: ("GET", TOKENS),
    projects: ("GET", PROJECTS),
    revoke: ("DELETE", TOKENS),
    change_password: ("POST", f"{V3}/users/u1/password"),
}


@pytest.fixture
async def keystone() -> AsyncIterator[Keystone]:
    async with new_client() as client:
        service = Service("Keystone", client, Timeouts(connect=5, answer=5), KEYSTONE_ERRORS)
        yield Keystone(service, V3)


@pytest.fixture
def mocked() -> Iterator[aioresponses]:
    with aioresponses() as mock:
        mock.get(V3, payload=VERSION)
        yield mock


def only_request(mocked: aioresponses, ask: Ask) -> RequestCall:
    """Return the request that was sent, which is the only one but for the version document."""
    method, url = SENT_AS[ask]
    assert list(mocked.requests) == [("GET", URL(V3)), (method, URL(url))]
    [request] = mocked.requests[(method, URL(url))]
    return request


async def refusal(keystone: Keystone, ask: Ask) -> BffError:
    with pytest.raises(BffError) as caught:
        await ask(keystone)
    assert PASSWORD not in caught.value.message
    assert NEW_PASSWORD not in caught.value.message
    assert SECRET not in caught.value.message
    return caught.value


async def test_signing_in_asks_for_an_unscoped_token_with_the_password(
    keystone: Keystone, mocked: aioresponses
) -> None:
    mocked.post(TOKENS, status=201, payload={"token": UNSCOPED}, headers=ISSUED)
    token = await sign_in(keystone)
    assert (token.secret, token.body.user.name) == (SECRET, "alice")
    assert token.body.scope == Scope("unscoped")
    sent = only_request(mocked, sign_in).kwargs
    assert orjson.loads(sent["data"]) == {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {
                    "user": {"name": "alice", "password": PASSWORD, "domain": {"name": "Default"}}
                },
            },
            "scope": "unscoped",
        }
    }
    assert sent["headers"] == {
        "Accept": "application/json",
        # Its words tell an expired password from a wrong one.
        "Accept-Language": "en-US, en",
        "Content-Type": "application/json",
        REQUEST_ID: "req-1",
    }


@pytest.mark.parametrize(
    "scope", ["unscoped", {"project": {"id": "p1"}}, {"domain": {"id": "default"}}]
)
async def test_rescoping_sends_the_token_in_the_body_and_the_scope_as_it_is(
    keystone: Keystone, mocked: aioresponses, scope: Any
) -> None:
    mocked.post(TOKENS, status=201, payload={"token": SCOPED}, headers=ISSUED)
    token = await keystone.rescope("parent", scope, "req-1")
    assert token.body.scope == Scope("project", "p1")
    assert [role.name for role in token.body.roles] == ["member"]
    assert token.body.catalog[0].endpoints[0].url == "http://g"
    sent = only_request(mocked, rescope).kwargs
    identity = {"methods": ["token"], "token": {"id": "parent"}}
    assert orjson.loads(sent["data"]) == {"auth": {"identity": identity, "scope": scope}}
    assert "X-Auth-Token" not in sent["headers"]


async def test_of_a_large_catalog_only_the_image_service_is_kept(
    keystone: Keystone, mocked: aioresponses
) -> None:
    others = [{"type": f"service-{n}", "endpoints": []} for n in range(30)]
    catalog = [*others, *SCOPED["catalog"], *others]
    mocked.get(TOKENS, payload={"token": SCOPED | {"catalog": catalog}})
    token = await keystone.validate(SECRET, "req-1")
    assert [entry.type for entry in token.body.catalog] == ["image"]


@pytest.mark.parametrize(
    ("ask", "status", "payload"),
    [
        (validate, 200, {"token": SCOPED}),
        (revoke, 204, None),
    ],
)
async def test_a_token_is_checked_and_revoked_by_itself(
    keystone: Keystone, mocked: aioresponses, ask: Ask, status: int, payload: Any
) -> None:
    mocked.add(TOKENS, method=SENT_AS[ask][0], status=status, payload=payload)
    await ask(keystone)
    sent = only_request(mocked, ask).kwargs
    assert sent["headers"] == {
        "Accept": "application/json",
        "X-Auth-Token": SECRET,
        "X-Subject-Token": SECRET,
        "OpenStack-Identity-Access-Rules": "1.0",
        REQUEST_ID: "req-1",
    }
    assert sent["data"] is None


async def test_a_checked_token_keeps_its_secret_and_hides_it_in_its_repr(
    keystone: Keystone, mocked: aioresponses
) -> None:
    domain = {key: value for key, value in SCOPED.items() if key != "project"}
    mocked.get(TOKENS, payload={"token": domain | {"domain": DEFAULT}})
    token = await validate(keystone)
    assert (token.secret, token.body.scope) == (SECRET, Scope("domain", "default"))
    assert SECRET not in repr(token)


async def test_projects_are_those_in_which_the_user_has_a_role(
    keystone: Keystone, mocked: aioresponses
) -> None:
    listed = [{"id": "p1", "name": "demo", "domain_id": "d"}, {"id": "p2", "name": "x", "links": 1}]
    mocked.get(PROJECTS, payload={"projects": listed, "links": {}})
    assert [project.id for project in await keystone.projects(SECRET, "req-1")] == ["p1", "p2"]
    assert only_request(mocked, projects).kwargs["headers"]["X-Auth-Token"] == SECRET


ENDED = "Not signed in: the session has ended; sign in again."
WRONG = "Wrong user, password or domain, or the user is disabled or locked."
NO_ROLE = "You have no role there, or there is no such project or domain."


@pytest.mark.parametrize(
    ("ask", "status", "expected"),
    [
        (sign_in, 401, (Code.UNAUTHORIZED, WRONG)),
        (sign_in, 404, (Code.UNAUTHORIZED, WRONG)),
        (rescope, 401, (Code.FORBIDDEN, NO_ROLE)),
        (rescope, 404, (Code.UNAUTHORIZED, ENDED)),
        (validate, 401, (Code.UNAUTHORIZED, ENDED)),
        (validate, 404, (Code.UNAUTHORIZED, ENDED)),
    ],
)
async def test_what_keystone_means_by_a_status_depends_on_what_was_asked(
    keystone: Keystone, mocked: aioresponses, ask: Ask, status: int, expected: tuple[Code, str]
) -> None:
    quoting = {"error": {"message": f"Could not find token: {SECRET}.", "code": status}}
    headers = {REQUEST_ID: "req-of-keystone", "Retry-After": "7"}
    mocked.add(TOKENS, method=SENT_AS[ask][0], status=status, payload=quoting, headers=headers)
    error = await refusal(keystone, ask)
    assert (error.code, error.message) == expected
    assert error.data == {"upstreamRequestId": "req-of-keystone", "retryAfter": 7}


EXPIRED = "The password is expired and needs to be changed for user: 0f3."
RECEIPT = "Openstack-Auth-Receipt"
PROOF = f"gAAAA-{SECRET}"
RULES = [["password", "totp"]]


def keystones(message: Any) -> dict[str, Any]:
    return {"error": {"message": message, "code": 401, "title": "Unauthorized"}}


def asking(rules: Any, **receipt: Any) -> dict[str, Any]:
    return {"receipt": {"methods": ["password"]} | receipt, "required_auth_methods": rules}


@pytest.mark.parametrize(
    ("headers", "payload", "expected"),
    [
        ({RECEIPT: PROOF}, asking(RULES), (PROOF, ["totp"])),
        ({}, asking(RULES), (None, ["totp"])),
        ({RECEIPT: PROOF}, asking([*RULES, *RULES, ["password", "duo"]]), (PROOF, ["totp", "duo"])),
        # Two are missing: neither would be enough.
        ({RECEIPT: PROOF}, asking([["password", "totp", "duo"]]), (PROOF, [])),
        ({RECEIPT: PROOF}, asking([["password", "totp"]], methods=["totp"]), (PROOF, ["password"])),
        ({RECEIPT: PROOF}, None, (PROOF, [])),
        ({RECEIPT: PROOF}, [], (PROOF, [])),
        ({RECEIPT: PROOF}, {"receipt": 5, "required_auth_methods": RULES}, (PROOF, ["totp"])),
        ({RECEIPT: PROOF}, asking(RULES, methods={"a": 1}, user="u"), (PROOF, ["totp"])),
        ({RECEIPT: PROOF}, asking(f"{SECRET} {PASSWORD}"), (PROOF, [])),
        ({RECEIPT: PROOF}, asking({"password": "totp"}), (PROOF, [])),
        ({RECEIPT: PROOF}, asking([5, None, "totp", {"a": 1}, [["totp"]], [{}]]), (PROOF, [])),
        ({RECEIPT: PROOF}, asking([["password", f"<b>{PASSWORD}</b>\n"]]), (PROOF, [])),
        ({RECEIPT: PROOF}, asking([["password", "x" * 65]]), (PROOF, [])),
        (
            {RECEIPT: PROOF},
            asking([[f"m{n}"] for n in range(999)]),
            (PROOF, [f"m{n}" for n in range(10)]),
        ),
        ({RECEIPT: "x" * 100_000}, asking(RULES), (None, ["totp"])),
        ({RECEIPT: "a\r\nX-Auth-Token: b"}, asking(RULES), (None, ["totp"])),
        ({RECEIPT: "t\u00f6ken"}, asking(RULES), (None, ["totp"])),
        ({RECEIPT: ""}, asking(RULES), (None, ["totp"])),
    ],
)
async def test_a_password_that_is_not_enough_is_answered_by_a_receipt(
    keystone: Keystone,
    mocked: aioresponses,
    headers: dict[str, str],
    payload: Any,
    expected: tuple[str | None, list[str]],
) -> None:
    mocked.post(TOKENS, status=401, payload=payload, headers={REQUEST_ID: "req-1"} | headers)
    receipt = await keystone.sign_in(with_password(ALICE, PASSWORD), "req-1")
    assert isinstance(receipt, Receipt)
    assert (receipt.secret, [*receipt.methods]) == expected
    assert receipt.user_id is None
    assert receipt.data == {"upstreamRequestId": "req-1"}
    assert SECRET not in repr(receipt)


async def test_a_receipt_goes_back_beside_the_passcode(
    keystone: Keystone, mocked: aioresponses
) -> None:
    mocked.post(TOKENS, status=201, payload={"token": UNSCOPED}, headers=ISSUED)
    identity = with_passcode(ALICE, "123456", PROOF)
    assert "123456" not in repr(identity)
    assert SECRET not in repr(identity)
    await keystone.sign_in(identity, "req-1")
    sent = only_request(mocked, sign_in).kwargs
    assert sent["headers"][RECEIPT] == PROOF
    user = {"name": "alice", "domain": {"name": "Default"}, "passcode": "123456"}
    assert orjson.loads(sent["data"])["auth"] == {
        "identity": {"methods": ["totp"], "totp": {"user": user}},
        "scope": "unscoped",
    }


@pytest.mark.parametrize(
    ("message", "reason"),
    [(f"Could not find auth receipt: {PROOF}.", "SIGN_IN_EXPIRED"), ("No.", None)],
)
async def test_a_receipt_that_has_ended_is_told_from_a_wrong_passcode(
    keystone: Keystone, mocked: aioresponses, message: str, reason: str | None
) -> None:
    mocked.post(TOKENS, status=401, payload=keystones(message))

    async def ask(keystone: Keystone) -> Any:
        return await keystone.sign_in(with_passcode(ALICE, "123456", PROOF), "req-1")

    error = await refusal(keystone, ask)
    assert (error.code, error.data.get("reason")) == (Code.UNAUTHORIZED, reason)


@pytest.mark.parametrize(
    ("message", "user_id"),
    [
        (EXPIRED, "0f3"),
        ("The password is expired", None),
        ("The password is expired and needs to be changed for user: ../../v3.", None),
        ("The password is expired and needs to be changed for user: a\r\nb.", None),
        (f"{EXPIRED} {PASSWORD}", None),
        (f"The password is expired for user: {'x' * 256}.", None),
        ("The password is expired" + " for user: " * 1000, None),
    ],
)
async def test_an_expired_password_is_told_with_the_users_id(
    keystone: Keystone, mocked: aioresponses, message: str, user_id: str | None
) -> None:
    mocked.post(TOKENS, status=401, payload=keystones(message))
    error = await refusal(keystone, sign_in)
    assert error.code is Code.UNAUTHORIZED
    assert "has expired, or must be changed" in error.message
    assert error.data.get("reason") == "PASSWORD_EXPIRED"
    assert error.data.get("userId") == user_id


@pytest.mark.parametrize(
    "payload",
    [
        keystones(f"{PASSWORD} {EXPIRED}"),
        keystones("The account is locked for user: 0f3."),
        keystones("The account is disabled for user: 0f3."),
        keystones([EXPIRED]),
        {"error": EXPIRED},
        {"error": None},
        # Nothing was asked of a receipt.
        keystones(f"Could not find auth receipt: {SECRET}."),
    ],
)
async def test_any_other_refusal_of_a_password_looks_like_a_wrong_one(
    keystone: Keystone, mocked: aioresponses, payload: Any
) -> None:
    mocked.post(TOKENS, status=401, payload=payload)
    error = await refusal(keystone, sign_in)
    assert (error.code, error.message, error.data) == (Code.UNAUTHORIZED, WRONG, {})


async def test_a_method_that_keystone_does_not_take_is_named(
    keystone: Keystone, mocked: aioresponses
) -> None:
    unsupported = "Attempted to authenticate with an unsupported method."
    mocked.post(TOKENS, status=401, payload=keystones(unsupported))
    error = await refusal(keystone, sign_in)
    assert error.code is Code.BAD_REQUEST
    assert error.message == "Keystone is not set to take this: password."


async def test_a_session_whose_user_needs_more_factors_now_has_to_begin_again(
    keystone: Keystone, mocked: aioresponses
) -> None:
    mocked.post(TOKENS, status=401, payload=asking(RULES), headers={RECEIPT: PROOF})
    error = await refusal(keystone, rescope)
    assert error.code is Code.UNAUTHORIZED
    assert "sign in again" in error.message


RULE = "The password does not match the requirements: At least five characters."


@pytest.mark.parametrize("status", [400, 403])
@pytest.mark.parametrize(
    ("message", "said"),
    [
        (RULE, RULE),
        (f"{RULE}\r\n  {RULE}", f"{RULE} {RULE}"),
        ("x" * 100_000, "x" * 500),
        *((f"{RULE} {secret}", None) for secret in (PASSWORD, NEW_PASSWORD)),
        *((f"x{secret}y", None) for secret in (PASSWORD, NEW_PASSWORD)),
        *((odd, None) for odd in ("", None, 5, [RULE])),
    ],
)
async def test_which_rule_a_new_password_breaks_is_told(
    keystone: Keystone, mocked: aioresponses, status: int, message: Any, said: str | None
) -> None:
    mocked.post(f"{V3}/users/u1/password", status=status, payload=keystones(message))
    error = await refusal(keystone, change_password)
    assert error.code is Code.BAD_REQUEST
    assert error.data == {"reason": "PASSWORD_REFUSED"}
    known = said or "Keystone's rules for passwords do not allow it."
    assert error.message == f"The new password was refused: {known}"


@pytest.mark.parametrize(
    ("password", "is_quoted"), [("a", True), ("five", False), ("char", True), ("acters.", True)]
)
async def test_a_short_password_hides_a_rule_only_as_a_word_of_its_own(
    keystone: Keystone, mocked: aioresponses, password: str, is_quoted: bool
) -> None:
    mocked.post(f"{V3}/users/u1/password", status=400, payload=keystones(RULE))
    with pytest.raises(BffError) as caught:
        await keystone.change_password("u1", "before", password, "req-1")
    assert (RULE in caught.value.message) is is_quoted


@pytest.mark.parametrize(
    "password", ["two  words of it", "a back\\slash", 'quote\'s "both"', "caf\u00e9\tau lait"]
)
@pytest.mark.parametrize("quoted", [str, repr, json.dumps])
async def test_a_new_password_is_not_told_in_another_spelling(
    keystone: Keystone, mocked: aioresponses, password: str, quoted: Callable[[str], str]
) -> None:
    payload = keystones(f"{quoted(password)} is too weak")
    mocked.post(f"{V3}/users/u1/password", status=400, payload=payload)
    with pytest.raises(BffError) as caught:
        await keystone.change_password("u1", "before", password, "req-1")
    assert "weak" not in caught.value.message


async def test_a_changed_password_is_sent_for_the_user_and_without_a_token(
    keystone: Keystone, mocked: aioresponses
) -> None:
    mocked.post(f"{V3}/users/u1/password", status=204)
    await change_password(keystone)
    sent = only_request(mocked, change_password).kwargs
    assert orjson.loads(sent["data"]) == {
        "user": {"original_password": PASSWORD, "password": NEW_PASSWORD}
    }
    assert "X-Auth-Token" not in sent["headers"]


@pytest.mark.parametrize("status", [401, 404])
async def test_a_wrong_password_changes_nothing_and_looks_like_a_wrong_user(
    keystone: Keystone, mocked: aioresponses, status: int
) -> None:
    mocked.post(f"{V3}/users/u1/password", status=status, payload=keystones(f"{PASSWORD}!"))
    error = await refusal(keystone, change_password)
    assert (error.code, error.message) == (Code.UNAUTHORIZED, WRONG)


@pytest.mark.parametrize("ask", [sign_in, rescope, validate, projects, revoke, change_password])
@pytest.mark.parametrize("status", [401, 404])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message": "Unauthorized"}'])
async def test_what_a_proxy_refuses_is_no_word_of_keystones(
    keystone: Keystone, mocked: aioresponses, ask: Ask, status: int, body: bytes
) -> None:
    method, url = SENT_AS[ask]
    mocked.add(url, method=method, status=status, body=body)
    error = await refusal(keystone, ask)
    assert error.code is Code.BAD_GATEWAY
    assert f"the answer {status} is not Keystone's own" in error.message


@pytest.mark.parametrize("ask", [ask for ask in SENT_AS if ask is not change_password])
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, Code.BAD_REQUEST),
        # Rescoping a scoped token, where Keystone is set so that it is not allowed.
        (403, Code.FORBIDDEN),
        (429, Code.TOO_MANY_REQUESTS),
        (500, Code.BAD_GATEWAY),
        (503, Code.SERVICE_UNAVAILABLE),
    ],
)
async def test_any_other_refusal_passes_as_its_code_and_says_what_was_being_done(
    keystone: Keystone, mocked: aioresponses, ask: Ask, status: int, code: Code
) -> None:
    method, url = SENT_AS[ask]
    # Keystone's own shape, and Glance's: neither is quoted.
    payload = {"error": {"message": f"{SECRET} {PASSWORD}"}, "message": f"{SECRET} {PASSWORD}"}
    mocked.add(url, method=method, status=status, payload=payload)
    error = await refusal(keystone, ask)
    assert error.code is code
    assert error.message.startswith("Keystone refused to ")


async def test_listing_projects_with_a_token_that_has_ended_is_unauthorized(
    keystone: Keystone, mocked: aioresponses
) -> None:
    mocked.get(PROJECTS, status=401, body=keystone_error(401))
    assert (await refusal(keystone, projects)).code is Code.UNAUTHORIZED


@pytest.mark.parametrize("status", [204, 401, 404])
async def test_revoking_a_token_that_has_ended_already_is_fine(
    keystone: Keystone, mocked: aioresponses, status: int
) -> None:
    mocked.delete(TOKENS, status=status, body=b"" if status == 204 else keystone_error(status))
    mocked.get(TOKENS, status=404, body=keystone_error(404))
    await revoke(keystone)
    assert ("DELETE", URL(TOKENS)) in mocked.requests


@pytest.mark.parametrize("status", [401, 404])
async def test_a_token_that_stays_valid_is_not_said_to_have_ended(
    keystone: Keystone, mocked: aioresponses, status: int
) -> None:
    mocked.delete(TOKENS, status=status, body=keystone_error(status))
    mocked.get(TOKENS, payload={"token": SCOPED})
    error = await refusal(keystone, revoke)
    assert error.code is Code.FORBIDDEN
    assert "access rules" in error.message


@pytest.mark.parametrize("ask", [sign_in, rescope])
@pytest.mark.parametrize(
    "headers",
    [{}, *({"X-Subject-Token": odd} for odd in ("", "a token", "t\u00f6ken"))],
)
async def test_a_token_that_is_missing_in_the_answer_is_a_bad_gateway(
    keystone: Keystone, mocked: aioresponses, ask: Ask, headers: dict[str, str]
) -> None:
    mocked.post(TOKENS, status=201, payload={"token": UNSCOPED}, headers=headers)
    error = await refusal(keystone, ask)
    assert (error.code, error.message) == (
        Code.BAD_GATEWAY,
        "Keystone answered without a token.",
    )


@pytest.mark.parametrize("ask", [sign_in, rescope, validate, projects])
@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>", b"[]", b"null", b"{}", b'{"token": null}', b'{"token": {}}'),
        *(b'{"projects": null}', b'{"projects": [{"id": "p1"}]}', b'{"projects": "p1"}'),
        orjson.dumps({"token": UNSCOPED | {"expires_at": "soon"}}),
        orjson.dumps({"token": UNSCOPED | {"user": {"id": "u1"}}}),
    ],
    ids=lambda body: body[-24:],
)
async def test_an_answer_that_is_none_of_the_documented_ones_is_a_bad_gateway(
    keystone: Keystone, mocked: aioresponses, ask: Ask, body: bytes
) -> None:
    method, url = SENT_AS[ask]
    status = 201 if method == "POST" else 200
    mocked.add(url, method=method, status=status, body=body, headers=ISSUED)
    assert (await refusal(keystone, ask)).code is Code.BAD_GATEWAY


@pytest.mark.parametrize("ask", [sign_in, rescope, revoke, change_password])
async def test_a_write_that_finds_nobody_is_service_unavailable(
    keystone: Keystone, mocked: aioresponses, ask: Ask
) -> None:
    method, url = SENT_AS[ask]
    mocked.add(url, method=method, exception=ConnectionRefusedError(PASSWORD))
    assert (await refusal(keystone, ask)).code is Code.SERVICE_UNAVAILABLE
    assert only_request(mocked, ask)
