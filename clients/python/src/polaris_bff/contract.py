"""Every procedure of the BFF and its types.

Written by `bff python-types` from the registry and the schemas. Do not edit: run `make docs`.
"""
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from polaris_bff.procedure import Node, Procedure

if TYPE_CHECKING:
    from typing_extensions import NotRequired

    from polaris_bff.outcome import Outcome


ContainerFormat: TypeAlias = Literal["bare", "ovf", "ova", "docker", "ami", "ari", "aki", "compressed"]
CONTAINER_FORMATS: tuple[ContainerFormat, ...] = ("bare", "ovf", "ova", "docker", "ami", "ari", "aki", "compressed",)


DiskFormat: TypeAlias = Literal["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"]
DISK_FORMATS: tuple[DiskFormat, ...] = ("ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop",)


ErrorCode: TypeAlias = Literal["PARSE_ERROR", "BAD_REQUEST", "NOT_FOUND", "UNAUTHORIZED", "FORBIDDEN", "METHOD_NOT_SUPPORTED", "TIMEOUT", "SESSION_CHANGED", "CONFLICT", "PRECONDITION_FAILED", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "TOO_MANY_REQUESTS", "CLIENT_CLOSED_REQUEST", "INTERNAL_SERVER_ERROR", "BAD_GATEWAY", "SERVICE_UNAVAILABLE", "GATEWAY_TIMEOUT"]
ERROR_CODES: tuple[ErrorCode, ...] = ("PARSE_ERROR", "BAD_REQUEST", "NOT_FOUND", "UNAUTHORIZED", "FORBIDDEN", "METHOD_NOT_SUPPORTED", "TIMEOUT", "SESSION_CHANGED", "CONFLICT", "PRECONDITION_FAILED", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "TOO_MANY_REQUESTS", "CLIENT_CLOSED_REQUEST", "INTERNAL_SERVER_ERROR", "BAD_GATEWAY", "SERVICE_UNAVAILABLE", "GATEWAY_TIMEOUT",)


ErrorReason: TypeAlias = Literal["SECOND_FACTOR_REQUIRED", "SIGN_IN_EXPIRED", "PASSWORD_EXPIRED", "PASSWORD_REFUSED"]
ERROR_REASONS: tuple[ErrorReason, ...] = ("SECOND_FACTOR_REQUIRED", "SIGN_IN_EXPIRED", "PASSWORD_EXPIRED", "PASSWORD_REFUSED",)


ImageStatus: TypeAlias = Literal["queued", "saving", "uploading", "importing", "active", "killed", "deleted", "pending_delete", "deactivated"]
IMAGE_STATUSES: tuple[ImageStatus, ...] = ("queued", "saving", "uploading", "importing", "active", "killed", "deleted", "pending_delete", "deactivated",)


MemberStatus: TypeAlias = Literal["pending", "accepted", "rejected"]
MEMBER_STATUSES: tuple[MemberStatus, ...] = ("pending", "accepted", "rejected",)


OsType: TypeAlias = Literal["linux", "windows"]
OS_TYPES: tuple[OsType, ...] = ("linux", "windows",)


SortDir: TypeAlias = Literal["asc", "desc"]
SORT_DIRS: tuple[SortDir, ...] = ("asc", "desc",)


SortKey: TypeAlias = Literal["name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at"]
SORT_KEYS: tuple[SortKey, ...] = ("name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at",)


Visibility: TypeAlias = Literal["public", "private", "shared", "community"]
VISIBILITIES: tuple[Visibility, ...] = ("public", "private", "shared", "community",)


class BulkChangeResult(TypedDict):
    """What was done and what was not, or of a dry run, would be; each in the order asked."""

    successful: list[str]
    """The images for which it worked."""

    failed: list[BulkFailure]
    """The images for which it did not."""

    unchanged: list[str] | None
    """Of a dry run: those of the successful that are so already. Otherwise `null`."""


class BulkFailure(TypedDict):
    """An image for which it did not work, and why."""

    id: str
    """The image's UUID."""

    error: str
    """The HTTP status of the failure."""

    code: ErrorCode
    """The kind of failure, as in `error.data.code`."""

    message: str
    """The failure in words."""


class BulkOperationResult(TypedDict):
    """What was done and what was not, each in the order asked."""

    successful: list[str]
    """The images for which it worked."""

    failed: list[BulkFailure]
    """The images for which it did not."""


class Domain(TypedDict):
    """A Keystone domain."""

    id: str
    """The domain's id."""

    name: NotRequired[str | None]
    """The domain's name."""


class GlanceImage(TypedDict):
    """An image as Glance describes it; its own properties stand beside the base ones, as strings.

    A queued image has explicit nulls where nothing is known yet. Source: Glance,
    ``glance/api/v2/images.py``, ``get_base_properties``.
    """

    id: str
    """The image's UUID."""

    name: NotRequired[str | None]
    """What people call it; need not be unique."""

    status: NotRequired[ImageStatus | None]
    """Where it is in its life; only `active` can be booted."""

    visibility: NotRequired[Visibility | None]
    """Who may see it."""

    protected: NotRequired[bool | None]
    """Whether it cannot be deleted."""

    container_format: NotRequired[ContainerFormat | None]
    """What is around the disk."""

    disk_format: NotRequired[DiskFormat | None]
    """How the disk is written."""

    size: NotRequired[int | None]
    """The size of the data in bytes."""

    virtual_size: NotRequired[int | None]
    """The size of the disk in bytes."""

    min_ram: NotRequired[int | None]
    """The memory it needs to boot, in MiB."""

    min_disk: NotRequired[int | None]
    """The disk it needs to boot, in GiB."""

    created_at: NotRequired[str | None]
    """ISO 8601, UTC."""

    updated_at: NotRequired[str | None]
    """ISO 8601, UTC."""

    owner: NotRequired[str | None]
    """The id of the project that owns it."""

    tags: NotRequired[list[str]]
    """Words that describe it, in no order. Default: `[]`."""

    checksum: NotRequired[str | None]
    """The MD5 of the data, in hexadecimal."""

    os_hash_algo: NotRequired[str | None]
    """The algorithm of `os_hash_value`."""

    os_hash_value: NotRequired[str | None]
    """The data's digest by `os_hash_algo`."""

    os_hidden: NotRequired[bool | None]
    """Whether lists leave it out by default."""


class ImageMember(TypedDict):
    """A project that was given access to a shared image, and what it thinks of it."""

    member_id: str
    """The project's id."""

    image_id: str
    """The image's UUID."""

    status: MemberStatus
    """Whether the project wants it in its lists."""

    created_at: str
    """ISO 8601, UTC."""

    updated_at: str
    """ISO 8601, UTC."""

    schema: NotRequired[str | None]
    """Glance's schema of a member."""


class ImagesCount(TypedDict):
    """How many images match."""

    count: int
    """The images that match, of those looked at."""

    complete: bool
    """Whether all were looked at; else at least so many match."""


class ImagesPaginatedResponse(TypedDict):
    """One page of images and the links to the next and the first page."""

    images: list[GlanceImage]
    """The images of this page."""

    first: NotRequired[str | None]
    """Give it back as `first` for the first page."""

    next: NotRequired[str | None]
    """Give it back as `next`; absent on the last page, and only there: a page of a search may be short or empty and have a next one."""

    looked_at: NotRequired[int | None]
    """How many images were looked at for this page, where they are searched; absent elsewhere."""

    schema: NotRequired[str | None]
    """Glance's schema of a list."""


JSONPatchOperation = TypedDict("JSONPatchOperation", {
    # One step of a patch; what its ``op`` does not use is ignored (RFC 6902, section 4).
    "op": "Literal[\"add\", \"remove\", \"replace\", \"move\", \"copy\", \"test\"]",  # What to do.
    "path": "str",  # Where: a JSON Pointer, as `/name` or `/tags/-`.
    "value": "NotRequired[Any]",  # For `add`, `replace` and `test`: the value.
    "from": "NotRequired[str | None]",  # For `move` and `copy`: where it comes from.
})


class Project(TypedDict):
    """A project in which the user may work."""

    id: str
    """The project's id."""

    name: str
    """The project's name."""

    description: NotRequired[str | None]
    """What it is for."""

    enabled: NotRequired[bool]
    """Whether it can be worked in. Default: `true`."""

    domainId: NotRequired[str | None]
    """The id of its domain."""

    domainName: NotRequired[str | None]
    """The name of its domain; `null` where Keystone does not tell it."""


class ScopedProject(TypedDict):
    """The project in which the session works."""

    id: str
    """The project's id."""

    name: str
    """The project's name."""

    domain: Domain
    """The domain that the project belongs to."""


class ShareFailure(TypedDict):
    """An image that was not shared with a project, and why."""

    id: str
    """The image's UUID."""

    error: str
    """The HTTP status of the failure."""

    code: ErrorCode
    """The kind of failure, as in `error.data.code`."""

    message: str
    """The failure in words."""

    member: str
    """The project's id."""


class ShareImagesResult(TypedDict):
    """What was shared and what was not, or of a dry run, would be; each in the order asked."""

    successful: list[str]
    """The images that are shared with every one of the projects."""

    failed: list[ShareFailure]
    """Each image and project for which it did not work."""

    unchanged: list[str] | None
    """Of a dry run: those of the successful that are so already. Otherwise `null`."""


class UploadResult(TypedDict):
    """The image has all of its data and is `active`."""

    success: bool
    """Always true: a failure is an error."""

    imageId: str
    """The image's UUID."""


class User(TypedDict):
    """Who is signed in."""

    id: str
    """The user's id."""

    name: str
    """The user's name."""

    domain: Domain
    """The domain that the user belongs to."""


class UserSession(TypedDict):
    """A session as its owner may see it: everything but the token."""

    user: User
    """Whose session it is."""

    project: ScopedProject | None
    """`null` while no project is chosen."""

    domain: Domain | None
    """Set when the scope is a domain."""

    roles: list[str]
    """The names of the user's roles in this scope."""

    expiresAt: str
    """When to sign in again (UTC)."""


class ActivateImagesInput(TypedDict):
    """Which deactivated images may be used again."""

    image_ids: list[str]
    """The images' UUIDs, at most 1000; of none, nothing is done."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class ChangePasswordInput(TypedDict):
    """Whose password, the one that is known, and the one to be."""

    user: NotRequired[str | None]
    """The user's name."""

    user_id: NotRequired[str | None]
    """The user's id, instead of the name."""

    domain_name: NotRequired[str]
    """The name of the user's domain. Default: `"Default"`."""

    user_domain_id: NotRequired[str | None]
    """The id of the user's domain, instead of its name."""

    password: str
    """The password so far; it may have expired."""

    new_password: str
    """The password to be."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class CountImagesInput(TypedDict):
    """What the images that are counted must be like."""

    name: NotRequired[str | None]
    """The exact name; or several, as `in:first,second`."""

    ids: NotRequired[list[str] | None]
    """The images with these ids, as `getImageById` would find each, without hidden ones: `visibility` and `member_status` are `all` where they are not given."""

    status: NotRequired[ImageStatus | list[ImageStatus] | None]
    """Images in this state, or in one of several."""

    visibility: NotRequired[Literal["public", "private", "shared", "community", "all"] | None]
    """Images that may be seen so; `all` adds the community's."""

    owner: NotRequired[str | None]
    """The id of the owning project."""

    protected: NotRequired[bool | None]
    """Images that can or cannot be deleted."""

    container_format: NotRequired[ContainerFormat | str | list[ContainerFormat | str] | None]
    """Images with this container, or with one of several."""

    disk_format: NotRequired[DiskFormat | str | list[DiskFormat | str] | None]
    """Images of this format, or of one of several."""

    size_min: NotRequired[int | None]
    """At least so many bytes."""

    size_max: NotRequired[int | None]
    """At most so many bytes."""

    min_ram: NotRequired[int | None]
    """Exactly this requirement, in MiB."""

    min_disk: NotRequired[int | None]
    """Exactly this requirement, in GiB."""

    tag: NotRequired[str | list[str] | None]
    """A tag, or several that must all be there."""

    tags: NotRequired[str | list[str] | None]
    """Means the same as `tag`."""

    os_type: NotRequired[OsType | str | None]
    """Images with this operating system."""

    properties: NotRequired[dict[str, str] | None]
    """Images whose properties have exactly these values, as `{"os_distro": "ubuntu"}`."""

    os_hidden: NotRequired[bool | None]
    """True lists the hidden images instead."""

    member_status: NotRequired[Literal["pending", "accepted", "rejected", "all"] | None]
    """For images that are shared with this project."""

    search: NotRequired[str | None]
    """A part of the name, the id or a tag, in letters of any case. A page looks at 500 images at most, a list or a count at 20,000."""

    offered: NotRequired[Literal["pending", "accepted", "rejected", "all"] | None]
    """Images that other projects share with this one, by how it answered; its own are not among them."""

    created_at: NotRequired[str | list[str] | None]
    """As `gte:2026-01-31T12:00:00Z`; or a from and a to: `["gte:2026-01-01T00:00:00Z", "lt:2026-02-01T00:00:00Z"]`."""

    updated_at: NotRequired[str | list[str] | None]
    """As `lt:2026-01-31T12:00:00Z`; or a from and a to, as `created_at`."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class CreateImageInput(TypedDict):
    """An image's metadata: the parameters named here, and any property of the image's own.

    A property's name is one that Glance does not reserve, its value a string.
    """

    name: NotRequired[str | None]
    """What people call it; need not be unique."""

    id: NotRequired[str | None]
    """The id to give it; Glance makes one otherwise."""

    container_format: NotRequired[ContainerFormat | str | None]
    """What is around the disk; needed before an upload."""

    disk_format: NotRequired[DiskFormat | str | None]
    """How the disk is written; needed before an upload."""

    visibility: NotRequired[Visibility]
    """Who may see it. Default: `"private"`."""

    protected: NotRequired[bool]
    """Whether it cannot be deleted. Default: `false`."""

    min_ram: NotRequired[int]
    """The memory it needs to boot, in MiB. Default: `0`."""

    min_disk: NotRequired[int]
    """The disk it needs to boot, in GiB. Default: `0`."""

    tags: NotRequired[list[str]]
    """Words that describe it; at most 255 characters each. Default: `[]`."""

    os_type: NotRequired[OsType | str | None]
    """The kind of operating system."""

    os_distro: NotRequired[str | None]
    """The distribution's name, as libosinfo has it."""

    os_version: NotRequired[str | None]
    """The version, as the distribution writes it."""

    architecture: NotRequired[str | None]
    """The CPU's architecture, as `x86_64`."""

    os_hidden: NotRequired[bool]
    """Whether lists leave it out by default. Default: `false`."""

    hw_disk_bus: NotRequired[str | None]
    """The bus of its disks, as `virtio`."""

    hw_scsi_model: NotRequired[str | None]
    """The SCSI controller, as `virtio-scsi`, when the bus is `scsi`."""

    hw_serial: NotRequired[str | None]
    """The serial number that the guest sees."""

    hw_qemu_guest_agent: NotRequired[bool | None]
    """Whether QEMU's agent runs in the guest. Stored by Glance as the string `yes` or `no`."""

    hw_vif_model: NotRequired[str | None]
    """The network card, as `virtio`."""

    hw_rng_model: NotRequired[str | None]
    """The source of randomness, as `virtio`."""

    hw_machine_type: NotRequired[str | None]
    """The machine that is emulated, as `q35`."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class CreateImageMemberInput(TypedDict):
    """With which project to share an image."""

    image_id: str
    """The image's UUID."""

    member: str
    """The id of the project to share with."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class CreateUserSessionInput(TypedDict):
    """How to sign in, and where to work; without a project the session has none yet.

    There are four ways: `password` with a user, and with a `passcode` too where the user's rules
    ask for one; `passcode` alone, after an answer that asked for it; an application credential; a
    token.
    """

    user: NotRequired[str | None]
    """The user's name."""

    user_id: NotRequired[str | None]
    """The user's id, instead of the name."""

    domain_name: NotRequired[str]
    """The name of the user's domain. Default: `"Default"`."""

    user_domain_id: NotRequired[str | None]
    """The id of the user's domain, instead of its name."""

    password: NotRequired[str | None]
    """The user's password."""

    passcode: NotRequired[str | None]
    """The second factor (TOTP): beside user and password; or alone, in the browser that was just answered `SECOND_FACTOR_REQUIRED`."""

    application_credential_id: NotRequired[str | None]
    """An application credential's id. It brings its project along."""

    application_credential_name: NotRequired[str | None]
    """An application credential's name, instead of its id; with its user."""

    application_credential_secret: NotRequired[str | None]
    """The application credential's secret."""

    token: NotRequired[str | None]
    """A Keystone token, as a single sign-on brings it. The session is this token's: signing out revokes it."""

    project_name: NotRequired[str | None]
    """A project's name."""

    project_id: NotRequired[str | None]
    """A project's id, instead of its name."""

    project_domain_name: NotRequired[str | None]
    """The name of the domain of `projectName`; without it, the user's domain."""

    project_domain_id: NotRequired[str | None]
    """The id of the domain of `projectName`, instead of its name."""


