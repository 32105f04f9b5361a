"""The first image procedures against a real Glance: parameters, defaults, errors."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing
from typing import Any

import pytest
from pydantic import TypeAdapter

from schemas.image import GlanceImage, ImagesPaginatedResponse
from tests.cloud.conftest import Cloud, Sign, User
from tests.cloud.shelf import BARE, unordered

SEEDED = {
    "Ubuntu 24.04 LTS",
    "Windows Server 2022",
    "database-snapshot",
    "build-runner",
    "retired-appliance",
    "waiting for its data",
    "開発環境イメージ",
}


def names(images: list[dict[str, Any]]) -> list[str]:
    # Other tests leave some without a name, which come before all others.
    return [image["name"] or "" for image in images]


@pytest.fixture
def shelf(cloud: Cloud, user: Sign) -> User:
    """Alice in a project of its own, so that lists hold what the test made."""
    return user("alice", cloud.new_project("alice"))


async def own(shelf: User, **filters: Any) -> list[str]:
    """Return the names in alice's new project; the public images are not hers."""
    return names(await shelf.do("listImages", visibility="private", **filters))


async def test_the_seeded_images_are_listed_newest_first(alice: User) -> None:
    images = await alice.do("listImages")
    assert set(names(images)) >= SEEDED
    assert "partner-private" not in names(images)
    created = [image["created_at"] for image in images]
    assert created == sorted(created, reverse=True)


async def test_what_is_shared_with_a_project_is_listed_there(bob: User) -> None:
    listed = await bob.do("listImages", member_status="all")
    assert {"partner-private", "build-runner"} <= set(names(listed))
    assert "database-snapshot" not in names(listed)


async def test_hidden_and_community_images_are_listed_when_asked_for(alice: User) -> None:
    hidden = await alice.do("listImages", os_hidden=True)
    assert "Ubuntu 22.04 LTS (superseded)" in names(hidden)
    assert not SEEDED & set(names(hidden))
    assert "rescue.iso" in names(await alice.do("listImages", visibility="community"))


async def test_every_answer_fits_its_model(alice: User) -> None:
    images = await alice.do("listImages")
    TypeAdapter(list[GlanceImage]).validate_python(images)
    ImagesPaginatedResponse.model_validate(await alice.do("listImagesWithPagination"))
    for image in images:
        one = await alice.do("getImageById", imageId=image["id"])
        GlanceImage.model_validate(one)
        assert unordered(one) == unordered(image)


async def test_without_a_limit_all_60_images_are_listed_however_odd_one_is(
    cloud: Cloud, user: Sign
) -> None:
    project = cloud.new_project("alice")
    shelf = user("alice", project)
    calls = [
        {
            "jsonrpc": "2.0",
            "id": number,
            "method": "compute.image.createImage",
            "params": {"name": f"image {number:02}"},
        }
        for number in range(59)
    ]
    answers = await shelf.bff.json(calls, X_Auth_Token=shelf.token)
    assert all("result" in answer for answer in answers)
    odd = {
        "name": 'odd "locations" \\ name',
        "visibility": "private",
        "properties": "not a mapping",
        "kernel_id": "",
        "os_version": "\r\n\0\u2028</script>",
        "images": "[]",
        "next": "/v2/tasks",
        'a key with "quotes" and ünïcode': "x" * 10_000,
    }
    made = cloud.glance("alice", project).post("/v2/images", odd)
    images = await shelf.do("listImages", visibility="private")
    assert len(images) == 60
    (listed,) = [image for image in images if image["id"] == made["id"]]
    assert listed == made == await shelf.do("getImageById", imageId=made["id"])


async def test_a_limit_is_kept(alice: User) -> None:
    assert len(await alice.do("listImages", limit=2)) == 2


async def test_pages_lead_through_everything_with_both_tags(shelf: User) -> None:
    for number in range(5):
        await shelf.do("createImage", name=f"n{number}", tags=["a", "b"])
        await shelf.do("createImage", name=f"only a {number}", tags=["a"])
    page = await shelf.do("listImagesWithPagination", tag=["a", "b"], limit=2, sort="name:asc")
    first, found = page["first"], names(page["images"])
    while "next" in page:
        page = await shelf.do("listImagesWithPagination", next=page["next"])
        assert page["first"] == first
        found += names(page["images"])
    assert found == [f"n{number}" for number in range(5)]
    again = await shelf.do("listImagesWithPagination", first=first)
    assert names(again["images"]) == ["n0", "n1"]


