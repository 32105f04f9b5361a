"""Sharing an image from end to end, as two people do it."""

from __future__ import annotations

import base64

import pytest

from tests.cloud.conftest import Cloud, Sign, User
from tests.cloud.shelf import BARE, CONTENT


@pytest.fixture
def partner(cloud: Cloud) -> str:
    """Return a new project of bob's."""
    return cloud.new_project("bob")


@pytest.fixture
def project(cloud: Cloud, partner: str) -> str:
    """Return its id."""
    return cloud.projects[partner]


@pytest.fixture
def alice(cloud: Cloud, user: Sign) -> User:
    """Return alice in a new project."""
    return user("alice", cloud.new_project("alice"))


@pytest.fixture
def bob(user: Sign, partner: str) -> User:
    """Return bob in his."""
    return user("bob", partner)


async def sees(person: User, image_id: str, status: str) -> bool:
    """Return whether a person's list has the image among those shared with this status."""
    listed = await person.do("listImages", visibility="shared", member_status=status)
    return image_id in [image["id"] for image in listed]


async def test_alice_shares_an_image_with_bob_and_takes_it_back(
    cloud: Cloud, alice: User, bob: User, partner: str
) -> None:
    project = cloud.projects[partner]

    # Alice creates an image, uploads its data and shares it.
    image = await alice.do("createImage", name="for bob", **BARE)
    image_id, file = image["id"], base64.b64encode(CONTENT).decode()
    uploaded = await alice.do("uploadImage", imageId=image_id, file=file)
    assert uploaded == {"success": True, "imageId": image_id}
    assert (await bob.error("getImageById", imageId=image_id))[0] == "NOT_FOUND"
    shared = await alice.do("updateImageVisibility", imageId=image_id, visibility="shared")
    assert (shared["visibility"], shared["status"]) == ("shared", "active")
    member = await alice.do("createImageMember", imageId=image_id, member=project)
    assert (member["member_id"], member["status"]) == (project, "pending")

    # Bob sees that it waits for him. Alice cannot accept it for him.
    assert await sees(bob, image_id, "pending")
    assert not await sees(bob, image_id, "accepted")
    theirs = {"imageId": image_id, "memberId": project}
    assert (await bob.do("getImageMember", **theirs))["status"] == "pending"
    code, _ = await alice.error("updateImageMember", **theirs, status="accepted")
    assert code == "FORBIDDEN"
    assert (await alice.do("getImageMember", **theirs))["status"] == "pending"

    # Bob accepts, lists it and gets it. He may read it, and nothing else.
    accepted = await bob.do("updateImageMember", **theirs, status="accepted")
    assert accepted["status"] == "accepted"
    assert await sees(bob, image_id, "accepted")
    assert not await sees(bob, image_id, "pending")
    seen = await bob.do("getImageById", imageId=image_id)
    assert (seen["name"], seen["owner"]) == ("for bob", image["owner"])
    rename = [{"op": "replace", "path": "/name", "value": "bob's"}]
    assert (await bob.error("updateImage", imageId=image_id, operations=rename))[0] == "FORBIDDEN"
    assert (await bob.error("deleteImage", imageId=image_id))[0] == "FORBIDDEN"
    assert (await bob.error("deleteImageMember", **theirs))[0] == "FORBIDDEN"
    members = await alice.do("listImageMembers", imageId=image_id)
    assert [(m["member_id"], m["status"]) for m in members] == [(project, "accepted")]

    # Alice removes him.
    assert await alice.do("deleteImageMember", **theirs) is True
    assert (await bob.error("getImageById", imageId=image_id))[0] == "NOT_FOUND"
    assert not await sees(bob, image_id, "all")
    assert await alice.do("listImageMembers", imageId=image_id) == []
    assert (await alice.error("getImageMember", **theirs))[0] == "NOT_FOUND"


async def test_an_image_that_becomes_private_again_is_hidden_from_its_members(
    cloud: Cloud, alice: User, bob: User, partner: str
) -> None:
    project = cloud.projects[partner]
    image_id = (await alice.do("createImage", visibility="shared"))["id"]
    await alice.do("createImageMember", imageId=image_id, member=project)
    await bob.do("updateImageMember", imageId=image_id, memberId=project, status="accepted")
    await alice.do("updateImageVisibility", imageId=image_id, visibility="private")
    assert (await bob.error("getImageById", imageId=image_id))[0] == "NOT_FOUND"
    assert (await alice.error("listImageMembers", imageId=image_id))[0] == "FORBIDDEN"
    # The members are kept for the day on which it is shared again.
    await alice.do("updateImageVisibility", imageId=image_id, visibility="shared")
    assert (await bob.do("getImageById", imageId=image_id))["id"] == image_id


