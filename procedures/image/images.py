"""One image, or a list. Specification: "Image Management Endpoints"."""

from __future__ import annotations

from bff.session.context import ProjectContext
from bff.upload.inline import within_limit
from procedures.image import listing
from schemas.image import (
    CreateImageInput,
    DeactivateImageInput,
    DeleteImageInput,
    GetImageByIdInput,
    GlanceImage,
    ImagesPaginatedInput,
    ImagesPaginatedResponse,
    ListImagesInput,
    ReactivateImageInput,
    UpdateImageVisibilityInput,
)
from schemas.json import Json
from schemas.patch import UpdateImageInput
from schemas.upload import UploadImageInput, UploadResult


async def list_images(ctx: ProjectContext, wanted: ListImagesInput) -> Json[list[GlanceImage]]:
    """Return the images that match; all of them, unless ``limit`` says how many."""
    return await listing.images(ctx, wanted)


async def list_images_with_pagination(
    ctx: ProjectContext, wanted: ImagesPaginatedInput
) -> Json[ImagesPaginatedResponse]:
    """Return one page of the images that match, with links to the next and the first page."""
    return await listing.page(ctx, wanted)


async def get_image_by_id(ctx: ProjectContext, wanted: GetImageByIdInput) -> Json[GlanceImage]:
    """Return one image."""
    return await ctx.glance.images.show(wanted.image_id)


async def create_image(ctx: ProjectContext, wanted: CreateImageInput) -> Json[GlanceImage]:
    """Make a queued image that has metadata but no data yet."""
    return await ctx.glance.images.create(wanted.metadata())


async def upload_image(ctx: ProjectContext, wanted: UploadImageInput) -> UploadResult:
    """Store an image's data, whole or not at all; for files of a few megabytes."""
    await ctx.glance.data.upload(wanted.image_id, within_limit(ctx, wanted.file))
    return UploadResult(success=True, image_id=wanted.image_id)


async def update_image(ctx: ProjectContext, wanted: UpdateImageInput) -> Json[GlanceImage]:
    """Change an image's metadata by JSON Patch: every operation, or none."""
    steps = [operation.as_json() for operation in wanted.operations]
    return await ctx.glance.images.update(wanted.image_id, steps)


async def update_image_visibility(
    ctx: ProjectContext, wanted: UpdateImageVisibilityInput
) -> Json[GlanceImage]:
    """Change who may see an image."""
    step = {"op": "replace", "path": "/visibility", "value": wanted.visibility}
    return await ctx.glance.images.update(wanted.image_id, [step])


async def deactivate_image(ctx: ProjectContext, wanted: DeactivateImageInput) -> bool:
    """Let nobody boot or download an image any more; it keeps its data."""
    await ctx.glance.images.deactivate(wanted.image_id)
    return True


async def reactivate_image(ctx: ProjectContext, wanted: ReactivateImageInput) -> bool:
    """Let a deactivated image be used again."""
    await ctx.glance.images.reactivate(wanted.image_id)
    return True


async def delete_image(ctx: ProjectContext, wanted: DeleteImageInput) -> bool:
    """Delete an image and its data for good."""
    await ctx.glance.images.delete(wanted.image_id)
    return True
