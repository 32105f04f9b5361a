"""Who has no session is told so, whatever the input is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bff.conftest import Bff
from tests.fakes.openstack import FakeOpenStack

BAD: list[tuple[str, Any]] = [
    ("compute.image.listImages", {"limit": 0}),
    ("compute.image.listImages", {"nobody-knows": 1}),
    ("compute.image.deleteImage", [1]),
    ("auth.setCurrentScope", {"type": "galaxy"}),
]
VALIDATE = "GET /v3/auth/tokens"


async def code(bff: Bff, method: str, params: Any, **headers: str) -> str:
    answer = await bff.call(method, params, **headers)
    label: str = answer["error"]["data"]["code"]
    return label


@pytest.mark.parametrize(("method", "params"), BAD)
async def test_without_a_valid_session_no_input_is_judged(
    method: str, params: Any, bff: Bff, openstack: FakeOpenStack
) -> None:
    assert await code(bff, method, params) == "UNAUTHORIZED"
    assert openstack.calls[VALIDATE] == 0
    assert await code(bff, method, params, X_Auth_Token="bad") == "UNAUTHORIZED"
    assert await code(bff, method, params, X_Auth_Token=openstack.new_token()) == "BAD_REQUEST"


async def test_whose_token_is_known_is_told_at_once(bff: Bff, openstack: FakeOpenStack) -> None:
    token = openstack.new_token()
    await bff.call("compute.image.listImages", {}, X_Auth_Token=token)
    openstack.refused[VALIDATE] = 503
    for method, params in BAD:
        assert await code(bff, method, params, X_Auth_Token=token) == "BAD_REQUEST"
    assert openstack.calls[VALIDATE] == 1


async def test_a_session_that_may_not_work_in_its_project_is_one(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    token = openstack.new_token()
    headers = {"X_Auth_Token": token, "X_Project_Id": "p9"}
    assert await code(bff, *BAD[0], **headers) == "BAD_REQUEST"
    assert await code(bff, "compute.image.listImages", {}, **headers) == "FORBIDDEN"


async def test_what_anybody_may_call_judges_the_input_first(bff: Bff) -> None:
    assert await code(bff, "auth.createUserSession", {"user": 1}) == "BAD_REQUEST"
