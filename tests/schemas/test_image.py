"""Images: what the inputs let in, what they refuse, and how they say so."""

from __future__ import annotations

from typing import Any

import pytest

from bff.errors import BffError
from bff.rpc.validation import validated
from schemas.base import Input
from schemas.image import (
    MAX_FILTER_TAGS,
    MAX_IDS,
    MAX_PROPERTIES,
    MAX_TAGS,
    QUERY_WORDS,
    RESERVED_PROPERTIES,
    SORT_KEYS,
    CreateImageInput,
    DeleteImageInput,
    GetImageByIdInput,
    GlanceImage,
    ImagesPaginatedInput,
    ImagesPaginatedResponse,
    ListImagesInput,
)

SOME_ID = "a85abd86-55b3-4d5b-b0b4-5d0a6e6042fc"


def refusal(model: type[Input], raw: Any) -> str:
    """Return the message of the only fault."""
    with pytest.raises(BffError) as caught:
        validated(model, raw)
    [issue] = caught.value.data["issues"]
    return str(issue["message"])


# --- Lists


@pytest.mark.parametrize("model", [ListImagesInput, ImagesPaginatedInput])
def test_a_list_needs_no_input(model: type[ListImagesInput]) -> None:
    assert validated(model, {}).model_dump(exclude_none=True) == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("limit", value) for value in ("10", True, 10.0, 10.5, 0, -1, 1001, [10])),
        *(("size_min", value) for value in ("0", True, -1, 2**63, 1.0)),
        *(("size_max", value) for value in ("0", False, -1, 10**20)),
        *(("min_ram", value) for value in ("1", True, -1, 2**31)),
        *(("min_disk", value) for value in ("1", True, -1, 2**31)),
        *(("protected", value) for value in ("true", 1, 0, "yes")),
        *(("os_hidden", value) for value in ("False", 0)),
        *(("name", value) for value in (5, True, ["a"], "x" * 4097)),
        *(("status", value) for value in ("ACTIVE", "gone", "", 1, ["active", "gone"])),
        *(("ids", value) for value in (SOME_ID, ["x"], [SOME_ID, 1], [f"{SOME_ID},"])),
        ("ids", [f"{SOME_ID[:-3]}{number:03}" for number in range(MAX_IDS + 1)]),
        *((field, []) for field in ("ids", "status", "container_format", "disk_format")),
        *(("visibility", value) for value in ("Public", "none", True)),
        *(("container_format", value) for value in ("BARE", "a b", "", ["bare", 1])),
        *(
            ("disk_format", value)
            for value in ("QCOW2", "a,b", "in:raw", "x" * 21, ["raw", None], {"raw": 1})
        ),
        *(("os_type", value) for value in ("", "a\n", "x" * 256, 5)),
        *(("member_status", value) for value in ("Accepted", "")),
        *(("sort_key", value) for value in ("owner", "Name", "")),
        *(("sort_dir", value) for value in ("ASC", "up")),
        *(("owner", value) for value in ("", "a b", "a/b", "a\n", "x" * 256, 5)),
        *(("project_id", value) for value in ("", "../x", "a\0", "x" * 256, 5)),
        *(("tag", value) for value in ("", "a\n", "x" * 256, 5, [""], {"a": 1})),
        *(("tags", value) for value in ("", 5, ["a", ""], ["a"] * (MAX_FILTER_TAGS + 1))),
    ],
)
def test_a_value_of_another_type_or_range_is_refused_and_never_converted(
    field: str, value: Any
) -> None:
    assert refusal(ListImagesInput, {field: value}).startswith(field)


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        *(
            ({name: "x"}, "a parameter of its own")
            for name in ("limit", "owner", "sort", "os_type")
        ),
        *(({name: "x"}, "cannot filter by") for name in sorted(QUERY_WORDS)),
        *(({name: "x"}, "cannot filter by") for name in ("vram_min", "x_max", "__class__", "_x")),
        *(({name: "x"}, "printable") for name in ("", "a\n", "x" * 256, "\ud800")),
        ({"a": 1}, "valid string"),
        ({"a": None}, "valid string"),
        ({"a": "x\0"}, "control characters"),
        ({"a": "x" * 256}, "255"),
        ({f"p{number}": "x" for number in range(MAX_FILTER_TAGS + 1)}, "at most 50"),
        (["a"], "valid dictionary"),
    ],
)
def test_a_filter_by_properties_is_no_way_to_another_filter(properties: Any, words: str) -> None:
    assert words in refusal(ListImagesInput, {"properties": properties})


