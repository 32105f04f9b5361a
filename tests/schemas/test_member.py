"""Members' ids: the only guard there is, for Glance takes anything."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from schemas.image import EXAMPLE_ID
from schemas.member import CreateImageMemberInput, OneMemberInput


@pytest.mark.parametrize(
    "member",
    ["660e8400-e29b-41d4-a716-446655440001", "0" * 32, "a", "a_b.c-d", "A" * 255],
)
def test_a_plausible_project_id_is_taken(member: str) -> None:
    assert OneMemberInput(imageId=EXAMPLE_ID, memberId=member).member_id == member
    assert CreateImageMemberInput(imageId=EXAMPLE_ID, member=member).member == member


@pytest.mark.parametrize(
    "member",
    [
        "",
        ".",
        "..",
        ".hidden",
        "a/b",
        "a/../b",
        "%2e%2e",
        "a b",
        "a\0",
        "a\n",
        "é",
        "a" * 256,
        "a?b",
    ],
)
def test_what_is_no_project_id_is_refused(member: str) -> None:
    for model, name in ((OneMemberInput, "memberId"), (CreateImageMemberInput, "member")):
        with pytest.raises(ValidationError):
            model.model_validate({"imageId": EXAMPLE_ID, name: member})