class DeactivateImageInput(TypedDict):
    """Which image nobody may boot or download any more."""

    image_id: str
    """The image's UUID."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class DeactivateImagesInput(TypedDict):
    """Which images nobody may boot or download any more."""

    image_ids: list[str]
    """The images' UUIDs, at most 1000; of none, nothing is done."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class DeleteImageInput(TypedDict):
    """Which image to delete."""

    image_id: str
    """The image's UUID."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class DeleteImageMemberInput(TypedDict):
    """With which project not to share an image any more."""

    image_id: str
    """The image's UUID."""

    member_id: str
    """The member's project id."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class DeleteImagesInput(TypedDict):
    """Which images to delete."""

    image_ids: list[str]
    """The images' UUIDs, at most 1000; of none, nothing is done."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class GetImageByIdInput(TypedDict):
    """Which image to get."""

    image_id: str
    """The image's UUID."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class GetImageMemberInput(TypedDict):
    """Which member to get."""

    image_id: str
    """The image's UUID."""

    member_id: str
    """The member's project id."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class ImagesPaginatedInput(TypedDict):
    """Filters, or the link to a page; a link already holds every filter and wins over them."""

    name: NotRequired[str | None]
    """The exact name; or several, as `in:first,second`."""

    ids: NotRequired[list[str] | None]
    """The images with these ids, as `getImageById` would find each, without hidden ones: `visibility` and `member_status` are `all` where they are not given."""

    status: NotRequired[ImageStatus | list[ImageStatus] | None]
    """Images in this state, or in one of several."""

    visibility: NotRequired[Literal["public", "private", "shared", "community", "all"] | None]
    """Images that may be seen so; `all` adds the community's."""

    owner: NotRequired[str | None]
    """The id of the owning project."""

    protected: NotRequired[bool | None]
    """Images that can or cannot be deleted."""

    container_format: NotRequired[ContainerFormat | str | list[ContainerFormat | str] | None]
    """Images with this container, or with one of several."""

    disk_format: NotRequired[DiskFormat | str | list[DiskFormat | str] | None]
    """Images of this format, or of one of several."""

    size_min: NotRequired[int | None]
    """At least so many bytes."""

    size_max: NotRequired[int | None]
    """At most so many bytes."""

    min_ram: NotRequired[int | None]
    """Exactly this requirement, in MiB."""

    min_disk: NotRequired[int | None]
    """Exactly this requirement, in GiB."""

    tag: NotRequired[str | list[str] | None]
    """A tag, or several that must all be there."""

    tags: NotRequired[str | list[str] | None]
    """Means the same as `tag`."""

    os_type: NotRequired[OsType | str | None]
    """Images with this operating system."""

    properties: NotRequired[dict[str, str] | None]
    """Images whose properties have exactly these values, as `{"os_distro": "ubuntu"}`."""

    os_hidden: NotRequired[bool | None]
    """True lists the hidden images instead."""

    member_status: NotRequired[Literal["pending", "accepted", "rejected", "all"] | None]
    """For images that are shared with this project."""

    search: NotRequired[str | None]
    """A part of the name, the id or a tag, in letters of any case. A page looks at 500 images at most, a list or a count at 20,000."""

    offered: NotRequired[Literal["pending", "accepted", "rejected", "all"] | None]
    """Images that other projects share with this one, by how it answered; its own are not among them."""

    created_at: NotRequired[str | list[str] | None]
    """As `gte:2026-01-31T12:00:00Z`; or a from and a to: `["gte:2026-01-01T00:00:00Z", "lt:2026-02-01T00:00:00Z"]`."""

    updated_at: NotRequired[str | list[str] | None]
    """As `lt:2026-01-31T12:00:00Z`; or a from and a to, as `created_at`."""

    sort_key: NotRequired[SortKey | None]
    """Legacy order; `sort` wins over it."""

    sort_dir: NotRequired[SortDir | None]
    """Legacy direction; `sort` wins over it."""

    sort: NotRequired[str | None]
    """Terms `key:direction`, joined by commas. Without any order: created_at:desc."""

    limit: NotRequired[int | None]
    """The most images to return."""

    marker: NotRequired[str | None]
    """Begin after the image with this id."""

    first: NotRequired[str | None]
    """`first` of an earlier answer."""

    next: NotRequired[str | None]
    """`next` of an earlier answer."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class ListImageMembersInput(TypedDict):
    """Whose members to list."""

    image_id: str
    """The image's UUID."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class ListImagesInput(TypedDict):
    """Filters, order and size of a list of images."""

    name: NotRequired[str | None]
    """The exact name; or several, as `in:first,second`."""

    ids: NotRequired[list[str] | None]
    """The images with these ids, as `getImageById` would find each, without hidden ones: `visibility` and `member_status` are `all` where they are not given."""

    status: NotRequired[ImageStatus | list[ImageStatus] | None]
    """Images in this state, or in one of several."""

    visibility: NotRequired[Literal["public", "private", "shared", "community", "all"] | None]
    """Images that may be seen so; `all` adds the community's."""

    owner: NotRequired[str | None]
    """The id of the owning project."""

    protected: NotRequired[bool | None]
    """Images that can or cannot be deleted."""

    container_format: NotRequired[ContainerFormat | str | list[ContainerFormat | str] | None]
    """Images with this container, or with one of several."""

    disk_format: NotRequired[DiskFormat | str | list[DiskFormat | str] | None]
    """Images of this format, or of one of several."""

    size_min: NotRequired[int | None]
    """At least so many bytes."""

    size_max: NotRequired[int | None]
    """At most so many bytes."""

    min_ram: NotRequired[int | None]
    """Exactly this requirement, in MiB."""

    min_disk: NotRequired[int | None]
    """Exactly this requirement, in GiB."""

    tag: NotRequired[str | list[str] | None]
    """A tag, or several that must all be there."""

    tags: NotRequired[str | list[str] | None]
    """Means the same as `tag`."""

    os_type: NotRequired[OsType | str | None]
    """Images with this operating system."""

    properties: NotRequired[dict[str, str] | None]
    """Images whose properties have exactly these values, as `{"os_distro": "ubuntu"}`."""

    os_hidden: NotRequired[bool | None]
    """True lists the hidden images instead."""

    member_status: NotRequired[Literal["pending", "accepted", "rejected", "all"] | None]
    """For images that are shared with this project."""

    search: NotRequired[str | None]
    """A part of the name, the id or a tag, in letters of any case. A page looks at 500 images at most, a list or a count at 20,000."""

    offered: NotRequired[Literal["pending", "accepted", "rejected", "all"] | None]
    """Images that other projects share with this one, by how it answered; its own are not among them."""

    created_at: NotRequired[str | list[str] | None]
    """As `gte:2026-01-31T12:00:00Z`; or a from and a to: `["gte:2026-01-01T00:00:00Z", "lt:2026-02-01T00:00:00Z"]`."""

    updated_at: NotRequired[str | list[str] | None]
    """As `lt:2026-01-31T12:00:00Z`; or a from and a to, as `created_at`."""

    sort_key: NotRequired[SortKey | None]
    """Legacy order; `sort` wins over it."""

    sort_dir: NotRequired[SortDir | None]
    """Legacy direction; `sort` wins over it."""

    sort: NotRequired[str | None]
    """Terms `key:direction`, joined by commas. Without any order: created_at:desc."""

    limit: NotRequired[int | None]
    """The most images to return."""

    marker: NotRequired[str | None]
    """Begin after the image with this id."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class ListProjectsInput(TypedDict):
    """Which of the user's projects; all of them, when nothing is said."""

    name: NotRequired[str | None]
    """The exact name; each domain may have one."""

    search: NotRequired[str | None]
    """A part of the name or the id, in letters of any case."""

    domain_id: NotRequired[str | None]
    """The id of the domain that they belong to."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class NoInput(TypedDict):
    """The input of a procedure that takes none."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class ReactivateImageInput(TypedDict):
    """Which deactivated image may be used again."""

    image_id: str
    """The image's UUID."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class SetCurrentScopeInput(TypedDict):
    """Where the session works from now on."""

    type: Literal["project", "domain", "unscoped"]
    """The kind of scope."""

    project_id: NotRequired[str | None]
    """For `project`: its id."""

    domain_id: NotRequired[str | None]
    """For `domain`: its id."""


class ShareImagesInput(TypedDict):
    """Which images to share, and with which projects: each of them with each."""

    image_ids: list[str]
    """The images' UUIDs, at most 1000; of none, nothing is done."""

    dry_run: NotRequired[bool]
    """Change nothing, and answer what would be done, as far as can be seen. Default: `false`."""

    members: list[str]
    """The ids of the projects to share with. Images times projects are at most 1000."""

    accept: NotRequired[bool]
    """Accept at once where the caller may: as the project itself, or by the site's policy. The others have yet to accept. Default: `false`."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class TagImagesInput(TypedDict):
    """Which tags to add to which images."""

    image_ids: list[str]
    """The images' UUIDs, at most 1000; of none, nothing is done."""

    dry_run: NotRequired[bool]
    """Change nothing, and answer what would be done, as far as can be seen. Default: `false`."""

    tags: list[str]
    """The tags. Images times tags are at most 1000."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class UntagImagesInput(TypedDict):
    """Which tags to remove from which images."""

    image_ids: list[str]
    """The images' UUIDs, at most 1000; of none, nothing is done."""

    dry_run: NotRequired[bool]
    """Change nothing, and answer what would be done, as far as can be seen. Default: `false`."""

    tags: list[str]
    """The tags. Images times tags are at most 1000."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class UpdateImageInput(TypedDict):
    """Which image to change, and how: all operations or none of them."""

    image_id: str
    """The image's UUID."""

    operations: list[JSONPatchOperation]
    """JSON Patch (RFC 6902), applied in this order."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class UpdateImageMemberInput(TypedDict):
    """What the member decided."""

    image_id: str
    """The image's UUID."""

    member_id: str
    """The member's project id."""

    status: MemberStatus
    """Whether the member wants the image in its lists."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class UpdateImageVisibilityInput(TypedDict):
    """Which image is to be seen by whom."""

    image_id: str
    """The image's UUID."""

    visibility: Visibility
    """Who may see it."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class UpdateImagesInput(TypedDict):
    """Which images to change, and how: for each, all operations or none of them."""

    image_ids: list[str]
    """The images' UUIDs, at most 1000; of none, nothing is done."""

    dry_run: NotRequired[bool]
    """Change nothing, and answer what would be done, as far as can be seen. Default: `false`."""

    operations: list[JSONPatchOperation]
    """JSON Patch (RFC 6902), applied in this order to each image; at most 65536 bytes. Images times operations are at most 10000."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


class UploadImageInput(TypedDict):
    """Which image to fill, and with what."""

    image_id: str
    """The image's UUID."""

    file: str
    """The data in base64; more of it goes through the upload route."""

    project_id: NotRequired[str | None]
    """Run in this project instead of the session's own; never sent to Glance."""


# The kind of failure that an HTTP status stands for.
CODE_OF_STATUS: Mapping[int, ErrorCode] = MappingProxyType(
    {
        400: "BAD_REQUEST",
        404: "NOT_FOUND",
        401: "UNAUTHORIZED",
        403: "FORBIDDEN",
        405: "METHOD_NOT_SUPPORTED",
        408: "TIMEOUT",
        409: "CONFLICT",
        412: "PRECONDITION_FAILED",
        413: "PAYLOAD_TOO_LARGE",
        415: "UNSUPPORTED_MEDIA_TYPE",
        429: "TOO_MANY_REQUESTS",
        499: "CLIENT_CLOSED_REQUEST",
        500: "INTERNAL_SERVER_ERROR",
        502: "BAD_GATEWAY",
        503: "SERVICE_UNAVAILABLE",
        504: "GATEWAY_TIMEOUT",
    }
)