def test_tags_and_properties_are_bounded_together() -> None:
    raw = {"tag": [f"t{number}" for number in range(MAX_FILTER_TAGS)], "properties": {"a": "x"}}
    assert "at most 50 together" in refusal(ListImagesInput, raw)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("limit", value) for value in (1, 1000)),
        *(("size_min", value) for value in (0, 2**63 - 1)),
        *(("min_ram", value) for value in (0, 2**31 - 1)),
        *(("visibility", value) for value in ("public", "private", "shared", "community", "all")),
        *(("status", value) for value in (["queued"], ["uploading", "deactivated"])),
        ("ids", [f"{SOME_ID[:-3]}{number:03}" for number in range(MAX_IDS)]),
        *(("member_status", value) for value in ("pending", "accepted", "rejected", "all")),
        *(("disk_format", value) for value in (["qcow2"], ["a-site.s_own+1", "raw"])),
        *(("os_type", value) for value in ("linux", "FreeBSD 14")),
        *(("name", value) for value in ("", "a:b", "in:a,b", "zwölf", "x" * 4096)),
        *(("owner", value) for value in ("f" * 32, SOME_ID, "x" * 255)),
        ("tags", [f"t{number}" for number in range(MAX_FILTER_TAGS)]),
    ],
)
def test_a_value_at_the_edge_of_what_is_allowed_stays_as_it_is(field: str, value: Any) -> None:
    assert getattr(validated(ListImagesInput, {field: value}), field) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("tag", "prod"), ("tags", "prod"), ("status", "active")),
        *(("disk_format", "raw"), ("container_format", "bare")),
    ],
)
def test_a_single_value_is_a_list_of_one(field: str, value: str) -> None:
    assert getattr(validated(ListImagesInput, {field: value}), field) == [value]


UUIDS = [
    *("", "x", SOME_ID[:-1], SOME_ID + "0", SOME_ID.replace("-", ""), f"{{{SOME_ID}}}"),
    *(f" {SOME_ID}", f"{SOME_ID}\n", f"{SOME_ID}/file", SOME_ID.replace("a", "g"), "../../tasks"),
    *(f"urn:uuid:{SOME_ID}", SOME_ID.replace("a", "ａ"), 5, None, [SOME_ID]),
]


@pytest.mark.parametrize("model", [GetImageByIdInput, DeleteImageInput])
@pytest.mark.parametrize("value", UUIDS)
def test_an_image_id_that_is_no_uuid_is_refused(model: type[Input], value: Any) -> None:
    assert refusal(model, {"imageId": value}).startswith("imageId: ")


@pytest.mark.parametrize("value", [value for value in UUIDS if value is not None])
def test_a_marker_or_a_new_images_id_that_is_no_uuid_is_refused(value: Any) -> None:
    assert refusal(ListImagesInput, {"marker": value}).startswith("marker: ")
    assert refusal(CreateImageInput, {"id": value}).startswith("id: ")


@pytest.mark.parametrize("value", [SOME_ID, SOME_ID.upper()])
def test_an_image_id_keeps_its_case(value: str) -> None:
    assert validated(GetImageByIdInput, {"imageId": value}).image_id == value


@pytest.mark.parametrize("model", [GetImageByIdInput, DeleteImageInput])
def test_an_image_id_is_required_under_its_name_on_the_wire(model: type[Input]) -> None:
    assert refusal(model, {}) == "imageId: required"


@pytest.mark.parametrize(
    ("raw", "nearest"),
    [
        ({"limits": 1}, "limit"),
        ({"Status": "active"}, "status"),
        ({"sortKey": "name"}, "sort_key"),
        ({"visibilty": "public"}, "visibility"),
    ],
)
def test_an_unknown_parameter_is_refused_with_the_nearest_one(
    raw: dict[str, Any], nearest: str
) -> None:
    [name] = raw
    message = f"{name}: unknown parameter; did you mean {nearest}?"
    assert refusal(ListImagesInput, raw) == message