NAMES = [
    "plain",
    "probe:x",
    "in parts, with commas",
    'with "quotes"',
    "100% & more",
    "näme",
    "eq:x",
]


async def test_a_name_filter_is_exact_whatever_the_name(shelf: User) -> None:
    for name in NAMES:
        await shelf.do("createImage", name=name)
    for name in NAMES:
        assert await own(shelf, name=name) == [name]
    assert await own(shelf, name="plai") == []
    assert sorted(await own(shelf, name="in:plain,probe:x")) == ["plain", "probe:x"]


async def test_each_filter_finds_what_it_should(shelf: User) -> None:
    one = await shelf.do(
        "createImage",
        name="one",
        **BARE,
        tags=["production", "db"],
        os_type="linux",
        min_ram=512,
        min_disk=3,
        protected=True,
        **{"in:x": "in:a,b", "a:b": 'é"& x'},
    )
    two = await shelf.do("createImage", name="two", os_type="windows", container_format="ovf")
    filters: list[dict[str, Any]] = [
        {"status": "queued", "os_type": "linux"},
        {"owner": one["owner"], "protected": True},
        {"container_format": "bare"},
        {"disk_format": "raw"},
        {"min_ram": 512},
        {"min_disk": 3},
        {"tag": "production"},
        {"tag": ["production", "db"]},
        {"tags": "production"},
        {"tag": "db", "tags": ["production"]},
        {"created_at": f"gte:{one['created_at']}", "os_type": "linux"},
        {"updated_at": "gt:2020-01-01T00:00:00+02:00", "protected": True},
        {"disk_format": ["raw", "iso"]},
        {"ids": [one["id"], str(uuid.uuid4())]},
        {"properties": {"in:x": "in:a,b"}},
        {"properties": {"in:x": "in:a,b", "a:b": 'é"& x'}, "tag": "db"},
    ]
    several: list[dict[str, Any]] = [
        {"status": ["active", "queued"]},
        {"container_format": ["ovf", "bare"]},
        {"ids": [one["id"], two["id"]]},
    ]
    for wanted in filters:
        assert await own(shelf, **wanted) == ["one"], wanted
    for wanted in several:
        assert await own(shelf, **wanted, sort="name:asc") == ["one", "two"], wanted
    assert await own(shelf, created_at="lt:2020-01-01T00:00:00Z") == []
    assert await own(shelf, tag=["production", "absent"]) == []
    assert await own(shelf, status="active") == []


async def test_ids_find_what_could_be_got_one_by_one_in_pages_too(alice: User, bob: User) -> None:
    [rescue] = await alice.do("listImages", visibility="community", name="rescue.iso")
    [shared] = await alice.do("listImages", visibility="shared", name="build-runner")
    seen = await bob.do("listImages", ids=[rescue["id"], shared["id"]], sort="name:asc")
    assert names(seen) == ["build-runner", "rescue.iso"]
    given: dict[str, Any] = {"ids": [rescue["id"], shared["id"]], "limit": 1, "sort": "name:asc"}
    page = await bob.do("listImagesWithPagination", **given)
    page = await bob.do("listImagesWithPagination", next=page["next"])
    assert names(page["images"]) == ["rescue.iso"]
    assert await bob.do("listImages", ids=[rescue["id"]], visibility="private") == []


MONTHS = {"jan": "2026-01-15", "feb": "2026-02-01", "feb too": "2026-02-28", "mar": "2026-03-01"}


@pytest.fixture
async def dated(shelf: User, cloud: Cloud) -> User:
    """Images of several months in the project of their own."""
    with closing(sqlite3.connect(cloud.folder / "glance.sqlite", timeout=30)) as opened:
        for name, day in MONTHS.items():
            made = await shelf.do("createImage", name=name)
            change = "UPDATE images SET created_at = ?, updated_at = ? WHERE id = ?"
            with opened:
                # As SQLAlchemy writes them: SQLite compares them as texts.
                times = (f"{day} 00:00:00.000000", f"{day} 12:00:00.000000")
                opened.execute(change, (*times, made["id"]))
    return shelf


