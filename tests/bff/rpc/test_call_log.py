"""The line of a call says who did what to which images, from where, and holds no secret."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.bff.conftest import Bff, Start
from tests.fakes.openstack import PASSWORD, PROJECTS, FakeOpenStack, image

USER = "u" * 32
DEMO = PROJECTS["demo"]
# JSON as it is written has a few names more.
MAX_LINE_LENGTH = 3000


def line_of(logged: list[Any], event: str = "call") -> dict[str, Any]:
    """Return the only line of an event."""
    (line,) = [line for line in logged if line["event"] == event]
    return dict(line)


def who(line: dict[str, Any]) -> tuple[Any, Any, Any]:
    return line.get("user"), line.get("project"), line.get("client")


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("deleteImage", {}),
        ("getImageById", {}),
        ("updateImageVisibility", {"visibility": "shared"}),
        ("createImageMember", {"member": "p2"}),
        ("deactivateImage", {}),
    ],
)
async def test_a_line_says_who_in_which_project_and_on_which_image(
    method: str, params: dict[str, Any], bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    openstack.images = [image()]
    image_id = openstack.images[0]["id"]
    token = openstack.new_token()
    await bff.call(f"compute.image.{method}", {"imageId": image_id, **params}, X_Auth_Token=token)
    line = line_of(logged)
    assert who(line) == (USER, DEMO, "127.0.0.1")
    assert line["image"] == image_id
    assert token not in str(line)


async def test_a_refused_mutation_says_on_which_image_too(bff: Bff, logged: list[Any]) -> None:
    image_id = str(uuid.uuid4())
    await bff.call("compute.image.deleteImage", {"imageId": image_id}, X_Auth_Token="dead")
    line = line_of(logged)
    assert (line["status"], line["image"]) == ("UNAUTHORIZED", image_id)


async def test_an_image_that_was_made_is_named(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    token = openstack.new_token()
    await bff.call("compute.image.createImage", {"name": "x"}, X_Auth_Token=token)
    assert line_of(logged)["image"] == openstack.images[0]["id"]


async def test_an_image_whose_id_is_odd_is_named_in_a_form_that_harms_nobody(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    token = openstack.new_token()
    # The fake answers with what it is given; a real Glance takes UUIDs alone.
    openstack.new_id = "\x1b[2J" + "x" * 5000
    await bff.call("compute.image.createImage", {"name": "x"}, X_Auth_Token=token)
    name = line_of(logged)["image"]
    assert name.isprintable()
    assert len(name) < 300


@pytest.mark.parametrize("method", ["listImages", "listImagesWithPagination"])
async def test_a_query_says_who_and_in_which_project(
    method: str, bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    token = openstack.new_token("partner")
    await bff.call(f"compute.image.{method}", X_Auth_Token=token)
    assert who(line_of(logged)) == (USER, PROJECTS["partner"], "127.0.0.1")


async def test_a_line_about_a_thousand_images_is_short_and_says_how_many(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    openstack.images = [image() for _ in range(600)]
    ids = [one["id"] for one in openstack.images] + [str(uuid.uuid4()) for _ in range(400)]
    await bff.call(
        "compute.image.deleteImages", {"imageIds": ids}, X_Auth_Token=openstack.new_token()
    )
    line = line_of(logged)
    assert who(line) == (USER, DEMO, "127.0.0.1")
    assert (line["images"], line["images_count"]) == (ids[:10], 1000)
    assert (line["successful"], line["successful_count"]) == (ids[:10], 600)
    assert (line["failed"], line["failed_count"]) == (ids[600:610], 400)
    assert len(json.dumps(line)) < MAX_LINE_LENGTH


@pytest.mark.parametrize("method", ["listProjects", "getCurrentUserSession"])
async def test_a_session_without_a_project_says_who(
    method: str, bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    await bff.call(f"auth.{method}", X_Auth_Token=openstack.new_token(None))
    assert who(line_of(logged)) == (USER, None, "127.0.0.1")


async def test_a_session_that_ends_says_whose_it_was(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    token = openstack.new_token()
    await bff.call("compute.image.listImages", X_Auth_Token=token)
    logged.clear()
    await bff.call("auth.terminateUserSession", X_Auth_Token=token)
    assert line_of(logged)["user"] == USER


async def sign_in(bff: Bff, user: str, password: str, **headers: str) -> Any:
    params = {"user": user, "password": password, "domainName": "Default"}
    return await bff.call("auth.createUserSession", params, **headers)


async def test_a_sign_in_says_who_and_from_where(bff: Bff, logged: list[Any]) -> None:
    await sign_in(bff, "alice", PASSWORD)
    line = line_of(logged)
    assert (line["status"], line["user"], line["user_name"]) == ("ok", USER, "alice")
    assert PASSWORD not in str(logged)


async def test_a_sign_in_that_fails_says_for_whom_and_from_where(
    start: Start, logged: list[Any]
) -> None:
    bff = await start(trusted_proxies="127.0.0.1")
    await sign_in(bff, "alice", "a-wrong-password", X_Forwarded_For="203.0.113.9")
    line = line_of(logged)
    assert line["status"] == "UNAUTHORIZED"
    assert (line["user_name"], line["user_domain"]) == ("alice", "Default")
    assert line["client"] == "203.0.113.9"
    assert "user" not in line
    assert "a-wrong-password" not in str(logged)


@pytest.mark.parametrize(
    "name", ["\u202eecila", "a\u2028b", "\ufeff", "x" * 255, "\u202e" * 255, "ünïcode 💿"]
)
async def test_a_name_in_the_log_is_one_short_printable_line(
    name: str, bff: Bff, logged: list[Any]
) -> None:
    await sign_in(bff, name, "a-wrong-password")
    shown = line_of(logged)["user_name"]
    assert shown.isprintable()
    assert shown == name or not name.isprintable()
    assert len(shown) <= 255 * len("\\u202e")


async def test_a_sign_in_that_is_no_input_names_nobody(bff: Bff, logged: list[Any]) -> None:
    await sign_in(bff, "x" * 100_000, "a-wrong-password")
    line = line_of(logged)
    assert "user_name" not in line
    assert len(json.dumps(line)) < MAX_LINE_LENGTH


async def test_what_a_proxy_says_of_the_client_is_cut(start: Start, logged: list[Any]) -> None:
    bff = await start(trusted_proxies="127.0.0.1")
    await bff.call("auth.getCurrentUserSession", X_Forwarded_For="x" * 5000)
    assert len(line_of(logged)["client"]) == 255


async def test_the_calls_of_a_batch_do_not_lend_each_other_their_images(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    openstack.images = [image()]
    image_id = openstack.images[0]["id"]
    show = {"method": "compute.image.getImageById", "params": {"imageId": image_id}}
    calls: list[dict[str, Any]] = [show, {"method": "compute.image.listImages"}]
    batch = [{"jsonrpc": "2.0", "id": n, **one} for n, one in enumerate(calls)]
    await bff.json(batch, X_Auth_Token=openstack.new_token())
    lines = {line["procedure"]: line for line in logged if line["event"] == "call"}
    assert lines["compute.image.getImageById"]["image"] == image_id
    assert "image" not in lines["compute.image.listImages"]


async def test_an_upload_says_who_and_in_which_project(
    bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    openstack.images = [image(status="queued")]
    image_id = openstack.images[0]["id"]
    headers = {"X-Auth-Token": openstack.new_token(), "Content-Type": "application/octet-stream"}
    url = f"{bff.origin}/polaris-bff/upload-image?imageId={image_id}"
    for _ in range(2):
        await bff.request("POST", url, data=b"data", headers=headers)
    stored, refused = [line for line in logged if line["event"] == "upload"]
    assert (stored["status"], refused["status"]) == ("ok", "CONFLICT")
    for line in (stored, refused):
        assert who(line) == (USER, DEMO, "127.0.0.1")
        assert line["image"] == image_id