# What the client must know of each procedure.
PROCEDURES: Mapping[str, Procedure] = MappingProxyType(
    {
        "auth.createUserSession": Procedure(
            False, None,
            {"user": "user", "user_id": "userId", "domain_name": "domainName", "user_domain_id": "userDomainId", "password": "password", "passcode": "passcode", "application_credential_id": "applicationCredentialId", "application_credential_name": "applicationCredentialName", "application_credential_secret": "applicationCredentialSecret", "token": "token", "project_name": "projectName", "project_id": "projectId", "project_domain_name": "projectDomainName", "project_domain_id": "projectDomainId"},
        ),
        "auth.changePassword": Procedure(
            False, None,
            {"user": "user", "user_id": "userId", "domain_name": "domainName", "user_domain_id": "userDomainId", "password": "password", "new_password": "newPassword", "project_id": "project_id"},
        ),
        "auth.getCurrentUserSession": Procedure(
            True, None,
            {"project_id": "project_id"},
        ),
        "auth.listProjects": Procedure(
            True, None,
            {"name": "name", "search": "search", "domain_id": "domainId", "project_id": "project_id"},
        ),
        "auth.setCurrentScope": Procedure(
            False, None,
            {"type": "type", "project_id": "projectId", "domain_id": "domainId"},
        ),
        "auth.terminateUserSession": Procedure(
            False, None,
            {"project_id": "project_id"},
        ),
        "compute.image.listImages": Procedure(
            True, None,
            {"name": "name", "ids": "ids", "status": "status", "visibility": "visibility", "owner": "owner", "protected": "protected", "container_format": "container_format", "disk_format": "disk_format", "size_min": "size_min", "size_max": "size_max", "min_ram": "min_ram", "min_disk": "min_disk", "tag": "tag", "tags": "tags", "os_type": "os_type", "properties": "properties", "os_hidden": "os_hidden", "member_status": "member_status", "search": "search", "offered": "offered", "created_at": "created_at", "updated_at": "updated_at", "sort_key": "sort_key", "sort_dir": "sort_dir", "sort": "sort", "limit": "limit", "marker": "marker", "project_id": "project_id"},
        ),
        "compute.image.listImagesWithPagination": Procedure(
            True, None,
            {"name": "name", "ids": "ids", "status": "status", "visibility": "visibility", "owner": "owner", "protected": "protected", "container_format": "container_format", "disk_format": "disk_format", "size_min": "size_min", "size_max": "size_max", "min_ram": "min_ram", "min_disk": "min_disk", "tag": "tag", "tags": "tags", "os_type": "os_type", "properties": "properties", "os_hidden": "os_hidden", "member_status": "member_status", "search": "search", "offered": "offered", "created_at": "created_at", "updated_at": "updated_at", "sort_key": "sort_key", "sort_dir": "sort_dir", "sort": "sort", "limit": "limit", "marker": "marker", "first": "first", "next": "next", "project_id": "project_id"},
        ),
        "compute.image.getImageById": Procedure(
            True, None,
            {"image_id": "imageId", "project_id": "project_id"},
        ),
        "compute.image.createImage": Procedure(
            False, None,
            {"name": "name", "id": "id", "container_format": "container_format", "disk_format": "disk_format", "visibility": "visibility", "protected": "protected", "min_ram": "min_ram", "min_disk": "min_disk", "tags": "tags", "os_type": "os_type", "os_distro": "os_distro", "os_version": "os_version", "architecture": "architecture", "os_hidden": "os_hidden", "hw_disk_bus": "hw_disk_bus", "hw_scsi_model": "hw_scsi_model", "hw_serial": "hw_serial", "hw_qemu_guest_agent": "hw_qemu_guest_agent", "hw_vif_model": "hw_vif_model", "hw_rng_model": "hw_rng_model", "hw_machine_type": "hw_machine_type", "project_id": "project_id"},
        ),
        "compute.image.uploadImage": Procedure(
            False, "upload-image",
            {"image_id": "imageId", "file": "file", "project_id": "project_id"},
        ),
        "compute.image.updateImage": Procedure(
            False, None,
            {"image_id": "imageId", "operations": "operations", "project_id": "project_id"},
        ),
        "compute.image.updateImageVisibility": Procedure(
            False, None,
            {"image_id": "imageId", "visibility": "visibility", "project_id": "project_id"},
        ),
        "compute.image.deleteImage": Procedure(
            False, None,
            {"image_id": "imageId", "project_id": "project_id"},
        ),
        "compute.image.deactivateImage": Procedure(
            False, None,
            {"image_id": "imageId", "project_id": "project_id"},
        ),
        "compute.image.reactivateImage": Procedure(
            False, None,
            {"image_id": "imageId", "project_id": "project_id"},
        ),
        "compute.image.listImageMembers": Procedure(
            True, None,
            {"image_id": "imageId", "project_id": "project_id"},
        ),
        "compute.image.getImageMember": Procedure(
            True, None,
            {"image_id": "imageId", "member_id": "memberId", "project_id": "project_id"},
        ),
        "compute.image.createImageMember": Procedure(
            False, None,
            {"image_id": "imageId", "member": "member", "project_id": "project_id"},
        ),
        "compute.image.updateImageMember": Procedure(
            False, None,
            {"image_id": "imageId", "member_id": "memberId", "status": "status", "project_id": "project_id"},
        ),
        "compute.image.deleteImageMember": Procedure(
            False, None,
            {"image_id": "imageId", "member_id": "memberId", "project_id": "project_id"},
        ),
        "compute.image.deleteImages": Procedure(
            False, None,
            {"image_ids": "imageIds", "project_id": "project_id"},
        ),
        "compute.image.activateImages": Procedure(
            False, None,
            {"image_ids": "imageIds", "project_id": "project_id"},
        ),
        "compute.image.deactivateImages": Procedure(
            False, None,
            {"image_ids": "imageIds", "project_id": "project_id"},
        ),
        "compute.image.shareImages": Procedure(
            False, None,
            {"image_ids": "imageIds", "dry_run": "dryRun", "members": "members", "accept": "accept", "project_id": "project_id"},
        ),
        "compute.image.tagImages": Procedure(
            False, None,
            {"image_ids": "imageIds", "dry_run": "dryRun", "tags": "tags", "project_id": "project_id"},
        ),
        "compute.image.untagImages": Procedure(
            False, None,
            {"image_ids": "imageIds", "dry_run": "dryRun", "tags": "tags", "project_id": "project_id"},
        ),
        "compute.image.updateImages": Procedure(
            False, None,
            {"image_ids": "imageIds", "dry_run": "dryRun", "operations": "operations", "project_id": "project_id"},
        ),
        "compute.image.countImages": Procedure(
            True, None,
            {"name": "name", "ids": "ids", "status": "status", "visibility": "visibility", "owner": "owner", "protected": "protected", "container_format": "container_format", "disk_format": "disk_format", "size_min": "size_min", "size_max": "size_max", "min_ram": "min_ram", "min_disk": "min_disk", "tag": "tag", "tags": "tags", "os_type": "os_type", "properties": "properties", "os_hidden": "os_hidden", "member_status": "member_status", "search": "search", "offered": "offered", "created_at": "created_at", "updated_at": "updated_at", "project_id": "project_id"},
        ),
    }
)


class Auth(Node):
    """The procedures below `auth`; each answers when the call has ended."""

    def create_user_session(
        self,
        *,
        user: str | None = None,
        user_id: str | None = None,
        domain_name: str | None = None,
        user_domain_id: str | None = None,
        password: str | None = None,
        passcode: str | None = None,
        application_credential_id: str | None = None,
        application_credential_name: str | None = None,
        application_credential_secret: str | None = None,
        token: str | None = None,
        project_name: str | None = None,
        project_id: str | None = None,
        project_domain_name: str | None = None,
        project_domain_id: str | None = None,
    ) -> UserSession:
        """Sign in, with a password or otherwise; the browser keeps the session in a sealed cookie.

        Args:
            user: The user's name.
            user_id: The user's id, instead of the name.
            domain_name: The name of the user's domain. Default: `"Default"`.
            user_domain_id: The id of the user's domain, instead of its name.
            password: The user's password.
            passcode: The second factor (TOTP): beside user and password; or alone, in the browser that was just answered `SECOND_FACTOR_REQUIRED`.
            application_credential_id: An application credential's id. It brings its project along.
            application_credential_name: An application credential's name, instead of its id; with its user.
            application_credential_secret: The application credential's secret.
            token: A Keystone token, as a single sign-on brings it. The session is this token's: signing out revokes it.
            project_name: A project's name.
            project_id: A project's id, instead of its name.
            project_domain_name: The name of the domain of `projectName`; without it, the user's domain.
            project_domain_id: The id of the domain of `projectName`, instead of its name.

        Raises:
            BffError: BAD_GATEWAY, BAD_REQUEST, FORBIDDEN, TOO_MANY_REQUESTS, UNAUTHORIZED; and as any call.
        """
        return self._call("auth.createUserSession", {"user": user, "userId": user_id, "domainName": domain_name, "userDomainId": user_domain_id, "password": password, "passcode": passcode, "applicationCredentialId": application_credential_id, "applicationCredentialName": application_credential_name, "applicationCredentialSecret": application_credential_secret, "token": token, "projectName": project_name, "projectId": project_id, "projectDomainName": project_domain_name, "projectDomainId": project_domain_id})

    createUserSession = create_user_session

    def change_password(
        self,
        *,
        password: str,
        new_password: str,
        user: str | None = None,
        user_id: str | None = None,
        domain_name: str | None = None,
        user_domain_id: str | None = None,
        project_id: str | None = None,
    ) -> bool:
        """Change a user's password, also one that has expired; it ends all sessions of the user.

        Args:
            user: The user's name.
            user_id: The user's id, instead of the name.
            domain_name: The name of the user's domain. Default: `"Default"`.
            user_domain_id: The id of the user's domain, instead of its name.
            password: The password so far; it may have expired.
            new_password: The password to be.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, TOO_MANY_REQUESTS, UNAUTHORIZED; and as any call.
        """
        return self._call("auth.changePassword", {"user": user, "userId": user_id, "domainName": domain_name, "userDomainId": user_domain_id, "password": password, "newPassword": new_password, "project_id": project_id})

    changePassword = change_password

    def get_current_user_session(
        self,
        *,
        project_id: str | None = None,
    ) -> UserSession | None:
        """Return the session that this request belongs to, `null` when there is none.

        Args:
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: FORBIDDEN, SESSION_CHANGED; and as any call.
        """
        return self._call("auth.getCurrentUserSession", {"project_id": project_id})

    getCurrentUserSession = get_current_user_session

    def list_projects(
        self,
        *,
        name: str | None = None,
        search: str | None = None,
        domain_id: str | None = None,
        project_id: str | None = None,
    ) -> list[Project]:
        """Return the projects in which the user has a role, or those of them that are asked for.

        Args:
            name: The exact name; each domain may have one.
            search: A part of the name or the id, in letters of any case.
            domain_id: The id of the domain that they belong to.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: UNAUTHORIZED; and as any call.
        """
        return self._call("auth.listProjects", {"name": name, "search": search, "domainId": domain_id, "project_id": project_id})

    listProjects = list_projects

    def set_current_scope(
        self,
        *,
        type: Literal["project", "domain", "unscoped"],
        project_id: str | None = None,
        domain_id: str | None = None,
    ) -> UserSession:
        """Let the session work in another project or domain from the next request on.

        Args:
            type: The kind of scope.
            project_id: For `project`: its id.
            domain_id: For `domain`: its id.

        Raises:
            BffError: BAD_GATEWAY, BAD_REQUEST, FORBIDDEN, UNAUTHORIZED; and as any call.
        """
        return self._call("auth.setCurrentScope", {"type": type, "projectId": project_id, "domainId": domain_id})

    setCurrentScope = set_current_scope

    def terminate_user_session(
        self,
        *,
        project_id: str | None = None,
    ) -> bool:
        """Sign out: revoke the token at Keystone, with all that came from it, and clear the cookie.

        Args:
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: SESSION_CHANGED; and as any call.
        """
        return self._call("auth.terminateUserSession", {"project_id": project_id})

    terminateUserSession = terminate_user_session


