"""Every error that the specification lists, provoked at the real services.

Where Glance itself answers another status, the row says so: what a caller gets is what the
specification promises, except where nothing could tell the difference.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from schemas.image import MAX_FILTER_TAGS
from tests.bff.conftest import Bff, bff_with
from tests.cloud.conftest import Cloud, Sign, User
from tests.cloud.shelf import CONTENT, Shelf
from tests.conftest import Serve

NAMES = {
    400: "BAD_REQUEST",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}
# Stand for the ids of these projects; bob works in the second one and may not work in the first.
# The images are those of a new project of alice's.
DEMO, PARTNER = "{demo}", "{partner}"
DATA = base64.b64encode(CONTENT).decode()
SHARED = {"visibility": "shared"}

Make = Callable[[Shelf, str], str]
# How an image is made; the second argument is the partner's project.
IMAGES: dict[str, Make] = {
    "missing": lambda shelf, _: shelf.missing(),
    "queued": lambda shelf, _: shelf.queued(),
    "without formats": lambda shelf, _: shelf.glance.post("/v2/images", {})["id"],
    "qcow2": lambda shelf, _: shelf.queued(disk_format="qcow2"),
    "active": lambda shelf, _: shelf.active(),
    "protected": lambda shelf, _: shelf.active(protected=True),
    "deactivated": lambda shelf, _: shelf.deactivated(),
    "shared": lambda shelf, partner: shelf.shared(partner),
    "shared, active": lambda shelf, partner: shelf.share(shelf.active(**SHARED), partner),
    "shared with nobody": lambda shelf, _: shelf.shared(),
}


@dataclass(frozen=True)
class Row:
    """An error: the procedure, the status that the specification gives, and how it is provoked."""

    procedure: str
    status: int
    how: str
    image: str | None
    params: dict[str, Any] = field(default_factory=dict)
    who: str = "alice"

    def __str__(self) -> str:
        return f"{self.procedure}: {self.status}, {self.how}"


def row(procedure: str, status: int, how: str, image: str | None, /, **params: Any) -> Row:
    return Row(procedure, status, how, image, params)


def bobs(procedure: str, status: int, how: str, image: str | None, /, **params: Any) -> Row:
    return Row(procedure, status, how, image, params, who="bob")


def patch(op: str, path: str, **more: Any) -> list[dict[str, Any]]:
    return [{"op": op, "path": path, **more}]


ROWS = [
    row("listImages", 400, "a marker that is no image", None, marker=Shelf.missing()),
    row("listImages", 400, "a key that nothing is sorted by", None, sort="owner:asc"),
    bobs("listImages", 403, "in a project that is not his", None, project_id=DEMO),
    row("listImagesWithPagination", 400, "a link to elsewhere", None, next="https://evil.example/"),
    # Get Image by ID. Of an image that it hides, Glance says 404.
    row("getImageById", 404, "no such image", "missing"),
    bobs("getImageById", 404, "a private image of another project", "active"),
    bobs("getImageById", 403, "in a project that is not his", "active", project_id=DEMO),
    # Create Image has no table of its own: these are the common ones.
    row("createImage", 400, "memory below nothing", None, min_ram=-1),
    row("createImage", 403, "public, by a member", None, visibility="public"),
    row("createImage", 413, "more tags than the quota", None, tags=[f"t{n}" for n in range(129)]),
    # Upload Image Data.
    row("uploadImage", 400, "no imageId", None, file=DATA),
    row("uploadImage", 400, "no data", "queued"),
    row("uploadImage", 400, "data that is not base64", "queued", file="no base64!"),
    row("uploadImage", 400, "an image without formats", "without formats", file=DATA),
    bobs("uploadImage", 403, "an image that he may only see", "shared", file=DATA),
    row("uploadImage", 404, "no such image", "missing", file=DATA),
    row("uploadImage", 409, "an image that has its data", "active", file=DATA),
    row("uploadImage", 415, "data that is not what it is declared to be", "qcow2", file=DATA),
    # Update Image.
    row("updateImage", 404, "no such image", "missing", operations=patch("add", "/a", value="b")),
    bobs("updateImage", 404, "of another project", "active", operations=patch("remove", "/a")),
    bobs(
        "updateImage", 403, "only seen", "shared", operations=patch("replace", "/name", value="x")
    ),
    row(
        "updateImage",
        403,
        "public, by a member",
        "queued",
        operations=patch("replace", "/visibility", value="public"),
    ),
    row("updateImage", 409, "remove what is missing", "queued", operations=patch("remove", "/a")),
    row(
        "updateImage",
        409,
        "replace what is missing",
        "queued",
        operations=patch("replace", "/a", value="b"),
    ),
    row(
        "updateImage",
        409,
        "a test that fails",
        "queued",
        operations=patch("test", "/disk_format", value="qcow2"),
    ),
    row(
        "updateImage",
        400,
        "a value that cannot be",
        "queued",
        operations=patch("replace", "/min_ram", value="much"),
    ),
    row("updateImage", 400, "no value", "queued", operations=patch("replace", "/name")),
    row("updateImage", 400, "no such operation", "queued", operations=patch("rename", "/name")),
    # Update Image Visibility.
    row("updateImageVisibility", 404, "no such image", "missing", visibility="shared"),
    row("updateImageVisibility", 403, "public, by a member", "queued", visibility="public"),
    bobs("updateImageVisibility", 403, "only seen", "shared", visibility="private"),
    row("updateImageVisibility", 400, "no such visibility", "queued", visibility="all"),
    # Delete Image.
    row("deleteImage", 403, "a protected image", "protected"),
    row("deleteImage", 404, "no such image", "missing"),
    # Deactivate and Reactivate Image. In a wrong state, Glance says 403.
    bobs("deactivateImage", 403, "neither the owner nor an administrator", "shared, active"),
    row("deactivateImage", 404, "no such image", "missing"),
    row("deactivateImage", 409, "an image without data", "queued"),
    bobs("reactivateImage", 403, "neither the owner nor an administrator", "shared, active"),
    row("reactivateImage", 404, "no such image", "missing"),
    row("reactivateImage", 409, "an image without data", "queued"),
    # List Image Members.
    row("listImageMembers", 404, "no such image", "missing"),
    row("listImageMembers", 403, "an image that is not shared", "active"),
    # Get Image Member.
    row("getImageMember", 404, "no such image", "missing", memberId=PARTNER),
    row("getImageMember", 404, "no such member", "shared with nobody", memberId=PARTNER),
    # Create Image Member. For an image that is not shared, Glance says 403.
    row("createImageMember", 404, "no such image", "missing", member=PARTNER),
    bobs("createImageMember", 404, "of another project", "shared with nobody", member=PARTNER),
    bobs("createImageMember", 403, "not the owner", "shared", member=DEMO),
    row("createImageMember", 400, "a member that cannot be", "shared", member="a/../b"),
    row("createImageMember", 400, "no member", "shared", member=""),
    row("createImageMember", 400, "an image that is not shared", "active", member=PARTNER),
    row("createImageMember", 409, "a member already", "shared", member=PARTNER),
    # Update Image Member.
    row("updateImageMember", 404, "no such image", "missing", memberId=PARTNER, status="accepted"),
    bobs(
        "updateImageMember",
        404,
        "no such member",
        "shared with nobody",
        memberId=PARTNER,
        status="accepted",
    ),
    row("updateImageMember", 403, "not the member", "shared", memberId=PARTNER, status="accepted"),
    bobs("updateImageMember", 400, "no such status", "shared", memberId=PARTNER, status="perhaps"),
    # Delete Image Member.
    row("deleteImageMember", 404, "no such image", "missing", memberId=PARTNER),
    row("deleteImageMember", 404, "no such member", "shared with nobody", memberId=PARTNER),
    bobs("deleteImageMember", 403, "not the owner", "shared", memberId=PARTNER),
    # Bulk operations fail as a whole for their input alone.
    row("deleteImages", 400, "too many images", None, imageIds=[Shelf.missing()] * 1001),
    row("activateImages", 400, "not an image's id", None, imageIds=["../tasks"]),
    row("deactivateImages", 400, "not a list", None, imageIds=Shelf.missing()),
]


@pytest.fixture(scope="module")
def shelf(cloud: Cloud) -> Shelf:
    """Return the images of a project of alice's own."""
    project = cloud.new_project("alice")
    return Shelf(cloud.glance("alice", project), project)


