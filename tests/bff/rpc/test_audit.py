"""The audit line of each change: who, from where, on what, and what came of it."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest

from bff.session.audit import AuditEntry
from tests.bff.conftest import Bff, Start
from tests.fakes.openstack import PASSWORD, PROJECTS, FakeOpenStack, image

USER = "u" * 32
DEMO = PROJECTS["demo"]
ALICE = {"user": USER, "user_name": "alice", "user_domain": "Default", "client": "127.0.0.1"}


def audits(logged: list[Any]) -> list[dict[str, Any]]:
    return [dict(line) for line in logged if line["event"] == "audit"]


def audit(logged: list[Any]) -> dict[str, Any]:
    (line,) = audits(logged)
    return line


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("deleteImage", {}),
        ("updateImage", {"operations": [{"op": "replace", "path": "/name", "value": "x"}]}),
        ("updateImageVisibility", {"visibility": "shared"}),
        ("deactivateImage", {}),
        ("reactivateImage", {}),
    ],
)
async def test_a_change_leaves_a_line(
    method: str, params: dict[str, Any], bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    openstack.images = [image()]
    image_id = openstack.images[0]["id"]
    answer = await bff.call(
        f"compute.image.{method}",
        {"imageId": image_id, **params},
        X_Auth_Token=openstack.new_token(),
        X_Openstack_Request_Id="req-0c9ec603-3f4a-4b57-9a5e-0a3b7b4f6a11",
    )
    assert "error" not in answer
    assert audit(logged) == {
        "event": "audit",
        "log_level": "info",
        "request_id": "req-0c9ec603-3f4a-4b57-9a5e-0a3b7b4f6a11",
        "procedure": f"compute.image.{method}",
        "project": DEMO,
        "images": [image_id],
        "outcome": "ok",
        **ALICE,
    }


async def test_a_new_image_is_named(bff: Bff, openstack: FakeOpenStack, logged: list[Any]) -> None:
    params = {"name": "x", "user": "no user's name", "memberId": "nor a project"}
    await bff.call("compute.image.createImage", params, X_Auth_Token=openstack.new_token())
    line = audit(logged)
    assert line["images"] == [openstack.images[0]["id"]]
    assert line.items() >= ALICE.items()
    assert "member" not in line


@pytest.mark.parametrize("method", ["createImageMember", "deleteImageMember"])
async def test_sharing_says_with_whom(
    method: str, bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    openstack.images = [image(visibility="shared")]
    name = "member" if method == "createImageMember" else "memberId"
    params = {"imageId": openstack.images[0]["id"], name: "p2"}
    await bff.call(f"compute.image.{method}", params, X_Auth_Token=openstack.new_token())
    assert audit(logged)["member"] == "p2"


@pytest.mark.parametrize("method", ["listImages", "getImageById", "listImageMembers"])
async def test_a_query_leaves_none(
    method: str, bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    openstack.images = [image()]
    params = {} if method == "listImages" else {"imageId": openstack.images[0]["id"]}
    await bff.call(f"compute.image.{method}", params, X_Auth_Token=openstack.new_token())
    await bff.call("auth.getCurrentUserSession")
    assert audits(logged) == []


async def test_a_bulk_change_names_every_image_and_those_for_which_it_failed(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    openstack.images = [image() for _ in range(600)]
    ids = [one["id"] for one in openstack.images] + [str(uuid.uuid4()) for _ in range(400)]
    token = openstack.new_token()
    await bff.call("compute.image.deleteImages", {"imageIds": ids}, X_Auth_Token=token)
    line = audit(logged)
    assert (line["images"], line["failed"]) == (ids, ids[600:])
    assert (line["successful_count"], line["failed_count"]) == (600, 400)
    assert line["outcome"] == "ok"


async def test_a_bulk_change_whose_client_goes_away_says_how_many_were_done(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, write = asyncio.Event(), AuditEntry.write

    def written(*args: Any, **details: Any) -> None:
        write(*args, **details)
        ended.set()

    monkeypatch.setattr(AuditEntry, "write", written)
    openstack.images = [image() for _ in range(3)]
    openstack.trouble = {openstack.images[2]["id"]: 0}
    ids = [one["id"] for one in openstack.images]
    params = {"imageIds": ids}
    call = asyncio.create_task(
        bff.call("compute.image.deleteImages", params, X_Auth_Token=openstack.new_token())
    )
    for _ in ids:
        await openstack.arrived.acquire()
    call.cancel()
    await openstack.cancelled.acquire()
    await ended.wait()
    line = audit(logged)
    assert (line["outcome"], line["images"]) == ("CLIENT_CLOSED_REQUEST", ids)
    assert line["successful_count"] + line["failed_count"] == 3
    assert line["failed_count"] >= 1


async def test_soft_mode_changes_nothing(bff: Bff, logged: list[Any]) -> None:
    params = {"imageId": str(uuid.uuid4())}
    answer = await bff.call(
        "compute.image.deleteImage", params, X_Auth_Token="dead", X_BFF_Errors="soft"
    )
    assert answer["result"] is False
    assert audit(logged)["outcome"] == "UNAUTHORIZED"


# What is refused before the procedure's input was looked at: still who, what and why.
REFUSALS: list[tuple[str, dict[str, str]]] = [
    ("UNAUTHORIZED", {}),
    ("UNAUTHORIZED", {"X_Auth_Token": "no token"}),
    ("UNAUTHORIZED", {"X_Auth_Token": "dead"}),
    ("BAD_REQUEST", {"X_Auth_Token": "TOKEN", "X_Project_Id": "../p"}),
    ("FORBIDDEN", {"Origin": "https://elsewhere.example"}),
    ("SESSION_CHANGED", {"X_Auth_Token": "TOKEN", "X_Session_User": "somebody-else"}),
]


@pytest.mark.parametrize(("outcome", "headers"), REFUSALS)
async def test_a_refused_change_leaves_a_line(
    outcome: str, headers: dict[str, str], bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    image_id, token = str(uuid.uuid4()), openstack.new_token()
    sent = {name: value.replace("TOKEN", token) for name, value in headers.items()}
    await bff.call("compute.image.deleteImage", {"imageId": image_id}, **sent)
    line = audit(logged)
    assert (line["outcome"], line["images"]) == (outcome, [image_id])
    assert line["client"] == "127.0.0.1"
    assert ("user" in line) == (outcome == "SESSION_CHANGED")


async def test_a_project_without_a_role_is_named_as_it_was_asked_for(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    params = {"imageId": str(uuid.uuid4()), "project_id": "f" * 32}
    for headers in ({}, {"X_Project_Id": "f" * 32}):
        logged.clear()
        given = {key: value for key, value in params.items() if not headers or key == "imageId"}
        token = openstack.new_token()
        await bff.call("compute.image.deleteImage", given, X_Auth_Token=token, **headers)
        line = audit(logged)
        assert (line["outcome"], line["project"]) == ("FORBIDDEN", "f" * 32)
        assert line["user_name"] == "alice"


async def test_a_call_that_is_one_too_many_leaves_a_line(
    start: Start, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    bff = await start(max_calls_per_caller=1, max_waiting=0)
    openstack.images = [image()]
    token, params = openstack.new_token(), {"imageId": openstack.images[0]["id"]}
    # Until its token is known, its calls are those of its address.
    await bff.call("auth.listProjects", X_Auth_Token=token)
    openstack.gate = asyncio.Event()
    first = asyncio.create_task(bff.call("compute.image.getImageById", params, X_Auth_Token=token))
    await openstack.arrived.acquire()
    await bff.call("compute.image.deleteImage", params, X_Auth_Token=token)
    openstack.gate.set()
    await first
    line = audit(logged)
    assert (line["outcome"], line["images"]) == ("TOO_MANY_REQUESTS", [params["imageId"]])
    assert line.items() >= ALICE.items()


async def sign_in(bff: Bff, **params: Any) -> Any:
    return await bff.call("auth.createUserSession", {"password": PASSWORD, **params})


async def test_a_sign_in_leaves_a_line(bff: Bff, logged: list[Any]) -> None:
    await sign_in(bff, user="alice", projectName="demo")
    line = audit(logged)
    assert line.items() >= (ALICE | {"outcome": "ok", "project": DEMO}).items()
    assert "images" not in line
    assert PASSWORD not in str(logged)


@pytest.mark.parametrize(
    ("params", "outcome"),
    [
        ({"password": "a-wrong-password"}, "UNAUTHORIZED"),
        ({"password": 5}, "BAD_REQUEST"),
        ({"domainName": "Default", "unknown": 1}, "BAD_REQUEST"),
    ],
)
async def test_a_sign_in_that_fails_says_whose_name_was_given(
    params: dict[str, Any], outcome: str, bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    given = {"user": "mallory", "password": PASSWORD, **params}
    # Whose session it was before has nothing to do with it.
    token = openstack.new_token()
    await bff.call("auth.listProjects", X_Auth_Token=token)
    await bff.call("auth.createUserSession", given, X_Auth_Token=token)
    line = audit(logged)
    assert (line["outcome"], line["user_name"], line["user_domain"]) == (
        outcome,
        "mallory",
        "Default",
    )
    assert "user" not in line
    assert "project" not in line
    assert "a-wrong-password" not in str(logged)


@pytest.mark.parametrize("name", ["\x1b[2J", "a\nb", "\u202eecila", "x" * 100_000, "", "\x00"])
async def test_a_name_is_one_short_printable_text(name: str, bff: Bff, logged: list[Any]) -> None:
    await sign_in(bff, user=name)
    line = audit(logged)
    assert line["user_name"].isprintable()
    assert len(line["user_name"]) < 2000


@pytest.mark.parametrize("params", [{"user": ["alice"]}, {"user": {"a": 1}}, {"user": None}])
async def test_what_is_no_name_is_left_out(
    params: dict[str, Any], bff: Bff, logged: list[Any]
) -> None:
    await sign_in(bff, **params)
    assert "user_name" not in audit(logged)


async def test_ids_that_are_none_are_no_flood(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    token = openstack.new_token()
    ids = [{"a": 1}, 5, None, *["\x1b" + "x" * 300] * 2000]
    await bff.call("compute.image.deleteImages", {"imageIds": ids}, X_Auth_Token=token)
    line = audit(logged)
    assert line["outcome"] == "BAD_REQUEST"
    assert all(one.isprintable() for one in line["images"])
    assert len(json.dumps(line)) < 1000 * 300


async def test_a_change_of_scope_and_a_sign_out_leave_lines(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    params = {"user": "alice", "password": PASSWORD, "projectName": "demo"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "auth.createUserSession", "params": params}
    headers = {"Content-Type": "application/json", "Origin": bff.origin}
    answer = await bff.request("POST", bff.url, json=body, headers=headers)
    headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]
    partner = {"type": "project", "projectId": PROJECTS["partner"]}
    for method, given in [
        ("setCurrentScope", partner),
        ("setCurrentScope", {"type": "unscoped"}),
        ("terminateUserSession", {}),
    ]:
        again = {**body, "method": f"auth.{method}", "params": given}
        await bff.request("POST", bff.url, json=again, headers=headers)
    _, moved, left, ended = audits(logged)
    assert (moved["outcome"], moved["project"]) == ("ok", PROJECTS["partner"])
    assert (left["outcome"], left.get("project")) == ("ok", None)
    assert ended.items() >= (ALICE | {"outcome": "ok"}).items()
    assert headers["Cookie"].partition("=")[2] not in str(logged)


async def test_an_upload_leaves_a_line(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    openstack.images = [image(status="queued")]
    image_id = openstack.images[0]["id"]
    url = f"{bff.origin}/polaris-bff/upload-image?imageId={image_id}"
    media = {"Content-Type": "application/octet-stream"}
    token = openstack.new_token()
    for headers in ({"X-Auth-Token": token}, {"X-Auth-Token": token}, {"X-Auth-Token": "dead"}):
        await bff.request("POST", url, data=b"data", headers=media | headers)
    stored, refused, stranger = audits(logged)
    assert {**stored, "outcome": "CONFLICT", "bytes": 0} | {
        "request_id": refused["request_id"]
    } == refused
    assert stored.items() >= (ALICE | {"project": DEMO, "bytes": 4, "outcome": "ok"}).items()
    assert stored["procedure"] == "compute.image.uploadImage"
    assert stored["images"] == [image_id]
    assert stranger["outcome"] == "UNAUTHORIZED"
    assert not {"user", "user_name", "project"} & stranger.keys()


async def test_the_calls_of_a_batch_have_a_line_each(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    openstack.images = [image(), image()]
    ids = [one["id"] for one in openstack.images]
    batch = [
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "compute.image.deleteImage",
            "params": {"imageId": one},
        }
        for one in [*ids, str(uuid.uuid4())]
    ]
    await bff.json(batch, X_Auth_Token=openstack.new_token())
    outcomes = {line["images"][0]: line["outcome"] for line in audits(logged)}
    assert [outcomes[one] for one in ids] == ["ok", "ok"]
    assert sorted(outcomes.values()) == ["NOT_FOUND", "ok", "ok"]
