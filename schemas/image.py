"""Images: what Glance says of one, and the inputs of the procedures that read and write them.

Sources: the specification, "Data Types" and "Image Management Endpoints"; Glance's
``glance/api/v2/images.py`` (``get_base_properties``, ``RequestDeserializer``).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from schemas.base import (
    FORMAT_PATTERN,
    TEXT_PATTERN,
    Input,
    KeystoneId,
    Output,
    Text,
    Upstream,
    Uuid,
)

ImageStatus = Literal[
    "queued",
    "saving",
    "uploading",
    "importing",
    "active",
    "killed",
    "deleted",
    "pending_delete",
    "deactivated",
]
Visibility = Literal["public", "private", "shared", "community"]
ContainerFormat = Literal["bare", "ovf", "ova", "docker", "ami", "ari", "aki", "compressed"]
DiskFormat = Literal[
    "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"
]
OsType = Literal["linux", "windows"]
# Glance, ``RequestDeserializer._available_sort_keys``; it answers 400 to any other.
SortKey = Literal[
    "name",
    "status",
    "container_format",
    "disk_format",
    "size",
    "id",
    "created_at",
    "updated_at",
]
SortDir = Literal["asc", "desc"]

SORT_KEYS: tuple[str, ...] = get_args(SortKey)
# Glance stores these as signed 32-bit and 64-bit integers, and fails with 500 beyond them.
Int32 = Annotated[int, Field(ge=0, lt=2**31)]
Bytes = Annotated[int, Field(ge=0, lt=2**63)]
EXAMPLE_ID = "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac"
EXAMPLE_PAGE = "/v2/images?limit=10&status=active&visibility=private&sort=name%3Aasc"
ImageId = Annotated[Uuid, Field(description="The image's UUID.", examples=[EXAMPLE_ID])]
# Glance's quotas (128 by default, 413 beyond) are a site's own; these only bound the work.
MAX_TAGS = 1000
MAX_PROPERTIES = 1000
# Glance joins a table for each, and fails with 500 beyond what its database can: MySQL 61,
# SQLite 64.
MAX_FILTER_TAGS = 50
# Of one filter; a hundred ids are as long as some servers' longest request line.
MAX_VALUES = 50
MAX_IDS = 100
Tag = Annotated[Text, Field(min_length=1)]


def _open_enum(known: Any) -> WithJsonSchema:
    """Describe a string by the values that are known; one that only a newer Glance knows is fine.

    A list must not fail for it.
    """
    return WithJsonSchema({"type": "string", "enum": list(get_args(known))})


def _open_format(known: Any) -> WithJsonSchema:
    """Describe a format by those that are known, and any other that a site has added."""
    other = {"type": "string", "pattern": FORMAT_PATTERN}
    return WithJsonSchema({"anyOf": [{"type": "string", "enum": list(get_args(known))}, other]})


_Format = Annotated[str, StringConstraints(pattern=FORMAT_PATTERN)]
AnyContainerFormat = Annotated[_Format, _open_format(ContainerFormat)]
AnyDiskFormat = Annotated[_Format, _open_format(DiskFormat)]
AnyOsType = Annotated[
    Text,
    Field(min_length=1),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": list(get_args(OsType))},
                {"type": "string", "pattern": TEXT_PATTERN, "minLength": 1, "maxLength": 255},
            ]
        }
    ),
]


class GlanceImage(Upstream):
    """An image as Glance describes it; its own properties stand beside the base ones, as strings.

    A queued image has explicit nulls where nothing is known yet. Source: Glance,
    ``glance/api/v2/images.py``, ``get_base_properties``.
    """

    id: str = Field(description="The image's UUID.", examples=[EXAMPLE_ID])
    name: str | None = Field(
        None, description="What people call it; need not be unique.", examples=["Ubuntu 22.04 LTS"]
    )
    status: Annotated[str, _open_enum(ImageStatus)] | None = Field(
        None,
        description="Where it is in its life; only `active` can be booted.",
        examples=["active"],
    )
    visibility: Annotated[str, _open_enum(Visibility)] | None = Field(
        None, description="Who may see it.", examples=["private"]
    )
    protected: bool | None = Field(
        None, description="Whether it cannot be deleted.", examples=[False]
    )
    container_format: Annotated[str, _open_enum(ContainerFormat)] | None = Field(
        None, description="What is around the disk.", examples=["bare"]
    )
    disk_format: Annotated[str, _open_enum(DiskFormat)] | None = Field(
        None, description="How the disk is written.", examples=["qcow2"]
    )
    size: int | None = Field(
        None, description="The size of the data in bytes.", examples=[692781056]
    )
    virtual_size: int | None = Field(
        None, description="The size of the disk in bytes.", examples=[10737418240]
    )
    min_ram: int | None = Field(
        None, description="The memory it needs to boot, in MiB.", examples=[1024]
    )
    min_disk: int | None = Field(
        None, description="The disk it needs to boot, in GiB.", examples=[10]
    )
    created_at: str | None = Field(
        None, description="ISO 8601, UTC.", examples=["2026-01-31T12:00:00Z"]
    )
    updated_at: str | None = Field(
        None, description="ISO 8601, UTC.", examples=["2026-01-31T12:05:00Z"]
    )
    owner: str | None = Field(
        None,
        description="The id of the project that owns it.",
        examples=["9f1c1f3a7d0e4c57a1b7c2d4e5f60718"],
    )
    tags: list[str] = Field(
        default=[],
        description="Words that describe it, in no order.",
        examples=[["ubuntu", "lts", "server"]],
    )
    checksum: str | None = Field(None, description="The MD5 of the data, in hexadecimal.")
    os_hash_algo: str | None = Field(None, description="The algorithm of `os_hash_value`.")
    os_hash_value: str | None = Field(None, description="The data's digest by `os_hash_algo`.")
    os_hidden: bool | None = Field(None, description="Whether lists leave it out by default.")


class ImagesPaginatedResponse(BaseModel):
    """One page of images and the links to the next and the first page."""

    model_config = ConfigDict(serialize_by_alias=True)

    images: list[GlanceImage] = Field(description="The images of this page.")
    first: str | None = Field(
        None,
        description="Give it back as `first` for the first page.",
        examples=[EXAMPLE_PAGE],
    )
    next: str | None = Field(
        None,
        description=(
            "Give it back as `next`; absent on the last page, and only there: a page of a search"
            " may be short or empty and have a next one."
        ),
        examples=[f"{EXAMPLE_PAGE}&marker={EXAMPLE_ID}"],
    )
    looked_at: int | None = Field(
        None,
        description=(
            "How many images were looked at for this page, where they are searched; absent"
            " elsewhere."
        ),
    )
    schema_: str | None = Field(
        None,
        alias="schema",
        description="Glance's schema of a list.",
        examples=["/v2/schemas/images"],
    )


def _sort_terms(value: str) -> str:
    terms = [term.strip() for term in value.split(",")]
    for term in terms:
        key, _, direction = term.partition(":")
        if key not in SORT_KEYS:
            raise ValueError(f"cannot sort by {key[:40]!r}; use one of {', '.join(SORT_KEYS)}")
        if direction not in ("asc", "desc"):
            raise ValueError(f"the direction of {key!r} must be asc or desc, as in '{key}:asc'")
    return ",".join(terms)


_TIME_FILTER = re.compile(r"(?:(gt|gte|lt|lte|eq|neq):)?([0-9TtZz:.+-]{8,40})")


def _time_filter(value: str) -> str:
    match = _TIME_FILTER.fullmatch(value)
    try:
        time = datetime.fromisoformat(match[2] if match else "")
        # Glance does so too, and fails with 500 where it leads out of the calendar.
        (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            "use operator:ISO8601_time, as in 'gte:2026-01-31T12:00:00Z';"
            " the operators are gt, gte, lt, lte, eq, neq"
        ) from None
    return value


def _from_and_to(bounds: list[str]) -> list[str]:
    """Return a from before its to."""
    ordered = sorted(bounds, key=lambda bound: bound.startswith("lt"))
    if len(bounds) == 2 and [bound[:2] for bound in ordered] != ["gt", "lt"]:
        raise ValueError("of two, one is a from (gt or gte) and one is a to (lt or lte)")
    return ordered


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _once_each(values: list[Any]) -> list[Any]:
    if not values:
        # Whoever asks for one of none does not mean all images.
        raise ValueError("name at least one, or leave it out")
    return list(dict.fromkeys(values))


Statuses = Annotated[
    list[ImageStatus],
    Field(max_length=MAX_VALUES),
    AfterValidator(_once_each),
    BeforeValidator(_as_list, json_schema_input_type=ImageStatus | list[ImageStatus]),
]
ContainerFormats = Annotated[
    list[AnyContainerFormat],
    Field(max_length=MAX_VALUES),
    AfterValidator(_once_each),
    BeforeValidator(_as_list, json_schema_input_type=AnyContainerFormat | list[AnyContainerFormat]),
]
DiskFormats = Annotated[
    list[AnyDiskFormat],
    Field(max_length=MAX_VALUES),
    AfterValidator(_once_each),
    BeforeValidator(_as_list, json_schema_input_type=AnyDiskFormat | list[AnyDiskFormat]),
]
# What Glance reads in a query as something else than a property, besides the parameters below; it
# fails with 500 at some. Source: ``index`` of ``glance/api/v2/images.py``, and
# ``_make_conditions_from_filters`` of ``glance/db/sqlalchemy/api.py``, which also looks at whatever
# attribute the model of an image has.
QUERY_WORDS = frozenset(
    (
        "changes-since",
        "checksum",
        "delete",
        "deleted",
        "deleted_at",
        "get",
        "id",
        "is_public",
        "items",
        "iteritems",
        "keys",
        "locations",
        "members",
        "metadata",
        "next",
        "first",
        "os_hash_algo",
        "os_hash_value",
        "registry",
        "save",
        "size",
        "to_dict",
        "update",
        "values",
        "virtual_size",
    )
)


def _property_filters(values: dict[str, str]) -> dict[str, str]:
    for name in values:
        shown = repr(name[:64])
        if not 1 <= len(name) <= 255 or not name.isprintable():
            raise ValueError(f"the property name {shown} must be 1 to 255 printable characters")
        if name in ListImagesInput.model_fields:
            raise ValueError(f"{shown} is no property here: it is a parameter of its own")
        if name in QUERY_WORDS or name.startswith("_") or name.endswith(("_min", "_max")):
            raise ValueError(f"Glance cannot filter by a property {shown}")
    return values


Properties = Annotated[dict[str, Text], AfterValidator(_property_filters)]
Ids = Annotated[list[Uuid], Field(max_length=MAX_IDS), AfterValidator(_once_each)]
TimeFilter = Annotated[str, Field(max_length=64), AfterValidator(_time_filter)]
TimeFilters = Annotated[
    list[TimeFilter],
    Field(min_length=1, max_length=2),
    AfterValidator(_from_and_to),
    BeforeValidator(
        _as_list,
        json_schema_input_type=TimeFilter
        | Annotated[list[TimeFilter], Field(min_length=1, max_length=2)],
    ),
]
Tags = Annotated[
    list[Tag],
    Field(max_length=MAX_FILTER_TAGS),
    BeforeValidator(_as_list, json_schema_input_type=Tag | list[Tag]),
]


class ImageFilters(Input):
    """What images must be like."""

    name: Annotated[str, Field(max_length=4096)] | None = Field(
        None, description="The exact name; or several, as `in:first,second`."
    )
    ids: Ids | None = Field(
        None,
        description=(
            "The images with these ids, as `getImageById` would find each, without hidden ones:"
            " `visibility` and `member_status` are `all` where they are not given."
        ),
    )
    status: Statuses | None = Field(
        None, description="Images in this state, or in one of several.", examples=["active"]
    )
    visibility: Literal[Visibility, "all"] | None = Field(
        None,
        description="Images that may be seen so; `all` adds the community's.",
        examples=["private"],
    )
    owner: KeystoneId | None = Field(None, description="The id of the owning project.")
    protected: bool | None = Field(None, description="Images that can or cannot be deleted.")
    container_format: ContainerFormats | None = Field(
        None, description="Images with this container, or with one of several."
    )
    disk_format: DiskFormats | None = Field(
        None, description="Images of this format, or of one of several."
    )
    size_min: Bytes | None = Field(None, description="At least so many bytes.")
    size_max: Bytes | None = Field(None, description="At most so many bytes.")
    min_ram: Int32 | None = Field(None, description="Exactly this requirement, in MiB.")
    min_disk: Int32 | None = Field(None, description="Exactly this requirement, in GiB.")
    tag: Tags | None = Field(None, description="A tag, or several that must all be there.")
    tags: Tags | None = Field(None, description="Means the same as `tag`.")
    os_type: AnyOsType | None = Field(None, description="Images with this operating system.")
    properties: Properties | None = Field(
        None,
        description=(
            'Images whose properties have exactly these values, as `{"os_distro": "ubuntu"}`.'
        ),
    )
    os_hidden: bool | None = Field(None, description="True lists the hidden images instead.")
    member_status: Literal["pending", "accepted", "rejected", "all"] | None = Field(
        None, description="For images that are shared with this project."
    )
    search: Annotated[Text, Field(min_length=1)] | None = Field(
        None,
        description=(
            "A part of the name, the id or a tag, in letters of any case. A page looks at 500"
            " images at most, a list or a count at 20,000."
        ),
    )
    offered: Literal["pending", "accepted", "rejected", "all"] | None = Field(
        None,
        description=(
            "Images that other projects share with this one, by how it answered; its own are not"
            " among them."
        ),
    )
    created_at: TimeFilters | None = Field(
        None,
        description=(
            "As `gte:2026-01-31T12:00:00Z`; or a from and a to:"
            ' `["gte:2026-01-01T00:00:00Z", "lt:2026-02-01T00:00:00Z"]`.'
        ),
    )
    updated_at: TimeFilters | None = Field(
        None, description="As `lt:2026-01-31T12:00:00Z`; or a from and a to, as `created_at`."
    )

    @model_validator(mode="after")
    def _not_too_many_tags(self) -> Self:
        if len(self.all_tags()) > MAX_FILTER_TAGS:
            raise ValueError(f"tag and tags have at most {MAX_FILTER_TAGS} tags together")
        if len(self.all_tags()) + len(self.properties or ()) > MAX_FILTER_TAGS:
            raise ValueError(f"tags and properties are at most {MAX_FILTER_TAGS} together")
        return self

    @model_validator(mode="after")
    def _offered_alone(self) -> Self:
        if self.offered and (self.visibility or self.member_status):
            raise ValueError("offered says visibility and member_status: leave them out")
        return self

    def all_tags(self) -> list[str]:
        """Return what ``tag`` and ``tags`` ask for, each once."""
        return list(dict.fromkeys([*(self.tag or []), *(self.tags or [])]))


class ListImagesInput(ImageFilters):
    """Filters, order and size of a list of images."""

    sort_key: SortKey | None = Field(None, description="Legacy order; `sort` wins over it.")
    sort_dir: SortDir | None = Field(None, description="Legacy direction; `sort` wins over it.")
    sort: Annotated[str, Field(max_length=255), AfterValidator(_sort_terms)] | None = Field(
        None,
        description="Terms `key:direction`, joined by commas. Without any order: created_at:desc.",
        examples=["name:asc"],
    )
    limit: int | None = Field(
        None, ge=1, le=1000, description="The most images to return.", examples=[10]
    )
    marker: Uuid | None = Field(None, description="Begin after the image with this id.")


class CountImagesInput(ImageFilters):
    """What the images that are counted must be like."""


class ImagesCount(Output):
    """How many images match."""

    count: int = Field(description="The images that match, of those looked at.", examples=[42])
    complete: bool = Field(
        description="Whether all were looked at; else at least so many match.", examples=[True]
    )


class ImagesPaginatedInput(ListImagesInput):
    """Filters, or the link to a page; a link already holds every filter and wins over them."""

    first: str | None = Field(None, max_length=16384, description="`first` of an earlier answer.")
    next: str | None = Field(None, max_length=16384, description="`next` of an earlier answer.")

    @model_validator(mode="after")
    def _one_link(self) -> Self:
        if self.first is not None and self.next is not None:
            raise ValueError("give first or next, not both")
        return self


class OneImageInput(Input):
    """Which image it is about."""

    image_id: ImageId = Field(alias="imageId")


class GetImageByIdInput(OneImageInput):
    """Which image to get."""


class DeleteImageInput(OneImageInput):
    """Which image to delete."""


class DeactivateImageInput(OneImageInput):
    """Which image nobody may boot or download any more."""


class ReactivateImageInput(OneImageInput):
    """Which deactivated image may be used again."""


class UpdateImageVisibilityInput(OneImageInput):
    """Which image is to be seen by whom."""

    visibility: Visibility = Field(description="Who may see it.", examples=["public"])


# Glance sets these itself: ``_disallowed_properties``, ``_readonly_properties`` and
# ``_reserved_properties`` of its ``RequestDeserializer``, and what its answers add.
RESERVED_PROPERTIES = frozenset(
    (
        "checksum",
        "created_at",
        "deleted",
        "deleted_at",
        "direct_url",
        "file",
        "location",
        "locations",
        "os_hash_algo",
        "os_hash_value",
        "schema",
        "self",
        "size",
        "status",
        "stores",
        "updated_at",
        "virtual_size",
    )
)
RESERVED_PREFIX = "os_glance"
# Attributes of the object that stands for an image inside Glance. A property with such a name can
# be created, and then neither changed nor removed: Glance changes its object instead, and answers
# 200, 404 or 500. Source: ``ImageProxy`` of ``glance/notifier.py`` and ``glance/domain/proxy.py``.
UNCHANGEABLE_PROPERTIES = frozenset(
    (
        "base",
        "context",
        "deactivate",
        "delete",
        "extra_properties",
        "get_data",
        "get_payload",
        "get_super_class",
        "helper",
        "image_id",
        "member",
        "notifier",
        "reactivate",
        "repo",
        "send_notification",
        "set_data",
        *("__dict__", "__module__", "__weakref__", *dir(object)),
    )
)


class CreateImageInput(Input):
    """An image's metadata: the parameters named here, and any property of the image's own.

    A property's name is one that Glance does not reserve, its value a string.
    """

    model_config = ConfigDict(extra="allow")

    name: Text | None = Field(
        None, description="What people call it; need not be unique.", examples=["Ubuntu 22.04 LTS"]
    )
    id: Uuid | None = Field(None, description="The id to give it; Glance makes one otherwise.")
    container_format: AnyContainerFormat | None = Field(
        None, description="What is around the disk; needed before an upload.", examples=["bare"]
    )
    disk_format: AnyDiskFormat | None = Field(
        None, description="How the disk is written; needed before an upload.", examples=["qcow2"]
    )
    visibility: Visibility = Field("private", description="Who may see it.", examples=["private"])
    protected: bool = Field(False, description="Whether it cannot be deleted.")
    min_ram: Int32 = Field(0, description="The memory it needs to boot, in MiB.", examples=[1024])
    min_disk: Int32 = Field(0, description="The disk it needs to boot, in GiB.", examples=[10])
    tags: list[Tag] = Field(
        default=[],
        max_length=MAX_TAGS,
        description="Words that describe it; at most 255 characters each.",
        examples=[["ubuntu", "lts", "server"]],
    )
    os_type: AnyOsType | None = Field(
        None, description="The kind of operating system.", examples=["linux"]
    )
    os_distro: str | None = Field(
        None, description="The distribution's name, as libosinfo has it.", examples=["ubuntu"]
    )
    os_version: str | None = Field(
        None, description="The version, as the distribution writes it.", examples=["22.04"]
    )
    architecture: str | None = Field(None, description="The CPU's architecture, as `x86_64`.")
    os_hidden: bool = Field(False, description="Whether lists leave it out by default.")
    hw_disk_bus: str | None = Field(None, description="The bus of its disks, as `virtio`.")
    hw_scsi_model: str | None = Field(
        None, description="The SCSI controller, as `virtio-scsi`, when the bus is `scsi`."
    )
    hw_serial: str | None = Field(None, description="The serial number that the guest sees.")
    hw_qemu_guest_agent: bool | None = Field(
        None,
        description=(
            "Whether QEMU's agent runs in the guest. Stored by Glance as the string `yes` or `no`."
        ),
    )
    hw_vif_model: str | None = Field(None, description="The network card, as `virtio`.")
    hw_rng_model: str | None = Field(None, description="The source of randomness, as `virtio`.")
    hw_machine_type: str | None = Field(None, description="The machine that is emulated, as `q35`.")

    @model_validator(mode="before")
    @classmethod
    def _check_extra_properties(cls, value: Any) -> Any:
        if isinstance(value, dict):
            extra = value.keys() - cls.model_fields.keys()
            if len(extra) > MAX_PROPERTIES:
                raise ValueError(f"an image has at most {MAX_PROPERTIES} properties")
            for name in sorted(extra):
                _check_property(name, value[name])
        return value

    def metadata(self) -> dict[str, Any]:
        """Return the image as Glance's API takes it: no nulls, every property a string."""
        metadata = self.model_dump(exclude_none=True, exclude={"project_id"})
        if self.hw_qemu_guest_agent is not None:
            metadata["hw_qemu_guest_agent"] = "yes" if self.hw_qemu_guest_agent else "no"
        return metadata


def _check_property(name: str, value: Any) -> None:
    shown = repr(name[:64])
    if name in RESERVED_PROPERTIES or name.startswith(RESERVED_PREFIX):
        raise ValueError(f"Glance sets {shown} itself; leave it out")
    if not 1 <= len(name) <= 255 or not name.isprintable():
        raise ValueError(f"the property name {shown} must be 1 to 255 printable characters")
    if name != name.strip():
        # Glance drops the spaces when it is to change the property, and does not find it.
        raise ValueError(f"the property name {shown} must not begin or end with a space")
    if name in UNCHANGEABLE_PROPERTIES:
        raise ValueError(f"Glance cannot change a property {shown} later; use another name")
    if not isinstance(value, str):
        raise ValueError(  # noqa: TRY004  # pydantic reports a ValueError
            f'the property {shown} must be a string, as in "4" or "true"'
        )