def test_the_links_are_for_the_paginated_list_alone() -> None:
    assert "unknown parameter" in refusal(ListImagesInput, {"next": "/v2/images"})
    assert validated(ImagesPaginatedInput, {"next": "/v2/images"}).next == "/v2/images"


def test_first_and_next_together_are_refused() -> None:
    both = {"first": "/v2/images", "next": "/v2/images"}
    assert refusal(ImagesPaginatedInput, both) == "give first or next, not both"


@pytest.mark.parametrize("field", ["first", "next"])
@pytest.mark.parametrize("value", ["x" * 16_385, 5, ["/v2/images"]])
def test_a_link_that_is_no_string_or_too_long_is_refused(field: str, value: Any) -> None:
    assert refusal(ImagesPaginatedInput, {field: value}).startswith(f"{field}: ")


@pytest.mark.parametrize("key", SORT_KEYS)
def test_every_key_that_glance_sorts_by_is_let_in(key: str) -> None:
    assert validated(ListImagesInput, {"sort_key": key, "sort": f"{key}:asc"}).sort == f"{key}:asc"


@pytest.mark.parametrize(
    "key", ["owner", "visibility", "Name", "name ", "", "created-at", "x" * 99]
)
def test_a_key_that_glance_does_not_sort_by_is_refused_with_those_that_work(key: str) -> None:
    message = refusal(ListImagesInput, {"sort": f"name:asc,{key}:desc"})
    assert message.startswith(f"sort: cannot sort by {key[:40]!r}")
    assert all(known in message for known in SORT_KEYS)


@pytest.mark.parametrize("term", ["name", "name:", "name:up", "name:ASC", "name:asc:desc"])
def test_a_direction_that_is_missing_or_unknown_is_refused_with_an_example(term: str) -> None:
    message = refusal(ListImagesInput, {"sort": term})
    assert message == "sort: the direction of 'name' must be asc or desc, as in 'name:asc'"


@pytest.mark.parametrize("sort", ["", ",", "name:asc,", ",name:asc", "name:asc,,size:asc"])
def test_an_empty_term_of_an_order_is_refused(sort: str) -> None:
    assert "cannot sort by ''" in refusal(ListImagesInput, {"sort": sort})


def test_blanks_between_the_terms_of_an_order_are_taken_out() -> None:
    sort = validated(ListImagesInput, {"sort": " name:asc , size:desc "}).sort
    assert sort == "name:asc,size:desc"


@pytest.mark.parametrize("sort", [5, ["name:asc"], "name:asc," * 40])
def test_an_order_that_is_no_string_or_too_long_is_refused(sort: Any) -> None:
    assert refusal(ListImagesInput, {"sort": sort}).startswith("sort: ")


@pytest.mark.parametrize("field", ["created_at", "updated_at"])
@pytest.mark.parametrize(
    "value",
    [
        *(f"{operator}:2026-01-31T12:00:00Z" for operator in ("gt", "gte", "lt", "lte")),
        *(f"{operator}:2026-01-31T12:00:00Z" for operator in ("eq", "neq")),
        *("2026-01-31T12:00:00Z", "gte:2026-01-31T12:00:00.123456+02:00", "lt:2026-01-31"),
        "gte:2024-02-29T00:00:00Z",
    ],
)
def test_a_time_with_an_operator_that_glance_knows_is_let_in(field: str, value: str) -> None:
    assert getattr(validated(ListImagesInput, {field: value}), field) == [value]


@pytest.mark.parametrize(
    "value",
    [
        *("", "gte:", "yesterday", "gte:yesterday", "ne:2026-01-31T12:00:00Z"),
        *("GTE:2026-01-31T12:00:00Z", "in:2026-01-31T12:00:00Z", "gte:gt:2026-01-31T12:00:00Z"),
        *("gte:2026-02-30T12:00:00Z", "gte:2026-01-31T25:00:00Z", "2026-13-01"),
        *("gte: 2026-01-31T12:00:00Z", "gte:2026-01-31 12:00:00", "gte:2026-01-31T12:00:00Z\n"),
        *("gte:2026-01-31T12:00:00Z&limit=1", "gte:２０２６-01-31T12:00:00Z", "gte:1767225600"),
    ],
)
def test_what_is_no_time_is_refused_with_the_operators_that_work(value: str) -> None:
    message = refusal(ListImagesInput, {"created_at": value})
    assert "use operator:ISO8601_time, as in 'gte:2026-01-31T12:00:00Z'" in message
    assert "gt, gte, lt, lte, eq, neq" in message


