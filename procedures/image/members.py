"""Sharing. Specification: "Image Member Management Endpoints"."""

from __future__ import annotations

from bff.session.context import ProjectContext
from schemas.json import Json
from schemas.member import (
    CreateImageMemberInput,
    DeleteImageMemberInput,
    GetImageMemberInput,
    ImageMember,
    ListImageMembersInput,
    UpdateImageMemberInput,
)


async def list_image_members(
    ctx: ProjectContext, params: ListImageMembersInput
) -> Json[list[ImageMember]]:
    """Return the projects with which an image is shared."""
    return await ctx.glance.members.list(params.image_id)


async def get_image_member(ctx: ProjectContext, params: GetImageMemberInput) -> Json[ImageMember]:
    """Return one project with which an image is shared."""
    return await ctx.glance.members.show(params.image_id, params.member_id)


async def create_image_member(
    ctx: ProjectContext, params: CreateImageMemberInput
) -> Json[ImageMember]:
    """Share an image with a project, which has yet to accept it."""
    return await ctx.glance.members.create(params.image_id, params.member)


async def update_image_member(
    ctx: ProjectContext, params: UpdateImageMemberInput
) -> Json[ImageMember]:
    """Accept or reject an image that is shared with the caller's project."""
    return await ctx.glance.members.update(params.image_id, params.member_id, params.status)


async def delete_image_member(ctx: ProjectContext, params: DeleteImageMemberInput) -> bool:
    """Stop sharing an image with a project."""
    await ctx.glance.members.delete(params.image_id, params.member_id)
    return True
