"""Lists of images at Glance, over a real socket: which pages are read, and where they lead."""

from __future__ import annotations

import orjson
import pytest

from bff.errors import BffError, Code
from bff.openstack.glance import Glance
from bff.openstack.glance.listing import PAGE_SIZE
from bff.openstack.glance.query import Query
from bff.openstack.service import Service
from tests.bff.openstack.glance.conftest import IMAGE_ID, PROJECT_ID, TOKEN, Upstream, page_of

LIMIT = ("limit", "2")
ALL = "GET /v2/images?limit=1000"


async def read(glance: Glance, query: Query) -> list[str]:
    """Return the ids of all images that match."""
    pages = [page.images async for page in glance.listing.pages(query)]
    return [orjson.loads(bytes(image))["id"] for images in pages for image in images]


async def test_a_page_is_what_glance_answers(glance: Glance, upstream: Upstream) -> None:
    upstream.will_answer(page_of(1, 2, marker="2"))
    page = await glance.listing.page([LIMIT, ("name", "eq:x")])
    assert [bytes(image) for image in page.images] == [b'{"id":"1"}', b'{"id":"2"}']
    assert page.text.schema == "/v2/schemas/images"
    assert not page.is_last
    assert upstream.asked == ["GET /v2/images?limit=2&name=eq%3Ax"]


async def test_the_next_page_is_asked_for_with_every_filter_of_this_one(
    glance: Glance, upstream: Upstream
) -> None:
    tags = [("tag", "a"), ("tag", "b")]
    upstream.will_answer(page_of(1, 2, marker="2"), page_of(3, 1))
    page = await glance.listing.page([LIMIT, ("marker", "0"), *tags])
    query = page.next_query()
    assert query == [LIMIT, *tags, ("marker", "2")]
    page = await glance.listing.page(query)
    assert page.is_last
    assert page.next_query() is None


async def test_all_pages_are_read_to_the_end(glance: Glance, upstream: Upstream) -> None:
    upstream.will_answer(page_of(1, 2, marker="2"), page_of(3, 2, marker="4"), page_of(5, 1))
    assert await read(glance, [("tag", "a"), ("tag", "b")]) == ["1", "2", "3", "4", "5"]
    asked = "GET /v2/images?tag=a&tag=b&limit=1000"
    assert upstream.asked == [asked, f"{asked}&marker=2", f"{asked}&marker=4"]


