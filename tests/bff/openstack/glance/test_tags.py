"""Tags at Glance, over a real socket: what is asked, and what a refusal means."""

from __future__ import annotations

import orjson
import pytest

from bff.errors import BffError, Code
from bff.openstack.glance import Glance
from tests.bff.openstack.glance.conftest import IMAGE_ID, PROJECT_ID, Upstream

IMAGE = f"/v2/images/{IMAGE_ID}"


def shown(*tags: str, **more: str) -> bytes:
    """Return an image as Glance shows it."""
    return orjson.dumps({"id": IMAGE_ID, "owner": PROJECT_ID, "tags": tags, **more})


async def test_plain_tags_are_one_request_each_and_others_one_together(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(b"", b"", status=204)
    upstream.will_answer(shown("kept", "ä"), shown())
    await glance.tags.add(IMAGE_ID, ["plain", "ä", "a b", "..", "a/b", "ä"])
    assert upstream.asked == [
        f"PUT {IMAGE}/tags/plain",
        f"PUT {IMAGE}/tags/a%20b",
        f"GET {IMAGE}",
        f"PATCH {IMAGE}",
    ]
    (step,) = orjson.loads(upstream.bodies[-1])
    assert step == {"op": "replace", "path": "/tags", "value": ["kept", "ä", "..", "a/b"]}


async def test_tags_that_are_no_plain_text_are_removed_from_the_list(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(shown("kept", "ä", ".."), shown())
    await glance.tags.remove(IMAGE_ID, ["ä", ".."])
    (step,) = orjson.loads(upstream.bodies[-1])
    assert step == {"op": "replace", "path": "/tags", "value": ["kept"]}


async def test_a_tag_that_is_not_there_is_removed_already(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(b"", status=404)
    upstream.will_answer(shown("another"))
    await glance.tags.remove(IMAGE_ID, ["gone"])
    assert upstream.asked == [f"DELETE {IMAGE}/tags/gone", f"GET {IMAGE}"]


async def test_a_404_for_a_tag_that_is_there_is_an_error(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(b"", status=404)
    upstream.will_answer(shown("there"))
    with pytest.raises(BffError) as caught:
        await glance.tags.remove(IMAGE_ID, ["there"])
    assert caught.value.code is Code.NOT_FOUND


async def test_an_image_that_is_not_there_has_no_tag_to_remove(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(b"", b"", status=404)
    with pytest.raises(BffError, match="Image not found") as caught:
        await glance.tags.remove(IMAGE_ID, ["gone"])
    assert caught.value.code is Code.NOT_FOUND


@pytest.mark.parametrize("status", [403, 409, 413, 500])
async def test_what_glance_refuses_is_not_taken_for_done(
    glance: Glance, upstream: Upstream, status: int
) -> None:
    upstream.will_answer(b'{"message": "for a reason"}', status=status)
    if status == 403:
        upstream.will_answer(shown("tag"))
        upstream.will_answer(b"{}", status=409)
    with pytest.raises(BffError):
        await glance.tags.remove(IMAGE_ID, ["tag", "never asked for"])
