"""Images at Glance, over a real socket: what is asked, in which order, and what becomes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from bff.errors import BffError, Code
from bff.openstack.glance import Glance
from bff.openstack.glance.images import Images
from bff.openstack.service import Service
from schemas.headers import REQUEST_ID
from schemas.image import CreateImageInput
from schemas.json import Json
from tests.bff.openstack.glance.conftest import IMAGE_ID, PROJECT_ID, TOKEN, Upstream

SHOWN = f"GET /v2/images/{IMAGE_ID}"
DELETED = f"DELETE /v2/images/{IMAGE_ID}"
CHANGED = f"PATCH /v2/images/{IMAGE_ID}"


# --- The address


@pytest.mark.parametrize(
    ("suffix", "prefix"),
    [
        *(("", ""), ("/", ""), ("/v2", ""), ("/v2/", ""), ("/v2//", "")),
        *(("/image", "/image"), ("/image/v2/", "/image"), ("/v2/image", "/v2/image")),
    ],
)
async def test_the_address_may_end_in_the_version_and_have_a_path_before_it(
    service: Service, upstream: Upstream, suffix: str, prefix: str
) -> None:
    upstream.will_answer(b"{}")
    await Glance(service, upstream.url + suffix, TOKEN, "req-ours", PROJECT_ID).images.show(
        IMAGE_ID
    )
    assert upstream.asked == [f"GET {prefix}/v2/images/{IMAGE_ID}"]


async def test_every_request_carries_the_callers_token_and_request_id(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(b"{}")
    await glance.images.show(IMAGE_ID)
    headers = upstream.requests[0].headers
    assert (headers["X-Auth-Token"], headers[REQUEST_ID]) == (TOKEN, "req-ours")
    assert TOKEN not in repr(glance) + repr(glance.images)


PATHS = b'{"id":"1","direct_url":"file:///store"}'
READS: dict[str, tuple[Callable[[Images], Awaitable[Json[Any]]], int, bytes]] = {
    "show": (lambda images: images.show(IMAGE_ID), 200, PATHS),
    "create": (lambda images: images.create({}), 201, PATHS),
}


@pytest.mark.parametrize("expose", [True, False])
@pytest.mark.parametrize("what", READS)
async def test_store_paths_are_shown_only_where_the_site_wants_it(
    service: Service, upstream: Upstream, what: str, expose: bool
) -> None:
    glance = Glance(service, upstream.url, TOKEN, "", PROJECT_ID, expose_locations=expose)
    read, status, answer = READS[what]
    upstream.will_answer(answer, status=status)
    assert (b"direct_url" in (await read(glance.images)).text) is expose


# --- One image


async def test_an_image_is_shown_as_it_came(glance: Glance, upstream: Upstream) -> None:
    upstream.will_answer(b'{ "id": "x",  "mine": "1" }')
    assert (await glance.images.show(IMAGE_ID)).text == b'{ "id": "x",  "mine": "1" }'
    assert upstream.asked == [SHOWN]


@pytest.mark.parametrize("what", ["show", "delete"])
async def test_an_image_that_is_not_there_is_named(
    glance: Glance, upstream: Upstream, what: str
) -> None:
    upstream.will_answer(b"", status=404)
    with pytest.raises(BffError, match=f"^Image not found: {IMAGE_ID}") as caught:
        await getattr(glance.images, what)(IMAGE_ID)
    assert caught.value.code is Code.NOT_FOUND


async def test_an_image_is_created_from_exactly_its_metadata(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(b'{"id":"new","status":"queued"}', status=201)
    given = {"name": "é 💿", "project_id": "p1", "hw_qemu_guest_agent": True, "hw_own": "x"}
    metadata = CreateImageInput.model_validate(given | {"min_ram": 512, "tags": ["a"]}).metadata()
    created = await glance.images.create(metadata)
    assert created.text == b'{"id":"new","status":"queued"}'
    assert upstream.asked == ["POST /v2/images"]
    assert upstream.requests[0].headers["Content-Type"] == "application/json"
    assert orjson.loads(upstream.bodies[0]) == {
        "name": "é 💿",
        "visibility": "private",
        "protected": False,
        "min_ram": 512,
        "min_disk": 0,
        "tags": ["a"],
        "os_hidden": False,
        "hw_qemu_guest_agent": "yes",
        "hw_own": "x",
    }


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, Code.BAD_REQUEST),
        (403, Code.FORBIDDEN),
        (409, Code.CONFLICT),
        (413, Code.PAYLOAD_TOO_LARGE),
        (200, Code.BAD_GATEWAY),
    ],
)
async def test_a_creation_that_is_refused_passes_on_glances_explanation(
    glance: Glance, upstream: Upstream, status: int, code: Code
) -> None:
    upstream.will_answer(b'{"message": "Because.<br /><br />\\n"}', status=status)
    with pytest.raises(BffError) as caught:
        await glance.images.create({})
    assert caught.value.code is code
    assert caught.value.message == "Glance refused to create the image: Because."


async def test_a_session_that_ended_is_told_in_our_own_words(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(b'{"message": "wrong credentials (e.g., bad password)"}', status=401)
    with pytest.raises(BffError) as caught:
        await glance.images.create({})
    assert caught.value.code is Code.UNAUTHORIZED
    assert caught.value.message == (
        "Could not create the image: the session has ended; sign in again."
    )
    assert caught.value.data == {"upstreamRequestId": "req-theirs"}


async def test_deleting_an_image_takes_one_request(glance: Glance, upstream: Upstream) -> None:
    upstream.will_answer(b"", status=204)
    await glance.images.delete(IMAGE_ID)
    assert upstream.asked == [DELETED]


@pytest.mark.parametrize("look", [b'{"protected": true}', rb'{"protected": true, "n": "\ud800"}'])
async def test_a_protected_image_cannot_be_deleted_and_the_error_says_what_to_do(
    glance: Glance, upstream: Upstream, look: bytes
) -> None:
    upstream.will_answer(b'{"message": "Image is protected"}', status=403)
    upstream.will_answer(look)
    upstream.will_answer(b"{}", status=409)
    with pytest.raises(BffError) as caught:
        await glance.images.delete(IMAGE_ID)
    assert caught.value.code is Code.FORBIDDEN
    assert caught.value.message == (
        f"Cannot delete protected image {IMAGE_ID}: set its property protected to false first."
    )
    assert caught.value.data == {"upstreamRequestId": "req-theirs"}
    assert upstream.asked == [DELETED, SHOWN, CHANGED]


@pytest.mark.parametrize(
    "answers",
    [
        [(200, b'{"protected": false}'), (409, b"{}")],
        [(200, b"{}"), (409, b"{}")],
        [(200, b'{"protected": true}'), (500, b"")],
        [(200, b'{"protected": true}'), (200, b"{}")],
        [(200, b"nonsense")],
        [(404, b"")],
        [(500, b"")],
    ],
)
async def test_a_forbidden_deletion_for_which_no_reason_is_seen_keeps_glances_words(
    glance: Glance, upstream: Upstream, answers: list[tuple[int, bytes]]
) -> None:
    upstream.will_answer(b'{"message": "You are not the owner."}', status=403)
    upstream.answers += answers
    with pytest.raises(BffError) as caught:
        await glance.images.delete(IMAGE_ID)
    assert caught.value.code is Code.FORBIDDEN
    assert caught.value.message == (
        f"Glance refused to delete image {IMAGE_ID}: You are not the owner."
    )


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        (PROJECT_ID, "this project's own: the session's roles do not allow that"),
        ("p" * 32, f"it is another project's. Only project {'p' * 32} or an administrator"),
        (None, "it belongs to no project"),
    ],
)
async def test_whose_image_it_is_comes_before_its_state(
    glance: Glance, upstream: Upstream, owner: str | None, words: str
) -> None:
    image = {"owner": owner, "protected": True, "status": "queued"}
    for call in (glance.images.delete, glance.images.deactivate, glance.images.reactivate):
        upstream.will_answer(b'{"message": "Because."}', status=403)
        upstream.will_answer(orjson.dumps(image))
        upstream.will_answer(b"{}", status=403)
        with pytest.raises(BffError) as caught:
            await call(IMAGE_ID)
        assert caught.value.code is Code.FORBIDDEN
        assert words in caught.value.message
        assert caught.value.data == {"upstreamRequestId": "req-theirs"}


async def test_what_is_asked_to_see_who_may_change_an_image_can_change_nothing(
    glance: Glance, upstream: Upstream
) -> None:
    asked = set()
    for _ in range(2):
        upstream.will_answer(b"{}", status=409)
        await glance.images.denial(IMAGE_ID, {}, "see")
        [step] = orjson.loads(upstream.bodies[-1])
        assert step["op"] == "remove"
        asked.add(step["path"])
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        (PROJECT_ID, "complete publicize_image action. The image is this project's own"),
        ("p", "it is another project's"),
    ],
)
async def test_a_policy_is_the_reason_where_glance_says_so_whatever_the_state_is(
    glance: Glance, upstream: Upstream, owner: str, words: str
) -> None:
    policy = b'{"message": "You are not authorized to complete publicize_image action."}'
    upstream.will_answer(policy, status=403)
    upstream.will_answer(orjson.dumps({"status": "queued", "owner": owner}))
    with pytest.raises(BffError) as caught:
        await glance.images.deactivate(IMAGE_ID)
    assert caught.value.code is Code.FORBIDDEN
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, Code.NOT_FOUND),
        (409, Code.CONFLICT),
        (401, Code.UNAUTHORIZED),
        (200, Code.BAD_GATEWAY),
    ],
)
async def test_a_deletion_that_fails_otherwise_does_not_look_at_the_image(
    glance: Glance, upstream: Upstream, status: int, code: Code
) -> None:
    upstream.will_answer(b"", status=status)
    with pytest.raises(BffError) as caught:
        await glance.images.delete(IMAGE_ID)
    assert caught.value.code is code
    assert upstream.asked == [DELETED]


# --- Changing


async def test_plain_steps_go_to_glance_untouched_in_one_request(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(b'{"id": "x"}')
    steps = [
        {"op": "replace", "path": "/name", "value": "n"},
        {"op": "add", "path": "/x", "value": "1"},
        {"op": "remove", "path": "/y"},
    ]
    assert (await glance.images.update(IMAGE_ID, steps)).text == b'{"id": "x"}'
    assert upstream.asked == [f"PATCH /v2/images/{IMAGE_ID}"]
    assert orjson.loads(upstream.bodies[0]) == steps
    content_type = "application/openstack-images-v2.1-json-patch"
    assert upstream.requests[0].headers["Content-Type"] == content_type


async def test_other_steps_are_applied_to_the_image_and_the_difference_is_sent(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(b'{"tags": ["a"], "name": "n"}', b'{"id": "x"}')
    steps = [
        {"op": "test", "path": "/name", "value": "n"},
        {"op": "add", "path": "/tags/-", "value": "b"},
    ]
    await glance.images.update(IMAGE_ID, steps)
    assert upstream.asked == [SHOWN, f"PATCH /v2/images/{IMAGE_ID}"]
    assert orjson.loads(upstream.bodies[1]) == [
        {"op": "replace", "path": "/tags", "value": ["a", "b"]}
    ]


async def test_a_failed_test_sends_nothing(glance: Glance, upstream: Upstream) -> None:
    upstream.will_answer(b'{"name": "n"}', b'{"name": "n"}')
    upstream.will_answer(b"{}", status=409)
    with pytest.raises(BffError) as caught:
        await glance.images.update(IMAGE_ID, [{"op": "test", "path": "/name", "value": "m"}])
    assert caught.value.code is Code.CONFLICT
    assert upstream.asked == [SHOWN, SHOWN, CHANGED]
    assert b"remove" in upstream.bodies[2]


async def test_a_test_that_fails_on_another_projects_image_is_refused_for_that(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(b'{"name": "n", "owner": "p"}', b'{"name": "n", "owner": "p"}')
    upstream.will_answer(b"{}", status=403)
    with pytest.raises(BffError, match="another project's") as caught:
        await glance.images.update(IMAGE_ID, [{"op": "test", "path": "/name", "value": "m"}])
    assert caught.value.code is Code.FORBIDDEN
    assert "issues" not in caught.value.data


@pytest.mark.parametrize("path", ["/owner", "//owner", "/owner ", "/ owner", "/\u00a0owner"])
async def test_an_owner_is_given_in_the_form_for_which_glance_checks_who_asks(
    glance: Glance, upstream: Upstream, path: str
) -> None:
    upstream.will_answer(b"{}")
    await glance.images.update(IMAGE_ID, [{"op": "add", "path": path, "value": "p"}])
    assert orjson.loads(upstream.bodies[0]) == [{"op": "replace", "path": path, "value": "p"}]


@pytest.mark.parametrize("op", ["copy", "move"])
async def test_an_owner_that_comes_from_elsewhere_is_given_in_that_form_too(
    glance: Glance, upstream: Upstream, op: str
) -> None:
    # Not even an image that shows no owner is given one by ``add``.
    upstream.will_answer(b'{"x": "p"}', b"{}")
    await glance.images.update(IMAGE_ID, [{"op": op, "path": "/owner", "from": "/x"}])
    step = {"op": "replace", "path": "/owner", "value": "p"}
    assert step in orjson.loads(upstream.bodies[1])


@pytest.mark.parametrize("action", ["deactivate", "reactivate"])
async def test_an_action_takes_one_request(glance: Glance, upstream: Upstream, action: str) -> None:
    upstream.will_answer(b"", status=204)
    await getattr(glance.images, action)(IMAGE_ID)
    assert upstream.asked == [f"POST /v2/images/{IMAGE_ID}/actions/{action}"]


@pytest.mark.parametrize(
    ("look", "code"),
    [
        (b'{"status": "queued"}', Code.CONFLICT),
        (b'{"status": "saving"}', Code.CONFLICT),
        (b'{"status": "active"}', Code.FORBIDDEN),
        (b'{"status": "deactivated"}', Code.FORBIDDEN),
    ],
)
async def test_a_forbidden_action_is_a_conflict_where_the_state_is_the_reason(
    glance: Glance, upstream: Upstream, look: bytes, code: Code
) -> None:
    upstream.will_answer(b'{"message": "Not allowed."}', status=403)
    upstream.will_answer(look)
    upstream.will_answer(b"{}", status=409)
    with pytest.raises(BffError) as caught:
        await glance.images.deactivate(IMAGE_ID)
    assert caught.value.code is code


async def test_an_action_on_a_missing_image_costs_no_look(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(b"{}", status=404)
    with pytest.raises(BffError) as caught:
        await glance.images.reactivate(IMAGE_ID)
    assert caught.value.code is Code.NOT_FOUND
