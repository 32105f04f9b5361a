"""Members: the projects with which an image is shared.

Sources: the specification, "Image Member Management Endpoints"; Glance's
``glance/api/v2/image_members.py``, which takes any member id whatever.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import KeystoneId, Upstream
from schemas.image import EXAMPLE_ID, OneImageInput

MemberStatus = Literal["pending", "accepted", "rejected"]
EXAMPLE_MEMBER = "660e8400-e29b-41d4-a716-446655440001"


class ImageMember(Upstream):
    """A project that was given access to a shared image, and what it thinks of it."""

    member_id: str = Field(description="The project's id.", examples=[EXAMPLE_MEMBER])
    image_id: str = Field(description="The image's UUID.", examples=[EXAMPLE_ID])
    status: MemberStatus = Field(
        description="Whether the project wants it in its lists.", examples=["accepted"]
    )
    created_at: str = Field(description="ISO 8601, UTC.", examples=["2026-01-31T12:00:00Z"])
    updated_at: str = Field(description="ISO 8601, UTC.", examples=["2026-01-31T12:05:00Z"])
    schema_: str | None = Field(
        None,
        alias="schema",
        description="Glance's schema of a member.",
        examples=["/v2/schemas/member"],
    )


class ListImageMembersInput(OneImageInput):
    """Whose members to list."""


class OneMemberInput(OneImageInput):
    """Which member of which image it is about."""

    member_id: KeystoneId = Field(
        alias="memberId", description="The member's project id.", examples=[EXAMPLE_MEMBER]
    )


class GetImageMemberInput(OneMemberInput):
    """Which member to get."""


class CreateImageMemberInput(OneImageInput):
    """With which project to share an image."""

    member: KeystoneId = Field(
        description="The id of the project to share with.", examples=[EXAMPLE_MEMBER]
    )


class UpdateImageMemberInput(OneMemberInput):
    """What the member decided."""

    status: MemberStatus = Field(
        description="Whether the member wants the image in its lists.", examples=["accepted"]
    )


class DeleteImageMemberInput(OneMemberInput):
    """With which project not to share an image any more."""
