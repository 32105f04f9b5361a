"""The specification, example by example, in its own order and words, against the real services.

Calls are written as the specification writes them. Where it has the id of an image, the id of a
real one stands here; the ids of images that are not there are the specification's own.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

import procedures
from bff.rpc.registry import Kind
from tests.cloud.conftest import Cloud, Sign, User
from tests.cloud.shelf import CONTENT, Shelf, unordered

MISSING = "c95abd86-55b3-4413-a5b7-6cd8a6bd99ae"
MEMBER = "660e8400-e29b-41d4-a716-446655440001"
KINDS = {procedure.name: procedure.kind for procedure in procedures.ALL}


class Client:
    """Calls as the specification writes them: ``alice.compute.image.listImages.query({})``."""

    def __init__(self, user: User, *path: str) -> None:
        self._user = user
        self._path = path

    def __getattr__(self, name: str) -> Client:
        return Client(self._user, *self._path, name)

    async def query(self, params: dict[str, Any]) -> Any:
        return await self._call(Kind.QUERY, params)

    async def mutate(self, params: dict[str, Any]) -> Any:
        return await self._call(Kind.MUTATION, params)

    async def _call(self, kind: Kind, params: dict[str, Any]) -> Any:
        name = ".".join(self._path)
        assert KINDS[name] is kind
        answer = await self._user.bff.call(name, params, X_Auth_Token=self._user.token)
        assert "result" in answer, answer
        return answer["result"]


@pytest.fixture(scope="module")
def project(cloud: Cloud) -> str:
    """Return a project of this module's own."""
    return cloud.new_project("alice")


@pytest.fixture
def shelf(cloud: Cloud, project: str) -> Shelf:
    """Return the images of alice's project."""
    return Shelf(cloud.glance("alice", project))


@pytest.fixture
def alice(user: Sign, project: str) -> Client:
    """Return alice's client."""
    return Client(user("alice", project))


@pytest.fixture
def admin(user: Sign) -> Client:
    """Return the administrator's client."""
    return Client(user("admin", "admin"))


# --- Image Management Endpoints -----------------------------------------------------------------

FILTERS = (
    "sort_key sort_dir sort limit marker name status visibility owner protected container_format"
    " disk_format size_min size_max min_ram min_disk tag os_type os_hidden member_status"
    " created_at updated_at"
    " tags"  # in the example of a filter only
)
METADATA = (
    "name id container_format disk_format visibility protected min_ram min_disk tags os_type"
    " os_distro os_version architecture os_hidden hw_disk_bus hw_scsi_model hw_serial"
    " hw_qemu_guest_agent hw_vif_model hw_rng_model hw_machine_type"
)
# Each endpoint with its method and the parameters of its table.
ENDPOINTS = [
    ("listImages", Kind.QUERY, FILTERS),
    ("listImagesWithPagination", Kind.QUERY, f"{FILTERS} first next"),
    ("getImageById", Kind.QUERY, "imageId"),
    ("createImage", Kind.MUTATION, METADATA),
    ("uploadImage", Kind.MUTATION, "imageId file"),
    ("updateImage", Kind.MUTATION, "imageId operations"),
    ("updateImageVisibility", Kind.MUTATION, "imageId visibility"),
    ("deleteImage", Kind.MUTATION, "imageId"),
    ("deactivateImage", Kind.MUTATION, "imageId"),
    ("reactivateImage", Kind.MUTATION, "imageId"),
    ("listImageMembers", Kind.QUERY, "imageId"),
    ("getImageMember", Kind.QUERY, "imageId memberId"),
    ("createImageMember", Kind.MUTATION, "imageId member"),
    ("updateImageMember", Kind.MUTATION, "imageId memberId status"),
    ("deleteImageMember", Kind.MUTATION, "imageId memberId"),
    ("deleteImages", Kind.MUTATION, "imageIds"),
    ("activateImages", Kind.MUTATION, "imageIds"),
    ("deactivateImages", Kind.MUTATION, "imageIds"),
]
# Parameters that stand beside the specified ones; none of them is required.
_FOUND_BY = "project_id ids offered properties search"
BESIDE = {"listImages": _FOUND_BY, "listImagesWithPagination": _FOUND_BY}