FEBRUARY = ["gte:2026-02-01T00:00:00Z", "lt:2026-03-01T00:00:00Z"]


@pytest.mark.parametrize("sort", ["created_at:desc", "created_at:asc", "name:asc", "name:desc"])
async def test_a_date_takes_a_from_and_a_to(dated: User, sort: str) -> None:
    expected = sorted(["feb", "feb too"], reverse=sort.endswith("desc"))
    mine = {"visibility": "private", "sort": sort}
    assert await own(dated, sort=sort, created_at=FEBRUARY) == expected
    assert await own(dated, sort=sort, created_at=FEBRUARY[::-1], limit=1) == expected[:1]
    assert await own(dated, sort=sort, updated_at=FEBRUARY, search="TOO") == ["feb too"]
    both = {"created_at": FEBRUARY, "updated_at": ["gt:2026-02-01T12:00:00Z", FEBRUARY[1]]}
    assert await own(dated, sort=sort, **both) == ["feb too"]
    first = await dated.do("listImagesWithPagination", **mine, created_at=FEBRUARY, limit=1)
    second = await dated.do("listImagesWithPagination", next=first["next"])
    assert names(first["images"] + second["images"]) == expected
    assert await dated.do("listImagesWithPagination", first=second["first"]) == first


async def test_what_a_from_and_a_to_hold_is_counted(dated: User) -> None:
    mine = {"visibility": "private"}
    counted = await dated.do("countImages", **mine, updated_at=FEBRUARY)
    assert counted == {"count": 2, "complete": True}
    empty = [FEBRUARY[0].replace("gte", "gt"), "lte:2026-02-01T00:00:00Z"]
    assert await dated.do("countImages", **mine, created_at=empty) == {**counted, "count": 0}
    assert (await dated.error("countImages", created_at=FEBRUARY * 2))[0] == "BAD_REQUEST"


async def test_a_search_leads_through_pages_of_what_matches(shelf: User) -> None:
    for number in range(3):
        await shelf.do("createImage", name=f"Straße {number}", tags=["Blau"])
        await shelf.do("createImage", name=f"other {number}")
    given: dict[str, Any] = {"search": "STRASSE", "limit": 2, "sort": "name:asc"}
    page = await shelf.do("listImagesWithPagination", **given)
    assert names(page["images"]) == ["Straße 0", "Straße 1"]
    page = await shelf.do("listImagesWithPagination", next=page["next"])
    assert names(page["images"]) == ["Straße 2"]
    assert "next" not in page
    assert await own(shelf, search="blau", name="Straße 1") == ["Straße 1"]
    assert await shelf.do("countImages", search="blau") == {"count": 3, "complete": True}