@pytest.mark.parametrize("value", [1767225600, True, "gte:" + "1" * 100])
def test_a_time_that_is_no_string_or_too_long_is_refused(value: Any) -> None:
    assert refusal(ListImagesInput, {"updated_at": value}).startswith("updated_at")


# --- Create


def test_an_image_of_nothing_is_private_and_has_no_nulls() -> None:
    assert validated(CreateImageInput, {}).metadata() == {
        "visibility": "private",
        "protected": False,
        "min_ram": 0,
        "min_disk": 0,
        "tags": [],
        "os_hidden": False,
    }


def test_every_parameter_of_the_specification_goes_to_glance_as_it_is() -> None:
    given = {
        "name": "Ubuntu é 💿",
        "id": SOME_ID,
        "container_format": "bare",
        "disk_format": "qcow2",
        "visibility": "shared",
        "protected": True,
        "min_ram": 512,
        "min_disk": 10,
        "tags": ["a", "b"],
        "os_type": "linux",
        "os_distro": "ubuntu",
        "os_version": "24.04",
        "architecture": "x86_64",
        "os_hidden": True,
        "hw_disk_bus": "virtio",
        "hw_scsi_model": "virtio-scsi",
        "hw_serial": "on",
        "hw_vif_model": "virtio",
        "hw_rng_model": "virtio",
        "hw_machine_type": "q35",
    }
    parameters = CreateImageInput.model_fields.keys() - {"project_id", "hw_qemu_guest_agent"}
    assert given.keys() == parameters
    assert validated(CreateImageInput, given).metadata() == given


@pytest.mark.parametrize(("given", "sent"), [(True, "yes"), (False, "no")])
def test_the_guest_agent_is_a_boolean_here_and_a_word_at_glance(given: bool, sent: str) -> None:
    metadata = validated(CreateImageInput, {"hw_qemu_guest_agent": given}).metadata()
    assert metadata["hw_qemu_guest_agent"] == sent


def test_the_project_to_work_in_never_goes_to_glance() -> None:
    assert "project_id" not in validated(CreateImageInput, {"project_id": "p1"}).metadata()


@pytest.mark.parametrize(
    "name",
    [
        *("hw_video_model", "os_admin_user", "owner", "x" * 255, "zwölf", "a b", "a:b", "ü.✓"),
        # Names that mean something to a Python object.
        *("metadata", "model_fields", "model_dump", "model_config", "_private"),
        *("__slots__", "__pydantic_extra__", "self_", "copy", "osglance", "os_glanc", "Status"),
    ],
)
def test_a_property_of_the_images_own_goes_to_glance_under_its_name(name: str) -> None:
    assert validated(CreateImageInput, {name: "value"}).metadata()[name] == "value"


@pytest.mark.parametrize(
    "name",
    [
        *sorted(RESERVED_PROPERTIES),
        *("os_glance", "os_glance_importing_to_stores", "os_glance_failed_import", "os_glanced"),
    ],
)
def test_a_property_that_glance_reserves_is_refused_with_the_reason(name: str) -> None:
    message = refusal(CreateImageInput, {"name": "x", name: "value"})
    assert message == f"Glance sets {name!r} itself; leave it out"


def test_the_names_that_a_real_glance_refuses_are_reserved() -> None:
    refused = {"status", "size", "checksum", "created_at", "self", "stores", "direct_url"}
    assert refused | {"locations", "virtual_size", "updated_at", "schema"} <= RESERVED_PROPERTIES


@pytest.mark.parametrize("name", ["", "x" * 256, "a\nb", "a\0", "\x7f", "a\tb", "\u2028", "\ud800"])
def test_a_property_name_that_glance_or_a_person_cannot_read_is_refused(name: str) -> None:
    message = refusal(CreateImageInput, {name: "value"})
    assert message == f"the property name {name[:64]!r} must be 1 to 255 printable characters"


