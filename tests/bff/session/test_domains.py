"""The names of the domains of a user's projects, which Keystone tells in tokens alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bff.session.domains import MAX_ASKED, REFUSED_SECONDS
from tests.bff.conftest import Bff, Start
from tests.bff.session.conftest import Clock
from tests.fakes.openstack import PROJECTS, FakeOpenStack

RESCOPE = "POST /v3/auth/tokens"


async def projects(bff: Bff, token: str, **params: Any) -> list[dict[str, Any]]:
    answer = await bff.call("auth.listProjects", params, X_Auth_Token=token)
    assert "result" in answer, answer
    found: list[dict[str, Any]] = answer["result"]
    return found


async def names(bff: Bff, token: str, **params: Any) -> dict[str, str | None]:
    return {each["name"]: each["domainName"] for each in await projects(bff, token, **params)}


async def test_the_users_own_domain_is_in_their_token(bff: Bff, openstack: FakeOpenStack) -> None:
    assert await names(bff, openstack.new_token()) == dict.fromkeys(PROJECTS, "Default")
    assert openstack.calls[RESCOPE] == 0


async def test_another_domain_is_asked_for_once_and_for_everybody(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.elsewhere = {"lab": "research", "lab too": "research", "shop": "sales"}
    expected = {**dict.fromkeys(PROJECTS, "Default"), "lab": "the research"}
    expected |= {"lab too": "the research", "shop": "the sales"}
    for _ in range(3):
        assert await names(bff, openstack.new_token(None)) == expected
    assert openstack.calls[RESCOPE] == 2


async def test_a_call_asks_for_so_many_domains_and_the_next_one_for_the_others(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.elsewhere = {f"p{number:02}": f"d{number:02}" for number in range(MAX_ASKED + 5)}
    token = openstack.new_token()
    first = await names(bff, token)
    assert openstack.calls[RESCOPE] == MAX_ASKED
    assert list(first.values()).count(None) == 5
    assert None not in (await names(bff, token)).values()


async def test_a_domain_that_keystone_does_not_tell_is_null_and_left_alone_for_a_while(
    start: Start, openstack: FakeOpenStack, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bff.session.domains.monotonic", clock)
    bff = await start()
    openstack.elsewhere = {"lab": "research"}
    openstack.refused[RESCOPE] = 403
    token = openstack.new_token()
    for _ in range(2):
        assert (await names(bff, token))["lab"] is None
    assert openstack.calls[RESCOPE] == 1
    openstack.refused.clear()
    assert (await names(bff, token))["lab"] is None
    clock.now += REFUSED_SECONDS
    assert (await names(bff, token))["lab"] == "the research"


async def test_a_keystone_that_hangs_costs_the_names_and_not_the_list(
    start: Start, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bff.session.domains.ASKED_SECONDS", 0.05)
    bff = await start()
    openstack.elsewhere = {"lab": "research"}
    openstack.held[RESCOPE] = asyncio.Event()
    token = openstack.new_token()
    assert (await names(bff, token))["lab"] is None
    # The request goes on, and whoever comes next has its answer.
    openstack.held[RESCOPE].set()
    monkeypatch.setattr("bff.session.domains.ASKED_SECONDS", 30)
    assert (await names(bff, token))["lab"] == "the research"
    assert openstack.calls[RESCOPE] == 1


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"name": "lab"}, ["lab"]),
        ({"name": "LAB"}, []),
        ({"search": "LAB"}, ["lab", "labour"]),
        ({"search": PROJECTS["demo"][:20].upper()}, ["demo"]),
        ({"domainId": "research"}, ["lab"]),
        ({"search": "lab", "domainId": "sales"}, ["labour"]),
        ({"domainId": "nowhere"}, []),
    ],
)
async def test_projects_are_found_by_name_part_and_domain(
    params: dict[str, str], found: list[str], bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.elsewhere = {"lab": "research", "labour": "sales"}
    assert list(await names(bff, openstack.new_token(), **params)) == found
    # Nobody asks for the name of a domain that is not shown.
    assert openstack.calls[RESCOPE] == len({*found} & {*openstack.elsewhere})


@pytest.mark.parametrize("params", [{"search": ""}, {"name": "a\0"}, {"domainId": "../x"}])
async def test_what_is_no_filter_is_refused(
    params: dict[str, str], bff: Bff, openstack: FakeOpenStack
) -> None:
    answer = await bff.call("auth.listProjects", params, X_Auth_Token=openstack.new_token())
    assert answer["error"]["data"]["code"] == "BAD_REQUEST"
