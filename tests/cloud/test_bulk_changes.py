"""One change to many images, on a real Glance; each dry run says beforehand what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cloud.conftest import Cloud, Sign, User
from tests.cloud.shelf import Shelf


@pytest.fixture
def project(cloud: Cloud) -> str:
    """Return a new project of alice's."""
    return cloud.new_project("alice")


@pytest.fixture
def alice(user: Sign, project: str) -> User:
    """Return alice in it."""
    return user("alice", project)


@pytest.fixture
def shelf(cloud: Cloud, project: str) -> Shelf:
    """Return the shelf of its images."""
    return Shelf(cloud.glance("alice", project))


@pytest.fixture
def partner(cloud: Cloud) -> str:
    """Return the id of bob's project."""
    return cloud.projects["partner"]


async def done(person: User, procedure: str, ids: list[str], **params: Any) -> Any:
    """Return the result of a change, whose dry run must say the same and change nothing."""
    dry = await person.do(procedure, imageIds=ids, dryRun=True, **params)
    again = await person.do(procedure, imageIds=ids, dryRun=True, **params)
    assert again == dry
    result = await person.do(procedure, imageIds=ids, **params)
    assert result == {**dry, "unchanged": None}
    if not result["failed"]:
        after = await person.do(procedure, imageIds=ids, dryRun=True, **params)
        assert after == {**dry, "unchanged": ids}
    return dry


# What HTTP, WSGI, a proxy or Glance could take for something else.
TAGS = ["plain", "two words", " ", "ünïcode", "漢字", "a?b#c&d=e", "100%", "%2F..%2F", "a;b", "..."]
ODD_TAGS = [
    *TAGS,
    ".",
    "..",
    "a/b",
    "../../tasks",
    "\\",
    "/",
    "v1.0.json",
    "+",
    "a:b,c",
    "x" * 255,
    "é" * 255,
    "'\"<b>",
    "~!@$^*()[]{}|`",
]


async def test_tags_of_any_text_are_added_to_images_and_removed_again(
    alice: User, shelf: Shelf
) -> None:
    ids = [shelf.queued(tags=["kept"]), shelf.active(tags=["kept", "plain"])]
    for number, tag in enumerate(ODD_TAGS):
        await done(alice, "tagImages", ids, tags=[tag])
        there = {"kept", *ODD_TAGS[: number + 1]}
        assert [{*shelf.show(image_id)["tags"]} for image_id in ids] == [there, there]
    await done(alice, "untagImages", ids, tags=ODD_TAGS)
    assert [shelf.show(image_id)["tags"] for image_id in ids] == [["kept"], ["kept"]]


async def test_images_that_cannot_be_tagged_fail_with_their_reason_and_others_do_not(
    alice: User, shelf: Shelf, cloud: Cloud, partner: str
) -> None:
    theirs = Shelf(cloud.glance("bob", "partner")).queued(visibility="community", tags=["a"])
    mine, missing = shelf.queued(tags=["a"]), Shelf.missing()
    for procedure, tag in (("tagImages", "b"), ("untagImages", "a"), ("untagImages", "b")):
        result = await done(alice, procedure, [theirs, mine, missing], tags=[tag])
        assert result["successful"] == [mine]
        foreign, absent = result["failed"]
        assert (foreign["id"], foreign["error"]) == (theirs, "403")
        assert f"Only project {partner} or an administrator" in foreign["message"]
        assert (absent["id"], absent["error"]) == (missing, "404")
    assert shelf.show(theirs)["tags"] == ["a"]


async def test_more_tags_than_glance_takes_are_an_image_that_failed(
    alice: User, shelf: Shelf
) -> None:
    full, empty = shelf.queued(tags=[f"t{number}" for number in range(128)]), shelf.queued()
    result = await alice.do("tagImages", imageIds=[full, empty], tags=["one more"])
    assert result["successful"] == [empty]
    assert [(one["id"], one["error"]) for one in result["failed"]] == [(full, "413")]


async def test_one_image_is_shared_with_many_projects_and_many_with_one(
    alice: User, shelf: Shelf, cloud: Cloud, bob: User, partner: str
) -> None:
    ids = [shelf.shared() for _ in range(3)]
    others = [f"project-{number}" for number in range(20)]
    await done(alice, "shareImages", ids[:1], members=others)
    members = await alice.do("listImageMembers", imageId=ids[0])
    assert {one["member_id"] for one in members} == {*others}
    await done(alice, "shareImages", ids, members=[partner])
    assert {(await bob.do("getImageById", imageId=one))["id"] for one in ids} == {*ids}


async def test_the_member_accepts_all_that_is_offered_and_the_owner_cannot_for_them(
    alice: User, shelf: Shelf, bob: User, partner: str
) -> None:
    ids = [shelf.shared() for _ in range(3)]
    result = await alice.do("shareImages", imageIds=ids, members=[partner], accept=True)
    assert result == {"successful": ids, "failed": [], "unchanged": None}
    for person, before, after in ((alice, "pending", "pending"), (bob, "pending", "accepted")):
        member = {"imageId": ids[0], "memberId": partner}
        assert (await alice.do("getImageMember", **member))["status"] == before
        result = await person.do("shareImages", imageIds=ids, members=[partner], accept=True)
        assert result["successful"] == ids
        assert (await alice.do("getImageMember", **member))["status"] == after
    dry = await bob.do("shareImages", imageIds=ids, members=[partner], accept=True, dryRun=True)
    assert dry == {"successful": ids, "failed": [], "unchanged": ids}


async def test_an_administrator_shares_and_accepts_at_once(
    admin: User, shelf: Shelf, cloud: Cloud, partner: str
) -> None:
    ids = [shelf.shared(), shelf.shared(partner)]
    members = [partner, cloud.projects["admin"]]
    await done(admin, "shareImages", ids, members=members, accept=True)
    for image_id in ids:
        listed = await admin.do("listImageMembers", imageId=image_id)
        assert {one["member_id"]: one["status"] for one in listed} == dict.fromkeys(
            members, "accepted"
        )


async def test_a_project_cannot_take_what_was_not_offered_to_it(
    shelf: Shelf, bob: User, partner: str
) -> None:
    private, community = shelf.queued(), shelf.queued(visibility="community")
    params = {"members": [partner], "accept": True}
    result = await done(bob, "shareImages", [private, community], **params)
    assert result["successful"] == []
    assert [(one["id"], one["error"]) for one in result["failed"]] == [
        (private, "404"),
        (community, "403"),
    ]


async def test_a_patch_changes_each_image_that_it_fits(alice: User, shelf: Shelf) -> None:
    ids = [shelf.active(name="old", os_distro="x"), shelf.queued(name="old")]
    other = shelf.queued(name="other")
    operations = [
        {"op": "test", "path": "/name", "value": "old"},
        {"op": "replace", "path": "/name", "value": "new"},
        {"op": "add", "path": "/tags/-", "value": "t"},
    ]
    result = await done(alice, "updateImages", [*ids, other], operations=operations)
    assert result["successful"] == ids
    assert [(one["id"], one["error"]) for one in result["failed"]] == [(other, "409")]
    assert [shelf.show(one)["name"] for one in (*ids, other)] == ["new", "new", "other"]
    plain = [{"op": "add", "path": "/os_distro", "value": "y"}]
    await done(alice, "updateImages", [*ids, other], operations=plain)
    gone = [{"op": "remove", "path": "/os_distro"}]
    removed = await alice.do("updateImages", imageIds=[*ids, other, *ids], operations=gone)
    assert removed == {"successful": [*ids, other], "failed": [], "unchanged": None}