async def test_a_page_of_a_search_may_be_short_or_empty_and_not_the_last(
    shelf: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a needle", "b", "c", "d", "e", "f", "g needle", "h needle"):
        await shelf.do("createImage", name=name)
    monkeypatch.setattr("procedures.image.listing.MAX_FOR_PAGE", 3)
    given = {"search": "NEEDLE", "visibility": "private", "sort": "name:asc", "limit": 2}
    pages = [await shelf.do("listImagesWithPagination", **given)]
    while "next" in pages[-1]:
        pages.append(await shelf.do("listImagesWithPagination", next=pages[-1]["next"]))
    found = [names(page["images"]) for page in pages]
    assert found == [["a needle"], [], ["g needle", "h needle"]]
    assert [page["looked_at"] for page in pages] == [3, 3, 2]
    assert await shelf.do("countImages", search="needle") == {"count": 3, "complete": True}
    assert len(await own(shelf, search="needle")) == 3


async def test_what_is_offered_is_what_others_share(alice: User, cloud: Cloud, user: Sign) -> None:
    project = cloud.new_project("alice")
    member = user("alice", project)
    image = await alice.do("createImage", name="offered one", visibility="shared")
    await alice.do("createImageMember", imageId=image["id"], member=cloud.projects[project])
    await member.do("createImage", name="its own", visibility="shared")
    assert names(await member.do("listImages", offered="pending")) == ["offered one"]
    assert names(await member.do("listImages", offered="all")) == ["offered one"]
    assert await member.do("listImages", offered="accepted") == []


async def test_sizes_are_filtered_in_bytes(alice: User) -> None:
    least, most = 3 * 1024 * 1024, 4 * 1024 * 1024
    large = await alice.do("listImages", size_min=least, size_max=most)
    assert SEEDED & set(names(large)) == {"Windows Server 2022"}
    assert all(least <= image["size"] <= most for image in large)
    assert await alice.do("listImages", size_min=2**63 - 1) == []


async def test_both_ways_to_sort_give_the_same_order(alice: User) -> None:
    modern = names(await alice.do("listImages", sort="name:asc"))
    legacy = names(await alice.do("listImages", sort_key="name", sort_dir="asc"))
    assert modern == legacy == sorted(modern)
    won = await alice.do("listImages", sort="name:desc", sort_key="name", sort_dir="asc")
    assert names(won) == modern[::-1]
    several = await alice.do("listImages", sort="status:asc,name:asc,created_at:desc")
    assert [i["status"] for i in several] == sorted(i["status"] for i in several)


async def test_a_marker_begins_behind_its_image(alice: User, cloud: Cloud) -> None:
    everything = await alice.do("listImages", sort="name:asc")
    rest = await alice.do("listImages", sort="name:asc", marker=everything[1]["id"])
    assert rest == everything[2:]
    assert (await alice.error("listImages", marker=str(uuid.uuid4())))[0] == "BAD_REQUEST"
    foreign = cloud.glance("bob", "partner").get("/v2/images?name=partner-private")
    code, _ = await alice.error("listImages", marker=foreign["images"][0]["id"])
    assert code == "FORBIDDEN"


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v2/images?limit=1",
        "//evil.example/v2/images",
        "/\\evil.example/v2/images",
        "/v2/images\\..\\tasks",
        "/v2/tasks",
        "/v2/images/../tasks",
        "/v2/%2e%2e/v2/images",
        "/v2/images#?limit=1",
        "/v2/images?limit=1#x",
        "/v2/images?limit=1\n",
        "/v2/images?limit=1\r\nX-Auth-Token: x",
        "/v2/images?all_tenants=1",
        "/v2/images?project_id=x",
        " /v2/images",
        "",
    ],
)
@pytest.mark.parametrize("parameter", ["next", "first"])
async def test_a_link_that_is_none_of_ours_is_refused(
    parameter: str, link: str, alice: User
) -> None:
    code, message = await alice.error("listImagesWithPagination", **{parameter: link})
    assert code == "BAD_REQUEST"
    assert "earlier answer" in message


async def test_an_image_that_is_missing_or_foreign_is_not_found(alice: User, cloud: Cloud) -> None:
    foreign = cloud.glance("bob", "partner").get("/v2/images?name=partner-private")
    for image_id in (str(uuid.uuid4()), foreign["images"][0]["id"]):
        code, message = await alice.error("getImageById", imageId=image_id)
        assert code == "NOT_FOUND"
        assert message.startswith(f"Image not found: {image_id}")


async def test_the_specifications_image_is_created(shelf: User) -> None:
    image = await shelf.do(
        "createImage",
        name="Ubuntu 22.04 LTS",
        container_format="bare",
        disk_format="qcow2",
        visibility="private",
        os_type="linux",
        os_distro="ubuntu",
        os_version="22.04",
        min_ram=1024,
        min_disk=10,
        tags=["ubuntu", "lts", "server"],
    )
    assert image["status"] == "queued"
    assert (image["os_version"], image["min_ram"]) == ("22.04", 1024)
    assert set(image["tags"]) == {"ubuntu", "lts", "server"}
    assert unordered(image) == unordered(await shelf.do("getImageById", imageId=image["id"]))


