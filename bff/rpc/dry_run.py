"""One change to many images, or what it would do to each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bff import log_fields
from bff.rpc.bulk import on_each
from bff.session.context import ProjectContext
from schemas.bulk_changes import BulkChangeResult

TIMED_OUT = "Timed out while looking; nothing was changed. Retry."


async def change_each(
    ctx: ProjectContext,
    keys: list[str],
    change: Callable[[str], Awaitable[None]],
    is_so: Callable[[str], Awaitable[bool]],
    *,
    dry_run: bool,
) -> BulkChangeResult:
    """Change each of many images as ``on_each`` does, or only look at it.

    Args:
        keys: The images' ids, or what begins with one.
        change: Makes the change.
        is_so: Returns whether the change would make no difference; raises as it would.
    """
    if dry_run:
        log_fields.bind(dry_run=True)
        return await _look_at_each(ctx, keys, is_so)
    result = await on_each(ctx, keys, change)
    return BulkChangeResult(successful=result.successful, failed=result.failed, unchanged=None)


async def _look_at_each(
    ctx: ProjectContext, keys: list[str], is_so: Callable[[str], Awaitable[bool]]
) -> BulkChangeResult:
    unchanged: set[str] = set()

    async def look(key: str) -> None:
        if await is_so(key):
            unchanged.add(key)

    result = await on_each(ctx, keys, look, timed_out=TIMED_OUT)
    return BulkChangeResult(
        successful=result.successful,
        failed=result.failed,
        unchanged=[key for key in result.successful if key in unchanged],
    )
