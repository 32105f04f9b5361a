"""Images that are asked for together: what a list may say, and what each is answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff import log_fields
from bff.errors import BffError, Code
from bff.openstack.glance import Glance, body
from bff.openstack.glance.gathered import Allowance, GatheredImages, can_be_gathered
from tests.bff.openstack.glance.conftest import Upstream

ONE, TWO, THREE = (str(UUID(int=number)) for number in (1, 2, 3))


def listed(*texts: bytes, end: bytes = b"]}") -> bytes:
    return b'{"schema":"/v2/schemas/images","images":[' + b",".join(texts) + end


def text(image_id: str, more: str = "") -> bytes:
    return f'{{"id":"{image_id}"{more}}}'.encode()


def gathered(*image_ids: str) -> GatheredImages:
    return GatheredImages(image_ids, Allowance(lambda: 5))


async def texts(images: GatheredImages, glance: Glance, ids: Iterable[str]) -> list[bytes | None]:
    async with asyncio.timeout(10):
        return await asyncio.gather(*(images.text(one, glance) for one in ids))


async def test_each_gets_its_own(upstream: Upstream, glance: Glance) -> None:
    upstream.will_answer(listed(text(TWO), text(ONE)))
    assert await texts(gathered(ONE, TWO), glance, (ONE, TWO)) == [text(ONE), text(TWO)]


async def test_each_is_told_under_which_name_it_was_sent(
    upstream: Upstream, glance: Glance
) -> None:
    upstream.will_answer(listed(text(TWO), text(ONE)))
    images = gathered(ONE, TWO)

    async def get(image_id: str) -> str:
        await images.text(image_id, glance)
        return str(log_fields.current().get("upstream_request_id"))

    assert set(await asyncio.gather(get(ONE), get(TWO))) == {"req-theirs"}


ODD_LISTS: dict[str, bytes] = {
    "one that was not asked for": listed(text(ONE), text(TWO), text(THREE)),
    "only one that was not asked for": listed(text(THREE)),
    "one twice": listed(text(ONE), text(TWO), text(ONE)),
    "an id in capitals": listed(text(ONE), text("A" * 8 + ONE[8:])),
    "an id that is no text": listed(text(ONE), b'{"id":5}'),
    "an id that is a list": listed(text(ONE), b'{"id":["x"]}'),
    "an image without id": listed(text(ONE), b"{}"),
    "an id that is doubled": listed(text(ONE), text(TWO, f',"id":"{THREE}"')),
    "an image that is none": listed(text(ONE), b"null"),
    "an image that is a list": listed(text(ONE), b"[]"),
    "images that are none": b'{"images":{}}',
    "no images": b"{}",
    "a list": b"[]",
    "nothing": b"",
    "half of it": listed(text(ONE), text(TWO))[:-1],
    "more behind it": listed(text(ONE), text(TWO)) + b"x",
    "no UTF-8": listed(text(ONE), text(TWO, ',"name":"') + b'\xff"}'),
    "a page": b"<html>",
    "many levels": b'{"images":' + b"[" * 100_000,
}


@pytest.mark.parametrize("what", ODD_LISTS)
async def test_of_an_odd_list_nothing_is_given_on(
    what: str, upstream: Upstream, glance: Glance
) -> None:
    upstream.will_answer(ODD_LISTS[what])
    assert await texts(gathered(ONE, TWO), glance, (ONE, TWO)) == [None, None]
    assert len(upstream.asked) == 1


async def test_what_was_another_images_answer_ends_its_connection(
    upstream: Upstream, glance: Glance
) -> None:
    upstream.will_answer(listed(text(THREE)), text(ONE))
    await texts(gathered(ONE, TWO), glance, (ONE, TWO))
    await glance.images.show(ONE)
    first, second = (request.transport for request in upstream.requests)
    assert first is not second


async def test_another_token_is_answered_nothing(upstream: Upstream, glance: Glance) -> None:
    upstream.will_answer(listed(text(TWO), text(ONE)))
    images = gathered(ONE, TWO)
    assert await texts(images, glance, (ONE,)) == [text(ONE)]
    assert await texts(images, replace(glance, token="another"), (TWO,)) == [None]


async def test_what_nobody_was_to_get_is_not_asked_for(upstream: Upstream, glance: Glance) -> None:
    images = gathered(ONE, TWO)
    assert await texts(images, glance, (THREE,)) == [None]
    assert upstream.asked == []


async def test_a_list_that_never_ends_is_not_read_on_for_ever(
    upstream: Upstream, glance: Glance
) -> None:
    more = b'],"next":"/v2/images?marker=x"}'
    upstream.will_answer(listed(text(ONE), end=more), listed(end=more), listed(end=more))
    got = await texts(gathered(ONE, TWO, THREE), glance, (ONE, TWO, THREE))
    assert got == [text(ONE), None, None]
    assert [asked.endswith("os_hidden=true") for asked in upstream.asked] == [False, False, True]


async def test_one_call_that_is_cancelled_leaves_the_list_to_the_others(
    upstream: Upstream, glance: Glance
) -> None:
    upstream.will_answer(listed(text(TWO), text(ONE)))
    images = gathered(ONE, TWO)
    first, second = (asyncio.create_task(images.text(one, glance)) for one in (ONE, TWO))
    await asyncio.sleep(0)
    first.cancel()
    async with asyncio.timeout(10):
        assert await second == text(TWO)
    assert first.cancelled()


async def test_one_call_that_comes_after_the_others_went_asks_anew(
    upstream: Upstream, glance: Glance
) -> None:
    images = gathered(ONE, TWO)
    first = asyncio.create_task(images.text(ONE, glance))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    upstream.will_answer(listed(text(TWO), text(ONE)))
    assert await texts(images, glance, (TWO,)) == [text(TWO)]


def test_an_allowance_is_one_for_all_lists() -> None:
    allowance = Allowance(lambda: 1, max_bytes=10)
    allowance.count(10)
    with pytest.raises(BffError) as caught:
        allowance.count(1)
    assert caught.value.code is Code.PAYLOAD_TOO_LARGE


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
IMAGES = st.lists(
    st.tuples(st.uuids(), st.dictionaries(st.text(), VALUES, max_size=5)),
    min_size=1,
    max_size=4,
    unique_by=lambda pair: pair[0],
)


@given(IMAGES, st.booleans(), st.booleans(), st.sampled_from((None, 1)))
def test_an_image_of_a_list_is_what_it_is_alone(
    images: Any, expose: bool, ascii_only: bool, indent: int | None
) -> None:
    odd = {"direct_url": "file:///secret", "locations": ["]}"], "name": '"]}\\'}
    alone = {
        str(image_id): json.dumps(
            {**odd, **more, "id": str(image_id)}, ensure_ascii=ascii_only, indent=indent
        ).encode("utf-8", "surrogatepass")
        for image_id, more in images
    }
    try:
        found, has_more = body.chosen(
            listed(*alone.values()), alone.keys(), expose_locations=expose
        )
    except BffError:
        return  # stricter than for one image: each is asked for alone then
    assert found == {
        image_id: body.image(each, expose_locations=expose, image_id=image_id)
        for image_id, each in alone.items()
    }
    assert not has_more
    assert expose or not any(b"file:///secret" in each for each in found.values())


@given(st.text() | st.uuids().map(str) | st.uuids().map(lambda each: f"{each}\n"))
def test_an_id_in_a_list_cannot_be_read_as_anything_else(value: str) -> None:
    if can_be_gathered(value):
        assert set(value) <= set("0123456789abcdef-")
        assert str(UUID(value)) == value