class ComputeImage(Node):
    """The procedures below `compute.image`; each answers when the call has ended."""

    def list_images(
        self,
        *,
        name: str | None = None,
        ids: list[str] | None = None,
        status: ImageStatus | list[ImageStatus] | None = None,
        visibility: Literal["public", "private", "shared", "community", "all"] | None = None,
        owner: str | None = None,
        protected: bool | None = None,
        container_format: ContainerFormat | str | list[ContainerFormat | str] | None = None,
        disk_format: DiskFormat | str | list[DiskFormat | str] | None = None,
        size_min: int | None = None,
        size_max: int | None = None,
        min_ram: int | None = None,
        min_disk: int | None = None,
        tag: str | list[str] | None = None,
        tags: str | list[str] | None = None,
        os_type: OsType | str | None = None,
        properties: dict[str, str] | None = None,
        os_hidden: bool | None = None,
        member_status: Literal["pending", "accepted", "rejected", "all"] | None = None,
        search: str | None = None,
        offered: Literal["pending", "accepted", "rejected", "all"] | None = None,
        created_at: str | list[str] | None = None,
        updated_at: str | list[str] | None = None,
        sort_key: SortKey | None = None,
        sort_dir: SortDir | None = None,
        sort: str | None = None,
        limit: int | None = None,
        marker: str | None = None,
        project_id: str | None = None,
    ) -> list[GlanceImage]:
        """Return the images that match; all of them, unless `limit` says how many.

        Args:
            name: The exact name; or several, as `in:first,second`.
            ids: The images with these ids, as `getImageById` would find each, without hidden ones: `visibility` and `member_status` are `all` where they are not given.
            status: Images in this state, or in one of several.
            visibility: Images that may be seen so; `all` adds the community's.
            owner: The id of the owning project.
            protected: Images that can or cannot be deleted.
            container_format: Images with this container, or with one of several.
            disk_format: Images of this format, or of one of several.
            size_min: At least so many bytes.
            size_max: At most so many bytes.
            min_ram: Exactly this requirement, in MiB.
            min_disk: Exactly this requirement, in GiB.
            tag: A tag, or several that must all be there.
            tags: Means the same as `tag`.
            os_type: Images with this operating system.
            properties: Images whose properties have exactly these values, as `{"os_distro": "ubuntu"}`.
            os_hidden: True lists the hidden images instead.
            member_status: For images that are shared with this project.
            search: A part of the name, the id or a tag, in letters of any case. A page looks at 500 images at most, a list or a count at 20,000.
            offered: Images that other projects share with this one, by how it answered; its own are not among them.
            created_at: As `gte:2026-01-31T12:00:00Z`; or a from and a to: `["gte:2026-01-01T00:00:00Z", "lt:2026-02-01T00:00:00Z"]`.
            updated_at: As `lt:2026-01-31T12:00:00Z`; or a from and a to, as `created_at`.
            sort_key: Legacy order; `sort` wins over it.
            sort_dir: Legacy direction; `sort` wins over it.
            sort: Terms `key:direction`, joined by commas. Without any order: created_at:desc.
            limit: The most images to return.
            marker: Begin after the image with this id.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, CONFLICT, FORBIDDEN; and as any call.
        """
        return self._call("compute.image.listImages", {"name": name, "ids": ids, "status": status, "visibility": visibility, "owner": owner, "protected": protected, "container_format": container_format, "disk_format": disk_format, "size_min": size_min, "size_max": size_max, "min_ram": min_ram, "min_disk": min_disk, "tag": tag, "tags": tags, "os_type": os_type, "properties": properties, "os_hidden": os_hidden, "member_status": member_status, "search": search, "offered": offered, "created_at": created_at, "updated_at": updated_at, "sort_key": sort_key, "sort_dir": sort_dir, "sort": sort, "limit": limit, "marker": marker, "project_id": project_id})

    listImages = list_images

    def list_images_with_pagination(
        self,
        *,
        name: str | None = None,
        ids: list[str] | None = None,
        status: ImageStatus | list[ImageStatus] | None = None,
        visibility: Literal["public", "private", "shared", "community", "all"] | None = None,
        owner: str | None = None,
        protected: bool | None = None,
        container_format: ContainerFormat | str | list[ContainerFormat | str] | None = None,
        disk_format: DiskFormat | str | list[DiskFormat | str] | None = None,
        size_min: int | None = None,
        size_max: int | None = None,
        min_ram: int | None = None,
        min_disk: int | None = None,
        tag: str | list[str] | None = None,
        tags: str | list[str] | None = None,
        os_type: OsType | str | None = None,
        properties: dict[str, str] | None = None,
        os_hidden: bool | None = None,
        member_status: Literal["pending", "accepted", "rejected", "all"] | None = None,
        search: str | None = None,
        offered: Literal["pending", "accepted", "rejected", "all"] | None = None,
        created_at: str | list[str] | None = None,
        updated_at: str | list[str] | None = None,
        sort_key: SortKey | None = None,
        sort_dir: SortDir | None = None,
        sort: str | None = None,
        limit: int | None = None,
        marker: str | None = None,
        first: str | None = None,
        next: str | None = None,
        project_id: str | None = None,
    ) -> ImagesPaginatedResponse:
        """Return one page of the images that match, with links to the next and the first page.

        Of what Glance cannot look for (`search`, `offered`, a from and a to), it has what is among
        500 images: the list ends where there is no `next`.

        Args:
            name: The exact name; or several, as `in:first,second`.
            ids: The images with these ids, as `getImageById` would find each, without hidden ones: `visibility` and `member_status` are `all` where they are not given.
            status: Images in this state, or in one of several.
            visibility: Images that may be seen so; `all` adds the community's.
            owner: The id of the owning project.
            protected: Images that can or cannot be deleted.
            container_format: Images with this container, or with one of several.
            disk_format: Images of this format, or of one of several.
            size_min: At least so many bytes.
            size_max: At most so many bytes.
            min_ram: Exactly this requirement, in MiB.
            min_disk: Exactly this requirement, in GiB.
            tag: A tag, or several that must all be there.
            tags: Means the same as `tag`.
            os_type: Images with this operating system.
            properties: Images whose properties have exactly these values, as `{"os_distro": "ubuntu"}`.
            os_hidden: True lists the hidden images instead.
            member_status: For images that are shared with this project.
            search: A part of the name, the id or a tag, in letters of any case. A page looks at 500 images at most, a list or a count at 20,000.
            offered: Images that other projects share with this one, by how it answered; its own are not among them.
            created_at: As `gte:2026-01-31T12:00:00Z`; or a from and a to: `["gte:2026-01-01T00:00:00Z", "lt:2026-02-01T00:00:00Z"]`.
            updated_at: As `lt:2026-01-31T12:00:00Z`; or a from and a to, as `created_at`.
            sort_key: Legacy order; `sort` wins over it.
            sort_dir: Legacy direction; `sort` wins over it.
            sort: Terms `key:direction`, joined by commas. Without any order: created_at:desc.
            limit: The most images to return.
            marker: Begin after the image with this id.
            first: `first` of an earlier answer.
            next: `next` of an earlier answer.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, FORBIDDEN; and as any call.
        """
        return self._call("compute.image.listImagesWithPagination", {"name": name, "ids": ids, "status": status, "visibility": visibility, "owner": owner, "protected": protected, "container_format": container_format, "disk_format": disk_format, "size_min": size_min, "size_max": size_max, "min_ram": min_ram, "min_disk": min_disk, "tag": tag, "tags": tags, "os_type": os_type, "properties": properties, "os_hidden": os_hidden, "member_status": member_status, "search": search, "offered": offered, "created_at": created_at, "updated_at": updated_at, "sort_key": sort_key, "sort_dir": sort_dir, "sort": sort, "limit": limit, "marker": marker, "first": first, "next": next, "project_id": project_id})

    listImagesWithPagination = list_images_with_pagination

    def get_image_by_id(
        self,
        *,
        image_id: str,
        project_id: str | None = None,
    ) -> GlanceImage:
        """Return one image.

        Args:
            image_id: The image's UUID.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: FORBIDDEN, NOT_FOUND; and as any call.
        """
        return self._call("compute.image.getImageById", {"imageId": image_id, "project_id": project_id})

    getImageById = get_image_by_id

    def create_image(
        self,
        *,
        name: str | None = None,
        id: str | None = None,
        container_format: ContainerFormat | str | None = None,
        disk_format: DiskFormat | str | None = None,
        visibility: Visibility | None = None,
        protected: bool | None = None,
        min_ram: int | None = None,
        min_disk: int | None = None,
        tags: list[str] | None = None,
        os_type: OsType | str | None = None,
        os_distro: str | None = None,
        os_version: str | None = None,
        architecture: str | None = None,
        os_hidden: bool | None = None,
        hw_disk_bus: str | None = None,
        hw_scsi_model: str | None = None,
        hw_serial: str | None = None,
        hw_qemu_guest_agent: bool | None = None,
        hw_vif_model: str | None = None,
        hw_rng_model: str | None = None,
        hw_machine_type: str | None = None,
        project_id: str | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> GlanceImage:
        """Make a queued image that has metadata but no data yet.

        Args:
            name: What people call it; need not be unique.
            id: The id to give it; Glance makes one otherwise.
            container_format: What is around the disk; needed before an upload.
            disk_format: How the disk is written; needed before an upload.
            visibility: Who may see it. Default: `"private"`.
            protected: Whether it cannot be deleted. Default: `false`.
            min_ram: The memory it needs to boot, in MiB. Default: `0`.
            min_disk: The disk it needs to boot, in GiB. Default: `0`.
            tags: Words that describe it; at most 255 characters each. Default: `[]`.
            os_type: The kind of operating system.
            os_distro: The distribution's name, as libosinfo has it.
            os_version: The version, as the distribution writes it.
            architecture: The CPU's architecture, as `x86_64`.
            os_hidden: Whether lists leave it out by default. Default: `false`.
            hw_disk_bus: The bus of its disks, as `virtio`.
            hw_scsi_model: The SCSI controller, as `virtio-scsi`, when the bus is `scsi`.
            hw_serial: The serial number that the guest sees.
            hw_qemu_guest_agent: Whether QEMU's agent runs in the guest. Stored by Glance as the string `yes` or `no`.
            hw_vif_model: The network card, as `virtio`.
            hw_rng_model: The source of randomness, as `virtio`.
            hw_machine_type: The machine that is emulated, as `q35`.
            project_id: Run in this project instead of the session's own; never sent to Glance.
            properties: Further properties of its own, by name.

        Raises:
            BffError: BAD_REQUEST, CONFLICT, FORBIDDEN, PAYLOAD_TOO_LARGE; and as any call.
        """
        return self._call("compute.image.createImage", {"name": name, "id": id, "container_format": container_format, "disk_format": disk_format, "visibility": visibility, "protected": protected, "min_ram": min_ram, "min_disk": min_disk, "tags": tags, "os_type": os_type, "os_distro": os_distro, "os_version": os_version, "architecture": architecture, "os_hidden": os_hidden, "hw_disk_bus": hw_disk_bus, "hw_scsi_model": hw_scsi_model, "hw_serial": hw_serial, "hw_qemu_guest_agent": hw_qemu_guest_agent, "hw_vif_model": hw_vif_model, "hw_rng_model": hw_rng_model, "hw_machine_type": hw_machine_type, "project_id": project_id}, properties)

    createImage = create_image

    def upload_image(
        self,
        *,
        image_id: str,
        file: str,
        project_id: str | None = None,
    ) -> UploadResult:
        """Store an image's data, whole or not at all; for files of a few megabytes.

        Args:
            image_id: The image's UUID.
            file: The data in base64; more of it goes through the upload route.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_GATEWAY, BAD_REQUEST, CONFLICT, FORBIDDEN, NOT_FOUND, PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE; and as any call.
        """
        return self._call("compute.image.uploadImage", {"imageId": image_id, "file": file, "project_id": project_id})

    uploadImage = upload_image

    def update_image(
        self,
        *,
        image_id: str,
        operations: list[JSONPatchOperation],
        project_id: str | None = None,
    ) -> GlanceImage:
        """Change an image's metadata by JSON Patch: every operation, or none.

        Args:
            image_id: The image's UUID.
            operations: JSON Patch (RFC 6902), applied in this order.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, CONFLICT, FORBIDDEN, NOT_FOUND, PAYLOAD_TOO_LARGE; and as any call.
        """
        return self._call("compute.image.updateImage", {"imageId": image_id, "operations": operations, "project_id": project_id})

    updateImage = update_image

    def update_image_visibility(
        self,
        *,
        image_id: str,
        visibility: Visibility,
        project_id: str | None = None,
    ) -> GlanceImage:
        """Change who may see an image.

        Args:
            image_id: The image's UUID.
            visibility: Who may see it.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, FORBIDDEN, NOT_FOUND; and as any call.
        """
        return self._call("compute.image.updateImageVisibility", {"imageId": image_id, "visibility": visibility, "project_id": project_id})

    updateImageVisibility = update_image_visibility

    def delete_image(
        self,
        *,
        image_id: str,
        project_id: str | None = None,
    ) -> bool:
        """Delete an image and its data for good.

        Args:
            image_id: The image's UUID.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: CONFLICT, FORBIDDEN, NOT_FOUND; and as any call.
        """
        return self._call("compute.image.deleteImage", {"imageId": image_id, "project_id": project_id})

    deleteImage = delete_image

    def deactivate_image(
        self,
        *,
        image_id: str,
        project_id: str | None = None,
    ) -> bool:
        """Let nobody boot or download an image any more; it keeps its data.

        Args:
            image_id: The image's UUID.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: CONFLICT, FORBIDDEN, NOT_FOUND; and as any call.
        """
        return self._call("compute.image.deactivateImage", {"imageId": image_id, "project_id": project_id})

    deactivateImage = deactivate_image

    def reactivate_image(
        self,
        *,
        image_id: str,
        project_id: str | None = None,
    ) -> bool:
        """Let a deactivated image be used again.

        Args:
            image_id: The image's UUID.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: CONFLICT, FORBIDDEN, NOT_FOUND; and as any call.
        """
        return self._call("compute.image.reactivateImage", {"imageId": image_id, "project_id": project_id})

    reactivateImage = reactivate_image

    def list_image_members(
        self,
        *,
        image_id: str,
        project_id: str | None = None,
    ) -> list[ImageMember]:
        """Return the projects with which an image is shared.

        Args:
            image_id: The image's UUID.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: FORBIDDEN, NOT_FOUND; and as any call.
        """
        return self._call("compute.image.listImageMembers", {"imageId": image_id, "project_id": project_id})

    listImageMembers = list_image_members

    def get_image_member(
        self,
        *,
        image_id: str,
        member_id: str,
        project_id: str | None = None,
    ) -> ImageMember:
        """Return one project with which an image is shared.

        Args:
            image_id: The image's UUID.
            member_id: The member's project id.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: NOT_FOUND; and as any call.
        """
        return self._call("compute.image.getImageMember", {"imageId": image_id, "memberId": member_id, "project_id": project_id})

    getImageMember = get_image_member

    def create_image_member(
        self,
        *,
        image_id: str,
        member: str,
        project_id: str | None = None,
    ) -> ImageMember:
        """Share an image with a project, which has yet to accept it.

        Args:
            image_id: The image's UUID.
            member: The id of the project to share with.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, CONFLICT, FORBIDDEN, NOT_FOUND, PAYLOAD_TOO_LARGE; and as any call.
        """
        return self._call("compute.image.createImageMember", {"imageId": image_id, "member": member, "project_id": project_id})

    createImageMember = create_image_member

    def update_image_member(
        self,
        *,
        image_id: str,
        member_id: str,
        status: MemberStatus,
        project_id: str | None = None,
    ) -> ImageMember:
        """Accept or reject an image that is shared with the caller's project.

        Args:
            image_id: The image's UUID.
            member_id: The member's project id.
            status: Whether the member wants the image in its lists.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, FORBIDDEN, NOT_FOUND; and as any call.
        """
        return self._call("compute.image.updateImageMember", {"imageId": image_id, "memberId": member_id, "status": status, "project_id": project_id})

    updateImageMember = update_image_member

    def delete_image_member(
        self,
        *,
        image_id: str,
        member_id: str,
        project_id: str | None = None,
    ) -> bool:
        """Stop sharing an image with a project.

        Args:
            image_id: The image's UUID.
            member_id: The member's project id.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: FORBIDDEN, NOT_FOUND; and as any call.
        """
        return self._call("compute.image.deleteImageMember", {"imageId": image_id, "memberId": member_id, "project_id": project_id})

    deleteImageMember = delete_image_member

    def delete_images(
        self,
        *,
        image_ids: list[str],
        project_id: str | None = None,
    ) -> BulkOperationResult:
        """Delete images and their data for good, each on its own.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return self._call("compute.image.deleteImages", {"imageIds": image_ids, "project_id": project_id})

    deleteImages = delete_images

    def activate_images(
        self,
        *,
        image_ids: list[str],
        project_id: str | None = None,
    ) -> BulkOperationResult:
        """Let deactivated images be used again, each on its own.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return self._call("compute.image.activateImages", {"imageIds": image_ids, "project_id": project_id})

    activateImages = activate_images

    def deactivate_images(
        self,
        *,
        image_ids: list[str],
        project_id: str | None = None,
    ) -> BulkOperationResult:
        """Let nobody boot or download images any more, each on its own.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return self._call("compute.image.deactivateImages", {"imageIds": image_ids, "project_id": project_id})

    deactivateImages = deactivate_images

    def share_images(
        self,
        *,
        image_ids: list[str],
        members: list[str],
        dry_run: bool | None = None,
        accept: bool | None = None,
        project_id: str | None = None,
    ) -> ShareImagesResult:
        """Share images with projects, each with each; fine where that is so already.

        Several images with one project, or one image with several.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            dry_run: Change nothing, and answer what would be done, as far as can be seen. Default: `false`.
            members: The ids of the projects to share with. Images times projects are at most 1000.
            accept: Accept at once where the caller may: as the project itself, or by the site's policy. The others have yet to accept. Default: `false`.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return self._call("compute.image.shareImages", {"imageIds": image_ids, "dryRun": dry_run, "members": members, "accept": accept, "project_id": project_id})

    shareImages = share_images

    def tag_images(
        self,
        *,
        image_ids: list[str],
        tags: list[str],
        dry_run: bool | None = None,
        project_id: str | None = None,
    ) -> BulkChangeResult:
        """Add tags to images, each tag by itself; fine where an image has it already.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            dry_run: Change nothing, and answer what would be done, as far as can be seen. Default: `false`.
            tags: The tags. Images times tags are at most 1000.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return self._call("compute.image.tagImages", {"imageIds": image_ids, "dryRun": dry_run, "tags": tags, "project_id": project_id})

    tagImages = tag_images

    def untag_images(
        self,
        *,
        image_ids: list[str],
        tags: list[str],
        dry_run: bool | None = None,
        project_id: str | None = None,
    ) -> BulkChangeResult:
        """Remove tags from images, each tag by itself; fine where an image does not have it.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            dry_run: Change nothing, and answer what would be done, as far as can be seen. Default: `false`.
            tags: The tags. Images times tags are at most 1000.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return self._call("compute.image.untagImages", {"imageIds": image_ids, "dryRun": dry_run, "tags": tags, "project_id": project_id})

    untagImages = untag_images

    def update_images(
        self,
        *,
        image_ids: list[str],
        operations: list[JSONPatchOperation],
        dry_run: bool | None = None,
        project_id: str | None = None,
    ) -> BulkChangeResult:
        """Change the metadata of images by one JSON Patch: of each image, every operation or none.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            dry_run: Change nothing, and answer what would be done, as far as can be seen. Default: `false`.
            operations: JSON Patch (RFC 6902), applied in this order to each image; at most 65536 bytes. Images times operations are at most 10000.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return self._call("compute.image.updateImages", {"imageIds": image_ids, "dryRun": dry_run, "operations": operations, "project_id": project_id})

    updateImages = update_images

    def count_images(
        self,
        *,
        name: str | None = None,
        ids: list[str] | None = None,
        status: ImageStatus | list[ImageStatus] | None = None,
        visibility: Literal["public", "private", "shared", "community", "all"] | None = None,
        owner: str | None = None,
        protected: bool | None = None,
        container_format: ContainerFormat | str | list[ContainerFormat | str] | None = None,
        disk_format: DiskFormat | str | list[DiskFormat | str] | None = None,
        size_min: int | None = None,
        size_max: int | None = None,
        min_ram: int | None = None,
        min_disk: int | None = None,
        tag: str | list[str] | None = None,
        tags: str | list[str] | None = None,
        os_type: OsType | str | None = None,
        properties: dict[str, str] | None = None,
        os_hidden: bool | None = None,
        member_status: Literal["pending", "accepted", "rejected", "all"] | None = None,
        search: str | None = None,
        offered: Literal["pending", "accepted", "rejected", "all"] | None = None,
        created_at: str | list[str] | None = None,
        updated_at: str | list[str] | None = None,
        project_id: str | None = None,
    ) -> ImagesCount:
        """Return how many images match; of 20,000 at most, and whether that were all.

        Args:
            name: The exact name; or several, as `in:first,second`.
            ids: The images with these ids, as `getImageById` would find each, without hidden ones: `visibility` and `member_status` are `all` where they are not given.
            status: Images in this state, or in one of several.
            visibility: Images that may be seen so; `all` adds the community's.
            owner: The id of the owning project.
            protected: Images that can or cannot be deleted.
            container_format: Images with this container, or with one of several.
            disk_format: Images of this format, or of one of several.
            size_min: At least so many bytes.
            size_max: At most so many bytes.
            min_ram: Exactly this requirement, in MiB.
            min_disk: Exactly this requirement, in GiB.
            tag: A tag, or several that must all be there.
            tags: Means the same as `tag`.
            os_type: Images with this operating system.
            properties: Images whose properties have exactly these values, as `{"os_distro": "ubuntu"}`.
            os_hidden: True lists the hidden images instead.
            member_status: For images that are shared with this project.
            search: A part of the name, the id or a tag, in letters of any case. A page looks at 500 images at most, a list or a count at 20,000.
            offered: Images that other projects share with this one, by how it answered; its own are not among them.
            created_at: As `gte:2026-01-31T12:00:00Z`; or a from and a to: `["gte:2026-01-01T00:00:00Z", "lt:2026-02-01T00:00:00Z"]`.
            updated_at: As `lt:2026-01-31T12:00:00Z`; or a from and a to, as `created_at`.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, CONFLICT; and as any call.
        """
        return self._call("compute.image.countImages", {"name": name, "ids": ids, "status": status, "visibility": visibility, "owner": owner, "protected": protected, "container_format": container_format, "disk_format": disk_format, "size_min": size_min, "size_max": size_max, "min_ram": min_ram, "min_disk": min_disk, "tag": tag, "tags": tags, "os_type": os_type, "properties": properties, "os_hidden": os_hidden, "member_status": member_status, "search": search, "offered": offered, "created_at": created_at, "updated_at": updated_at, "project_id": project_id})

    countImages = count_images


class Compute(Node):
    """The procedures below `compute`; each answers when the call has ended."""

    @property
    def image(self) -> ComputeImage:
        """The procedures below `compute.image`."""
        return ComputeImage(self._send)


class Procedures(Node):
    """Every procedure; each answers when the call has ended."""

    @property
    def auth(self) -> Auth:
        """The procedures below `auth`."""
        return Auth(self._send)

    @property
    def compute(self) -> Compute:
        """The procedures below `compute`."""
        return Compute(self._send)


class AsyncAuth(Node):
    """The procedures below `auth`; each is awaited."""

    async def create_user_session(
        self,
        *,
        user: str | None = None,
        user_id: str | None = None,
        domain_name: str | None = None,
        user_domain_id: str | None = None,
        password: str | None = None,
        passcode: str | None = None,
        application_credential_id: str | None = None,
        application_credential_name: str | None = None,
        application_credential_secret: str | None = None,
        token: str | None = None,
        project_name: str | None = None,
        project_id: str | None = None,
        project_domain_name: str | None = None,
        project_domain_id: str | None = None,
    ) -> UserSession:
        """Sign in, with a password or otherwise; the browser keeps the session in a sealed cookie.

        Args:
            user: The user's name.
            user_id: The user's id, instead of the name.
            domain_name: The name of the user's domain. Default: `"Default"`.
            user_domain_id: The id of the user's domain, instead of its name.
            password: The user's password.
            passcode: The second factor (TOTP): beside user and password; or alone, in the browser that was just answered `SECOND_FACTOR_REQUIRED`.
            application_credential_id: An application credential's id. It brings its project along.
            application_credential_name: An application credential's name, instead of its id; with its user.
            application_credential_secret: The application credential's secret.
            token: A Keystone token, as a single sign-on brings it. The session is this token's: signing out revokes it.
            project_name: A project's name.
            project_id: A project's id, instead of its name.
            project_domain_name: The name of the domain of `projectName`; without it, the user's domain.
            project_domain_id: The id of the domain of `projectName`, instead of its name.

        Raises:
            BffError: BAD_GATEWAY, BAD_REQUEST, FORBIDDEN, TOO_MANY_REQUESTS, UNAUTHORIZED; and as any call.
        """
        return await self._call("auth.createUserSession", {"user": user, "userId": user_id, "domainName": domain_name, "userDomainId": user_domain_id, "password": password, "passcode": passcode, "applicationCredentialId": application_credential_id, "applicationCredentialName": application_credential_name, "applicationCredentialSecret": application_credential_secret, "token": token, "projectName": project_name, "projectId": project_id, "projectDomainName": project_domain_name, "projectDomainId": project_domain_id})

    createUserSession = create_user_session

    async def change_password(
        self,
        *,
        password: str,
        new_password: str,
        user: str | None = None,
        user_id: str | None = None,
        domain_name: str | None = None,
        user_domain_id: str | None = None,
        project_id: str | None = None,
    ) -> bool:
        """Change a user's password, also one that has expired; it ends all sessions of the user.

        Args:
            user: The user's name.
            user_id: The user's id, instead of the name.
            domain_name: The name of the user's domain. Default: `"Default"`.
            user_domain_id: The id of the user's domain, instead of its name.
            password: The password so far; it may have expired.
            new_password: The password to be.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, TOO_MANY_REQUESTS, UNAUTHORIZED; and as any call.
        """
        return await self._call("auth.changePassword", {"user": user, "userId": user_id, "domainName": domain_name, "userDomainId": user_domain_id, "password": password, "newPassword": new_password, "project_id": project_id})

    changePassword = change_password

    async def get_current_user_session(
        self,
        *,
        project_id: str | None = None,
    ) -> UserSession | None:
        """Return the session that this request belongs to, `null` when there is none.

        Args:
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: FORBIDDEN, SESSION_CHANGED; and as any call.
        """
        return await self._call("auth.getCurrentUserSession", {"project_id": project_id})

    getCurrentUserSession = get_current_user_session

    async def list_projects(
        self,
        *,
        name: str | None = None,
        search: str | None = None,
        domain_id: str | None = None,
        project_id: str | None = None,
    ) -> list[Project]:
        """Return the projects in which the user has a role, or those of them that are asked for.

        Args:
            name: The exact name; each domain may have one.
            search: A part of the name or the id, in letters of any case.
            domain_id: The id of the domain that they belong to.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: UNAUTHORIZED; and as any call.
        """
        return await self._call("auth.listProjects", {"name": name, "search": search, "domainId": domain_id, "project_id": project_id})

    listProjects = list_projects

    async def set_current_scope(
        self,
        *,
        type: Literal["project", "domain", "unscoped"],
        project_id: str | None = None,
        domain_id: str | None = None,
    ) -> UserSession:
        """Let the session work in another project or domain from the next request on.

        Args:
            type: The kind of scope.
            project_id: For `project`: its id.
            domain_id: For `domain`: its id.

        Raises:
            BffError: BAD_GATEWAY, BAD_REQUEST, FORBIDDEN, UNAUTHORIZED; and as any call.
        """
        return await self._call("auth.setCurrentScope", {"type": type, "projectId": project_id, "domainId": domain_id})

    setCurrentScope = set_current_scope

    async def terminate_user_session(
        self,
        *,
        project_id: str | None = None,
    ) -> bool:
        """Sign out: revoke the token at Keystone, with all that came from it, and clear the cookie.

        Args:
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: SESSION_CHANGED; and as any call.
        """
        return await self._call("auth.terminateUserSession", {"project_id": project_id})

    terminateUserSession = terminate_user_session


class AsyncComputeImage(Node):
    """The procedures below `compute.image`; each is awaited."""

    async def list_images(
        self,
        *,
        name: str | None = None,
        ids: list[str] | None = None,
        status: ImageStatus | list[ImageStatus] | None = None,
        visibility: Literal["public", "private", "shared", "community", "all"] | None = None,
        owner: str | None = None,
        protected: bool | None = None,
        container_format: ContainerFormat | str | list[ContainerFormat | str] | None = None,
        disk_format: DiskFormat | str | list[DiskFormat | str] | None = None,
        size_min: int | None = None,
        size_max: int | None = None,
        min_ram: int | None = None,
        min_disk: int | None = None,
        tag: str | list[str] | None = None,
        tags: str | list[str] | None = None,
        os_type: OsType | str | None = None,
        properties: dict[str, str] | None = None,
        os_hidden: bool | None = None,
        member_status: Literal["pending", "accepted", "rejected", "all"] | None = None,
        search: str | None = None,
        offered: Literal["pending", "accepted", "rejected", "all"] | None = None,
        created_at: str | list[str] | None = None,
        updated_at: str | list[str] | None = None,
        sort_key: SortKey | None = None,
        sort_dir: SortDir | None = None,
        sort: str | None = None,
        limit: int | None = None,
        marker: str | None = None,
        project_id: str | None = None,
    ) -> list[GlanceImage]:
        """Return the images that match; all of them, unless `limit` says how many.

        Args:
            name: The exact name; or several, as `in:first,second`.
            ids: The images with these ids, as `getImageById` would find each, without hidden ones: `visibility` and `member_status` are `all` where they are not given.
            status: Images in this state, or in one of several.
            visibility: Images that may be seen so; `all` adds the community's.
            owner: The id of the owning project.
            protected: Images that can or cannot be deleted.
            container_format: Images with this container, or with one of several.
            disk_format: Images of this format, or of one of several.
            size_min: At least so many bytes.
            size_max: At most so many bytes.
            min_ram: Exactly this requirement, in MiB.
            min_disk: Exactly this requirement, in GiB.
            tag: A tag, or several that must all be there.
            tags: Means the same as `tag`.
            os_type: Images with this operating system.
            properties: Images whose properties have exactly these values, as `{"os_distro": "ubuntu"}`.
            os_hidden: True lists the hidden images instead.
            member_status: For images that are shared with this project.
            search: A part of the name, the id or a tag, in letters of any case. A page looks at 500 images at most, a list or a count at 20,000.
            offered: Images that other projects share with this one, by how it answered; its own are not among them.
            created_at: As `gte:2026-01-31T12:00:00Z`; or a from and a to: `["gte:2026-01-01T00:00:00Z", "lt:2026-02-01T00:00:00Z"]`.
            updated_at: As `lt:2026-01-31T12:00:00Z`; or a from and a to, as `created_at`.
            sort_key: Legacy order; `sort` wins over it.
            sort_dir: Legacy direction; `sort` wins over it.
            sort: Terms `key:direction`, joined by commas. Without any order: created_at:desc.
            limit: The most images to return.
            marker: Begin after the image with this id.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, CONFLICT, FORBIDDEN; and as any call.
        """
        return await self._call("compute.image.listImages", {"name": name, "ids": ids, "status": status, "visibility": visibility, "owner": owner, "protected": protected, "container_format": container_format, "disk_format": disk_format, "size_min": size_min, "size_max": size_max, "min_ram": min_ram, "min_disk": min_disk, "tag": tag, "tags": tags, "os_type": os_type, "properties": properties, "os_hidden": os_hidden, "member_status": member_status, "search": search, "offered": offered, "created_at": created_at, "updated_at": updated_at, "sort_key": sort_key, "sort_dir": sort_dir, "sort": sort, "limit": limit, "marker": marker, "project_id": project_id})

    listImages = list_images

    async def list_images_with_pagination(
        self,
        *,
        name: str | None = None,
        ids: list[str] | None = None,
        status: ImageStatus | list[ImageStatus] | None = None,
        visibility: Literal["public", "private", "shared", "community", "all"] | None = None,
        owner: str | None = None,
        protected: bool | None = None,
        container_format: ContainerFormat | str | list[ContainerFormat | str] | None = None,
        disk_format: DiskFormat | str | list[DiskFormat | str] | None = None,
        size_min: int | None = None,
        size_max: int | None = None,
        min_ram: int | None = None,
        min_disk: int | None = None,
        tag: str | list[str] | None = None,
        tags: str | list[str] | None = None,
        os_type: OsType | str | None = None,
        properties: dict[str, str] | None = None,
        os_hidden: bool | None = None,
        member_status: Literal["pending", "accepted", "rejected", "all"] | None = None,
        search: str | None = None,
        offered: Literal["pending", "accepted", "rejected", "all"] | None = None,
        created_at: str | list[str] | None = None,
        updated_at: str | list[str] | None = None,
        sort_key: SortKey | None = None,
        sort_dir: SortDir | None = None,
        sort: str | None = None,
        limit: int | None = None,
        marker: str | None = None,
        first: str | None = None,
        next: str | None = None,
        project_id: str | None = None,
    ) -> ImagesPaginatedResponse:
        """Return one page of the images that match, with links to the next and the first page.

        Of what Glance cannot look for (`search`, `offered`, a from and a to), it has what is among
        500 images: the list ends where there is no `next`.

        Args:
            name: The exact name; or several, as `in:first,second`.
            ids: The images with these ids, as `getImageById` would find each, without hidden ones: `visibility` and `member_status` are `all` where they are not given.
            status: Images in this state, or in one of several.
            visibility: Images that may be seen so; `all` adds the community's.
            owner: The id of the owning project.
            protected: Images that can or cannot be deleted.
            container_format: Images with this container, or with one of several.
            disk_format: Images of this format, or of one of several.
            size_min: At least so many bytes.
            size_max: At most so many bytes.
            min_ram: Exactly this requirement, in MiB.
            min_disk: Exactly this requirement, in GiB.
            tag: A tag, or several that must all be there.
            tags: Means the same as `tag`.
            os_type: Images with this operating system.
            properties: Images whose properties have exactly these values, as `{"os_distro": "ubuntu"}`.
            os_hidden: True lists the hidden images instead.
            member_status: For images that are shared with this project.
            search: A part of the name, the id or a tag, in letters of any case. A page looks at 500 images at most, a list or a count at 20,000.
            offered: Images that other projects share with this one, by how it answered; its own are not among them.
            created_at: As `gte:2026-01-31T12:00:00Z`; or a from and a to: `["gte:2026-01-01T00:00:00Z", "lt:2026-02-01T00:00:00Z"]`.
            updated_at: As `lt:2026-01-31T12:00:00Z`; or a from and a to, as `created_at`.
            sort_key: Legacy order; `sort` wins over it.
            sort_dir: Legacy direction; `sort` wins over it.
            sort: Terms `key:direction`, joined by commas. Without any order: created_at:desc.
            limit: The most images to return.
            marker: Begin after the image with this id.
            first: `first` of an earlier answer.
            next: `next` of an earlier answer.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, FORBIDDEN; and as any call.
        """
        return await self._call("compute.image.listImagesWithPagination", {"name": name, "ids": ids, "status": status, "visibility": visibility, "owner": owner, "protected": protected, "container_format": container_format, "disk_format": disk_format, "size_min": size_min, "size_max": size_max, "min_ram": min_ram, "min_disk": min_disk, "tag": tag, "tags": tags, "os_type": os_type, "properties": properties, "os_hidden": os_hidden, "member_status": member_status, "search": search, "offered": offered, "created_at": created_at, "updated_at": updated_at, "sort_key": sort_key, "sort_dir": sort_dir, "sort": sort, "limit": limit, "marker": marker, "first": first, "next": next, "project_id": project_id})

    listImagesWithPagination = list_images_with_pagination

    async def get_image_by_id(
        self,
        *,
        image_id: str,
        project_id: str | None = None,
    ) -> GlanceImage:
        """Return one image.

        Args:
            image_id: The image's UUID.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: FORBIDDEN, NOT_FOUND; and as any call.
        """
        return await self._call("compute.image.getImageById", {"imageId": image_id, "project_id": project_id})

    getImageById = get_image_by_id

    async def create_image(
        self,
        *,
        name: str | None = None,
        id: str | None = None,
        container_format: ContainerFormat | str | None = None,
        disk_format: DiskFormat | str | None = None,
        visibility: Visibility | None = None,
        protected: bool | None = None,
        min_ram: int | None = None,
        min_disk: int | None = None,
        tags: list[str] | None = None,
        os_type: OsType | str | None = None,
        os_distro: str | None = None,
        os_version: str | None = None,
        architecture: str | None = None,
        os_hidden: bool | None = None,
        hw_disk_bus: str | None = None,
        hw_scsi_model: str | None = None,
        hw_serial: str | None = None,
        hw_qemu_guest_agent: bool | None = None,
        hw_vif_model: str | None = None,
        hw_rng_model: str | None = None,
        hw_machine_type: str | None = None,
        project_id: str | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> GlanceImage:
        """Make a queued image that has metadata but no data yet.

        Args:
            name: What people call it; need not be unique.
            id: The id to give it; Glance makes one otherwise.
            container_format: What is around the disk; needed before an upload.
            disk_format: How the disk is written; needed before an upload.
            visibility: Who may see it. Default: `"private"`.
            protected: Whether it cannot be deleted. Default: `false`.
            min_ram: The memory it needs to boot, in MiB. Default: `0`.
            min_disk: The disk it needs to boot, in GiB. Default: `0`.
            tags: Words that describe it; at most 255 characters each. Default: `[]`.
            os_type: The kind of operating system.
            os_distro: The distribution's name, as libosinfo has it.
            os_version: The version, as the distribution writes it.
            architecture: The CPU's architecture, as `x86_64`.
            os_hidden: Whether lists leave it out by default. Default: `false`.
            hw_disk_bus: The bus of its disks, as `virtio`.
            hw_scsi_model: The SCSI controller, as `virtio-scsi`, when the bus is `scsi`.
            hw_serial: The serial number that the guest sees.
            hw_qemu_guest_agent: Whether QEMU's agent runs in the guest. Stored by Glance as the string `yes` or `no`.
            hw_vif_model: The network card, as `virtio`.
            hw_rng_model: The source of randomness, as `virtio`.
            hw_machine_type: The machine that is emulated, as `q35`.
            project_id: Run in this project instead of the session's own; never sent to Glance.
            properties: Further properties of its own, by name.

        Raises:
            BffError: BAD_REQUEST, CONFLICT, FORBIDDEN, PAYLOAD_TOO_LARGE; and as any call.
        """
        return await self._call("compute.image.createImage", {"name": name, "id": id, "container_format": container_format, "disk_format": disk_format, "visibility": visibility, "protected": protected, "min_ram": min_ram, "min_disk": min_disk, "tags": tags, "os_type": os_type, "os_distro": os_distro, "os_version": os_version, "architecture": architecture, "os_hidden": os_hidden, "hw_disk_bus": hw_disk_bus, "hw_scsi_model": hw_scsi_model, "hw_serial": hw_serial, "hw_qemu_guest_agent": hw_qemu_guest_agent, "hw_vif_model": hw_vif_model, "hw_rng_model": hw_rng_model, "hw_machine_type": hw_machine_type, "project_id": project_id}, properties)

    createImage = create_image

    async def upload_image(
        self,
        *,
        image_id: str,
        file: str,
        project_id: str | None = None,
    ) -> UploadResult:
        """Store an image's data, whole or not at all; for files of a few megabytes.

        Args:
            image_id: The image's UUID.
            file: The data in base64; more of it goes through the upload route.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_GATEWAY, BAD_REQUEST, CONFLICT, FORBIDDEN, NOT_FOUND, PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE; and as any call.
        """
        return await self._call("compute.image.uploadImage", {"imageId": image_id, "file": file, "project_id": project_id})

    uploadImage = upload_image

    async def update_image(
        self,
        *,
        image_id: str,
        operations: list[JSONPatchOperation],
        project_id: str | None = None,
    ) -> GlanceImage:
        """Change an image's metadata by JSON Patch: every operation, or none.

        Args:
            image_id: The image's UUID.
            operations: JSON Patch (RFC 6902), applied in this order.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, CONFLICT, FORBIDDEN, NOT_FOUND, PAYLOAD_TOO_LARGE; and as any call.
        """
        return await self._call("compute.image.updateImage", {"imageId": image_id, "operations": operations, "project_id": project_id})

    updateImage = update_image

    async def update_image_visibility(
        self,
        *,
        image_id: str,
        visibility: Visibility,
        project_id: str | None = None,
    ) -> GlanceImage:
        """Change who may see an image.

        Args:
            image_id: The image's UUID.
            visibility: Who may see it.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, FORBIDDEN, NOT_FOUND; and as any call.
        """
        return await self._call("compute.image.updateImageVisibility", {"imageId": image_id, "visibility": visibility, "project_id": project_id})

    updateImageVisibility = update_image_visibility

    async def delete_image(
        self,
        *,
        image_id: str,
        project_id: str | None = None,
    ) -> bool:
        """Delete an image and its data for good.

        Args:
            image_id: The image's UUID.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: CONFLICT, FORBIDDEN, NOT_FOUND; and as any call.
        """
        return await self._call("compute.image.deleteImage", {"imageId": image_id, "project_id": project_id})

    deleteImage = delete_image

    async def deactivate_image(
        self,
        *,
        image_id: str,
        project_id: str | None = None,
    ) -> bool:
        """Let nobody boot or download an image any more; it keeps its data.

        Args:
            image_id: The image's UUID.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: CONFLICT, FORBIDDEN, NOT_FOUND; and as any call.
        """
        return await self._call("compute.image.deactivateImage", {"imageId": image_id, "project_id": project_id})

    deactivateImage = deactivate_image

    async def reactivate_image(
        self,
        *,
        image_id: str,
        project_id: str | None = None,
    ) -> bool:
        """Let a deactivated image be used again.

        Args:
            image_id: The image's UUID.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: CONFLICT, FORBIDDEN, NOT_FOUND; and as any call.
        """
        return await self._call("compute.image.reactivateImage", {"imageId": image_id, "project_id": project_id})

    reactivateImage = reactivate_image

    async def list_image_members(
        self,
        *,
        image_id: str,
        project_id: str | None = None,
    ) -> list[ImageMember]:
        """Return the projects with which an image is shared.

        Args:
            image_id: The image's UUID.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: FORBIDDEN, NOT_FOUND; and as any call.
        """
        return await self._call("compute.image.listImageMembers", {"imageId": image_id, "project_id": project_id})

    listImageMembers = list_image_members

    async def get_image_member(
        self,
        *,
        image_id: str,
        member_id: str,
        project_id: str | None = None,
    ) -> ImageMember:
        """Return one project with which an image is shared.

        Args:
            image_id: The image's UUID.
            member_id: The member's project id.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: NOT_FOUND; and as any call.
        """
        return await self._call("compute.image.getImageMember", {"imageId": image_id, "memberId": member_id, "project_id": project_id})

    getImageMember = get_image_member

    async def create_image_member(
        self,
        *,
        image_id: str,
        member: str,
        project_id: str | None = None,
    ) -> ImageMember:
        """Share an image with a project, which has yet to accept it.

        Args:
            image_id: The image's UUID.
            member: The id of the project to share with.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, CONFLICT, FORBIDDEN, NOT_FOUND, PAYLOAD_TOO_LARGE; and as any call.
        """
        return await self._call("compute.image.createImageMember", {"imageId": image_id, "member": member, "project_id": project_id})

    createImageMember = create_image_member

    async def update_image_member(
        self,
        *,
        image_id: str,
        member_id: str,
        status: MemberStatus,
        project_id: str | None = None,
    ) -> ImageMember:
        """Accept or reject an image that is shared with the caller's project.

        Args:
            image_id: The image's UUID.
            member_id: The member's project id.
            status: Whether the member wants the image in its lists.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, FORBIDDEN, NOT_FOUND; and as any call.
        """
        return await self._call("compute.image.updateImageMember", {"imageId": image_id, "memberId": member_id, "status": status, "project_id": project_id})

    updateImageMember = update_image_member

    async def delete_image_member(
        self,
        *,
        image_id: str,
        member_id: str,
        project_id: str | None = None,
    ) -> bool:
        """Stop sharing an image with a project.

        Args:
            image_id: The image's UUID.
            member_id: The member's project id.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: FORBIDDEN, NOT_FOUND; and as any call.
        """
        return await self._call("compute.image.deleteImageMember", {"imageId": image_id, "memberId": member_id, "project_id": project_id})

    deleteImageMember = delete_image_member

    async def delete_images(
        self,
        *,
        image_ids: list[str],
        project_id: str | None = None,
    ) -> BulkOperationResult:
        """Delete images and their data for good, each on its own.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return await self._call("compute.image.deleteImages", {"imageIds": image_ids, "project_id": project_id})

    deleteImages = delete_images

    async def activate_images(
        self,
        *,
        image_ids: list[str],
        project_id: str | None = None,
    ) -> BulkOperationResult:
        """Let deactivated images be used again, each on its own.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return await self._call("compute.image.activateImages", {"imageIds": image_ids, "project_id": project_id})

    activateImages = activate_images

    async def deactivate_images(
        self,
        *,
        image_ids: list[str],
        project_id: str | None = None,
    ) -> BulkOperationResult:
        """Let nobody boot or download images any more, each on its own.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return await self._call("compute.image.deactivateImages", {"imageIds": image_ids, "project_id": project_id})

    deactivateImages = deactivate_images

    async def share_images(
        self,
        *,
        image_ids: list[str],
        members: list[str],
        dry_run: bool | None = None,
        accept: bool | None = None,
        project_id: str | None = None,
    ) -> ShareImagesResult:
        """Share images with projects, each with each; fine where that is so already.

        Several images with one project, or one image with several.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            dry_run: Change nothing, and answer what would be done, as far as can be seen. Default: `false`.
            members: The ids of the projects to share with. Images times projects are at most 1000.
            accept: Accept at once where the caller may: as the project itself, or by the site's policy. The others have yet to accept. Default: `false`.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return await self._call("compute.image.shareImages", {"imageIds": image_ids, "dryRun": dry_run, "members": members, "accept": accept, "project_id": project_id})

    shareImages = share_images

    async def tag_images(
        self,
        *,
        image_ids: list[str],
        tags: list[str],
        dry_run: bool | None = None,
        project_id: str | None = None,
    ) -> BulkChangeResult:
        """Add tags to images, each tag by itself; fine where an image has it already.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            dry_run: Change nothing, and answer what would be done, as far as can be seen. Default: `false`.
            tags: The tags. Images times tags are at most 1000.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return await self._call("compute.image.tagImages", {"imageIds": image_ids, "dryRun": dry_run, "tags": tags, "project_id": project_id})

    tagImages = tag_images

    async def untag_images(
        self,
        *,
        image_ids: list[str],
        tags: list[str],
        dry_run: bool | None = None,
        project_id: str | None = None,
    ) -> BulkChangeResult:
        """Remove tags from images, each tag by itself; fine where an image does not have it.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            dry_run: Change nothing, and answer what would be done, as far as can be seen. Default: `false`.
            tags: The tags. Images times tags are at most 1000.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return await self._call("compute.image.untagImages", {"imageIds": image_ids, "dryRun": dry_run, "tags": tags, "project_id": project_id})

    untagImages = untag_images

    async def update_images(
        self,
        *,
        image_ids: list[str],
        operations: list[JSONPatchOperation],
        dry_run: bool | None = None,
        project_id: str | None = None,
    ) -> BulkChangeResult:
        """Change the metadata of images by one JSON Patch: of each image, every operation or none.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            dry_run: Change nothing, and answer what would be done, as far as can be seen. Default: `false`.
            operations: JSON Patch (RFC 6902), applied in this order to each image; at most 65536 bytes. Images times operations are at most 10000.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return await self._call("compute.image.updateImages", {"imageIds": image_ids, "dryRun": dry_run, "operations": operations, "project_id": project_id})

    updateImages = update_images

    async def count_images(
        self,
        *,
        name: str | None = None,
        ids: list[str] | None = None,
        status: ImageStatus | list[ImageStatus] | None = None,
        visibility: Literal["public", "private", "shared", "community", "all"] | None = None,
        owner: str | None = None,
        protected: bool | None = None,
        container_format: ContainerFormat | str | list[ContainerFormat | str] | None = None,
        disk_format: DiskFormat | str | list[DiskFormat | str] | None = None,
        size_min: int | None = None,
        size_max: int | None = None,
        min_ram: int | None = None,
        min_disk: int | None = None,
        tag: str | list[str] | None = None,
        tags: str | list[str] | None = None,
        os_type: OsType | str | None = None,
        properties: dict[str, str] | None = None,
        os_hidden: bool | None = None,
        member_status: Literal["pending", "accepted", "rejected", "all"] | None = None,
        search: str | None = None,
        offered: Literal["pending", "accepted", "rejected", "all"] | None = None,
        created_at: str | list[str] | None = None,
        updated_at: str | list[str] | None = None,
        project_id: str | None = None,
    ) -> ImagesCount:
        """Return how many images match; of 20,000 at most, and whether that were all.

        Args:
            name: The exact name; or several, as `in:first,second`.
            ids: The images with these ids, as `getImageById` would find each, without hidden ones: `visibility` and `member_status` are `all` where they are not given.
            status: Images in this state, or in one of several.
            visibility: Images that may be seen so; `all` adds the community's.
            owner: The id of the owning project.
            protected: Images that can or cannot be deleted.
            container_format: Images with this container, or with one of several.
            disk_format: Images of this format, or of one of several.
            size_min: At least so many bytes.
            size_max: At most so many bytes.
            min_ram: Exactly this requirement, in MiB.
            min_disk: Exactly this requirement, in GiB.
            tag: A tag, or several that must all be there.
            tags: Means the same as `tag`.
            os_type: Images with this operating system.
            properties: Images whose properties have exactly these values, as `{"os_distro": "ubuntu"}`.
            os_hidden: True lists the hidden images instead.
            member_status: For images that are shared with this project.
            search: A part of the name, the id or a tag, in letters of any case. A page looks at 500 images at most, a list or a count at 20,000.
            offered: Images that other projects share with this one, by how it answered; its own are not among them.
            created_at: As `gte:2026-01-31T12:00:00Z`; or a from and a to: `["gte:2026-01-01T00:00:00Z", "lt:2026-02-01T00:00:00Z"]`.
            updated_at: As `lt:2026-01-31T12:00:00Z`; or a from and a to, as `created_at`.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, CONFLICT; and as any call.
        """
        return await self._call("compute.image.countImages", {"name": name, "ids": ids, "status": status, "visibility": visibility, "owner": owner, "protected": protected, "container_format": container_format, "disk_format": disk_format, "size_min": size_min, "size_max": size_max, "min_ram": min_ram, "min_disk": min_disk, "tag": tag, "tags": tags, "os_type": os_type, "properties": properties, "os_hidden": os_hidden, "member_status": member_status, "search": search, "offered": offered, "created_at": created_at, "updated_at": updated_at, "project_id": project_id})

    countImages = count_images


class AsyncCompute(Node):
    """The procedures below `compute`; each is awaited."""

    @property
    def image(self) -> AsyncComputeImage:
        """The procedures below `compute.image`."""
        return AsyncComputeImage(self._send)


class AsyncProcedures(Node):
    """Every procedure; each is awaited."""

    @property
    def auth(self) -> AsyncAuth:
        """The procedures below `auth`."""
        return AsyncAuth(self._send)

    @property
    def compute(self) -> AsyncCompute:
        """The procedures below `compute`."""
        return AsyncCompute(self._send)


class BatchAuth(Node):
    """The procedures below `auth`; each is sent with the others of its batch."""

    def create_user_session(
        self,
        *,
        user: str | None = None,
        user_id: str | None = None,
        domain_name: str | None = None,
        user_domain_id: str | None = None,
        password: str | None = None,
        passcode: str | None = None,
        application_credential_id: str | None = None,
        application_credential_name: str | None = None,
        application_credential_secret: str | None = None,
        token: str | None = None,
        project_name: str | None = None,
        project_id: str | None = None,
        project_domain_name: str | None = None,
        project_domain_id: str | None = None,
    ) -> Outcome[UserSession]:
        """Sign in, with a password or otherwise; the browser keeps the session in a sealed cookie.

        Args:
            user: The user's name.
            user_id: The user's id, instead of the name.
            domain_name: The name of the user's domain. Default: `"Default"`.
            user_domain_id: The id of the user's domain, instead of its name.
            password: The user's password.
            passcode: The second factor (TOTP): beside user and password; or alone, in the browser that was just answered `SECOND_FACTOR_REQUIRED`.
            application_credential_id: An application credential's id. It brings its project along.
            application_credential_name: An application credential's name, instead of its id; with its user.
            application_credential_secret: The application credential's secret.
            token: A Keystone token, as a single sign-on brings it. The session is this token's: signing out revokes it.
            project_name: A project's name.
            project_id: A project's id, instead of its name.
            project_domain_name: The name of the domain of `projectName`; without it, the user's domain.
            project_domain_id: The id of the domain of `projectName`, instead of its name.

        Raises:
            BffError: BAD_GATEWAY, BAD_REQUEST, FORBIDDEN, TOO_MANY_REQUESTS, UNAUTHORIZED; and as any call.
        """
        return self._call("auth.createUserSession", {"user": user, "userId": user_id, "domainName": domain_name, "userDomainId": user_domain_id, "password": password, "passcode": passcode, "applicationCredentialId": application_credential_id, "applicationCredentialName": application_credential_name, "applicationCredentialSecret": application_credential_secret, "token": token, "projectName": project_name, "projectId": project_id, "projectDomainName": project_domain_name, "projectDomainId": project_domain_id})

    createUserSession = create_user_session

    def change_password(
        self,
        *,
        password: str,
        new_password: str,
        user: str | None = None,
        user_id: str | None = None,
        domain_name: str | None = None,
        user_domain_id: str | None = None,
        project_id: str | None = None,
    ) -> Outcome[bool]:
        """Change a user's password, also one that has expired; it ends all sessions of the user.

        Args:
            user: The user's name.
            user_id: The user's id, instead of the name.
            domain_name: The name of the user's domain. Default: `"Default"`.
            user_domain_id: The id of the user's domain, instead of its name.
            password: The password so far; it may have expired.
            new_password: The password to be.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, TOO_MANY_REQUESTS, UNAUTHORIZED; and as any call.
        """
        return self._call("auth.changePassword", {"user": user, "userId": user_id, "domainName": domain_name, "userDomainId": user_domain_id, "password": password, "newPassword": new_password, "project_id": project_id})

    changePassword = change_password

    def get_current_user_session(
        self,
        *,
        project_id: str | None = None,
    ) -> Outcome[UserSession | None]:
        """Return the session that this request belongs to, `null` when there is none.

        Args:
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: FORBIDDEN, SESSION_CHANGED; and as any call.
        """
        return self._call("auth.getCurrentUserSession", {"project_id": project_id})

    getCurrentUserSession = get_current_user_session

    def list_projects(
        self,
        *,
        name: str | None = None,
        search: str | None = None,
        domain_id: str | None = None,
        project_id: str | None = None,
    ) -> Outcome[list[Project]]:
        """Return the projects in which the user has a role, or those of them that are asked for.

        Args:
            name: The exact name; each domain may have one.
            search: A part of the name or the id, in letters of any case.
            domain_id: The id of the domain that they belong to.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: UNAUTHORIZED; and as any call.
        """
        return self._call("auth.listProjects", {"name": name, "search": search, "domainId": domain_id, "project_id": project_id})

    listProjects = list_projects

    def set_current_scope(
        self,
        *,
        type: Literal["project", "domain", "unscoped"],
        project_id: str | None = None,
        domain_id: str | None = None,
    ) -> Outcome[UserSession]:
        """Let the session work in another project or domain from the next request on.

        Args:
            type: The kind of scope.
            project_id: For `project`: its id.
            domain_id: For `domain`: its id.

        Raises:
            BffError: BAD_GATEWAY, BAD_REQUEST, FORBIDDEN, UNAUTHORIZED; and as any call.
        """
        return self._call("auth.setCurrentScope", {"type": type, "projectId": project_id, "domainId": domain_id})

    setCurrentScope = set_current_scope

    def terminate_user_session(
        self,
        *,
        project_id: str | None = None,
    ) -> Outcome[bool]:
        """Sign out: revoke the token at Keystone, with all that came from it, and clear the cookie.

        Args:
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: SESSION_CHANGED; and as any call.
        """
        return self._call("auth.terminateUserSession", {"project_id": project_id})

    terminateUserSession = terminate_user_session


class BatchComputeImage(Node):
    """The procedures below `compute.image`; each is sent with the others of its batch."""

    def list_images(
        self,
        *,
        name: str | None = None,
        ids: list[str] | None = None,
        status: ImageStatus | list[ImageStatus] | None = None,
        visibility: Literal["public", "private", "shared", "community", "all"] | None = None,
        owner: str | None = None,
        protected: bool | None = None,
        container_format: ContainerFormat | str | list[ContainerFormat | str] | None = None,
        disk_format: DiskFormat | str | list[DiskFormat | str] | None = None,
        size_min: int | None = None,
        size_max: int | None = None,
        min_ram: int | None = None,
        min_disk: int | None = None,
        tag: str | list[str] | None = None,
        tags: str | list[str] | None = None,
        os_type: OsType | str | None = None,
        properties: dict[str, str] | None = None,
        os_hidden: bool | None = None,
        member_status: Literal["pending", "accepted", "rejected", "all"] | None = None,
        search: str | None = None,
        offered: Literal["pending", "accepted", "rejected", "all"] | None = None,
        created_at: str | list[str] | None = None,
        updated_at: str | list[str] | None = None,
        sort_key: SortKey | None = None,
        sort_dir: SortDir | None = None,
        sort: str | None = None,
        limit: int | None = None,
        marker: str | None = None,
        project_id: str | None = None,
    ) -> Outcome[list[GlanceImage]]:
        """Return the images that match; all of them, unless `limit` says how many.

        Args:
            name: The exact name; or several, as `in:first,second`.
            ids: The images with these ids, as `getImageById` would find each, without hidden ones: `visibility` and `member_status` are `all` where they are not given.
            status: Images in this state, or in one of several.
            visibility: Images that may be seen so; `all` adds the community's.
            owner: The id of the owning project.
            protected: Images that can or cannot be deleted.
            container_format: Images with this container, or with one of several.
            disk_format: Images of this format, or of one of several.
            size_min: At least so many bytes.
            size_max: At most so many bytes.
            min_ram: Exactly this requirement, in MiB.
            min_disk: Exactly this requirement, in GiB.
            tag: A tag, or several that must all be there.
            tags: Means the same as `tag`.
            os_type: Images with this operating system.
            properties: Images whose properties have exactly these values, as `{"os_distro": "ubuntu"}`.
            os_hidden: True lists the hidden images instead.
            member_status: For images that are shared with this project.
            search: A part of the name, the id or a tag, in letters of any case. A page looks at 500 images at most, a list or a count at 20,000.
            offered: Images that other projects share with this one, by how it answered; its own are not among them.
            created_at: As `gte:2026-01-31T12:00:00Z`; or a from and a to: `["gte:2026-01-01T00:00:00Z", "lt:2026-02-01T00:00:00Z"]`.
            updated_at: As `lt:2026-01-31T12:00:00Z`; or a from and a to, as `created_at`.
            sort_key: Legacy order; `sort` wins over it.
            sort_dir: Legacy direction; `sort` wins over it.
            sort: Terms `key:direction`, joined by commas. Without any order: created_at:desc.
            limit: The most images to return.
            marker: Begin after the image with this id.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, CONFLICT, FORBIDDEN; and as any call.
        """
        return self._call("compute.image.listImages", {"name": name, "ids": ids, "status": status, "visibility": visibility, "owner": owner, "protected": protected, "container_format": container_format, "disk_format": disk_format, "size_min": size_min, "size_max": size_max, "min_ram": min_ram, "min_disk": min_disk, "tag": tag, "tags": tags, "os_type": os_type, "properties": properties, "os_hidden": os_hidden, "member_status": member_status, "search": search, "offered": offered, "created_at": created_at, "updated_at": updated_at, "sort_key": sort_key, "sort_dir": sort_dir, "sort": sort, "limit": limit, "marker": marker, "project_id": project_id})

    listImages = list_images

    def list_images_with_pagination(
        self,
        *,
        name: str | None = None,
        ids: list[str] | None = None,
        status: ImageStatus | list[ImageStatus] | None = None,
        visibility: Literal["public", "private", "shared", "community", "all"] | None = None,
        owner: str | None = None,
        protected: bool | None = None,
        container_format: ContainerFormat | str | list[ContainerFormat | str] | None = None,
        disk_format: DiskFormat | str | list[DiskFormat | str] | None = None,
        size_min: int | None = None,
        size_max: int | None = None,
        min_ram: int | None = None,
        min_disk: int | None = None,
        tag: str | list[str] | None = None,
        tags: str | list[str] | None = None,
        os_type: OsType | str | None = None,
        properties: dict[str, str] | None = None,
        os_hidden: bool | None = None,
        member_status: Literal["pending", "accepted", "rejected", "all"] | None = None,
        search: str | None = None,
        offered: Literal["pending", "accepted", "rejected", "all"] | None = None,
        created_at: str | list[str] | None = None,
        updated_at: str | list[str] | None = None,
        sort_key: SortKey | None = None,
        sort_dir: SortDir | None = None,
        sort: str | None = None,
        limit: int | None = None,
        marker: str | None = None,
        first: str | None = None,
        next: str | None = None,
        project_id: str | None = None,
    ) -> Outcome[ImagesPaginatedResponse]:
        """Return one page of the images that match, with links to the next and the first page.

        Of what Glance cannot look for (`search`, `offered`, a from and a to), it has what is among
        500 images: the list ends where there is no `next`.

        Args:
            name: The exact name; or several, as `in:first,second`.
            ids: The images with these ids, as `getImageById` would find each, without hidden ones: `visibility` and `member_status` are `all` where they are not given.
            status: Images in this state, or in one of several.
            visibility: Images that may be seen so; `all` adds the community's.
            owner: The id of the owning project.
            protected: Images that can or cannot be deleted.
            container_format: Images with this container, or with one of several.
            disk_format: Images of this format, or of one of several.
            size_min: At least so many bytes.
            size_max: At most so many bytes.
            min_ram: Exactly this requirement, in MiB.
            min_disk: Exactly this requirement, in GiB.
            tag: A tag, or several that must all be there.
            tags: Means the same as `tag`.
            os_type: Images with this operating system.
            properties: Images whose properties have exactly these values, as `{"os_distro": "ubuntu"}`.
            os_hidden: True lists the hidden images instead.
            member_status: For images that are shared with this project.
            search: A part of the name, the id or a tag, in letters of any case. A page looks at 500 images at most, a list or a count at 20,000.
            offered: Images that other projects share with this one, by how it answered; its own are not among them.
            created_at: As `gte:2026-01-31T12:00:00Z`; or a from and a to: `["gte:2026-01-01T00:00:00Z", "lt:2026-02-01T00:00:00Z"]`.
            updated_at: As `lt:2026-01-31T12:00:00Z`; or a from and a to, as `created_at`.
            sort_key: Legacy order; `sort` wins over it.
            sort_dir: Legacy direction; `sort` wins over it.
            sort: Terms `key:direction`, joined by commas. Without any order: created_at:desc.
            limit: The most images to return.
            marker: Begin after the image with this id.
            first: `first` of an earlier answer.
            next: `next` of an earlier answer.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, FORBIDDEN; and as any call.
        """
        return self._call("compute.image.listImagesWithPagination", {"name": name, "ids": ids, "status": status, "visibility": visibility, "owner": owner, "protected": protected, "container_format": container_format, "disk_format": disk_format, "size_min": size_min, "size_max": size_max, "min_ram": min_ram, "min_disk": min_disk, "tag": tag, "tags": tags, "os_type": os_type, "properties": properties, "os_hidden": os_hidden, "member_status": member_status, "search": search, "offered": offered, "created_at": created_at, "updated_at": updated_at, "sort_key": sort_key, "sort_dir": sort_dir, "sort": sort, "limit": limit, "marker": marker, "first": first, "next": next, "project_id": project_id})

    listImagesWithPagination = list_images_with_pagination

    def get_image_by_id(
        self,
        *,
        image_id: str,
        project_id: str | None = None,
    ) -> Outcome[GlanceImage]:
        """Return one image.

        Args:
            image_id: The image's UUID.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: FORBIDDEN, NOT_FOUND; and as any call.
        """
        return self._call("compute.image.getImageById", {"imageId": image_id, "project_id": project_id})

    getImageById = get_image_by_id

    def create_image(
        self,
        *,
        name: str | None = None,
        id: str | None = None,
        container_format: ContainerFormat | str | None = None,
        disk_format: DiskFormat | str | None = None,
        visibility: Visibility | None = None,
        protected: bool | None = None,
        min_ram: int | None = None,
        min_disk: int | None = None,
        tags: list[str] | None = None,
        os_type: OsType | str | None = None,
        os_distro: str | None = None,
        os_version: str | None = None,
        architecture: str | None = None,
        os_hidden: bool | None = None,
        hw_disk_bus: str | None = None,
        hw_scsi_model: str | None = None,
        hw_serial: str | None = None,
        hw_qemu_guest_agent: bool | None = None,
        hw_vif_model: str | None = None,
        hw_rng_model: str | None = None,
        hw_machine_type: str | None = None,
        project_id: str | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> Outcome[GlanceImage]:
        """Make a queued image that has metadata but no data yet.

        Args:
            name: What people call it; need not be unique.
            id: The id to give it; Glance makes one otherwise.
            container_format: What is around the disk; needed before an upload.
            disk_format: How the disk is written; needed before an upload.
            visibility: Who may see it. Default: `"private"`.
            protected: Whether it cannot be deleted. Default: `false`.
            min_ram: The memory it needs to boot, in MiB. Default: `0`.
            min_disk: The disk it needs to boot, in GiB. Default: `0`.
            tags: Words that describe it; at most 255 characters each. Default: `[]`.
            os_type: The kind of operating system.
            os_distro: The distribution's name, as libosinfo has it.
            os_version: The version, as the distribution writes it.
            architecture: The CPU's architecture, as `x86_64`.
            os_hidden: Whether lists leave it out by default. Default: `false`.
            hw_disk_bus: The bus of its disks, as `virtio`.
            hw_scsi_model: The SCSI controller, as `virtio-scsi`, when the bus is `scsi`.
            hw_serial: The serial number that the guest sees.
            hw_qemu_guest_agent: Whether QEMU's agent runs in the guest. Stored by Glance as the string `yes` or `no`.
            hw_vif_model: The network card, as `virtio`.
            hw_rng_model: The source of randomness, as `virtio`.
            hw_machine_type: The machine that is emulated, as `q35`.
            project_id: Run in this project instead of the session's own; never sent to Glance.
            properties: Further properties of its own, by name.

        Raises:
            BffError: BAD_REQUEST, CONFLICT, FORBIDDEN, PAYLOAD_TOO_LARGE; and as any call.
        """
        return self._call("compute.image.createImage", {"name": name, "id": id, "container_format": container_format, "disk_format": disk_format, "visibility": visibility, "protected": protected, "min_ram": min_ram, "min_disk": min_disk, "tags": tags, "os_type": os_type, "os_distro": os_distro, "os_version": os_version, "architecture": architecture, "os_hidden": os_hidden, "hw_disk_bus": hw_disk_bus, "hw_scsi_model": hw_scsi_model, "hw_serial": hw_serial, "hw_qemu_guest_agent": hw_qemu_guest_agent, "hw_vif_model": hw_vif_model, "hw_rng_model": hw_rng_model, "hw_machine_type": hw_machine_type, "project_id": project_id}, properties)

    createImage = create_image

    def upload_image(
        self,
        *,
        image_id: str,
        file: str,
        project_id: str | None = None,
    ) -> Outcome[UploadResult]:
        """Store an image's data, whole or not at all; for files of a few megabytes.

        Args:
            image_id: The image's UUID.
            file: The data in base64; more of it goes through the upload route.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_GATEWAY, BAD_REQUEST, CONFLICT, FORBIDDEN, NOT_FOUND, PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE; and as any call.
        """
        return self._call("compute.image.uploadImage", {"imageId": image_id, "file": file, "project_id": project_id})

    uploadImage = upload_image

    def update_image(
        self,
        *,
        image_id: str,
        operations: list[JSONPatchOperation],
        project_id: str | None = None,
    ) -> Outcome[GlanceImage]:
        """Change an image's metadata by JSON Patch: every operation, or none.

        Args:
            image_id: The image's UUID.
            operations: JSON Patch (RFC 6902), applied in this order.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, CONFLICT, FORBIDDEN, NOT_FOUND, PAYLOAD_TOO_LARGE; and as any call.
        """
        return self._call("compute.image.updateImage", {"imageId": image_id, "operations": operations, "project_id": project_id})

    updateImage = update_image

    def update_image_visibility(
        self,
        *,
        image_id: str,
        visibility: Visibility,
        project_id: str | None = None,
    ) -> Outcome[GlanceImage]:
        """Change who may see an image.

        Args:
            image_id: The image's UUID.
            visibility: Who may see it.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, FORBIDDEN, NOT_FOUND; and as any call.
        """
        return self._call("compute.image.updateImageVisibility", {"imageId": image_id, "visibility": visibility, "project_id": project_id})

    updateImageVisibility = update_image_visibility

    def delete_image(
        self,
        *,
        image_id: str,
        project_id: str | None = None,
    ) -> Outcome[bool]:
        """Delete an image and its data for good.

        Args:
            image_id: The image's UUID.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: CONFLICT, FORBIDDEN, NOT_FOUND; and as any call.
        """
        return self._call("compute.image.deleteImage", {"imageId": image_id, "project_id": project_id})

    deleteImage = delete_image

    def deactivate_image(
        self,
        *,
        image_id: str,
        project_id: str | None = None,
    ) -> Outcome[bool]:
        """Let nobody boot or download an image any more; it keeps its data.

        Args:
            image_id: The image's UUID.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: CONFLICT, FORBIDDEN, NOT_FOUND; and as any call.
        """
        return self._call("compute.image.deactivateImage", {"imageId": image_id, "project_id": project_id})

    deactivateImage = deactivate_image

    def reactivate_image(
        self,
        *,
        image_id: str,
        project_id: str | None = None,
    ) -> Outcome[bool]:
        """Let a deactivated image be used again.

        Args:
            image_id: The image's UUID.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: CONFLICT, FORBIDDEN, NOT_FOUND; and as any call.
        """
        return self._call("compute.image.reactivateImage", {"imageId": image_id, "project_id": project_id})

    reactivateImage = reactivate_image

    def list_image_members(
        self,
        *,
        image_id: str,
        project_id: str | None = None,
    ) -> Outcome[list[ImageMember]]:
        """Return the projects with which an image is shared.

        Args:
            image_id: The image's UUID.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: FORBIDDEN, NOT_FOUND; and as any call.
        """
        return self._call("compute.image.listImageMembers", {"imageId": image_id, "project_id": project_id})

    listImageMembers = list_image_members

    def get_image_member(
        self,
        *,
        image_id: str,
        member_id: str,
        project_id: str | None = None,
    ) -> Outcome[ImageMember]:
        """Return one project with which an image is shared.

        Args:
            image_id: The image's UUID.
            member_id: The member's project id.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: NOT_FOUND; and as any call.
        """
        return self._call("compute.image.getImageMember", {"imageId": image_id, "memberId": member_id, "project_id": project_id})

    getImageMember = get_image_member

    def create_image_member(
        self,
        *,
        image_id: str,
        member: str,
        project_id: str | None = None,
    ) -> Outcome[ImageMember]:
        """Share an image with a project, which has yet to accept it.

        Args:
            image_id: The image's UUID.
            member: The id of the project to share with.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, CONFLICT, FORBIDDEN, NOT_FOUND, PAYLOAD_TOO_LARGE; and as any call.
        """
        return self._call("compute.image.createImageMember", {"imageId": image_id, "member": member, "project_id": project_id})

    createImageMember = create_image_member

    def update_image_member(
        self,
        *,
        image_id: str,
        member_id: str,
        status: MemberStatus,
        project_id: str | None = None,
    ) -> Outcome[ImageMember]:
        """Accept or reject an image that is shared with the caller's project.

        Args:
            image_id: The image's UUID.
            member_id: The member's project id.
            status: Whether the member wants the image in its lists.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, FORBIDDEN, NOT_FOUND; and as any call.
        """
        return self._call("compute.image.updateImageMember", {"imageId": image_id, "memberId": member_id, "status": status, "project_id": project_id})

    updateImageMember = update_image_member

    def delete_image_member(
        self,
        *,
        image_id: str,
        member_id: str,
        project_id: str | None = None,
    ) -> Outcome[bool]:
        """Stop sharing an image with a project.

        Args:
            image_id: The image's UUID.
            member_id: The member's project id.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: FORBIDDEN, NOT_FOUND; and as any call.
        """
        return self._call("compute.image.deleteImageMember", {"imageId": image_id, "memberId": member_id, "project_id": project_id})

    deleteImageMember = delete_image_member

    def delete_images(
        self,
        *,
        image_ids: list[str],
        project_id: str | None = None,
    ) -> Outcome[BulkOperationResult]:
        """Delete images and their data for good, each on its own.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return self._call("compute.image.deleteImages", {"imageIds": image_ids, "project_id": project_id})

    deleteImages = delete_images

    def activate_images(
        self,
        *,
        image_ids: list[str],
        project_id: str | None = None,
    ) -> Outcome[BulkOperationResult]:
        """Let deactivated images be used again, each on its own.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return self._call("compute.image.activateImages", {"imageIds": image_ids, "project_id": project_id})

    activateImages = activate_images

    def deactivate_images(
        self,
        *,
        image_ids: list[str],
        project_id: str | None = None,
    ) -> Outcome[BulkOperationResult]:
        """Let nobody boot or download images any more, each on its own.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return self._call("compute.image.deactivateImages", {"imageIds": image_ids, "project_id": project_id})

    deactivateImages = deactivate_images

    def share_images(
        self,
        *,
        image_ids: list[str],
        members: list[str],
        dry_run: bool | None = None,
        accept: bool | None = None,
        project_id: str | None = None,
    ) -> Outcome[ShareImagesResult]:
        """Share images with projects, each with each; fine where that is so already.

        Several images with one project, or one image with several.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            dry_run: Change nothing, and answer what would be done, as far as can be seen. Default: `false`.
            members: The ids of the projects to share with. Images times projects are at most 1000.
            accept: Accept at once where the caller may: as the project itself, or by the site's policy. The others have yet to accept. Default: `false`.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return self._call("compute.image.shareImages", {"imageIds": image_ids, "dryRun": dry_run, "members": members, "accept": accept, "project_id": project_id})

    shareImages = share_images

    def tag_images(
        self,
        *,
        image_ids: list[str],
        tags: list[str],
        dry_run: bool | None = None,
        project_id: str | None = None,
    ) -> Outcome[BulkChangeResult]:
        """Add tags to images, each tag by itself; fine where an image has it already.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            dry_run: Change nothing, and answer what would be done, as far as can be seen. Default: `false`.
            tags: The tags. Images times tags are at most 1000.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return self._call("compute.image.tagImages", {"imageIds": image_ids, "dryRun": dry_run, "tags": tags, "project_id": project_id})

    tagImages = tag_images

    def untag_images(
        self,
        *,
        image_ids: list[str],
        tags: list[str],
        dry_run: bool | None = None,
        project_id: str | None = None,
    ) -> Outcome[BulkChangeResult]:
        """Remove tags from images, each tag by itself; fine where an image does not have it.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            dry_run: Change nothing, and answer what would be done, as far as can be seen. Default: `false`.
            tags: The tags. Images times tags are at most 1000.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return self._call("compute.image.untagImages", {"imageIds": image_ids, "dryRun": dry_run, "tags": tags, "project_id": project_id})

    untagImages = untag_images

    def update_images(
        self,
        *,
        image_ids: list[str],
        operations: list[JSONPatchOperation],
        dry_run: bool | None = None,
        project_id: str | None = None,
    ) -> Outcome[BulkChangeResult]:
        """Change the metadata of images by one JSON Patch: of each image, every operation or none.

        Args:
            image_ids: The images' UUIDs, at most 1000; of none, nothing is done.
            dry_run: Change nothing, and answer what would be done, as far as can be seen. Default: `false`.
            operations: JSON Patch (RFC 6902), applied in this order to each image; at most 65536 bytes. Images times operations are at most 10000.
            project_id: Run in this project instead of the session's own; never sent to Glance.
        """
        return self._call("compute.image.updateImages", {"imageIds": image_ids, "dryRun": dry_run, "operations": operations, "project_id": project_id})

    updateImages = update_images

    def count_images(
        self,
        *,
        name: str | None = None,
        ids: list[str] | None = None,
        status: ImageStatus | list[ImageStatus] | None = None,
        visibility: Literal["public", "private", "shared", "community", "all"] | None = None,
        owner: str | None = None,
        protected: bool | None = None,
        container_format: ContainerFormat | str | list[ContainerFormat | str] | None = None,
        disk_format: DiskFormat | str | list[DiskFormat | str] | None = None,
        size_min: int | None = None,
        size_max: int | None = None,
        min_ram: int | None = None,
        min_disk: int | None = None,
        tag: str | list[str] | None = None,
        tags: str | list[str] | None = None,
        os_type: OsType | str | None = None,
        properties: dict[str, str] | None = None,
        os_hidden: bool | None = None,
        member_status: Literal["pending", "accepted", "rejected", "all"] | None = None,
        search: str | None = None,
        offered: Literal["pending", "accepted", "rejected", "all"] | None = None,
        created_at: str | list[str] | None = None,
        updated_at: str | list[str] | None = None,
        project_id: str | None = None,
    ) -> Outcome[ImagesCount]:
        """Return how many images match; of 20,000 at most, and whether that were all.

        Args:
            name: The exact name; or several, as `in:first,second`.
            ids: The images with these ids, as `getImageById` would find each, without hidden ones: `visibility` and `member_status` are `all` where they are not given.
            status: Images in this state, or in one of several.
            visibility: Images that may be seen so; `all` adds the community's.
            owner: The id of the owning project.
            protected: Images that can or cannot be deleted.
            container_format: Images with this container, or with one of several.
            disk_format: Images of this format, or of one of several.
            size_min: At least so many bytes.
            size_max: At most so many bytes.
            min_ram: Exactly this requirement, in MiB.
            min_disk: Exactly this requirement, in GiB.
            tag: A tag, or several that must all be there.
            tags: Means the same as `tag`.
            os_type: Images with this operating system.
            properties: Images whose properties have exactly these values, as `{"os_distro": "ubuntu"}`.
            os_hidden: True lists the hidden images instead.
            member_status: For images that are shared with this project.
            search: A part of the name, the id or a tag, in letters of any case. A page looks at 500 images at most, a list or a count at 20,000.
            offered: Images that other projects share with this one, by how it answered; its own are not among them.
            created_at: As `gte:2026-01-31T12:00:00Z`; or a from and a to: `["gte:2026-01-01T00:00:00Z", "lt:2026-02-01T00:00:00Z"]`.
            updated_at: As `lt:2026-01-31T12:00:00Z`; or a from and a to, as `created_at`.
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: BAD_REQUEST, CONFLICT; and as any call.
        """
        return self._call("compute.image.countImages", {"name": name, "ids": ids, "status": status, "visibility": visibility, "owner": owner, "protected": protected, "container_format": container_format, "disk_format": disk_format, "size_min": size_min, "size_max": size_max, "min_ram": min_ram, "min_disk": min_disk, "tag": tag, "tags": tags, "os_type": os_type, "properties": properties, "os_hidden": os_hidden, "member_status": member_status, "search": search, "offered": offered, "created_at": created_at, "updated_at": updated_at, "project_id": project_id})

    countImages = count_images


class BatchCompute(Node):
    """The procedures below `compute`; each is sent with the others of its batch."""

    @property
    def image(self) -> BatchComputeImage:
        """The procedures below `compute.image`."""
        return BatchComputeImage(self._send)


class BatchProcedures(Node):
    """Every procedure; each is sent with the others of its batch."""

    @property
    def auth(self) -> BatchAuth:
        """The procedures below `auth`."""
        return BatchAuth(self._send)

    @property
    def compute(self) -> BatchCompute:
        """The procedures below `compute`."""
        return BatchCompute(self._send)