async def test_a_member_that_declines_no_longer_lists_the_image(
    cloud: Cloud, alice: User, bob: User, partner: str
) -> None:
    project = cloud.projects[partner]
    image_id = (await alice.do("createImage", visibility="shared"))["id"]
    await alice.do("createImageMember", imageId=image_id, member=project)
    theirs = {"imageId": image_id, "memberId": project}
    await bob.do("updateImageMember", **theirs, status="accepted")
    await bob.do("updateImageMember", **theirs, status="rejected")
    assert not await sees(bob, image_id, "accepted")
    assert await sees(bob, image_id, "rejected")
    assert (await alice.do("getImageMember", **theirs))["status"] == "rejected"


async def test_members_see_each_other_only_through_the_owner(
    cloud: Cloud, alice: User, bob: User, partner: str
) -> None:
    image_id = (await alice.do("createImage", visibility="shared"))["id"]
    for project in (cloud.projects[partner], cloud.projects["demo"]):
        await alice.do("createImageMember", imageId=image_id, member=project)
    assert len(await alice.do("listImageMembers", imageId=image_id)) == 2
    seen = await bob.do("listImageMembers", imageId=image_id)
    assert [member["member_id"] for member in seen] == [cloud.projects[partner]]
    others = {"imageId": image_id, "memberId": cloud.projects["demo"]}
    assert (await bob.error("getImageMember", **others))[0] == "NOT_FOUND"


@pytest.mark.parametrize("op", ["add", "replace", "copy", "move"])
async def test_an_image_cannot_be_given_away_but_by_an_administrator(
    op: str, alice: User, bob: User, admin: User, project: str
) -> None:
    image = await alice.do("createImage", name="mine", theirs=project)
    image_id = image["id"]
    steps = [
        {"op": "replace", "path": "/name", "value": "theirs"},
        {"op": op, "path": "/owner", "value": project, "from": "/theirs"},
    ]
    code, message = await alice.error("updateImage", imageId=image_id, operations=steps)
    assert (code, "Owner can't be updated by non admin" in message) == ("FORBIDDEN", True)
    assert await alice.do("getImageById", imageId=image_id) == image
    assert (await bob.error("getImageById", imageId=image_id))[0] == "NOT_FOUND"
    given = await admin.do("updateImage", imageId=image_id, operations=steps)
    assert (given["owner"], given["name"]) == (project, "theirs")
    assert await bob.do("getImageById", imageId=image_id) == given
    assert (await alice.error("getImageById", imageId=image_id))[0] == "NOT_FOUND"


async def test_an_owner_is_neither_removed_nor_moved_away(alice: User, admin: User) -> None:
    image = await alice.do("createImage", name="mine")
    for step in (
        {"op": "remove", "path": "/owner"},
        {"op": "move", "path": "/x", "from": "/owner"},
    ):
        for person in (alice, admin):
            code, _ = await person.error("updateImage", imageId=image["id"], operations=[step])
            assert code == "FORBIDDEN"
    assert await alice.do("getImageById", imageId=image["id"]) == image


async def test_an_image_is_created_for_another_project_by_an_administrator_alone(
    alice: User, bob: User, admin: User, project: str
) -> None:
    code, message = await alice.error("createImage", owner=project)
    assert (code, "not permitted to create images owned by" in message) == ("FORBIDDEN", True)
    made = await admin.do("createImage", owner=project)
    assert (await bob.do("getImageById", imageId=made["id"]))["owner"] == project


async def test_an_image_that_belongs_to_nobody_is_an_administrators(
    alice: User, admin: User
) -> None:
    image_id = (await alice.do("createImage", visibility="community"))["id"]
    step = {"op": "replace", "path": "/owner", "value": None}
    await admin.do("updateImage", imageId=image_id, operations=[step])
    code, message = await alice.error("deleteImage", imageId=image_id)
    assert (code, "it belongs to no project" in message) == ("FORBIDDEN", True)
    assert await admin.do("deleteImage", imageId=image_id) is True


@pytest.mark.parametrize("path", ["//owner", "/owner ", "/ owner", "/\u00a0owner", "// owner"])
async def test_an_image_cannot_be_given_away_by_a_path_that_glance_reads_as_the_owner(
    path: str, cloud: Cloud, alice: User, bob: User, partner: str
) -> None:
    project = cloud.projects[partner]
    image = await alice.do("createImage", name="mine")
    step = {"op": "replace", "path": path, "value": project}
    code, message = await alice.error("updateImage", imageId=image["id"], operations=[step])
    assert (code, "must name a property" in message) == ("BAD_REQUEST", True)
    assert await alice.do("getImageById", imageId=image["id"]) == image
    assert (await bob.error("getImageById", imageId=image["id"]))[0] == "NOT_FOUND"
