"""Sessions against a real Keystone: signing in, scopes, the end of tokens."""

from __future__ import annotations

import asyncio
import os
import subprocess
import urllib.error
import uuid
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest

from bff.openstack.keystone import Keystone, Token
from devcloud.api import Api
from devcloud.environment import installed
from tests.bff.conftest import Bff
from tests.cloud.conftest import Cloud, Sign, User

LIST = "compute.image.listImages"


def code(answer: Any) -> Any:
    return answer["error"]["data"]["code"]


async def sign_in(bff: Bff, user: str, password: str, **more: str) -> dict[str, str]:
    """Sign in and return the headers that a page of the BFF's own origin would send."""
    params = {"user": user, "password": password, "domainName": "Default", **more}
    body = {"jsonrpc": "2.0", "id": 1, "method": "auth.createUserSession", "params": params}
    response = await bff.request("POST", bff.url, json=body)
    assert "result" in await response.json()
    return {"Cookie": cookie_of(response.headers["Set-Cookie"]), "Origin": bff.origin}


def cookie_of(header: str) -> str:
    ((name, morsel),) = SimpleCookie(header).items()
    return f"{name}={morsel.value}"


def is_alive(cloud: Cloud, token: str) -> bool:
    """Ask Keystone itself."""
    admin = cloud.keystone()
    try:
        Api(admin.url, admin.token, {"X-Subject-Token": token}).get("/auth/tokens")
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return False
        raise
    return True


async def test_alice_signs_in_and_lists_her_projects_images(cloud: Cloud, bff: Bff) -> None:
    headers = await sign_in(bff, "alice", "alice", projectName="demo")
    session = (await bff.call("auth.getCurrentUserSession", **headers))["result"]
    assert session["user"]["name"] == "alice"
    assert session["project"] == {
        "id": cloud.projects["demo"],
        "name": "demo",
        "domain": {"id": "default", "name": "Default"},
    }
    assert "member" in session["roles"]
    images = (await bff.call(LIST, **headers))["result"]
    assert "database-snapshot" in [image["name"] for image in images]


async def test_a_session_begins_by_a_projects_id_too(cloud: Cloud, bff: Bff) -> None:
    headers = await sign_in(bff, "alice", "alice", projectId=cloud.projects["partner"])
    session = (await bff.call("auth.getCurrentUserSession", **headers))["result"]
    assert session["project"]["name"] == "partner"


async def test_a_session_without_a_project_chooses_one(cloud: Cloud, bff: Bff) -> None:
    headers = await sign_in(bff, "alice", "alice")
    assert code(await bff.call(LIST, **headers)) == "PRECONDITION_FAILED"
    projects = (await bff.call("auth.listProjects", **headers))["result"]
    assert {"demo", "partner"} <= {project["name"] for project in projects}
    params = {"type": "project", "projectId": cloud.projects["partner"]}
    body = {"jsonrpc": "2.0", "id": 1, "method": "auth.setCurrentScope", "params": params}
    response = await bff.request("POST", bff.url, json=body, headers=headers)
    moved = headers | {"Cookie": cookie_of(response.headers["Set-Cookie"])}
    images = (await bff.call(LIST, **moved))["result"]
    assert "partner-private" in [image["name"] for image in images]


async def test_a_session_ends_with_its_token_whatever_it_is_rescoped_to(
    cloud: Cloud, bff: Bff
) -> None:
    headers = await sign_in(bff, "alice", "alice")
    begun = (await bff.call("auth.getCurrentUserSession", **headers))["result"]["expiresAt"]
    for project in ("demo", "partner"):
        there = {**headers, "X-Project-Id": cloud.projects[project]}
        session = (await bff.call("auth.getCurrentUserSession", **there))["result"]
        assert session["expiresAt"] == begun
        body = {"jsonrpc": "2.0", "id": 1, "method": LIST}
        before = datetime.now(UTC)
        response = await bff.request("POST", bff.url, json=body, headers=there)
        ends, after = datetime.fromisoformat(begun), datetime.now(UTC)
        left = int(response.headers["X-Session-Expires-In"])
        assert int((ends - after).total_seconds()) <= left <= (ends - before).total_seconds()


async def test_projects_have_the_names_of_their_domains(cloud: Cloud, bff: Bff) -> None:
    user, name = cloud.new_user("demo", "member"), f"twin-{uuid.uuid4()}"
    keystone = cloud.keystone()
    user_id = keystone.get(f"/users?name={user}")["users"][0]["id"]
    role = keystone.get("/roles?name=member")["roles"][0]["id"]
    research = f"Research {uuid.uuid4()}"
    made = keystone.post("/domains", {"domain": {"name": research}})["domain"]
    for domain in (made["id"], "default"):
        twin = {"name": name, "domain_id": domain}
        project = keystone.post("/projects", {"project": twin})["project"]
        keystone.put(f"/projects/{project['id']}/users/{user_id}/roles/{role}")
    headers = await sign_in(bff, user, user)
    found = (await bff.call("auth.listProjects", {"name": name}, **headers))["result"]
    assert {each["domainId"]: each["domainName"] for each in found} == {
        made["id"]: research,
        "default": "Default",
    }
    only = {"search": name[:12].upper(), "domainId": made["id"]}
    (there,) = (await bff.call("auth.listProjects", only, **headers))["result"]
    assert (there["name"], there["domainName"]) == (name, research)
    listed = (await bff.call("auth.listProjects", **headers))["result"]
    assert len(listed) == 3