@pytest.mark.parametrize("name", [" lead", "trail ", " ", "a/ ", " owner"])
def test_a_property_name_with_a_space_at_an_end_is_refused(name: str) -> None:
    message = refusal(CreateImageInput, {name: "value"})
    assert message == f"the property name {name!r} must not begin or end with a space"


@pytest.mark.parametrize("name", ["base", "delete", "image_id", "__class__", "__dict__"])
def test_a_property_that_glance_could_never_change_again_is_refused(name: str) -> None:
    message = refusal(CreateImageInput, {name: "value"})
    assert message == f"Glance cannot change a property {name!r} later; use another name"


@pytest.mark.parametrize("value", [None, True, 5, 1.5, ["a"], {"a": "b"}])
def test_a_property_whose_value_is_no_string_is_refused_with_an_example(value: Any) -> None:
    message = refusal(CreateImageInput, {"hw_own": value})
    assert message == """the property 'hw_own' must be a string, as in "4" or "true\""""


def test_a_propertys_value_may_be_long_and_empty() -> None:
    own = {"empty": "", "long": "x" * 100_000, "lines": "a\nb"}
    assert validated(CreateImageInput, own).metadata().items() >= own.items()


def test_the_number_of_properties_is_bounded() -> None:
    own = {f"k{number}": "v" for number in range(MAX_PROPERTIES)}
    assert validated(CreateImageInput, own | {"name": "x"}).metadata().keys() >= own.keys()
    message = refusal(CreateImageInput, own | {"one-more": "v"})
    assert message == f"an image has at most {MAX_PROPERTIES} properties"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("name", value) for value in (5, True, "x" * 256, "a\0", "a\r\nb")),
        *(("visibility", value) for value in ("all", "Public", None)),
        *(("protected", value) for value in ("true", 1, None)),
        *(("os_hidden", value) for value in ("false", 0)),
        *(("min_ram", value) for value in ("512", True, 1.5, -1, 2**31)),
        *(("min_disk", value) for value in ("10", False, -1, 2**31)),
        *(("tags", value) for value in ("a", [5], [""], ["x" * 256], ["a\n"], [None])),
        ("tags", ["a"] * (MAX_TAGS + 1)),
        *(("container_format", value) for value in ("BARE", "a b", 1)),
        *(("disk_format", value) for value in ("QCOW2", "a,b")),
        *(("os_type", value) for value in ("", "a\n", "x" * 256, 5)),
        *(("hw_qemu_guest_agent", value) for value in ("yes", "true", 1)),
        *(("os_version", value) for value in (24.04, 24)),
        *(("architecture", value) for value in (True, ["x86_64"])),
        ("project_id", "a/b"),
    ],
)
def test_a_parameter_of_a_new_image_is_as_strict_as_any_other(field: str, value: Any) -> None:
    assert refusal(CreateImageInput, {field: value}).startswith(field)


@pytest.mark.parametrize("field", ["name", "id", "disk_format", "os_distro", "hw_disk_bus"])
def test_null_means_a_parameter_that_is_not_given(field: str) -> None:
    assert field not in validated(CreateImageInput, {field: None}).metadata()


# --- What Glance answers


@pytest.mark.parametrize(
    "image",
    [
        {"id": SOME_ID},
        {"id": SOME_ID, "status": "a-new-state", "disk_format": "a-new-format", "mine": "x"},
        {"id": SOME_ID, "size": None, "name": None, "checksum": None, "os_hash_value": None},
        {"id": SOME_ID, "size": 2**63, "locations": [{"url": "x"}], "stores": "a,b"},
    ],
)
def test_what_glance_says_of_an_image_passes_through_whole(image: dict[str, Any]) -> None:
    assert GlanceImage.model_validate(image).model_dump(exclude_unset=True) == image


def test_a_page_has_its_schema_under_its_name_on_the_wire() -> None:
    page = {"images": [{"id": SOME_ID}], "first": "/a", "next": "/b", "schema": "/c"}
    assert ImagesPaginatedResponse.model_validate(page).model_dump(exclude_unset=True) == page
