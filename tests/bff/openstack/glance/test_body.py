"""Glance's answers as bytes: cut, not rewritten; and one odd image never hides the others."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bff.errors import BffError, Code
from bff.openstack.glance import body

# Spaces, escapes and a number that no parser would write again in the same way.
GOOD = rb'{ "id":"a",  "name": "\u00e9\/", "size": 1.50e2 , "min_ram":0 }'
OTHER = '{"id":"b","name":"zwölf 💿"}'.encode()
PATHS = b'{"id":"c","direct_url":"file:///store/c","locations":[{"url":"x"}],"size":3}'


def page_of(*images: bytes, more: bytes = b"") -> bytes:
    return b'{"first": "/v2/images",\n "images": [' + b" , ".join(images) + b"]" + more + b"}"


class Cut(NamedTuple):
    images: list[bytes]
    next: str | None
    schema: str | None


def cut(text: bytes, *, expose_locations: bool = False) -> Cut:
    page = body.page(text, expose_locations=expose_locations)
    return Cut(list(map(bytes, page.images)), page.next, page.schema)


def loads(text: bytes) -> Any:
    return json.loads(text)


def test_a_page_is_cut_into_its_images_byte_for_byte() -> None:
    page = cut(page_of(GOOD, OTHER, more=b', "next": "/v2/images?marker=b", "schema": "/s"'))
    assert page == Cut([GOOD, OTHER], "/v2/images?marker=b", "/s")


def test_the_array_of_a_page_is_passed_on_byte_for_byte() -> None:
    text = page_of(GOOD, OTHER)
    array = body.page(text, expose_locations=False).array
    assert bytes(array) == b"[" + GOOD + b" , " + OTHER + b"]"


@pytest.mark.parametrize("more", [b"", b', "next": null, "schema": null', b', "total": {"a": [1]}'])
def test_a_page_may_have_no_images_no_links_and_members_of_its_own(more: bytes) -> None:
    assert cut(page_of(more=more)) == Cut([], None, None)


def test_store_paths_are_taken_out_of_the_images_that_have_them_and_the_rest_stays() -> None:
    first, second, third = cut(page_of(GOOD, PATHS, OTHER)).images
    assert (first, third) == (GOOD, OTHER)
    assert loads(second) == {"id": "c", "size": 3}


def test_store_paths_stay_when_they_are_exposed() -> None:
    assert cut(page_of(PATHS), expose_locations=True).images == [PATHS]
    assert body.image(PATHS, expose_locations=True) == PATHS


@pytest.mark.parametrize(
    "image",
    [
        b'{"id":"a","note":"direct_url"}',
        b'{"id":"a","note":"locations","x":{"direct_url":1}}',
        b'{"id":"a","my_direct_url":"x"}',
    ],
)
def test_what_only_mentions_a_store_path_loses_nothing(image: bytes) -> None:
    assert loads(cut(page_of(image)).images[0]) == loads(image)
    assert loads(body.image(image, expose_locations=False)) == loads(image)


HUGE = b"9" * 5000
ODD = {
    "a lone surrogate": (rb'{"id":"o","n":"\ud800"}', {"id": "o", "n": "\ud800"}),
    "a surrogate in UTF-8": (b'{"id":"o","n":"\xed\xa0\x80"}', {"id": "o", "n": "\ud800"}),
    "NaN": (b'{"id":"o","n":NaN}', {"id": "o", "n": None}),
    "Infinity": (b'{"id":"o","n":[Infinity,-Infinity]}', {"id": "o", "n": [None, None]}),
    "a float beyond all": (b'{"id":"o","n":1e999,"m":NaN}', {"id": "o", "n": None, "m": None}),
    "a huge integer": (b'{"id":"o","n":%d,"m":NaN}' % 10**40, {"id": "o", "n": 10**40, "m": None}),
    "thousands of digits": (
        b'{"id":"o","n":-' + HUGE + b',"m":NaN}',
        {"id": "o", "n": None, "m": None},
    ),
    "duplicate keys": (b'{"id":"x","id":"o","m":NaN}', {"id": "o", "m": None}),
    "deep nesting": (
        b'{"id":"o","m":NaN,"n":' + b"[" * 500 + b"]" * 500 + b"}",
        {"id": "o", "m": None, "n": json.loads("[" * 500 + "]" * 500)},
    ),
    "null": (b"null", None),
    "a number": (b"5", 5),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_image_never_hides_the_others_and_becomes_json(name: str) -> None:
    odd, meant = ODD[name]
    first, second, third = cut(page_of(GOOD, odd, OTHER)).images
    assert (loads(first), loads(third)) == (loads(GOOD), loads(OTHER))
    assert b"NaN" not in second
    assert loads(second) == meant


@pytest.mark.parametrize("name", [name for name in ODD if name not in ("null", "a number")])
def test_an_odd_image_alone_becomes_json_too(name: str) -> None:
    odd, meant = ODD[name]
    assert loads(body.image(odd, expose_locations=False)) == meant


@pytest.mark.parametrize("name", [name for name in ODD if name not in ("null", "a number")])
def test_an_odd_image_loses_its_store_paths_like_any_other(name: str) -> None:
    odd, meant = ODD[name]
    with_path = odd[:-1] + b',"direct_url":"file:///x"}'
    assert loads(cut(page_of(GOOD, with_path)).images[1]) == meant
    assert loads(body.image(with_path, expose_locations=False)) == meant


@pytest.mark.parametrize(
    "image",
    [
        b'{"n":' + HUGE + b"}",
        b'{"n":1e999}',
        b'{"n":1,"n":2}',
        b'{"n":' + b"[" * 500 + b"]" * 500 + b"}",
    ],
    ids=lambda image: image[:12],
)
def test_what_is_only_forwarded_stays_as_it_came_however_odd_it_is(image: bytes) -> None:
    assert cut(page_of(image)).images == [image]


def test_an_odd_page_keeps_its_links() -> None:
    page = cut(page_of(b'{"n":NaN}', more=b',"next":"/v2/images?marker=b","schema":"/s"'))
    assert (page.next, page.schema) == ("/v2/images?marker=b", "/s")


@pytest.mark.parametrize("more", [b',"next":5', b',"next":["/v2"]', b',"schema":{}'])
def test_a_link_that_is_no_string_is_no_link(more: bytes) -> None:
    assert cut(page_of(GOOD, more=more)).next is None
    assert cut(page_of(GOOD, more=more)).schema is None


NONSENSE = [
    *(b"", b" ", b"null", b"5", b'"images"', b"[]", b"<html>", b"\xff", b"\0", b"{", b"{}}"),
    # Deeper than any parser goes: no image that Glance accepts.
    b"[" * 100_000,
    b'{"images":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"id":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"images":[{"n":"\xff"}]}',
    b'{"images":[{"n":01}]}',
    rb'{"images":[{"n":"\x"}]}',
    b'{"images":[{"n":"\x01"}]}',
    b'{"images":[{"n":1}',
    b'{"images":[{"n":1}]}{}',
]
NO_PAGES = [*(b"{}", b'{"images":null}', b'{"images":{}}', b'{"images":"x"}', b'{"image":[]}')]


@pytest.mark.parametrize("text", [*NONSENSE, *NO_PAGES], ids=lambda text: text[:24])
def test_what_is_no_page_of_images_is_a_bad_gateway(text: bytes) -> None:
    with pytest.raises(BffError) as caught:
        cut(text)
    assert caught.value.code is Code.BAD_GATEWAY


@pytest.mark.parametrize("expose_locations", [True, False])
@pytest.mark.parametrize("text", NONSENSE, ids=lambda text: text[:24])
def test_what_is_no_image_is_a_bad_gateway(text: bytes, expose_locations: bool) -> None:
    with pytest.raises(BffError) as caught:
        body.image(text, expose_locations=expose_locations)
    assert caught.value.code is Code.BAD_GATEWAY


def test_one_image_is_given_as_it_came_and_without_store_paths() -> None:
    assert body.image(GOOD, expose_locations=False) == GOOD
    assert loads(body.image(PATHS, expose_locations=False)) == {"id": "c", "size": 3}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=5,
)
IMAGES = st.dictionaries(st.text(max_size=5) | st.sampled_from(body.STORE_PATHS), VALUES)


@settings(max_examples=50)
@given(st.lists(IMAGES, max_size=4), st.booleans())
def test_whatever_the_images_are_they_all_arrive_without_their_store_paths(
    images: list[dict[str, Any]], ascii_only: bool
) -> None:
    text = json.dumps({"images": images}, ensure_ascii=ascii_only)
    arrived = [orjson.loads(image) for image in cut(text.encode()).images]
    expected = [{k: v for k, v in i.items() if k not in body.STORE_PATHS} for i in images]
    assert arrived == orjson.loads(json.dumps(expected))
