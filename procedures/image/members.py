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
    ctx: ProjectContext, wanted: ListImageMembersInput
) -> Json[list[ImageMember]]:
    """Return the projects with which an image is shared."""
    return await ctx.glance.members.list(wanted.image_id)


async def get_image_member(ctx: ProjectContext, wanted: GetImageMemberInput) -> Json[ImageMember]:
    """Return one project with which an image is shared."""
    return await ctx.glance.members.show(wanted.image_id, wanted.member_id)


async def create_image_member(
    ctx: ProjectContext, wanted: CreateImageMemberInput
) -> Json[ImageMember]:
    """Share an image with a project, which has yet to accept it."""
    return await ctx.glance.members.create(wanted.image_id, wanted.member)


async def update_image_member(
    ctx: ProjectContext, wanted: UpdateImageMemberInput
) -> Json[ImageMember]:
    """Accept or reject an image that is shared with the caller's project."""
    return await ctx.glance.members.update(wanted.image_id, wanted.member_id, wanted.status)


async def delete_image_member(ctx: ProjectContext, wanted: DeleteImageMemberInput) -> bool:
    """Stop sharing an image with a project."""
    await ctx.glance.members.delete(wanted.image_id, wanted.member_id)
    return True
