"""Images shared with projects: each image with each project is one change."""

from __future__ import annotations

from bff.rpc.dry_run import change_each
from bff.session.context import ProjectContext
from schemas.bulk import BulkFailure
from schemas.bulk_changes import BulkChangeResult, ShareFailure, ShareImagesInput, ShareImagesResult


async def share_each(ctx: ProjectContext, params: ShareImagesInput) -> ShareImagesResult:
    """Share each image with each project, and answer what became of the images."""

    async def share(pair: str) -> None:
        await ctx.glance.members.share(*_parts(pair), accept=params.accept)

    async def is_shared(pair: str) -> bool:
        return await ctx.glance.members.is_shared(*_parts(pair), accept=params.accept)

    pairs = [f"{image_id}/{member}" for image_id in params.image_ids for member in params.members]
    result = await change_each(ctx, pairs, share, is_shared, dry_run=params.dry_run)
    return _of_images(params, result)


def _parts(pair: str) -> tuple[str, str]:
    image_id, _, member = pair.partition("/")
    return image_id, member


def _of_images(params: ShareImagesInput, result: BulkChangeResult) -> ShareImagesResult:
    """Return what became of the images: the result has them project by project."""
    failed = [_failure(failure) for failure in result.failed]
    spoiled = {failure.id for failure in failed}
    successful = [one for one in dict.fromkeys(params.image_ids) if one not in spoiled]
    if result.unchanged is None:
        return ShareImagesResult(successful=successful, failed=failed, unchanged=None)
    changed = {_parts(pair)[0] for pair in {*result.successful} - {*result.unchanged}}
    unchanged = [image_id for image_id in successful if image_id not in changed]
    return ShareImagesResult(successful=successful, failed=failed, unchanged=unchanged)


def _failure(failure: BulkFailure) -> ShareFailure:
    image_id, member = _parts(failure.id)
    return ShareFailure(**{**failure.model_dump(), "id": image_id, "member": member})
