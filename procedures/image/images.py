"""Images: list, get, create, delete. Specification: "Image Management Endpoints"."""

from __future__ import annotations

from bff.context import ProjectContext
from schemas.image import (
    CreateImageInput,
    DeleteImageInput,
    GetImageByIdInput,
    GlanceImage,
    ImagesPaginatedInput,
    ImagesPaginatedResponse,
    ListImagesInput,
)
from schemas.json import Json


async def list_images(ctx: ProjectContext, wanted: ListImagesInput) -> Json[list[GlanceImage]]:
    """Return the images that match; all of them, unless ``limit`` says how many."""
    return await ctx.glance.images.list(wanted)


async def list_images_with_pagination(
    ctx: ProjectContext, wanted: ImagesPaginatedInput
) -> Json[ImagesPaginatedResponse]:
    """Return one page of the images that match, with links to the next and the first page."""
    return await ctx.glance.images.page(wanted)


async def get_image_by_id(ctx: ProjectContext, wanted: GetImageByIdInput) -> Json[GlanceImage]:
    """Return one image."""
    return await ctx.glance.images.show(wanted.image_id)


async def create_image(ctx: ProjectContext, wanted: CreateImageInput) -> Json[GlanceImage]:
    """Make a queued image that has metadata but no data yet."""
    return await ctx.glance.images.create(wanted.metadata())


async def delete_image(ctx: ProjectContext, wanted: DeleteImageInput) -> bool:
    """Delete an image and its data for good."""
    await ctx.glance.images.delete(wanted.image_id)
    return True