async def test_a_domain_without_a_role_there_is_forbidden(bff: Bff) -> None:
    headers = await sign_in(bff, "alice", "alice")
    params = {"type": "domain", "domainId": "default"}
    assert code(await bff.call("auth.setCurrentScope", params, **headers)) == "FORBIDDEN"


@pytest.mark.parametrize(
    "params",
    [
        {"user": "alice", "password": "wrong"},
        {"user": "nobody", "password": "alice"},
        {"user": "alice", "password": "alice", "domainName": "nowhere"},
    ],
)
async def test_wrong_credentials_are_unauthorized(params: dict[str, str], bff: Bff) -> None:
    answer = await bff.call("auth.createUserSession", params)
    assert code(answer) == "UNAUTHORIZED"


async def test_bob_cannot_sign_in_to_alices_project(cloud: Cloud, bff: Bff) -> None:
    for project in ({"projectName": "demo"}, {"projectId": cloud.projects["demo"]}):
        answer = await bff.call(
            "auth.createUserSession", {"user": "bob", "password": "bob", **project}
        )
        assert code(answer) == "FORBIDDEN"


async def test_signing_out_kills_the_old_cookie_and_every_token_rescoped_from_it(
    cloud: Cloud, bff: Bff, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Token] = []
    issue = Keystone._issue

    async def issue_and_remember(self: Keystone, *args: Any) -> Token:
        token = await issue(self, *args)
        assert isinstance(token, Token)
        made.append(token)
        return token

    monkeypatch.setattr(Keystone, "_issue", issue_and_remember)
    headers = await sign_in(bff, "alice", "alice", projectName="demo")
    for project in ("demo", "partner"):
        answer = await bff.call(LIST, X_Project_Id=cloud.projects[project], **headers)
        assert "result" in answer
    assert len(made) >= 3
    assert all(is_alive(cloud, token.secret) for token in made)
    assert (await bff.call("auth.terminateUserSession", **headers))["result"] is True
    assert not [token for token in made if is_alive(cloud, token.secret)]
    assert code(await bff.call(LIST, **headers)) == "UNAUTHORIZED"
    assert (await bff.call("auth.getCurrentUserSession", **headers))["result"] is None


def token_that_ends(cloud: Cloud, ends: str) -> str:
    user = cloud.keystone().get("/users?name=alice")["users"][0]["id"]
    script = Path(__file__).with_name("expired_token.py")
    done = subprocess.run(
        [str(installed().python), "-W", "ignore", script, user, cloud.projects["demo"], ends],
        env={**os.environ, "OS_KEYSTONE_CONFIG_DIR": str(cloud.folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()[-1]


async def test_an_expired_token_is_unauthorized(cloud: Cloud, bff: Bff) -> None:
    expired = token_that_ends(cloud, "2020-01-01T00:00:00.000000Z")
    assert code(await bff.call(LIST, X_Auth_Token=expired)) == "UNAUTHORIZED"
    # The same but for its date, so that it was the date that was refused.
    alive = token_that_ends(cloud, "2099-01-01T00:00:00.000000Z")
    assert "result" in await bff.call(LIST, X_Auth_Token=alive)


async def test_a_revoked_token_is_unauthorized_once_keystone_is_asked_again(
    cloud: Cloud, bff: Bff
) -> None:
    token = cloud.new_token("alice", "demo")
    Api(cloud.auth_url, token, {"X-Subject-Token": token}).call("DELETE", "/auth/tokens")
    assert code(await bff.call(LIST, X_Auth_Token=token)) == "UNAUTHORIZED"


async def test_nonsense_is_unauthorized(bff: Bff) -> None:
    assert code(await bff.call(LIST, X_Auth_Token="gAAAAnonsense")) == "UNAUTHORIZED"


async def test_a_token_does_not_open_a_foreign_project(cloud: Cloud, bff: Bff, user: Sign) -> None:
    bob = user("bob", "partner")
    for project in (cloud.projects["demo"], "0" * 32):
        answer = await bff.call(LIST, X_Auth_Token=bob.token, X_Project_Id=project)
        assert code(answer) == "FORBIDDEN"


async def test_two_users_with_a_thousand_calls_each_never_see_the_others_images(
    cloud: Cloud, alice: User, bob: User
) -> None:
    private = {
        owner: cloud.glance(owner, project).get(f"/v2/images?name={name}")["images"][0]["id"]
        for owner, project, name in (
            ("alice", "demo", "database-snapshot"),
            ("bob", "partner", "partner-private"),
        )
    }

    def show(number: int, owner: str) -> dict[str, Any]:
        params = {"imageId": private[owner]}
        name = "compute.image.getImageById"
        return {"jsonrpc": "2.0", "id": number, "method": name, "params": params}

    async def thousand(user: User, own: str, other: str) -> list[tuple[bool, bool]]:
        seen = []
        for _ in range(10):
            batch = [show(n, own if n % 2 else other) for n in range(100)]
            answers = await user.bff.json(batch, X_Auth_Token=user.token)
            seen += [(bool(answer["id"] % 2), "result" in answer) for answer in answers]
        return seen

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(thousand(alice, "alice", "bob")),
            group.create_task(thousand(bob, "bob", "alice")),
        ]
    for task in tasks:
        assert len(task.result()) == 1000
        assert all(own is seen for own, seen in task.result())
