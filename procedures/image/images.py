"""One image, or a list. Specification: "Image Management Endpoints"."""

from __future__ import annotations

from bff.session.context import ProjectContext
from bff.upload.inline import within_limit
from procedures.image import listing
from schemas.image import (
    CountImagesInput,
    CreateImageInput,
    DeactivateImageInput,
    DeleteImageInput,
    GetImageByIdInput,
    GlanceImage,
    ImagesCount,
    ImagesPaginatedInput,
    ImagesPaginatedResponse,
    ListImagesInput,
    ReactivateImageInput,
    UpdateImageVisibilityInput,
)
from schemas.json import Json
from schemas.patch import UpdateImageInput
from schemas.upload import UploadImageInput, UploadResult


async def list_images(ctx: ProjectContext, params: ListImagesInput) -> Json[list[GlanceImage]]:
    """Return the images that match; all of them, unless ``limit`` says how many."""
    return await listing.images(ctx, params)


async def list_images_with_pagination(
    ctx: ProjectContext, params: ImagesPaginatedInput
) -> Json[ImagesPaginatedResponse]:
    """Return one page of the images that match, with links to the next and the first page.

    Of what Glance cannot look for (``search``, ``offered``, a from and a to), it has what is among
    500 images: the list ends where there is no ``next``.
    """
    return await listing.page(ctx, params)


async def count_images(ctx: ProjectContext, params: CountImagesInput) -> ImagesCount:
    """Return how many images match; of 20,000 at most, and whether that were all."""
    return await listing.count(ctx, params)


async def get_image_by_id(ctx: ProjectContext, params: GetImageByIdInput) -> Json[GlanceImage]:
    """Return one image."""
    return await ctx.image(params.image_id)


async def create_image(ctx: ProjectContext, params: CreateImageInput) -> Json[GlanceImage]:
    """Make a queued image that has metadata but no data yet."""
    return await ctx.glance.images.create(params.metadata())


async def upload_image(ctx: ProjectContext, params: UploadImageInput) -> UploadResult:
    """Store an image's data, whole or not at all; for files of a few megabytes."""
    await ctx.glance.data.upload(params.image_id, within_limit(ctx, params.file))
    return UploadResult(success=True, image_id=params.image_id)


async def update_image(ctx: ProjectContext, params: UpdateImageInput) -> Json[GlanceImage]:
    """Change an image's metadata by JSON Patch: every operation, or none."""
    steps = [operation.as_json() for operation in params.operations]
    return await ctx.glance.images.update(params.image_id, steps)


async def update_image_visibility(
    ctx: ProjectContext, params: UpdateImageVisibilityInput
) -> Json[GlanceImage]:
    """Change who may see an image."""
    step = {"op": "replace", "path": "/visibility", "value": params.visibility}
    return await ctx.glance.images.update(params.image_id, [step])


async def deactivate_image(ctx: ProjectContext, params: DeactivateImageInput) -> bool:
    """Let nobody boot or download an image any more; it keeps its data."""
    await ctx.glance.images.deactivate(params.image_id)
    return True


async def reactivate_image(ctx: ProjectContext, params: ReactivateImageInput) -> bool:
    """Let a deactivated image be used again."""
    await ctx.glance.images.reactivate(params.image_id)
    return True


async def delete_image(ctx: ProjectContext, params: DeleteImageInput) -> bool:
    """Delete an image and its data for good."""
    await ctx.glance.images.delete(params.image_id)
    return True
