"""Pages, names and states of images."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from polaris_bff import BffError, ago, metadata, properties
from polaris_bff.contract import GlanceImage
from tests.clients.python.conftest import Caller, FakeOpenStack, New
from tests.clients.python.hostile import Hostile, answer
from tests.clients.python.test_calls import failure
from tests.fakes.openstack import PROJECTS, image


@pytest.mark.parametrize("page_size", [1, 7, 10, 1000])
async def test_every_image_comes_once(
    alice: Caller, openstack: FakeOpenStack, page_size: int
) -> None:
    openstack.images = [image(f"image {number}") for number in range(20)]
    found = await alice.all(lambda client: client.images(page_size=page_size))
    assert [each["name"] for each in found] == [f"image {number}" for number in range(20)]


@pytest.mark.parametrize("limit", [1, 7, 8, 20, 30])
async def test_a_limit_is_that_of_all_pages(
    alice: Caller, openstack: FakeOpenStack, limit: int
) -> None:
    openstack.images = [image() for _ in range(20)]
    found = await alice.all(lambda client: client.images(page_size=7, limit=limit))
    assert len(found) == min(limit, 20)


async def test_each_page_is_read_with_the_filters_and_in_the_project(
    alice: Caller, openstack: FakeOpenStack
) -> None:
    openstack.images = [image() for _ in range(3)]
    partner = PROJECTS["partner"]
    await alice.all(lambda client: client.images(page_size=2, visibility="all", project_id=partner))
    tokens = {request.headers["X-Auth-Token"] for request in openstack.requests[-2:]}
    assert [openstack.tokens[token]["project"] for token in tokens] == ["partner"]
    assert openstack.requests[-2].query["visibility"] == "all"


async def test_a_page_that_is_none_is_an_error(new: New, hostile: Hostile) -> None:
    hostile.answers = [lambda calls: answer({"id": calls[0]["id"], "result": {"images": 1}})]
    with pytest.raises(BffError, match="no images"):
        await new(hostile.url).all(lambda client: client.images())


async def test_pages_that_do_not_end_are_read_as_far_as_they_are_wanted(
    new: New, hostile: Hostile
) -> None:
    page = {"images": [image()], "next": "/v2/images?marker=1"}
    hostile.answers = [lambda calls: answer({"id": calls[0]["id"], "result": page})]
    found = await new(hostile.url).all(lambda client: client.images(limit=5))
    assert len(found) == 5


@pytest.mark.parametrize("limit", [None, 1, 2, 3])
async def test_a_search_is_read_to_its_end_through_pages_without_an_image(
    alice: Caller, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch, limit: int | None
) -> None:
    monkeypatch.setattr("procedures.image.listing.MAX_FOR_PAGE", 3)
    openstack.images = [image(f"image {number}") for number in range(20)]
    found = await alice.all(lambda client: client.images(search="GE 1", limit=limit))
    wanted = [f"image {number}" for number in (1, *range(10, 20))]
    assert [each["name"] for each in found] == wanted[:limit]
    assert await alice.all(lambda client: client.images(search="nowhere", limit=limit)) == []


async def test_pages_without_an_image_that_do_not_end_are_an_error(
    new: New, hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polaris_bff.images._MAX_EMPTY", 3)
    full, empty = ({"images": images, "next": "/v2/images"} for images in ([image()], []))
    pages = [empty, empty, full, empty]
    hostile.answers = [partial(_page, page) for page in pages]
    error = await failure(new(hostile.url).all(lambda client: client.images()))
    assert (error.code, "no end" in error.message) == ("BAD_RESPONSE", True)
    assert len(hostile.requests) == 6


def _page(page: Any, calls: list[Any]) -> bytes:
    return answer({"id": calls[0]["id"], "result": page})


async def test_an_image_that_is_there_is_not_waited_for(
    alice: Caller, openstack: FakeOpenStack
) -> None:
    openstack.images = [image()]
    image_id = openstack.images[0]["id"]
    assert (await alice.do(lambda client: client.wait_for(image_id)))["id"] == image_id


def states(*statuses: str) -> list[Any]:
    """Return answers of images in these states, the last one for good."""
    return [partial(_in, status) for status in statuses]


def _in(status: str, calls: list[Any]) -> bytes:
    return answer({"id": calls[0]["id"], "result": {"status": status}})


async def test_it_is_waited_for_as_long_as_it_may_come(
    new: New, hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polaris_bff.images._FIRST_LOOK", 0)
    hostile.answers = states("queued", "saving", "importing", "active")
    found = await new(hostile.url).do(lambda client: client.wait_for("x"))
    assert found == {"status": "active"}


@pytest.mark.parametrize("status", ["killed", "deleted", "pending_delete", "error"])
async def test_an_image_that_cannot_get_there_is_not_waited_for(
    new: New, hostile: Hostile, status: str
) -> None:
    hostile.answers = states(status)
    error = await failure(new(hostile.url).do(lambda client: client.wait_for("x")))
    assert (error.code, error.data["status"]) == ("CONFLICT", status)
    assert len(hostile.requests) == 1


async def test_a_state_may_be_one_that_is_not_left(new: New, hostile: Hostile) -> None:
    hostile.answers = states("deleted")
    await new(hostile.url).do(lambda client: client.wait_for("x", "deleted"))


async def test_an_image_that_does_not_get_there_is_given_up(new: New, hostile: Hostile) -> None:
    hostile.answers = states("saving")
    error = await failure(new(hostile.url).do(lambda client: client.wait_for("x", timeout=0)))
    assert (error.code, error.data["status"]) == ("TIMEOUT", "saving")


async def test_an_image_is_found_by_its_id_or_its_name(
    alice: Caller, openstack: FakeOpenStack
) -> None:
    openstack.images = [image("one"), image("two")]
    image_id = openstack.images[1]["id"]
    by_id = await alice.do(lambda client: client.find_image(image_id))
    by_name = await alice.do(lambda client: client.find_image("two"))
    assert by_id["id"] == by_name["id"] == image_id


async def test_an_image_may_be_called_like_an_id(alice: Caller, openstack: FakeOpenStack) -> None:
    name = str(uuid.uuid4())
    openstack.images = [image(name)]
    assert (await alice.do(lambda client: client.find_image(name)))["name"] == name


async def test_of_several_images_none_is_taken(alice: Caller, openstack: FakeOpenStack) -> None:
    openstack.images = [image("same"), image("same"), image("other")]
    error = await failure(alice.do(lambda client: client.find_image("same")))
    assert error.code == "CONFLICT"
    assert error.data["ids"] == [each["id"] for each in openstack.images[:2]]
    assert openstack.images[1]["id"] in error.message


async def test_where_there_is_no_image_names_like_it_are_told(
    alice: Caller, openstack: FakeOpenStack
) -> None:
    openstack.images = [image("Ubuntu 24.04"), image("Windows")]
    error = await failure(alice.do(lambda client: client.find_image("Ubunto 24.04")))
    assert (error.code, error.data["close"]) == ("NOT_FOUND", ["Ubuntu 24.04"])
    assert "'Ubuntu 24.04'" in error.message


@pytest.mark.parametrize("given", ["demo", PROJECTS["demo"]])
async def test_a_project_is_found_by_its_id_or_its_name(alice: Caller, given: str) -> None:
    found = await alice.do(lambda client: client.find_project(given))
    assert (found["id"], found["name"]) == (PROJECTS["demo"], "demo")


async def test_where_there_is_no_project_names_like_it_are_told(alice: Caller) -> None:
    error = await failure(alice.do(lambda client: client.find_project("demos")))
    assert (error.code, error.data["close"]) == ("NOT_FOUND", ["demo"])


def test_what_no_type_names_is_a_property_of_an_images_own() -> None:
    whole: GlanceImage = {"id": "1", "name": "x", "tags": []}
    assert properties({**whole, "hw_video_model": "virtio", "self": "/v2/images/1"}) == {
        "hw_video_model": "virtio"
    }


def bulk_answer(calls: list[dict[str, Any]]) -> bytes:
    """Answer a call of a bulk procedure: of its images, those called "bad" fail."""
    ids = calls[0]["params"]["imageIds"]
    failed = [{"id": each, "message": "no", "code": "FORBIDDEN"} for each in ids if each == "bad"]
    result = {"successful": [each for each in ids if each != "bad"], "failed": failed}
    return answer({"id": calls[0]["id"], "result": {**result, "unchanged": ids[:1]}})


async def test_any_number_of_images_are_done_in_calls_of_a_thousand(
    new: New, hostile: Hostile
) -> None:
    hostile.answers = [bulk_answer]
    ids = [str(number) for number in range(2000)] + ["bad"]
    done = await new(hostile.url).do(
        lambda client: client.bulk("compute.image.deleteImages", iter(ids))
    )
    assert done["successful"] == ids[:-1]
    assert [each["id"] for each in done["failed"]] == ["bad"]
    assert done["unchanged"] == ["0", "1000", "bad"]
    sent = [len(calls[0]["params"]["imageIds"]) for _, calls in hostile.requests]
    assert sent == [1000, 1000, 1]


async def test_changes_are_counted_for_each_image(new: New, hostile: Hostile) -> None:
    hostile.answers = [bulk_answer]
    images = [image() for _ in range(7)]
    members = [str(number) for number in range(300)]
    await new(hostile.url).do(
        lambda client: client.bulk("compute.image.deleteImages", images, members=members)
    )
    sent = [calls[0]["params"] for _, calls in hostile.requests]
    assert [len(each["imageIds"]) for each in sent] == [3, 3, 1]
    assert sent[0]["imageIds"] == [each["id"] for each in images[:3]]
    assert all(each["members"] == members for each in sent)


async def test_images_are_all_listed_before_one_is_deleted(
    alice: Caller, openstack: FakeOpenStack
) -> None:
    openstack.images = [image(status="active") for _ in range(25)]
    await alice.do(
        lambda client: client.bulk("compute.image.deleteImages", client.images(page_size=10))
    )
    assert openstack.images == []


async def test_what_did_not_work_is_an_error_where_the_answer_is_none(
    new: New, hostile: Hostile
) -> None:
    hostile.answers = [lambda calls: answer({"id": calls[0]["id"], "result": {"failed": []}})]
    with pytest.raises(BffError, match="successful"):
        await new(hostile.url).do(lambda client: client.bulk("x.y", ["1"]))


async def test_the_project_is_the_one_given_or_the_sessions(alice: Caller, new: New) -> None:
    assert await alice.do(lambda client: client.project_id()) == PROJECTS["demo"]
    given = new("http://127.0.0.1:1", project="given")
    assert await given.do(lambda client: client.project_id()) == "given"


@pytest.mark.parametrize("session", [None, {}, {"project": None}, {"project": {"id": 1}}])
async def test_who_works_in_no_project_is_told(new: New, hostile: Hostile, session: Any) -> None:
    hostile.answers = [lambda calls: answer({"id": calls[0]["id"], "result": session})]
    error = await failure(new(hostile.url).do(lambda client: client.project_id()))
    assert error.code == "UNAUTHORIZED"


def test_an_image_like_another_one_has_what_it_has_and_not_what_it_is() -> None:
    old = image("golden", tags=["a"], os_hidden=True, hw_qemu_guest_agent="yes", team="x")
    old |= {"os_glance_failed_import": "", "min_ram": 0, "os_type": None, "file": "/v2/…"}
    assert metadata(old) == {
        "name": "golden",
        "visibility": "private",
        "tags": ["a"],
        "protected": False,
        "min_ram": 0,
        "hw_qemu_guest_agent": True,
        "team": "x",
    }


def test_a_moment_ago_is_written_as_filters_take_it() -> None:
    written = ago(days=90)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", written)
    passed = datetime.now(UTC) - datetime.fromisoformat(written)
    assert timedelta(days=90) <= passed < timedelta(days=91)
