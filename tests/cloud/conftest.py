"""A BFF in front of the real Keystone and the real Glance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from tests.bff.conftest import Bff, bff_with
from tests.conftest import Serve
from tests.devcloud import Cloud
from tests.strict_cloud import StrictCloud

__all__ = ["Cloud", "Sign", "User"]


class User:
    """A user of the BFF who calls with a token."""

    def __init__(self, bff: Bff, token: str) -> None:
        self.bff = bff
        self.token = token

    async def answer(self, method: str, **params: Any) -> Any:
        """Return the whole answer to a call of a ``compute.image`` procedure."""
        name = f"compute.image.{method}"
        return await self.bff.call(name, params, X_Auth_Token=self.token)

    async def do(self, method: str, **params: Any) -> Any:
        """Return the result of a call that must succeed."""
        answer = await self.answer(method, **params)
        assert "result" in answer, answer
        return answer["result"]

    async def error(self, method: str, **params: Any) -> tuple[str, str]:
        """Return code and message of a call that must fail."""
        answer = await self.answer(method, **params)
        assert "error" in answer, answer
        return answer["error"]["data"]["code"], answer["error"]["message"]


Sign = Callable[[str, str], User]


@pytest.fixture
async def bff(cloud: Cloud, serve: Serve, client: aiohttp.ClientSession) -> Bff:
    """Return a BFF in front of the cloud."""
    return await bff_with(serve, client, auth_url=cloud.auth_url)


@pytest.fixture
async def strict_bff(strict: StrictCloud, serve: Serve, client: aiohttp.ClientSession) -> Bff:
    """Return a BFF in front of the strict cloud."""
    return await bff_with(serve, client, auth_url=strict.auth_url)


@pytest.fixture
def user(cloud: Cloud, bff: Bff) -> Sign:
    """Return a function that gives a user in a project."""
    return lambda name, project: User(bff, cloud.token(name, project))


@pytest.fixture
def alice(user: Sign) -> User:
    """Return alice in her project."""
    return user("alice", "demo")


@pytest.fixture
def bob(user: Sign) -> User:
    """Return bob in his project."""
    return user("bob", "partner")


@pytest.fixture
def admin(user: Sign) -> User:
    """Return the administrator."""
    return user("admin", "admin")