@pytest.mark.parametrize(("name", "kind", "parameters"), ENDPOINTS)
def test_an_endpoint_has_the_specified_method_and_parameters(
    name: str, kind: Kind, parameters: str
) -> None:
    known = {procedure.name: procedure for procedure in procedures.ALL}
    procedure = known[f"compute.image.{name}"]
    schema = procedure.input.model_json_schema()
    assert procedure.kind is kind
    more = BESIDE.get(name, "project_id").split()
    assert schema["properties"].keys() == {*parameters.split(), *more}
    assert not {*more} & {*schema.get("required", ())}
    assert schema.get("additionalProperties") is (name == "createImage")


# --- List Images --------------------------------------------------------------------------------


@pytest.fixture
def library(shelf: Shelf, cloud: Cloud, user: Sign) -> tuple[Client, Shelf]:
    """Return alice and the shelf of a project in which there is nothing yet."""
    project = cloud.new_project("alice")
    return Client(user("alice", project)), Shelf(cloud.glance("alice", project))


def names(images: list[dict[str, Any]]) -> list[str]:
    # Other tests leave some without a name, which come before all others.
    return [image["name"] or "" for image in images]


async def test_list_images_using_modern_sort_syntax(library: tuple[Client, Shelf]) -> None:
    alice, shelf = library
    for number in (3, 11, 1, 7, 2, 10, 4, 9, 5, 8, 6):
        shelf.active(name=f"image {number:02}")
    shelf.queued(name="image 00, which is not active")
    images_sorted = await alice.compute.image.listImages.query(
        {
            "sort": "name:asc",
            "status": "active",
            "visibility": "private",
            "limit": 10,
        }
    )
    assert names(images_sorted) == [f"image {number:02}" for number in range(1, 11)]


async def test_list_images_using_multi_field_sorting(alice: Client) -> None:
    images_multi_sort = await alice.compute.image.listImages.query(
        {
            "sort": "status:asc,name:asc,created_at:desc",
            "visibility": "public",
        }
    )
    assert {"Ubuntu 24.04 LTS", "Windows Server 2022"} <= set(names(images_multi_sort))
    assert {image["visibility"] for image in images_multi_sort} == {"public"}
    states = [image["status"] for image in images_multi_sort]
    order = list(zip(states, names(images_multi_sort), strict=True))
    assert order == sorted(order)


async def test_list_images_using_legacy_syntax(library: tuple[Client, Shelf]) -> None:
    alice, shelf = library
    for name in ("b", "c", "a"):
        shelf.active(name=name)
    shelf.queued(name="not active")
    images_legacy = await alice.compute.image.listImages.query(
        {
            "sort_key": "name",
            "sort_dir": "asc",
            "status": "active",
        }
    )
    own = [image for image in images_legacy if image["visibility"] == "private"]
    assert names(own) == ["a", "b", "c"]
    assert {image["status"] for image in images_legacy} == {"active"}


async def test_list_images_filtering(library: tuple[Client, Shelf]) -> None:
    alice, shelf = library
    wanted = {"os_type": "linux", "disk_format": "qcow2", "tags": ["production"]}
    shelf.queued(name="older", **wanted)
    shelf.queued(name="newer", **wanted)
    shelf.queued(name="of another format", **wanted | {"disk_format": "raw"})
    shelf.queued(name="of another system", **wanted | {"os_type": "windows"})
    shelf.queued(name="without the tag", **wanted | {"tags": ["test"]})
    example = {
        "sort": "created_at:desc",
        "os_type": "linux",
        "disk_format": "qcow2",
        "size_min": 1000000000,
        "tags": "production",
    }
    filtered_images = await alice.compute.image.listImages.query(example)
    assert filtered_images == []
    # None of them has a gigabyte of data. Without this bound, the other filters find theirs.
    del example["size_min"]
    filtered_images = await alice.compute.image.listImages.query(example | {"visibility": "all"})
    own = [image for image in filtered_images if image["visibility"] == "private"]
    assert names(own) == ["newer", "older"]


