"""Every way to sign in before a real Keystone, and a call to Glance in each session."""

from __future__ import annotations

import uuid
from http.cookies import SimpleCookie
from typing import Any

import aiohttp
import pytest

from devcloud.api import Api
from tests.bff.conftest import Bff, bff_with
from tests.cloud.conftest import Cloud
from tests.cloud.test_keystone import WRONG, sign_in
from tests.cloud.test_sessions import LIST, code
from tests.conftest import Serve
from tests.strict_cloud import (
    PASSWORD,
    RULE,
    StrictCloud,
    application_credential,
    passcode,
)

SIGN_IN, CHANGE = "auth.createUserSession", "auth.changePassword"
IMAGES = {"service": "image", "method": "GET", "path": "/v2/images"}


class Browser:
    """Keeps the cookies of one BFF, as a browser does."""

    def __init__(self, bff: Bff) -> None:
        self.bff = bff
        self.cookies: dict[str, str] = {}

    async def call(self, method: str, **params: Any) -> Any:
        """Make a call, and return the whole answer."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Origin": self.bff.origin} | ({"Cookie": cookie} if cookie else {})
        response = await self.bff.request("POST", self.bff.url, json=body, headers=headers)
        for header in response.headers.getall("Set-Cookie", []):
            for morsel in SimpleCookie(header).values():
                self.cookies[morsel.key] = morsel.value
        self.cookies = {name: value for name, value in self.cookies.items() if value}
        return await response.json()

    async def sign_in(self, **params: Any) -> Any:
        """Sign in; returns the session."""
        answer = await self.call(SIGN_IN, **params)
        assert "result" in answer, answer
        return answer["result"]

    async def error(self, method: str, **params: Any) -> dict[str, Any]:
        """Make a call that fails; returns message and ``data``."""
        error = (await self.call(method, **params))["error"]
        return {"message": error["message"], **error["data"]}


async def works_in(browser: Browser, project: str) -> None:
    """Prove that a session works: in which project, and at Glance."""
    current = await browser.call("auth.getCurrentUserSession")
    assert current["result"]["project"]["name"] == project
    assert (await browser.call(LIST))["result"]


@pytest.fixture
def browser(bff: Bff) -> Browser:
    """Return a browser before the BFF of the usual cloud."""
    return Browser(bff)


@pytest.fixture
def strict_browser(strict_bff: Bff) -> Browser:
    """Return a browser before the BFF of the strict cloud."""
    return Browser(strict_bff)


@pytest.fixture(scope="module")
def other_domain(cloud: Cloud) -> dict[str, str]:
    """Make a domain with a user and a project demo; the user has a role in the other demo, too."""
    keystone, name = cloud.keystone(), f"domain-{uuid.uuid4()}"
    domain = keystone.post("/domains", {"domain": {"name": name}})["domain"]["id"]
    user = {"name": name, "password": "other", "domain_id": domain}
    user_id = keystone.post("/users", {"user": user})["user"]["id"]
    project = {"name": "demo", "domain_id": domain}
    project_id = keystone.post("/projects", {"project": project})["project"]["id"]
    role = keystone.get("/roles?name=member")["roles"][0]["id"]
    for each in (project_id, cloud.projects["demo"]):
        keystone.put(f"/projects/{each}/users/{user_id}/roles/{role}")
    return {"name": name, "id": domain, "user": user_id, "project": project_id}


async def test_a_user_is_found_by_id_and_by_either_spelling_of_the_domain(
    browser: Browser, other_domain: dict[str, str]
) -> None:
    ways: list[dict[str, str]] = [
        {"userId": other_domain["user"]},
        {"userId": other_domain["user"], "userDomainId": other_domain["id"]},
        {"user": other_domain["name"], "userDomainId": other_domain["id"]},
        {"user": other_domain["name"], "domainName": other_domain["name"]},
    ]
    for way in ways:
        session = await browser.sign_in(password="other", projectName="demo", **way)
        # Without another domain, it is a project of the user's own.
        assert session["user"]["id"] == other_domain["user"]
        assert session["project"]["id"] == other_domain["project"]
    await works_in(browser, "demo")


async def test_a_project_may_be_in_another_domain_than_the_user(
    browser: Browser, cloud: Cloud, other_domain: dict[str, str]
) -> None:
    who = {"userId": other_domain["user"], "password": "other", "projectName": "demo"}
    for domain in ({"projectDomainName": "Default"}, {"projectDomainId": "default"}):
        session = await browser.sign_in(**who, **domain)
        assert session["project"]["id"] == cloud.projects["demo"]
    refused = await browser.error(SIGN_IN, **who, projectDomainName="no such domain")
    assert refused["code"] == "FORBIDDEN"


async def test_wrong_ids_are_as_wrong_as_wrong_names(browser: Browser) -> None:
    users: list[dict[str, str]] = [
        {"userId": "f" * 32},
        {"user": "alice", "userDomainId": "f" * 32},
        {"user": "nobody"},
    ]
    told = [await browser.error(SIGN_IN, password="wrong", **user) for user in users]
    assert {(each["code"], each["message"], each.get("reason")) for each in told} == {
        (
            "UNAUTHORIZED",
            "Wrong user, password or domain, or the user is disabled or locked.",
            None,
        )
    }


async def test_a_second_factor_in_two_steps(strict: StrictCloud, strict_browser: Browser) -> None:
    name, user_id = strict.user("demo")
    secret = strict.second_factor(user_id)
    given = {"user": name, "password": PASSWORD, "projectName": "demo"}
    asked = await strict_browser.error(SIGN_IN, **given)
    assert (asked["reason"], asked["methods"]) == ("SECOND_FACTOR_REQUIRED", ["totp"])
    wrong = await strict_browser.error(SIGN_IN, passcode="no code")
    assert (wrong["code"], wrong.get("reason")) == ("UNAUTHORIZED", None)
    assert wrong["message"].startswith("Wrong passcode")
    session = await strict_browser.sign_in(passcode=passcode(secret))
    assert session["user"]["id"] == user_id
    assert len(strict_browser.cookies) == 1
    await works_in(strict_browser, "demo")


async def test_a_second_factor_in_one_step(strict: StrictCloud, strict_browser: Browser) -> None:
    name, user_id = strict.user("demo")
    secret = strict.second_factor(user_id)
    given = {"userId": user_id, "password": PASSWORD, "projectName": "demo"}
    wrong = await strict_browser.error(SIGN_IN, **given, passcode="no code")
    assert (wrong["code"], wrong.get("reason")) == ("UNAUTHORIZED", None)
    session = await strict_browser.sign_in(**given, passcode=passcode(secret))
    assert session["user"]["name"] == name
    await works_in(strict_browser, "demo")


async def test_a_receipt_is_of_no_use_with_anothers_passcode(
    strict: StrictCloud, strict_bff: Bff
) -> None:
    (one, first), (other, second) = strict.user("demo"), strict.user("demo")
    strict.second_factor(first)
    others_secret = strict.second_factor(second)
    browser = Browser(strict_bff)
    for name in (one, other, one):
        asked = await browser.error(SIGN_IN, user=name, password=PASSWORD)
        assert asked["reason"] == "SECOND_FACTOR_REQUIRED"
    wrong = await browser.error(SIGN_IN, passcode=passcode(others_secret))
    assert (wrong["code"], wrong.get("reason")) == ("UNAUTHORIZED", None)


async def test_a_keystone_without_second_factors_says_so(browser: Browser) -> None:
    told = await browser.error(SIGN_IN, user="alice", password="alice", passcode="123456")
    assert told["code"] == "BAD_REQUEST"
    assert told["message"] == "Keystone is not set to take this: password, totp."


async def test_a_first_password_is_changed_and_signs_in(
    strict: StrictCloud, strict_browser: Browser
) -> None:
    name, user_id = strict.user("demo", is_new=True)
    who = {"user": name, "password": PASSWORD}
    told = await strict_browser.error(SIGN_IN, **who)
    assert (told["reason"], told["userId"]) == ("PASSWORD_EXPIRED", user_id)
    wrong = await strict_browser.error(SIGN_IN, user=name, password="wrong")
    assert "reason" not in wrong
    refused = await strict_browser.error(CHANGE, **who, newPassword="four")
    assert (refused["code"], refused["reason"]) == ("BAD_REQUEST", "PASSWORD_REFUSED")
    assert RULE in refused["message"]
    same = await strict_browser.error(CHANGE, **who, newPassword=PASSWORD)
    assert "cannot be identical to a previous password" in same["message"]
    assert (await strict_browser.call(CHANGE, **who, newPassword="a-new-one"))["result"] is True
    # At once: Keystone ends whatever it issued in the second of the change.
    await strict_browser.sign_in(user=name, password="a-new-one", projectName="demo")
    await works_in(strict_browser, "demo")


async def test_a_password_is_changed_by_the_users_id_beside_a_second_factor(
    strict: StrictCloud, strict_browser: Browser
) -> None:
    name, user_id = strict.user("demo")
    secret = strict.second_factor(user_id)
    strict.expire_password(user_id)
    told = await strict_browser.error(SIGN_IN, user=name, password=PASSWORD)
    assert (told["reason"], told["userId"]) == ("PASSWORD_EXPIRED", user_id)
    who = {"userId": told["userId"], "password": PASSWORD}
    assert (await strict_browser.call(CHANGE, **who, newPassword="a-new-one"))["result"] is True
    session = await strict_browser.sign_in(
        user=name, password="a-new-one", passcode=passcode(secret)
    )
    assert session["user"]["id"] == user_id


async def test_a_password_that_has_not_expired_is_changed_by_the_users_name(
    strict: StrictCloud, strict_browser: Browser
) -> None:
    name, user_id = strict.user("demo")
    wrong = await strict_browser.error(CHANGE, user=name, password="wrong", newPassword="a-new-one")
    assert (wrong["code"], "reason" in wrong) == ("UNAUTHORIZED", False)
    strict.second_factor(user_id)
    changed = await strict_browser.call(
        CHANGE, user=name, password=PASSWORD, newPassword="a-new-one"
    )
    assert changed["result"] is True
    old = await strict_browser.error(SIGN_IN, user=name, password=PASSWORD)
    assert "reason" not in old


@pytest.mark.parametrize("rules", [None, [IMAGES]])
async def test_an_application_credential_signs_in(
    rules: list[dict[str, str]] | None, cloud: Cloud, browser: Browser
) -> None:
    more = {} if rules is None else {"access_rules": rules}
    made = application_credential(cloud, "alice", "demo", **more)
    for way in (
        {"applicationCredentialId": made["id"]},
        {"applicationCredentialName": made["name"], "user": "alice"},
    ):
        session = await browser.sign_in(applicationCredentialSecret="a-secret", **way)
        assert session["user"]["name"] == "alice"
        await works_in(browser, "demo")
    projects = await browser.call("auth.listProjects")
    assert [project["name"] for project in projects["result"]] == ["demo"]
    elsewhere = {"type": "project", "projectId": cloud.projects["partner"]}
    moved = await browser.error("auth.setCurrentScope", **elsewhere)
    assert moved["code"] == "FORBIDDEN"
    await works_in(browser, "demo")
    # Keystone does not end one that has access rules; the browser forgets it all the same.
    assert (await browser.call("auth.terminateUserSession"))["result"] is True
    assert not browser.cookies


async def test_a_wrong_application_credential_does_not_say_which_part(
    cloud: Cloud, browser: Browser
) -> None:
    made = application_credential(cloud, "alice", "demo")
    wrong = [
        {"applicationCredentialId": made["id"], "applicationCredentialSecret": "wrong"},
        {"applicationCredentialId": "f" * 32, "applicationCredentialSecret": "a-secret"},
        {
            "applicationCredentialName": made["name"],
            "user": "nobody",
            "applicationCredentialSecret": "a-secret",
        },
        {
            "applicationCredentialName": "none",
            "user": "alice",
            "applicationCredentialSecret": "a-secret",
        },
    ]
    told = [await browser.error(SIGN_IN, **params) for params in wrong]
    assert len({(each["code"], each["message"]) for each in told}) == 1
    assert told[0]["code"] == "UNAUTHORIZED"


async def test_a_token_signs_in_unscoped_as_a_single_sign_on_brings_it(
    cloud: Cloud, browser: Browser, bff: Bff
) -> None:
    who = {"name": "alice", "password": "alice", "domain": {"name": "Default"}}
    identity = {"methods": ["password"], "password": {"user": who}}
    body = {"auth": {"identity": identity, "scope": "unscoped"}}
    _, headers = Api(cloud.auth_url).call("POST", "/auth/tokens", body)
    token = str(headers["X-Subject-Token"])
    session = await browser.sign_in(token=token)
    assert session["project"] is None
    session = await browser.sign_in(token=token, projectName="demo", projectDomainName="Default")
    await works_in(browser, "demo")
    moved = {"type": "project", "projectId": cloud.projects["partner"]}
    assert "result" in await browser.call("auth.setCurrentScope", **moved)
    await works_in(browser, "partner")
    assert (await browser.call("auth.terminateUserSession"))["result"] is True
    assert code(await bff.call("auth.listProjects", X_Auth_Token=token)) == "UNAUTHORIZED"


async def test_a_federated_token_signs_in_and_enters_a_project(
    strict: StrictCloud, strict_browser: Browser
) -> None:
    provider, user = f"provider-{uuid.uuid4()}", "carol@example.org"
    strict.offer_single_sign_on(provider, "demo")
    token = strict.federated_token(provider, user)
    session = await strict_browser.sign_in(token=token)
    assert (session["user"]["name"], session["project"]) == (user, None)
    projects = (await strict_browser.call("auth.listProjects"))["result"]
    assert [project["name"] for project in projects] == ["demo"]
    await strict_browser.sign_in(token=token, projectName="demo", projectDomainName="Default")
    await works_in(strict_browser, "demo")


async def test_a_token_with_a_project_stays_there(cloud: Cloud, browser: Browser) -> None:
    session = await browser.sign_in(token=cloud.new_token("alice", "demo"))
    assert session["project"]["name"] == "demo"
    await works_in(browser, "demo")
    wrong = await browser.error(SIGN_IN, token="gAAAAAnonsense")
    assert (wrong["code"], wrong.get("reason")) == ("UNAUTHORIZED", None)


async def test_the_bound_on_attempts_holds_for_passcodes(
    strict: StrictCloud, serve: Serve, client: aiohttp.ClientSession
) -> None:
    browser = Browser(await bff_with(serve, client, auth_url=strict.auth_url, sign_ins_per_user=3))
    name, user_id = strict.user("demo")
    secret = strict.second_factor(user_id)
    await browser.error(SIGN_IN, user=name, password=PASSWORD)
    told = [await browser.error(SIGN_IN, passcode="no code") for _ in range(4)]
    assert [each["code"] for each in told] == ["UNAUTHORIZED"] * 3 + ["TOO_MANY_REQUESTS"]
    refused = await browser.error(SIGN_IN, passcode=passcode(secret))
    assert refused["code"] == "TOO_MANY_REQUESTS"


async def test_a_user_without_such_rules_signs_in(strict: StrictCloud, strict_bff: Bff) -> None:
    name, _ = strict.user()
    assert await sign_in(strict_bff, name) == ("", name)
    assert await sign_in(strict_bff, "alice", "alice") == ("", "alice")


async def test_a_second_factor_is_said_to_be_what_is_missing(
    strict: StrictCloud, strict_bff: Bff
) -> None:
    name, user_id = strict.user()
    strict.second_factor(user_id)
    refused, message = await sign_in(strict_bff, name)
    assert refused == "UNAUTHORIZED"
    assert "second factor" in message
    assert await sign_in(strict_bff, name, "wrong") == ("UNAUTHORIZED", WRONG)


async def test_a_first_password_is_said_to_need_a_change(
    strict: StrictCloud, strict_bff: Bff
) -> None:
    name, user_id = strict.user(is_new=True)
    refused, message = await sign_in(strict_bff, name)
    assert refused == "UNAUTHORIZED"
    assert "must be changed at its first use" in message
    assert user_id not in message
    assert await sign_in(strict_bff, name, "wrong") == ("UNAUTHORIZED", WRONG)


async def test_an_expired_password_is_said_to_have_expired(
    strict: StrictCloud, strict_bff: Bff
) -> None:
    name, user_id = strict.user()
    assert await sign_in(strict_bff, name) == ("", name)
    strict.expire_password(user_id)
    refused, message = await sign_in(strict_bff, name)
    assert refused == "UNAUTHORIZED"
    assert "has expired" in message


async def test_a_locked_and_a_disabled_account_cannot_be_told_from_a_wrong_password(
    strict: StrictCloud, strict_bff: Bff
) -> None:
    locked, _ = strict.user()
    for _ in range(2):
        assert await sign_in(strict_bff, locked, "wrong") == ("UNAUTHORIZED", WRONG)
    assert await sign_in(strict_bff, locked) == ("UNAUTHORIZED", WRONG)
    disabled, user_id = strict.user()
    strict.keystone().patch(f"/users/{user_id}", {"user": {"enabled": False}})
    assert await sign_in(strict_bff, disabled) == ("UNAUTHORIZED", WRONG)
