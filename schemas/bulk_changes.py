"""The same change to many images; a dry run says what it would do.

They are no part of the specification, and answer as its "Bulk Image Operations" do.
"""

from __future__ import annotations

from typing import Self

import orjson
from pydantic import Field, model_validator

from schemas.base import KeystoneId, Output
from schemas.bulk import BulkFailure, BulkInput, BulkOperationResult
from schemas.image import EXAMPLE_ID, Tag
from schemas.member import EXAMPLE_MEMBER
from schemas.patch import MAX_OPERATIONS, JSONPatchOperation

# Requests to Glance in one call: images times projects, or images times tags.
MAX_CHANGES = 1000
# Some operations are applied here, and each image is sent all of them.
MAX_APPLIED = 10_000
MAX_PATCH_BYTES = 64 * 1024


class BulkChangeInput(BulkInput):
    """Which images to change; one that is named twice is changed once."""

    dry_run: bool = Field(
        False,
        alias="dryRun",
        description="Change nothing, and answer what would be done, as far as can be seen.",
    )


class ShareImagesInput(BulkChangeInput):
    """Which images to share, and with which projects: each of them with each."""

    members: list[KeystoneId] = Field(
        min_length=1,
        max_length=MAX_CHANGES,
        description=(
            "The ids of the projects to share with. Images times projects are at most"
            f" {MAX_CHANGES}."
        ),
        examples=[[EXAMPLE_MEMBER]],
    )
    accept: bool = Field(
        False,
        description=(
            "Accept at once where the caller may: as the project itself, or by the site's policy."
            " The others have yet to accept."
        ),
    )

    @model_validator(mode="after")
    def _not_too_much(self) -> Self:
        _check_changes(len(self.image_ids), len(self.members), "members")
        return self


class TagsInput(BulkChangeInput):
    """Which tags of which images it is about."""

    tags: list[Tag] = Field(
        min_length=1,
        max_length=MAX_CHANGES,
        description=f"The tags. Images times tags are at most {MAX_CHANGES}.",
        examples=[["certified"]],
    )

    @model_validator(mode="after")
    def _not_too_much(self) -> Self:
        _check_changes(len(self.image_ids), len(self.tags), "tags")
        return self


class TagImagesInput(TagsInput):
    """Which tags to add to which images."""


class UntagImagesInput(TagsInput):
    """Which tags to remove from which images."""


class UpdateImagesInput(BulkChangeInput):
    """Which images to change, and how: for each, all operations or none of them."""

    operations: list[JSONPatchOperation] = Field(
        max_length=MAX_OPERATIONS,
        description=(
            "JSON Patch (RFC 6902), applied in this order to each image; at most"
            f" {MAX_PATCH_BYTES} bytes. Images times operations are at most {MAX_APPLIED}."
        ),
    )

    @model_validator(mode="after")
    def _not_too_much(self) -> Self:
        if len(self.image_ids) * len(self.operations) > MAX_APPLIED:
            raise ValueError(f"imageIds times operations are more than {MAX_APPLIED}")
        if len(orjson.dumps([step.as_json() for step in self.operations])) > MAX_PATCH_BYTES:
            raise ValueError(f"operations have more than {MAX_PATCH_BYTES} bytes")
        return self


def _check_changes(images: int, each: int, name: str) -> None:
    if images * each > MAX_CHANGES:
        raise ValueError(f"imageIds times {name} are more than {MAX_CHANGES}; split the call")


_UNCHANGED = Field(
    description="Of a dry run: those of the successful that are so already. Otherwise `null`.",
    examples=[None],
)


class BulkChangeResult(BulkOperationResult):
    """What was done and what was not, or of a dry run, would be; each in the order asked."""

    unchanged: list[str] | None = _UNCHANGED


class ShareFailure(BulkFailure):
    """An image that was not shared with a project, and why."""

    member: str = Field(description="The project's id.", examples=[EXAMPLE_MEMBER])


class ShareImagesResult(Output):
    """What was shared and what was not, or of a dry run, would be; each in the order asked."""

    successful: list[str] = Field(
        description="The images that are shared with every one of the projects.",
        examples=[[EXAMPLE_ID]],
    )
    failed: list[ShareFailure] = Field(
        description="Each image and project for which it did not work."
    )
    unchanged: list[str] | None = _UNCHANGED
