"""One change to many images: what is asked of Glance, what is answered, and dry runs."""

from __future__ import annotations

import asyncio
import uuid
from copy import deepcopy
from typing import Any

import pytest

from tests.bff.conftest import Bff, Start
from tests.fakes.openstack import PROJECTS, SILENCE, FakeOpenStack, image

SECONDS = 20
PARTNER, OTHER = PROJECTS["partner"], "f" * 32
RENAME = {"op": "replace", "path": "/name", "value": "renamed"}
# Each procedure with what it needs besides the images.
CHANGES: dict[str, dict[str, Any]] = {
    "shareImages": {"members": [PARTNER]},
    "tagImages": {"tags": ["new"]},
    "untagImages": {"tags": ["old"]},
    "updateImages": {"operations": [RENAME]},
}
every_procedure = pytest.mark.parametrize("procedure", CHANGES)


def images(openstack: FakeOpenStack, count: int, **more: Any) -> list[str]:
    """Put images into the fake Glance and return their ids."""
    openstack.images = [
        image(f"image {number}", **{"visibility": "shared", "tags": ["old"], **more})
        for number in range(count)
    ]
    return [one["id"] for one in openstack.images]


async def run(
    bff: Bff, openstack: FakeOpenStack, procedure: str, ids: list[str], **params: Any
) -> Any:
    """Make one call and return its result."""
    params = {"imageIds": ids, **CHANGES[procedure], **params}
    token = openstack.new_token()
    answer = await bff.call(f"compute.image.{procedure}", params, X_Auth_Token=token)
    assert "result" in answer, answer
    return answer["result"]


def state(openstack: FakeOpenStack) -> Any:
    """Return all that the fake Glance has, to compare."""
    return deepcopy((openstack.images, openstack.members))


def asked(openstack: FakeOpenStack) -> list[str]:
    """Return what Glance was asked, in order."""
    return [f"{r.method} {r.path}" for r in openstack.requests if r.path.startswith("/v2/")]


@every_procedure
async def test_many_are_changed_in_order_and_one_that_is_missing_spoils_no_other(
    procedure: str, bff: Bff, openstack: FakeOpenStack
) -> None:
    ids = images(openstack, 40)
    missing = str(uuid.uuid4())
    openstack.gate = asyncio.Event()
    call = asyncio.create_task(run(bff, openstack, procedure, [ids[0], missing, *ids]))
    async with asyncio.timeout(SECONDS):
        for _ in range(16):
            await openstack.arrived.acquire()
        openstack.gate.set()
        result = await call
    assert (result["successful"], result["unchanged"]) == (ids, None)
    (failure,) = result["failed"]
    assert (failure["id"], failure["error"], failure["code"]) == (missing, "404", "NOT_FOUND")
    assert missing in failure["message"]
    assert openstack.most_at_a_time == 16
    changed = {
        "shareImages": [openstack.members.get(i, {}).keys() == {PARTNER} for i in ids],
        "tagImages": [one["tags"] == ["old", "new"] for one in openstack.images],
        "untagImages": [one["tags"] == [] for one in openstack.images],
        "updateImages": [one["name"] == "renamed" for one in openstack.images],
    }
    assert all(changed[procedure])


@every_procedure
async def test_to_do_it_again_is_fine(procedure: str, bff: Bff, openstack: FakeOpenStack) -> None:
    ids = images(openstack, 2)
    first = await run(bff, openstack, procedure, ids)
    done = state(openstack)
    assert await run(bff, openstack, procedure, ids) == first
    assert state(openstack) == done


@every_procedure
async def test_a_dry_run_changes_nothing_and_says_what_would_be_done_and_what_is_so(
    procedure: str, bff: Bff, openstack: FakeOpenStack
) -> None:
    ids = images(openstack, 3)
    await run(bff, openstack, procedure, ids[:1])
    openstack.requests.clear()
    before, missing = state(openstack), str(uuid.uuid4())
    result = await run(bff, openstack, procedure, [*ids, missing], dryRun=True)
    assert (result["successful"], result["unchanged"]) == (ids, ids[:1])
    assert [(one["id"], one["code"]) for one in result["failed"]] == [(missing, "NOT_FOUND")]
    assert state(openstack)[0] == before[0]
    assert {r.method for r in openstack.requests if r.path.startswith("/v2/")} == {"GET", "PATCH"}
    assert (await run(bff, openstack, procedure, ids))["successful"] == ids