@pytest.fixture
def make(cloud: Cloud, shelf: Shelf) -> Callable[[str], str]:
    """Return a function that makes an image by the name of its kind."""
    return lambda kind: IMAGES[kind](shelf, cloud.projects["partner"])


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_specified_error_has_its_specified_code(
    row: Row, cloud: Cloud, shelf: Shelf, make: Callable[[str], str], user: Sign
) -> None:
    ids = {"{demo}": cloud.projects["demo"], "{partner}": cloud.projects["partner"]}
    params = {
        key: ids.get(value, value) if isinstance(value, str) else value
        for key, value in row.params.items()
    }
    if row.image is not None:
        params["imageId"] = make(row.image)
    caller = user("bob", "partner") if row.who == "bob" else user("alice", shelf.project)
    answer = await caller.answer(row.procedure, **params)
    assert "error" in answer, answer
    data = answer["error"]["data"]
    assert (data["httpStatus"], data["code"]) == (row.status, NAMES[row.status]), answer
    assert data["path"] == f"compute.image.{row.procedure}"


# What becomes of single images in a bulk operation: procedure, status, image, who.
FAILURES = [
    ("deleteImages", 404, "missing", "alice"),
    ("deleteImages", 403, "protected", "alice"),
    ("deleteImages", 403, "shared", "bob"),
    ("activateImages", 404, "missing", "alice"),
    ("activateImages", 409, "queued", "alice"),
    ("activateImages", 403, "shared, active", "bob"),
    ("deactivateImages", 404, "missing", "alice"),
    ("deactivateImages", 409, "queued", "alice"),
    ("deactivateImages", 403, "shared, active", "bob"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: " ".join(map(str, failure)))
async def test_an_image_that_fails_in_bulk_has_its_status_as_its_error(
    failure: tuple[str, int, str, str], shelf: Shelf, make: Callable[[str], str], user: Sign
) -> None:
    procedure, status, kind, who = failure
    image_id = make(kind)
    caller = user("bob", "partner") if who == "bob" else user("alice", shelf.project)
    result = await caller.do(procedure, imageIds=[image_id])
    assert result["successful"] == []
    (failed,) = result["failed"]
    assert failed.items() >= {"id": image_id, "error": str(status), "code": NAMES[status]}.items()
    assert image_id in failed["message"]


async def test_an_id_that_is_taken_is_a_conflict(shelf: Shelf, user: Sign) -> None:
    code, _ = await user("alice", shelf.project).error("createImage", id=shelf.queued())
    assert code == "CONFLICT"


async def test_data_over_the_limit_is_too_large_and_the_image_stays_queued(
    cloud: Cloud, serve: Serve, client: aiohttp.ClientSession, shelf: Shelf
) -> None:
    most = len(CONTENT) - 1
    bff = await bff_with(serve, client, auth_url=cloud.auth_url, max_inline_upload=most)
    image_id = shelf.queued()
    params = {"imageId": image_id, "file": DATA}
    token = cloud.token("alice", shelf.project)
    error = (await bff.call("compute.image.uploadImage", params, X_Auth_Token=token))["error"]
    assert (error["data"]["httpStatus"], error["data"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert "upload-image" in error["message"]
    assert shelf.show(image_id)["status"] == "queued"


async def test_what_is_no_json_is_an_unsupported_media_type(
    cloud: Cloud, bff: Bff, shelf: Shelf
) -> None:
    token = cloud.token("alice", shelf.project)
    response = await bff.post(b"data", content_type="application/octet-stream", X_Auth_Token=token)
    assert response.status == 415
    assert (await response.json())["error"]["data"]["code"] == "UNSUPPORTED_MEDIA_TYPE"


# The specification has one 500 for both; -32603 is its number, and which of the two it was is said.
async def test_an_upload_without_glance_is_an_unavailable_service(
    cloud: Cloud, serve: Serve, client: aiohttp.ClientSession, shelf: Shelf
) -> None:
    nobody = "http://127.0.0.1:1/"
    bff = await bff_with(serve, client, auth_url=cloud.auth_url, glance_url=nobody)
    params = {"imageId": shelf.missing(), "file": DATA}
    token = cloud.token("alice", shelf.project)
    error = (await bff.call("compute.image.uploadImage", params, X_Auth_Token=token))["error"]
    assert error["code"] == -32603
    assert error["data"]["code"] == "SERVICE_UNAVAILABLE"


async def test_an_upload_that_the_store_cannot_take_has_failed_and_the_image_stays_queued(
    cloud: Cloud, shelf: Shelf, user: Sign
) -> None:
    image_id = shelf.queued()
    store, away = cloud.folder / "images", cloud.folder / "images-away"
    store.rename(away)
    try:
        alice = user("alice", shelf.project)
        answer = await alice.answer("uploadImage", imageId=image_id, file=DATA)
    finally:
        away.rename(store)
    assert answer["error"]["code"] == -32603
    assert answer["error"]["data"]["code"] == "BAD_GATEWAY"
    assert shelf.show(image_id)["status"] == "queued"


# What a real Glance 33 answers 500 to, or would if it came to it.
UNFIT: list[dict[str, Any]] = [
    {"tag": [f"t{number}" for number in range(64)]},
    {"tag": [f"t{n}" for n in range(32)], "tags": [f"u{n}" for n in range(32)]},
    {"size_min": 10**20},
    {"created_at": "gte:0001-01-01T00:00:00+14:00"},
    {"updated_at": "lt:9999-12-31T23:59:59-14:00"},
    {"next": f"/v2/images?size_min={10**20}"},
    {"next": "/v2/images?" + "&".join(f"tag={number}" for number in range(64))},
    {"first": "/v2/images?created_at=gte:0001-01-01T00:00:00%2B14:00"},
]


@pytest.mark.parametrize("params", UNFIT, ids=lambda params: next(iter(params)))
async def test_what_would_make_glance_fail_is_refused_before_it(
    params: dict[str, Any], alice: User
) -> None:
    assert (await alice.error("listImagesWithPagination", **params))[0] == "BAD_REQUEST"


async def test_the_most_tags_that_may_be_asked_for_are_no_trouble(alice: User) -> None:
    tags = [f"t{number}" for number in range(MAX_FILTER_TAGS)]
    page = await alice.do("listImagesWithPagination", tag=tags, os_type="linux", limit=1)
    assert page["images"] == []
    assert await alice.do("listImagesWithPagination", first=page["first"]) == page