async def test_list_images_defaults_to_the_newest_first(library: tuple[Client, Shelf]) -> None:
    alice, shelf = library
    made = [shelf.queued(name=f"image {number}") for number in range(3)]
    images = await alice.compute.image.listImages.query({})
    assert [i["id"] for i in images if i["visibility"] == "private"] == made[::-1]


# --- List Images with Pagination ----------------------------------------------------------------


@pytest.fixture
def public(cloud: Cloud) -> Iterator[list[str]]:
    """Make 26 more public images, one more than a page holds, and take them away again."""
    shelf = Shelf(cloud.glance("admin", "admin"))
    made = [shelf.queued(name=f"page {n:02}", visibility="public") for n in range(26)]
    yield made
    for image_id in made:
        shelf.glance.call("DELETE", f"/v2/images/{image_id}")


async def test_list_images_with_pagination(alice: Client, public: list[str]) -> None:
    paginated_images = await alice.compute.image.listImagesWithPagination.query(
        {
            "sort": "name:asc",
            "limit": 25,
            "visibility": "public",
        }
    )
    next_page = await alice.compute.image.listImagesWithPagination.query(
        {
            "next": paginated_images["next"],
        }
    )
    assert len(paginated_images["images"]) == 25
    assert paginated_images.keys() == {"images", "first", "next", "schema"}
    assert "next" not in next_page
    images = [*paginated_images["images"], *next_page["images"]]
    assert {image["id"] for image in images} >= set(public)
    assert names(images) == sorted(names(images))
    first = {"first": next_page["first"]}
    first_page = await alice.compute.image.listImagesWithPagination.query(first)
    assert names(first_page["images"]) == names(paginated_images["images"])


# --- Get Image by ID ----------------------------------------------------------------------------


async def test_get_image_by_id(alice: Client, shelf: Shelf) -> None:
    image_id = shelf.active()
    image = await alice.compute.image.getImageById.query(
        {
            "imageId": image_id,
        }
    )
    assert image == shelf.show(image_id)
    assert image["id"] == image_id


# --- Create Image -------------------------------------------------------------------------------


async def test_create_image(alice: Client, shelf: Shelf) -> None:
    example = {
        "name": "Ubuntu 22.04 LTS",
        "container_format": "bare",
        "disk_format": "qcow2",
        "visibility": "private",
        "os_type": "linux",
        "os_distro": "ubuntu",
        "os_version": "22.04",
        "min_ram": 1024,
        "min_disk": 10,
        "tags": ["ubuntu", "lts", "server"],
    }
    new_image = await alice.compute.image.createImage.mutate(example)
    assert new_image["status"] == "queued"
    assert sorted(new_image["tags"]) == ["lts", "server", "ubuntu"]
    assert new_image.items() >= {k: v for k, v in example.items() if k != "tags"}.items()
    assert unordered(new_image) == unordered(shelf.show(new_image["id"]))


# --- Upload Image Data --------------------------------------------------------------------------


async def test_upload_image_method_1(alice: Client, shelf: Shelf) -> None:
    image_id = shelf.queued()
    result = await alice.compute.image.uploadImage.mutate(
        {
            "imageId": image_id,
            "file": base64.b64encode(CONTENT).decode(),
        }
    )
    assert result == {"success": True, "imageId": image_id}
    image = shelf.show(image_id)
    assert (image["status"], image["size"]) == ("active", len(CONTENT))


# --- Update Image -------------------------------------------------------------------------------


