"""The same change to many images, each on its own; a dry run says what it would do."""

from __future__ import annotations

from bff.rpc.dry_run import change_each
from bff.session.context import ProjectContext
from procedures.image import sharing
from schemas.bulk_changes import (
    BulkChangeResult,
    ShareImagesInput,
    ShareImagesResult,
    TagImagesInput,
    UntagImagesInput,
    UpdateImagesInput,
)


async def share_images(ctx: ProjectContext, params: ShareImagesInput) -> ShareImagesResult:
    """Share images with projects, each with each; fine where that is so already.

    Several images with one project, or one image with several.
    """
    return await sharing.share_each(ctx, params)


async def tag_images(ctx: ProjectContext, params: TagImagesInput) -> BulkChangeResult:
    """Add tags to images, each tag by itself; fine where an image has it already."""

    async def tag(image_id: str) -> None:
        await ctx.glance.tags.add(image_id, params.tags)

    async def is_tagged(image_id: str) -> bool:
        return await ctx.glance.tags.missing(image_id, params.tags) == []

    return await change_each(ctx, params.image_ids, tag, is_tagged, dry_run=params.dry_run)


async def untag_images(ctx: ProjectContext, params: UntagImagesInput) -> BulkChangeResult:
    """Remove tags from images, each tag by itself; fine where an image does not have it."""

    async def untag(image_id: str) -> None:
        await ctx.glance.tags.remove(image_id, params.tags)

    async def is_untagged(image_id: str) -> bool:
        return await ctx.glance.tags.missing(image_id, params.tags) == params.tags

    return await change_each(ctx, params.image_ids, untag, is_untagged, dry_run=params.dry_run)


async def update_images(ctx: ProjectContext, params: UpdateImagesInput) -> BulkChangeResult:
    """Change the metadata of images by one JSON Patch: of each image, every operation or none."""
    steps = [operation.as_json() for operation in params.operations]

    async def update(image_id: str) -> None:
        await ctx.glance.images.update(image_id, steps)

    async def is_so(image_id: str) -> bool:
        return not await ctx.glance.images.would_change(image_id, steps)

    return await change_each(ctx, params.image_ids, update, is_so, dry_run=params.dry_run)