async def test_a_last_page_that_is_exactly_full_is_followed_by_an_empty_one(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(page_of(1, PAGE_SIZE, marker="1000"), page_of(0, 0))
    assert len(await read(glance, [])) == PAGE_SIZE
    assert upstream.asked == [ALL, f"{ALL}&marker=1000"]


async def test_a_list_begins_after_the_marker_that_was_asked_for(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(page_of(1, 1, marker="1"), page_of(0, 0))
    await read(glance, [("marker", IMAGE_ID)])
    assert upstream.asked == [
        f"GET /v2/images?marker={IMAGE_ID}&limit=1000",
        f"{ALL}&marker=1",
    ]


A, B, EMPTY = page_of(1, 2, marker="a"), page_of(3, 2, marker="b"), page_of(0, 0, marker="c")
# A page whose link names no image.
NOWHERE = [
    page_of(1, 2)[:-1] + b',"next":' + link + b"}"
    for link in (
        *(b'"/v2/images"', b'"/v2/images?limit=2"', b'"/v2/images?marker="', b'"marker=b"'),
        *(rb'"/v2/images?marker=\ud800"', b'"?marker=%00"'),
    )
]
ENDLESS: dict[str, list[bytes]] = {
    "the same page for ever": [A, A],
    "another page that leads to itself": [A, B, B],
    "two pages in a circle": [A, B, A],
    "other images, but the same way on": [A, page_of(3, 2, marker="a")],
    "a page without images": [EMPTY],
    "a page without images behind others": [A, B, EMPTY],
    **{f"a link to nowhere, {NOWHERE.index(page)}": [page] for page in NOWHERE},
    "a link to nowhere behind a page": [A, NOWHERE[0]],
}


@pytest.mark.parametrize("pages", ENDLESS.values(), ids=ENDLESS)
async def test_a_list_whose_pages_do_not_lead_on_is_glances_fault_and_is_not_read_again(
    glance: Glance, upstream: Upstream, pages: list[bytes]
) -> None:
    upstream.will_answer(*pages)
    with pytest.raises(BffError, match="there are more images, but not where") as caught:
        await read(glance, [])
    assert caught.value.code is Code.BAD_GATEWAY
    assert len(upstream.asked) == len(pages)


@pytest.mark.parametrize("answer", [EMPTY, *NOWHERE])
async def test_a_page_has_no_next_that_does_not_lead_on(
    glance: Glance, upstream: Upstream, answer: bytes
) -> None:
    upstream.will_answer(answer)
    page = await glance.listing.page([LIMIT])
    with pytest.raises(BffError, match="there are more images, but not where") as caught:
        page.next_query()
    assert caught.value.code is Code.BAD_GATEWAY


async def test_a_page_that_comes_behind_itself_is_not_offered_again(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(A)
    page = await glance.listing.page([("marker", "a")])
    with pytest.raises(BffError, match="there are more images, but not where"):
        page.next_query()


async def test_a_list_that_begins_behind_an_image_does_not_come_back_to_it(
    glance: Glance, upstream: Upstream
) -> None:
    upstream.will_answer(page_of(1, 2, marker="2"), page_of(3, 2, marker=IMAGE_ID))
    with pytest.raises(BffError, match="there are more images, but not where"):
        await read(glance, [("marker", IMAGE_ID)])


async def test_a_page_may_have_fewer_images_than_the_one_before_it(
    glance: Glance, upstream: Upstream
) -> None:
    # Glance leaves out what its policy hides after it has cut the page.
    upstream.will_answer(page_of(1, 3, marker="3"), page_of(4, 1, marker="4"), page_of(5, 3))
    assert await read(glance, []) == [str(number) for number in range(1, 8)]


@pytest.mark.parametrize("status", [400, 403])
async def test_a_marker_that_vanished_between_two_pages_is_a_conflict(
    glance: Glance, upstream: Upstream, status: int
) -> None:
    upstream.will_answer(page_of(1, 1, marker="1"))
    upstream.will_answer(b'{"message": "Image 1 not found."}', status=status)
    with pytest.raises(BffError, match="list them again") as caught:
        await read(glance, [])
    assert caught.value.code is Code.CONFLICT
    assert caught.value.data == {"upstreamRequestId": "req-theirs"}


@pytest.mark.parametrize(
    ("status", "code"), [(401, Code.UNAUTHORIZED), (500, Code.BAD_GATEWAY), (200, Code.BAD_GATEWAY)]
)
async def test_a_later_page_that_fails_in_another_way_fails_the_list_as_what_it_is(
    glance: Glance, upstream: Upstream, status: int, code: Code
) -> None:
    upstream.will_answer(page_of(1, 1, marker="1"))
    upstream.will_answer(b"nonsense", status=status)
    with pytest.raises(BffError) as caught:
        await read(glance, [])
    assert caught.value.code is code


@pytest.mark.parametrize("query", [[], [LIMIT]])
async def test_a_first_page_that_is_refused_says_why(
    glance: Glance, upstream: Upstream, query: Query
) -> None:
    upstream.will_answer(b'{"message": "Invalid marker"}', status=400)
    with pytest.raises(BffError) as caught:
        await (glance.listing.page(query) if query else read(glance, query))
    assert caught.value.code is Code.BAD_REQUEST
    assert caught.value.message == "Glance refused to list images: Invalid marker"


@pytest.mark.parametrize("expose", [True, False])
async def test_store_paths_are_shown_only_where_the_site_wants_it(
    service: Service, upstream: Upstream, expose: bool
) -> None:
    glance = Glance(service, upstream.url, TOKEN, "", PROJECT_ID, expose_locations=expose)
    upstream.will_answer(b'{"images":[{"id":"1","direct_url":"file:///store"}]}')
    [image] = (await glance.listing.page([])).images
    assert (b"direct_url" in bytes(image)) is expose
