"""One operation on many images. Specification: "Bulk Image Operations"."""

from __future__ import annotations

from pydantic import Field

from schemas.base import Input, Output
from schemas.error import ErrorCode
from schemas.image import EXAMPLE_ID, ImageId

MAX_IDS = 1000
EXAMPLE_MISSING = "c95abd86-55b3-4413-a5b7-6cd8a6bd99ae"


class BulkInput(Input):
    """Which images it is about; one that is named twice is done once."""

    image_ids: list[ImageId] = Field(
        alias="imageIds",
        max_length=MAX_IDS,
        description=f"The images' UUIDs, at most {MAX_IDS}; of none, nothing is done.",
        examples=[[EXAMPLE_ID, EXAMPLE_MISSING]],
    )


class DeleteImagesInput(BulkInput):
    """Which images to delete."""


class ActivateImagesInput(BulkInput):
    """Which deactivated images may be used again."""


class DeactivateImagesInput(BulkInput):
    """Which images nobody may boot or download any more."""


class BulkFailure(Output):
    """An image for which it did not work, and why."""

    id: str = Field(description="The image's UUID.", examples=[EXAMPLE_MISSING])
    error: str = Field(description="The HTTP status of the failure.", examples=["404"])
    code: ErrorCode = Field(
        description="The kind of failure, as in `error.data.code`.", examples=["NOT_FOUND"]
    )
    message: str = Field(
        description="The failure in words.",
        examples=[
            f"Image not found: {EXAMPLE_MISSING}."
            " It does not exist, or this project may not see it."
        ],
    )


class BulkOperationResult(Output):
    """What was done and what was not, each in the order asked."""

    successful: list[str] = Field(
        description="The images for which it worked.", examples=[[EXAMPLE_ID]]
    )
    failed: list[BulkFailure] = Field(description="The images for which it did not.")
