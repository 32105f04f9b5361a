"""Many images at once. Specification: "Bulk Image Operations"."""

from __future__ import annotations

from bff.rpc.bulk import on_each
from bff.session.context import ProjectContext
from schemas.bulk import (
    ActivateImagesInput,
    BulkOperationResult,
    DeactivateImagesInput,
    DeleteImagesInput,
)


async def delete_images(ctx: ProjectContext, params: DeleteImagesInput) -> BulkOperationResult:
    """Delete images and their data for good, each on its own."""
    return await on_each(ctx, params.image_ids, ctx.glance.images.delete)


async def activate_images(ctx: ProjectContext, params: ActivateImagesInput) -> BulkOperationResult:
    """Let deactivated images be used again, each on its own."""
    return await on_each(ctx, params.image_ids, ctx.glance.images.reactivate)


async def deactivate_images(
    ctx: ProjectContext, params: DeactivateImagesInput
) -> BulkOperationResult:
    """Let nobody boot or download images any more, each on its own."""
    return await on_each(ctx, params.image_ids, ctx.glance.images.deactivate)