async def test_an_image_has_the_specifications_defaults(shelf: User) -> None:
    image = await shelf.do("createImage")
    defaults = {"visibility": "private", "protected": False, "min_ram": 0, "min_disk": 0}
    assert image.items() >= (defaults | {"os_hidden": False, "name": None}).items()
    assert image["tags"] == []


async def test_every_parameter_of_an_image_arrives(shelf: User) -> None:
    given = {
        "id": str(uuid.uuid4()),
        "name": "名前",
        "visibility": "community",
        "os_hidden": True,
        "architecture": "aarch64",
        "hw_disk_bus": "virtio",
        "hw_scsi_model": "virtio-scsi",
        "hw_serial": "0815",
        "hw_vif_model": "virtio",
        "hw_rng_model": "virtio",
        "hw_machine_type": "q35",
        "hw_video_model": "qxl",
        "os_admin_user": "root",
        "a site's own: property": "value",
    }
    image = await shelf.do("createImage", hw_qemu_guest_agent=True, **given)
    assert image.items() >= given.items()
    assert image["hw_qemu_guest_agent"] == "yes"
    off = await shelf.do("createImage", hw_qemu_guest_agent=False)
    assert off["hw_qemu_guest_agent"] == "no"


async def test_a_custom_id_can_be_taken_once(shelf: User) -> None:
    image_id = str(uuid.uuid4())
    await shelf.do("createImage", id=image_id)
    assert (await shelf.error("createImage", id=image_id))[0] == "CONFLICT"


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"visibility": "public"}, "FORBIDDEN", "publicize_image"),
        ({"name": "smile 😀"}, "BAD_REQUEST", "4 byte"),
        ({"tags": [f"t{n}" for n in range(129)]}, "PAYLOAD_TOO_LARGE", "128"),
        ({f"p{n}": "x" for n in range(129)}, "PAYLOAD_TOO_LARGE", "128"),
        ({"tags": ["x" * 256]}, "BAD_REQUEST", "255"),
        ({"name": "x" * 256}, "BAD_REQUEST", "255"),
        ({"name": "a\nb"}, "BAD_REQUEST", "name"),
        ({"status": "active"}, "BAD_REQUEST", "status"),
        ({"locations": "x"}, "BAD_REQUEST", "locations"),
        ({"os_glance_x": "x"}, "BAD_REQUEST", "os_glance_x"),
        ({"hw_cpu_cores": 4}, "BAD_REQUEST", "hw_cpu_cores"),
        ({"min_ram": -1}, "BAD_REQUEST", "min_ram"),
        ({"min_disk": 2**31}, "BAD_REQUEST", "min_disk"),
    ],
)
async def test_an_image_that_cannot_be_is_refused_with_the_reason(
    params: dict[str, Any], code: str, words: str, alice: User
) -> None:
    got, message = await alice.error("createImage", **params)
    assert got == code
    assert words in message


async def test_an_image_is_deleted_once(shelf: User) -> None:
    image = await shelf.do("createImage")
    assert await shelf.do("deleteImage", imageId=image["id"]) is True
    assert (await shelf.error("deleteImage", imageId=image["id"]))[0] == "NOT_FOUND"
    assert (await shelf.error("getImageById", imageId=image["id"]))[0] == "NOT_FOUND"


async def test_a_protected_image_is_not_deleted(shelf: User) -> None:
    image = await shelf.do("createImage", protected=True)
    code, message = await shelf.error("deleteImage", imageId=image["id"])
    assert code == "FORBIDDEN"
    assert "Cannot delete protected image" in message


async def test_an_image_that_is_seen_but_not_owned_is_not_deleted(alice: User, bob: User) -> None:
    (image,) = await alice.do("listImages", name="build-runner")
    code, message = await bob.error("deleteImage", imageId=image["id"])
    assert code == "FORBIDDEN"
    assert image["id"] in message
    assert unordered(await alice.do("getImageById", imageId=image["id"])) == unordered(image)


async def test_a_call_in_another_project_sees_that_project(alice: User, cloud: Cloud) -> None:
    seen = await alice.do("listImages", project_id=cloud.projects["partner"])
    assert "partner-private" in names(seen)
    assert "database-snapshot" not in names(seen)