async def test_update_image(alice: Client, shelf: Shelf) -> None:
    image_id = shelf.queued(name="Ubuntu 22.04 LTS", hw_serial="0815", tags=["ubuntu", "lts"])
    updated_image = await alice.compute.image.updateImage.mutate(
        {
            "imageId": image_id,
            "operations": [
                {
                    "op": "replace",
                    "path": "/name",
                    "value": "Ubuntu 22.04 LTS Updated",
                },
                {
                    "op": "add",
                    "path": "/tags/-",
                    "value": "production",
                },
                {
                    "op": "remove",
                    "path": "/hw_serial",
                },
            ],
        }
    )
    assert updated_image["name"] == "Ubuntu 22.04 LTS Updated"
    assert set(updated_image["tags"]) == {"ubuntu", "lts", "production"}
    assert "hw_serial" not in updated_image
    assert unordered(updated_image) == unordered(shelf.show(image_id))


async def test_update_image_knows_all_six_operations(alice: Client, shelf: Shelf) -> None:
    image_id = shelf.queued(name="n", os_distro="debian", os_version="12", tags=["a", "b"])
    updated_image = await alice.compute.image.updateImage.mutate(
        {
            "imageId": image_id,
            "operations": [
                {"op": "test", "path": "/os_distro", "value": "debian"},
                {"op": "copy", "from": "/os_distro", "path": "/base_distro"},
                {"op": "move", "from": "/os_version", "path": "/base_version"},
                {"op": "replace", "path": "/tags/0", "value": "c"},
                {"op": "add", "path": "/min_ram", "value": 512},
                {"op": "remove", "path": "/os_distro"},
            ],
        }
    )
    assert updated_image["base_distro"] == "debian"
    assert updated_image["base_version"] == "12"
    assert not {"os_distro", "os_version"} & updated_image.keys()
    assert set(updated_image["tags"]) in ({"a", "c"}, {"b", "c"})  # they have no order
    assert updated_image["min_ram"] == 512
    assert unordered(updated_image) == unordered(shelf.show(image_id))


# --- Update Image Visibility --------------------------------------------------------------------


async def test_update_image_visibility(admin: Client, cloud: Cloud) -> None:
    shelf = Shelf(cloud.glance("admin", "admin"))
    image_id = shelf.queued()
    updated_image = await admin.compute.image.updateImageVisibility.mutate(
        {
            "imageId": image_id,
            "visibility": "public",
        }
    )
    assert updated_image["visibility"] == "public"
    assert updated_image == shelf.show(image_id)
    shelf.glance.call("DELETE", f"/v2/images/{image_id}")


@pytest.mark.parametrize("visibility", ["private", "shared", "community"])
async def test_update_image_visibility_to_the_others(
    visibility: str, alice: Client, shelf: Shelf
) -> None:
    image = {"imageId": shelf.queued(), "visibility": visibility}
    updated = await alice.compute.image.updateImageVisibility.mutate(image)
    assert updated["visibility"] == visibility


# --- Delete Image -------------------------------------------------------------------------------


async def test_delete_image(alice: Client, shelf: Shelf) -> None:
    image_id = shelf.active()
    success = await alice.compute.image.deleteImage.mutate(
        {
            "imageId": image_id,
        }
    )
    assert success is True
    assert image_id not in [i["id"] for i in shelf.glance.get("/v2/images?limit=1000")["images"]]


# --- Deactivate Image, Reactivate Image ---------------------------------------------------------


async def test_deactivate_image(admin: Client, shelf: Shelf) -> None:
    image_id = shelf.active()
    success = await admin.compute.image.deactivateImage.mutate(
        {
            "imageId": image_id,
        }
    )
    assert success is True
    assert shelf.show(image_id)["status"] == "deactivated"


async def test_reactivate_image(admin: Client, shelf: Shelf) -> None:
    image_id = shelf.deactivated()
    success = await admin.compute.image.reactivateImage.mutate(
        {
            "imageId": image_id,
        }
    )
    assert success is True
    assert shelf.show(image_id)["status"] == "active"