@every_procedure
async def test_a_dry_run_that_is_not_done_in_time_says_that_nothing_was_changed(
    procedure: str, start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(call_timeout=1, bulk_concurrency=1)
    ids = images(openstack, 2)
    openstack.trouble = {ids[0]: SILENCE}
    result = await run(bff, openstack, procedure, ids, dryRun=True)
    looking, not_started = [failure["message"] for failure in result["failed"]]
    assert looking == "Timed out while looking; nothing was changed. Retry."
    assert not_started.startswith("Timed out before")


@every_procedure
async def test_a_dry_run_asks_glance_whether_the_caller_may(
    procedure: str, bff: Bff, openstack: FakeOpenStack
) -> None:
    (one,) = images(openstack, 1, owner=PARTNER)
    openstack.patch_status = 403
    result = await run(bff, openstack, procedure, [one], dryRun=True)
    (failure,) = result["failed"]
    assert failure["code"] == "FORBIDDEN"
    assert f"Only project {PARTNER} or an administrator" in failure["message"]


@every_procedure
async def test_the_log_and_the_audit_say_which_images_and_that_nothing_was_changed(
    procedure: str, bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    (one,) = images(openstack, 1)
    missing = str(uuid.uuid4())
    await run(bff, openstack, procedure, [one, missing], dryRun=True)
    await run(bff, openstack, procedure, [one, missing])
    calls = [line for line in logged if line["event"] == "call"]
    audits = [line for line in logged if line["event"] == "audit"]
    key = f"/{PARTNER}" if procedure == "shareImages" else ""
    for line in calls:
        assert line["images"] == [one, missing]
        assert (line["successful"], line["failed"]) == ([one + key], [missing + key])
    for line in audits:
        assert (line["images"], line["failed"]) == ([one, missing], [missing + key])
        assert line.get("members") == CHANGES[procedure].get("members")
    assert [line.get("dry_run") for line in calls + audits] == [True, None] * 2


async def test_one_image_is_shared_with_many_projects_and_each_that_fails_is_named(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    shared, private = images(openstack, 2)
    openstack.images[1]["visibility"] = "private"
    members = [PARTNER, OTHER]
    result = await run(
        bff, openstack, "shareImages", [private, shared], members=members, dryRun=True
    )
    assert (result["successful"], result["unchanged"]) == ([shared], [])
    assert [(one["id"], one["member"]) for one in result["failed"]] == [
        (private, member) for member in members
    ]
    assert {one["code"] for one in result["failed"]} == {"BAD_REQUEST"}
    await run(bff, openstack, "shareImages", [shared], members=[PARTNER])
    again = await run(bff, openstack, "shareImages", [shared], members=members, dryRun=True)
    assert (again["successful"], again["unchanged"]) == ([shared], [])
    await run(bff, openstack, "shareImages", [shared], members=members)
    assert openstack.members[shared].keys() == {*members}
    all_so = await run(bff, openstack, "shareImages", [shared], members=members, dryRun=True)
    assert all_so["unchanged"] == [shared]


async def test_what_is_offered_to_the_callers_project_is_accepted_without_being_shared_anew(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    (one,) = images(openstack, 1, owner=PARTNER)
    demo = PROJECTS["demo"]
    openstack.members = {one: {demo: {"member_id": demo, "image_id": one, "status": "pending"}}}
    for dry_run, unchanged in ((True, []), (False, None), (True, [one])):
        more = {"members": [demo], "accept": True, "dryRun": dry_run}
        result = await run(bff, openstack, "shareImages", [one], **more)
        assert result == {"successful": [one], "failed": [], "unchanged": unchanged}
    assert openstack.members[one][demo]["status"] == "accepted"
    assert f"POST /v2/images/{one}/members" not in asked(openstack)


async def test_who_may_accept_for_others_does_so_at_once(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    (one,) = images(openstack, 1)
    await run(bff, openstack, "shareImages", [one])
    for _ in range(2):
        result = await run(bff, openstack, "shareImages", [one], accept=True)
        assert result["successful"] == [one]
        assert openstack.members[one][PARTNER]["status"] == "accepted"


async def test_a_patch_is_tried_on_each_image_as_it_is(bff: Bff, openstack: FakeOpenStack) -> None:
    fits, other = images(openstack, 2)
    openstack.images[1]["name"] = "another"
    steps = [{"op": "test", "path": "/name", "value": "image 0"}, RENAME]
    for dry_run in (True, False):
        result = await run(
            bff, openstack, "updateImages", [fits, other], operations=steps, dryRun=dry_run
        )
        assert result["successful"] == [fits]
        (failure,) = result["failed"]
        assert (failure["id"], failure["error"]) == (other, "409")
        assert "operations.0: test /name failed" in failure["message"]
    assert [one["name"] for one in openstack.images] == ["renamed", "another"]


async def test_what_does_not_fit_into_the_calls_time_fails_as_in_other_bulk_procedures(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(call_timeout=3, bulk_concurrency=1)
    ids = images(openstack, 3)
    openstack.trouble = {ids[1]: SILENCE}
    result = await run(bff, openstack, "tagImages", ids)
    assert result["successful"] == ids[:1]
    assert [(one["id"], one["code"]) for one in result["failed"]] == [
        (image_id, "TIMEOUT") for image_id in ids[1:]
    ]


UUIDS = [str(uuid.UUID(int=number)) for number in range(1001)]
TOO_MUCH: dict[str, tuple[str, dict[str, Any]]] = {
    "images": ("tagImages", {"imageIds": UUIDS}),
    "images and projects": (
        "shareImages",
        {"imageIds": UUIDS[:11], "members": [f"p{number}" for number in range(91)]},
    ),
    "images and tags": ("tagImages", {"imageIds": UUIDS[:501], "tags": ["a", "b"]}),
    "images and tags to remove": ("untagImages", {"imageIds": UUIDS[:501], "tags": ["a", "b"]}),
    "operations": ("updateImages", {"imageIds": UUIDS[:1], "operations": [RENAME] * 1001}),
    "images and operations": (
        "updateImages",
        {"imageIds": UUIDS[:1000], "operations": [RENAME] * 11},
    ),
    "bytes for each image": (
        "updateImages",
        {"imageIds": UUIDS[:1], "operations": [{**RENAME, "path": "/x", "value": "x" * 65536}]},
    ),
    "no tags": ("tagImages", {"imageIds": UUIDS[:1], "tags": []}),
    "no projects": ("shareImages", {"imageIds": UUIDS[:1], "members": []}),
}


@pytest.mark.parametrize("what", TOO_MUCH)
async def test_too_much_is_refused_before_anything_is_done(
    what: str, bff: Bff, openstack: FakeOpenStack
) -> None:
    procedure, params = TOO_MUCH[what]
    answer = await bff.call(
        f"compute.image.{procedure}",
        {**CHANGES[procedure], **params},
        X_Auth_Token=openstack.new_token(),
    )
    assert answer["error"]["data"]["code"] == "BAD_REQUEST"
    assert asked(openstack) == []


@pytest.mark.parametrize("tags", [None, 5, "new", {"new": 1}, [["new"], {}, None]])
async def test_tags_of_which_glance_makes_something_else_are_no_tags(
    tags: Any, bff: Bff, openstack: FakeOpenStack
) -> None:
    (one,) = images(openstack, 1, tags=tags)
    result = await run(bff, openstack, "tagImages", [one], dryRun=True)
    assert result == {"successful": [one], "failed": [], "unchanged": []}
