"""Members at Glance, over a real socket: what is asked, and what refusals mean."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
import pytest

from bff.errors import BffError, Code
from bff.openstack.glance import Glance
from tests.bff.openstack.glance.conftest import IMAGE_ID, PROJECT_ID, Upstream

PROJECT = "660e8400-e29b-41d4-a716-446655440001"
MEMBER = orjson.dumps({"member_id": PROJECT, "image_id": IMAGE_ID, "status": "pending"})
MEMBERS = f"/v2/images/{IMAGE_ID}/members"


async def test_members_are_cut_out_of_glances_answer(glance: Glance, upstream: Upstream) -> None:
    upstream.will_answer(
        b'{"members": [%b, %b], "schema": "/v2/schemas/members"}' % (MEMBER, MEMBER)
    )
    listed = await glance.members.list(IMAGE_ID)
    assert orjson.loads(listed.text) == [orjson.loads(MEMBER)] * 2
    assert upstream.asked == [f"GET {MEMBERS}"]


async def test_one_member_is_shown(glance: Glance, upstream: Upstream) -> None:
    upstream.will_answer(MEMBER)
    shown = await glance.members.show(IMAGE_ID, PROJECT)
    assert orjson.loads(shown.text) == orjson.loads(MEMBER)
    assert upstream.asked == [f"GET {MEMBERS}/{PROJECT}"]


async def test_a_member_is_created_updated_and_deleted(glance: Glance, upstream: Upstream) -> None:
    upstream.will_answer(MEMBER, MEMBER)
    upstream.will_answer(b"", status=204)
    await glance.members.create(IMAGE_ID, PROJECT)
    await glance.members.update(IMAGE_ID, PROJECT, "accepted")
    await glance.members.delete(IMAGE_ID, PROJECT)
    assert upstream.asked == [
        f"POST {MEMBERS}",
        f"PUT {MEMBERS}/{PROJECT}",
        f"DELETE {MEMBERS}/{PROJECT}",
    ]
    assert orjson.loads(upstream.bodies[0]) == {"member": PROJECT}
    assert orjson.loads(upstream.bodies[1]) == {"status": "accepted"}
    assert upstream.requests[0].headers["Content-Type"] == "application/json"


async def test_a_member_travels_encoded(glance: Glance, upstream: Upstream) -> None:
    upstream.will_answer(MEMBER)
    await glance.members.show(IMAGE_ID, "a/../b?c#d")
    assert upstream.asked == [f"GET {MEMBERS}/a%2F..%2Fb%3Fc%23d"]


@pytest.mark.parametrize("answer", [b"[]", b"{}", b'{"members": {}}', b"nonsense"])
async def test_what_is_no_list_of_members_is_a_bad_gateway(
    glance: Glance, upstream: Upstream, answer: bytes
) -> None:
    upstream.will_answer(answer)
    with pytest.raises(BffError) as caught:
        await glance.members.list(IMAGE_ID)
    assert caught.value.code is Code.BAD_GATEWAY


@pytest.mark.parametrize("visibility", ["private", "public", "community"])
async def test_an_image_that_is_not_shared_cannot_have_members_and_the_error_says_so(
    glance: Glance, upstream: Upstream, visibility: str
) -> None:
    upstream.will_answer(b'{"message": "Only shared images have members."}', status=403)
    upstream.will_answer(orjson.dumps({"visibility": visibility}))
    upstream.will_answer(b"{}", status=409)
    with pytest.raises(BffError) as caught:
        await glance.members.create(IMAGE_ID, PROJECT)
    assert caught.value.code is Code.BAD_REQUEST
    assert f"is {visibility}: set its visibility to shared first" in caught.value.message


@pytest.mark.parametrize(
    "answers",
    [
        [(200, b'{"visibility": "shared"}'), (409, b"{}")],
        [(200, b"{}"), (409, b"{}")],
        [(404, b"")],
    ],
)
async def test_a_forbidden_member_of_what_looks_shared_stays_forbidden(
    glance: Glance, upstream: Upstream, answers: list[tuple[int, bytes]]
) -> None:
    upstream.will_answer(b'{"message": "You are not the owner."}', status=403)
    upstream.answers += answers
    with pytest.raises(BffError) as caught:
        await glance.members.create(IMAGE_ID, PROJECT)
    assert caught.value.code is Code.FORBIDDEN
    assert "You are not the owner." in caught.value.message


async def test_a_second_membership_is_a_conflict_and_costs_no_look(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(b"{}", status=409)
    with pytest.raises(BffError) as caught:
        await glance.members.create(IMAGE_ID, PROJECT)
    assert caught.value.code is Code.CONFLICT
    assert caught.value.message.startswith("Member already exists")


@pytest.mark.parametrize(
    ("member", "look", "words"),
    [
        (PROJECT, b'{"visibility": "shared"}', f"Only the member can update .* {PROJECT} itself"),
        (PROJECT_ID, b'{"visibility": "shared"}', "the session's roles do not allow that"),
        (PROJECT_ID, b'{"visibility": "public"}', f"image {IMAGE_ID} is public"),
        (PROJECT, b'{"visibility": "private"}', f"image {IMAGE_ID} is private"),
        (PROJECT, b"nonsense", "Only the member can update"),
    ],
)
async def test_a_decision_that_is_forbidden_is_told_by_the_reason_that_holds(
    glance: Glance, upstream: Upstream, member: str, look: bytes, words: str
) -> None:
    upstream.will_answer(b"{}", status=403)
    upstream.will_answer(look)
    with pytest.raises(BffError, match=words) as caught:
        await glance.members.update(IMAGE_ID, member, "accepted")
    assert caught.value.code is Code.FORBIDDEN


@pytest.mark.parametrize("visibility", ["private", "public", "community"])
async def test_an_image_that_is_not_shared_is_why_there_are_no_members_to_see(
    glance: Glance, upstream: Upstream, visibility: str
) -> None:
    words = f"Only a shared image has members, and image {IMAGE_ID} is {visibility}"
    image = orjson.dumps({"visibility": visibility})
    for call, status, code in [
        (glance.members.list(IMAGE_ID), 403, Code.FORBIDDEN),
        (glance.members.show(IMAGE_ID, PROJECT), 404, Code.NOT_FOUND),
    ]:
        upstream.will_answer(b"{}", status=status)
        upstream.will_answer(image)
        with pytest.raises(BffError, match=words) as caught:
            await call
        assert caught.value.code is code


async def test_a_member_that_removes_itself_is_told_whose_image_it_is(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(b"{}", status=403)
    upstream.will_answer(b'{"visibility": "shared", "owner": "p"}')
    upstream.will_answer(b"{}", status=403)
    with pytest.raises(BffError, match="another project's") as caught:
        await glance.members.delete(IMAGE_ID, PROJECT_ID)
    assert caught.value.code is Code.FORBIDDEN


CALLS: list[Callable[[Glance], Awaitable[object]]] = [
    lambda glance: glance.members.list(IMAGE_ID),
    lambda glance: glance.members.show(IMAGE_ID, PROJECT),
    lambda glance: glance.members.create(IMAGE_ID, PROJECT),
    lambda glance: glance.members.update(IMAGE_ID, PROJECT, "rejected"),
    lambda glance: glance.members.delete(IMAGE_ID, PROJECT),
]


@pytest.mark.parametrize("call", CALLS)
async def test_what_is_missing_is_named(
    glance: Glance, upstream: Upstream, call: Callable[[Glance], Awaitable[object]]
) -> None:
    upstream.will_answer(b"{}", status=404)
    if call is CALLS[1]:
        # It says 404, too, where an image that can be seen is not shared.
        upstream.will_answer(b"{}", status=404)
    with pytest.raises(BffError) as caught:
        await call(glance)
    assert caught.value.code is Code.NOT_FOUND
    assert IMAGE_ID in caught.value.message


async def test_a_member_is_shared_with_already(glance: Glance, upstream: Upstream) -> None:
    upstream.will_answer(b'{"message": "It is a member."}', status=409)
    await glance.members.share(IMAGE_ID, PROJECT, accept=False)
    assert upstream.asked == [f"POST {MEMBERS}"]


async def test_another_project_is_left_to_accept_what_the_caller_may_not_accept_for_it(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(MEMBER)
    upstream.will_answer(b'{"message": "Not allowed to update members."}', status=403)
    upstream.will_answer(orjson.dumps({"visibility": "shared"}))
    await glance.members.share(IMAGE_ID, PROJECT, accept=True)
    assert upstream.asked[:2] == [f"POST {MEMBERS}", f"PUT {MEMBERS}/{PROJECT}"]


@pytest.mark.parametrize("status", [401, 409, 500, 503])
async def test_a_decision_that_fails_is_not_taken_for_one_that_is_somebody_elses(
    glance: Glance, upstream: Upstream, status: int
) -> None:
    upstream.will_answer(MEMBER)
    upstream.will_answer(b'{"message": "for a reason"}', status=status)
    with pytest.raises(BffError):
        await glance.members.share(IMAGE_ID, PROJECT, accept=True)


async def test_what_is_offered_to_the_callers_own_project_is_only_accepted(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(MEMBER.replace(PROJECT.encode(), PROJECT_ID.encode()))
    await glance.members.share(IMAGE_ID, PROJECT_ID, accept=True)
    assert upstream.asked == [f"PUT {MEMBERS}/{PROJECT_ID}"]


async def test_a_member_that_cannot_be_read_is_not_taken_for_none(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(b"", status=500)
    with pytest.raises(BffError) as caught:
        await glance.members.is_shared(IMAGE_ID, PROJECT_ID, accept=True)
    assert caught.value.code is Code.BAD_GATEWAY
