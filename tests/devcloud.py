"""The development cloud as tests see it, and direct calls that go around the BFF."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from devcloud import process
from devcloud.api import Api, sign_in
from devcloud.environment import installed

ROOT = Path(__file__).parent.parent


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

    def variables(self, user: str, project: str) -> dict[str, str]:
        """Return the variables by which OpenStack's own tools sign a user in."""
        return {
            "OS_CLIENT_CONFIG_FILE": os.devnull,
            "OS_AUTH_URL": self.auth_url,
            "OS_USERNAME": user,
            "OS_PASSWORD": self.password(user),
            "OS_PROJECT_NAME": project,
            "OS_USER_DOMAIN_NAME": "Default",
            "OS_PROJECT_DOMAIN_NAME": "Default",
        }

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

    def new_user(self, project: str, role: str) -> str:
        """Make a user with one role in one project; returns their name."""
        keystone = self.keystone()
        name = f"{role}-{uuid.uuid4()}"
        made = {"name": name, "password": name, "domain_id": "default"}
        user_id = keystone.post("/users", {"user": made})["user"]["id"]
        role_id = keystone.get(f"/roles?name={role}")["roles"][0]["id"]
        keystone.put(f"/projects/{self.projects[project]}/users/{user_id}/roles/{role_id}")
        self._passwords[name] = name
        return name


@contextmanager
def running_cloud(folder: Path, *glance: str, keystone: Sequence[str] = ()) -> Iterator[Cloud]:
    """Run a cloud that keeps its state in a folder.

    Args:
        glance: Glance's own settings, as ``NAME=VALUE``.
        keystone: Keystone's own settings, as ``SECTION.NAME=VALUE``.
    """
    settings = [f"--glance={setting}" for setting in glance]
    settings += [f"--keystone={setting}" for setting in keystone]
    with subprocess.Popen(
        [sys.executable, "-m", "devcloud", "--dir", str(folder), *settings],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as devcloud:
        assert devcloud.stdout is not None
        line = devcloud.stdout.readline()
        assert line, "the development cloud did not start; its reason is on stderr"
        try:
            yield Cloud(json.loads(line), folder)
        finally:
            devcloud.terminate()


@contextmanager
def glance_again(cloud: Cloud) -> Iterator[None]:
    """Run the Glance of a running cloud again, which has ended: it starts in half the time."""
    glance = process.start(
        "glance.wsgi.api",
        installed(),
        {"OS_GLANCE_CONFIG_DIR": str(cloud.folder)},
        cloud.folder / "glance.out",
        int(cloud.description["glance_url"].rpartition(":")[2]),
        processes=1,
    )
    with glance:
        try:
            yield
        finally:
            process.stop(glance)


def seed(folder: Path) -> None:
    """Start a cloud below a folder for the first time, and stop it."""
    with running_cloud(folder / "cloud"):
        pass


def copy_of(seeded: Path, folder: Path) -> Path:
    """Copy the state of a stopped cloud, whose set-up takes three times as long as its start.

    Returns:
        ``folder``, for a cloud of its own.
    """
    # Copies that start side by side must not want the same ports.
    another = shutil.ignore_patterns("ports.json")
    shutil.copytree(seeded, folder, ignore=another, dirs_exist_ok=True)
    with closing(sqlite3.connect(folder / "glance.sqlite")) as database, database:
        # Where an image's data are is there in full.
        moved = "UPDATE image_locations SET value = replace(value, ?, ?)"
        database.execute(moved, (f"{seeded}/", f"{folder}/"))
    return folder
