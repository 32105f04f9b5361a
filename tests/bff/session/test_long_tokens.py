"""Sessions with a token that is too long for one cookie: federated ones, and those of JWS."""

from __future__ import annotations

from http.cookies import SimpleCookie
from itertools import product
from typing import Any

import pytest

from tests.bff.conftest import Bff
from tests.fakes.openstack import PASSWORD, PROJECTS, FakeOpenStack

NAME = "__Host-polaris-bff"
LIST = "compute.image.listImages"
SESSION = "auth.getCurrentUserSession"
LENGTH = 6000


class Browser:
    """Keeps cookies as a browser does."""

    def __init__(self, bff: Bff) -> None:
        self.bff = bff
        self.cookies: dict[str, str] = {}

    def headers(self) -> dict[str, str]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Origin": self.bff.origin, **({"Cookie": cookie} if cookie else {})}

    async def call(self, method: str, **params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        response = await self.bff.request("POST", self.bff.url, json=body, headers=self.headers())
        for header in response.headers.getall("Set-Cookie", []):
            assert len(header) <= 4096
            ((name, morsel),) = SimpleCookie(header).items()
            assert (morsel["httponly"], morsel["secure"], morsel["path"]) == (True, True, "/")
            self.cookies[name] = morsel.value
            if morsel["max-age"] == "0":
                del self.cookies[name]
        return await response.json()

    async def sign_in(self) -> None:
        answer = await self.call(
            "auth.createUserSession", user="alice", password=PASSWORD, projectName="demo"
        )
        assert "result" in answer, answer

    async def user(self) -> Any:
        found = (await self.call(SESSION))["result"]
        return found and found["user"]["name"]


@pytest.fixture
async def browser(bff: Bff, openstack: FakeOpenStack) -> Browser:
    """Return a browser with a session in several cookies."""
    openstack.token_length = LENGTH
    browser = Browser(bff)
    await browser.sign_in()
    return browser


async def test_a_long_token_makes_a_session_that_works(
    browser: Browser, openstack: FakeOpenStack
) -> None:
    assert list(browser.cookies) == [NAME, f"{NAME}.1", f"{NAME}.2"]
    assert (await browser.call(LIST))["result"] == []
    moved = {"type": "project", "projectId": PROJECTS["partner"]}
    assert "result" in await browser.call("auth.setCurrentScope", **moved)
    assert (await browser.call(SESSION))["result"]["project"]["name"] == "partner"
    assert (await browser.call("auth.terminateUserSession"))["result"] is True
    assert browser.cookies == {}
    assert openstack.tokens == {}


async def test_the_longest_token_that_comes_through_makes_one_too(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    # Near aiohttp's bound of a header, 8190 bytes.
    openstack.token_length = 8150
    browser = Browser(bff)
    await browser.sign_in()
    assert len(browser.cookies) == 3
    assert await browser.user() == "alice"


async def test_a_shorter_session_takes_the_cookies_of_a_longer_one_away(
    browser: Browser, openstack: FakeOpenStack
) -> None:
    openstack.token_length = 3500
    await browser.sign_in()
    assert list(browser.cookies) == [NAME, f"{NAME}.1"]
    openstack.token_length = 0
    await browser.sign_in()
    assert list(browser.cookies) == [NAME]
    assert await browser.user() == "alice"


@pytest.mark.parametrize("gone", ["", ".1", ".2"])
async def test_a_part_that_is_missing_is_no_session_and_no_error(
    gone: str, browser: Browser
) -> None:
    del browser.cookies[NAME + gone]
    assert await browser.user() is None
    assert (await browser.call(LIST))["error"]["data"]["code"] == "UNAUTHORIZED"
    # And the next session puts all in order.
    await browser.sign_in()
    assert await browser.user() == "alice"


async def test_parts_of_two_sessions_are_no_session(
    browser: Browser, bff: Bff, openstack: FakeOpenStack
) -> None:
    other = Browser(bff)
    await other.sign_in()
    assert list(other.cookies) == list(browser.cookies)
    sources = (browser.cookies, other.cookies)
    mixed = Browser(bff)
    for choice in product(sources, repeat=3):
        mixed.cookies = {
            name: source[name] for name, source in zip(sources[0], choice, strict=True)
        }
        is_whole = choice in ((sources[0],) * 3, (sources[1],) * 3)
        assert (await mixed.user() == "alice") is is_whole


@pytest.mark.parametrize(
    "forged",
    ["9.{}", "0.{}", "1.{}", "2.{}", "3.", "3.3.{}", "{}", "3.{}x", "-3.{}", "33.{}", "3{}"],
)
async def test_a_first_part_that_says_something_else_is_no_session(
    forged: str, browser: Browser
) -> None:
    browser.cookies[NAME] = forged.format(browser.cookies[NAME].removeprefix("3."))
    assert await browser.user() is None


async def test_further_parts_that_nobody_asks_for_change_nothing_and_go(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    browser = Browser(bff)
    await browser.sign_in()
    browser.cookies |= {f"{NAME}.1": "x" * 4000, f"{NAME}.7": "y"}
    assert await browser.user() == "alice"
    await browser.call("auth.terminateUserSession")
    assert list(browser.cookies) == [f"{NAME}.7"]