# --- Image Member Management Endpoints ----------------------------------------------------------


class ImageMember(BaseModel):
    """The specification's ``ImageMember``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    member_id: str
    image_id: str
    status: Literal["pending", "accepted", "rejected"]
    created_at: str
    updated_at: str
    schema_: str | None = Field(None, alias="schema")


async def test_list_image_members(alice: Client, shelf: Shelf) -> None:
    image_id = shelf.shared(MEMBER, "another-project")
    members = await alice.compute.image.listImageMembers.query(
        {
            "imageId": image_id,
        }
    )
    listed = [ImageMember.model_validate(member) for member in members]
    assert {member.member_id for member in listed} == {MEMBER, "another-project"}


async def test_get_image_member(alice: Client, shelf: Shelf) -> None:
    image_id = shelf.shared(MEMBER)
    member = await alice.compute.image.getImageMember.query(
        {
            "imageId": image_id,
            "memberId": "660e8400-e29b-41d4-a716-446655440001",
        }
    )
    got = ImageMember.model_validate(member)
    assert (got.image_id, got.member_id, got.status) == (image_id, MEMBER, "pending")


async def test_create_image_member(alice: Client, shelf: Shelf) -> None:
    image_id = shelf.shared()
    new_member = await alice.compute.image.createImageMember.mutate(
        {
            "imageId": image_id,
            "member": "660e8400-e29b-41d4-a716-446655440001",
        }
    )
    made = ImageMember.model_validate(new_member)
    assert (made.image_id, made.member_id, made.status) == (image_id, MEMBER, "pending")


# No project has the specification's id; its administrator may speak for any member.
@pytest.mark.parametrize("status", ["accepted", "rejected", "pending"])
async def test_update_image_member(status: str, admin: Client, shelf: Shelf) -> None:
    image_id = shelf.shared(MEMBER)
    updated_member = await admin.compute.image.updateImageMember.mutate(
        {
            "imageId": image_id,
            "memberId": "660e8400-e29b-41d4-a716-446655440001",
            "status": status,
        }
    )
    assert ImageMember.model_validate(updated_member).status == status


async def test_delete_image_member(alice: Client, shelf: Shelf) -> None:
    image_id = shelf.shared(MEMBER, "another-project")
    success = await alice.compute.image.deleteImageMember.mutate(
        {
            "imageId": image_id,
            "memberId": "660e8400-e29b-41d4-a716-446655440001",
        }
    )
    assert success is True
    left = shelf.glance.get(f"/v2/images/{image_id}/members")["members"]
    assert [member["member_id"] for member in left] == ["another-project"]


# --- Bulk Image Operations ----------------------------------------------------------------------


def is_one_failure(result: Any, image_id: str) -> None:
    """Check ``failed`` of the specification's example, and what stands there for people."""
    (failure,) = result["failed"]
    assert failure.keys() == {"id", "error", "code", "message"}
    assert (failure["id"], failure["error"], failure["code"]) == (image_id, "404", "NOT_FOUND")
    assert image_id in failure["message"]


async def test_delete_images(alice: Client, shelf: Shelf) -> None:
    made = [shelf.active(), shelf.queued()]
    result = await alice.compute.image.deleteImages.mutate(
        {
            "imageIds": [
                *made,
                "c95abd86-55b3-4413-a5b7-6cd8a6bd99ae",
            ],
        }
    )
    assert result["successful"] == made, result
    is_one_failure(result, MISSING)
    left = {image["id"] for image in shelf.glance.get("/v2/images?limit=1000")["images"]}
    assert not left & set(made)


async def test_activate_images(admin: Client, shelf: Shelf) -> None:
    made = [shelf.deactivated(), shelf.deactivated()]
    result = await admin.compute.image.activateImages.mutate(
        {
            "imageIds": made,
        }
    )
    assert result == {"successful": made, "failed": []}
    assert [shelf.show(image_id)["status"] for image_id in made] == ["active", "active"]


