"""The bound on attempts before a real Keystone, which has no bound of its own unless it is told."""

from __future__ import annotations

import aiohttp
import pytest

from tests.bff.conftest import Bff, bff_with
from tests.bff.session.conftest import Clock, clock
from tests.bff.session.test_sign_in_guard import attempts
from tests.cloud.conftest import Cloud
from tests.conftest import Serve

__all__ = ["clock"]


@pytest.fixture
async def bff(cloud: Cloud, serve: Serve, client: aiohttp.ClientSession, clock: Clock) -> Bff:
    """Return a BFF in front of the cloud, with a clock that stands."""
    return await bff_with(serve, client, auth_url=cloud.auth_url)


async def test_a_right_password_after_ten_wrong_ones_has_to_wait(
    cloud: Cloud, bff: Bff, clock: Clock
) -> None:
    user = cloud.new_user("demo", "member")
    for _ in range(12):
        assert await attempts(bff, 1, cloud.password(user), user) == {"OK": 1}
    assert await attempts(bff, 25, "a-guess", user) == {"UNAUTHORIZED": 10, "TOO_MANY_REQUESTS": 15}
    refused = await bff.call("auth.createUserSession", {"user": user, "password": "a-guess"})
    right = {"user": user, "password": cloud.password(user)}
    assert await attempts(bff, 1, right["password"], user) == {"TOO_MANY_REQUESTS": 1}
    assert await attempts(bff, 1, right["password"], f" {user.upper()} ") == {
        "TOO_MANY_REQUESTS": 1
    }
    assert await attempts(bff, 1, cloud.password("alice"), "alice") == {"OK": 1}
    clock.now += refused["error"]["data"]["retryAfter"]
    answer = await bff.call("auth.createUserSession", right | {"projectName": "demo"})
    assert answer["result"]["user"]["name"] == user
