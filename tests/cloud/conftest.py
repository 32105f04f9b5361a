"""A real Keystone and a real Glance for the whole run, and a BFF in front of them."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import procedures
from bff.app import create_app
from bff.registry import Registry
from bff.settings import Settings
from devcloud.api import Api, sign_in
from tests.bff.conftest import Bff
from tests.conftest import Serve

ROOT = Path(__file__).parent.parent.parent


class Cloud:
    """The running cloud: its description, and direct calls that go around the BFF."""

    def __init__(self, description: dict[str, Any], folder: Path) -> None:
        self.description = description
        self.folder = folder
        self.auth_url: str = description["auth_url"]
        self.projects: dict[str, str] = description["projects"]
        self._passwords = {user["name"]: user["password"] for user in description["users"]}
        self._tokens: dict[tuple[str, str], str] = {}

    def password(self, user: str) -> str:
        """Return a user's password."""
        return str(self._passwords[user])

    def token(self, user: str, project: str) -> str:
        """Return a token of a user in a project, made once."""
        if (user, project) not in self._tokens:
            self._tokens[user, project] = self.new_token(user, project)
        return self._tokens[user, project]

    def new_token(self, user: str, project: str) -> str:
        """Return a token that no other test uses."""
        return sign_in(self.auth_url, user, self.password(user), project)

    def glance(self, user: str = "alice", project: str = "demo") -> Api:
        """Return Glance as a user sees it without the BFF."""
        return Api(self.description["glance_url"], self.token(user, project))

    def keystone(self) -> Api:
        """Return Keystone as the administrator sees it."""
        return Api(self.auth_url, self.token("admin", "admin"))

    def new_project(self, *users: str) -> str:
        """Make a project in which nothing is yet, with users who are members; returns its name."""
        keystone = self.keystone()
        name = f"project-{uuid.uuid4()}"
        project = keystone.post("/projects", {"project": {"name": name, "domain_id": "default"}})
        self.projects[name] = project["project"]["id"]
        role = keystone.get("/roles?name=member")["roles"][0]["id"]
        for user in users:
            user_id = keystone.get(f"/users?name={user}")["users"][0]["id"]
            keystone.put(f"/projects/{self.projects[name]}/users/{user_id}/roles/{role}")
        return name


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Return the cloud that all these tests share; it starts once."""
    folder = tmp_path_factory.mktemp("cloud")
    with subprocess.Popen(
        [sys.executable, "-m", "devcloud", "--dir", str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the development cloud did not start; its reason is on stderr"
        try:
            yield Cloud(json.loads(line), folder)
        finally:
            process.terminate()


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
    settings = Settings(auth_url=cloud.auth_url)
    return Bff(await serve(create_app(settings, Registry(procedures.ALL))), client)


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