async def test_deactivate_images(admin: Client, shelf: Shelf) -> None:
    made = [shelf.active(), shelf.active()]
    result = await admin.compute.image.deactivateImages.mutate(
        {
            "imageIds": [
                *made,
                "c95abd86-55b3-4413-a5b7-6cd8a6bd99ae",
            ],
        }
    )
    assert result["successful"] == made
    is_one_failure(result, MISSING)
    assert [shelf.show(image_id)["status"] for image_id in made] == ["deactivated"] * 2
    again = await admin.compute.image.activateImages.mutate({"imageIds": made})
    assert again == {"successful": made, "failed": []}


# --- Data Types ---------------------------------------------------------------------------------


class GlanceImage(BaseModel):
    """The specification's ``GlanceImage``."""

    model_config = ConfigDict(extra="allow", strict=True)

    id: str
    name: str
    status: Literal[
        "queued",
        "saving",
        "active",
        "killed",
        "deleted",
        "pending_delete",
        "deactivated",
        "importing",
    ]
    visibility: Literal["public", "private", "shared", "community"]
    protected: bool
    container_format: Literal["bare", "ovf", "ova", "docker", "ami", "ari", "aki", "compressed"]
    disk_format: Literal[
        "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"
    ]
    size: int
    min_ram: int
    min_disk: int
    created_at: str
    updated_at: str
    owner: str
    tags: list[str]


async def test_an_active_image_is_a_glance_image(alice: Client, shelf: Shelf) -> None:
    image = {"imageId": shelf.active(name="whole", tags=["t"], os_type="linux")}
    got = await alice.compute.image.getImageById.query(image)
    assert GlanceImage.model_validate(got).model_extra is not None
    assert got["os_type"] == "linux"


# --- Error Handling -----------------------------------------------------------------------------

MISSING_MEMBER = {"imageId": MISSING, "memberId": MEMBER}
MISSING_IMAGE = {"imageId": MISSING}
# "All endpoints return `undefined` or `false` on error": JSON's word for undefined is null.
ON_ERROR: list[tuple[str, dict[str, Any], Literal[False] | None]] = [
    ("listImages", {"marker": MISSING}, None),
    ("listImagesWithPagination", {"marker": MISSING}, None),
    ("getImageById", MISSING_IMAGE, None),
    ("createImage", {"visibility": "public"}, None),
    ("uploadImage", MISSING_IMAGE | {"file": ""}, None),
    ("updateImage", MISSING_IMAGE | {"operations": [{"op": "remove", "path": "/x"}]}, None),
    ("updateImageVisibility", MISSING_IMAGE | {"visibility": "shared"}, None),
    ("deleteImage", MISSING_IMAGE, False),
    ("deactivateImage", MISSING_IMAGE, False),
    ("reactivateImage", MISSING_IMAGE, False),
    ("listImageMembers", MISSING_IMAGE, None),
    ("getImageMember", MISSING_MEMBER, None),
    ("createImageMember", MISSING_IMAGE | {"member": MEMBER}, None),
    ("updateImageMember", MISSING_MEMBER | {"status": "accepted"}, None),
    ("deleteImageMember", MISSING_MEMBER, False),
    ("deleteImages", {"imageIds": ["../tasks"]}, None),
    ("activateImages", {"imageIds": ["../tasks"]}, None),
    ("deactivateImages", {"imageIds": ["../tasks"]}, None),
]


@pytest.mark.parametrize(("name", "params", "answer"), ON_ERROR)
async def test_an_endpoint_returns_undefined_or_false_on_error(
    name: str, params: dict[str, Any], answer: Any, user: Sign, project: str
) -> None:
    alice = user("alice", project)
    headers = {"X_Auth_Token": alice.token, "X_BFF_Errors": "soft"}
    soft = await alice.bff.call(f"compute.image.{name}", params, **headers)
    assert soft == {"jsonrpc": "2.0", "id": 1, "result": answer}
    assert "error" in await alice.answer(name, **params)
