"""The answers of the lists' procedures: how much is read, and the links of a page."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from bff.errors import BffError, Code
from bff.openstack.glance.listing import PAGE_SIZE
from bff.session.context import ProjectContext
from procedures.image.images import count_images, list_images, list_images_with_pagination
from procedures.image.listing import MAX_IMAGES
from schemas.image import CountImagesInput, ImagesPaginatedInput, ListImagesInput
from tests.bff.openstack.glance.conftest import Upstream, page_of

SORTED = "sort=created_at%3Adesc"
NOWHERE = b'{"images":[{"id":"1"}],"next":"/v2/images"}'


async def listed(context: ProjectContext, **params: Any) -> bytes:
    return bytes((await list_images(context, ListImagesInput.model_validate(params))).text)


async def paged(context: ProjectContext, **params: Any) -> dict[str, Any]:
    given = ImagesPaginatedInput.model_validate(params)
    answer: dict[str, Any] = orjson.loads((await list_images_with_pagination(context, given)).text)
    return answer


async def refusal(context: ProjectContext) -> BffError:
    with pytest.raises(BffError) as caught:
        await listed(context)
    return caught.value


# --- listImages


async def test_a_list_with_a_limit_is_one_page(context: ProjectContext, upstream: Upstream) -> None:
    upstream.will_answer(page_of(1, 2, marker="2"))
    assert await listed(context, limit=2, name="x") == b'[{"id":"1"},{"id":"2"}]'
    assert upstream.asked == [f"GET /v2/images?limit=2&name=eq%3Ax&{SORTED}"]


async def test_a_list_with_a_limit_does_not_mind_where_the_next_page_is(
    context: ProjectContext, upstream: Upstream
) -> None:
    upstream.will_answer(NOWHERE)
    assert await listed(context, limit=1) == b'[{"id":"1"}]'


async def test_a_list_without_a_limit_is_all_that_match(
    context: ProjectContext, upstream: Upstream
) -> None:
    upstream.will_answer(page_of(1, 2, marker="2"), page_of(3, 1))
    text = await listed(context, tag=["a", "b"])
    assert text == b'[{"id":"1"},{"id":"2"},{"id":"3"}]'
    asked = f"GET /v2/images?tag=a&tag=b&{SORTED}&limit=1000"
    assert upstream.asked == [asked, f"{asked}&marker=2"]


async def test_no_image_is_an_empty_list(context: ProjectContext, upstream: Upstream) -> None:
    upstream.will_answer(page_of(0, 0))
    assert await listed(context) == b"[]"


async def test_images_are_listed_as_the_text_that_glance_wrote(
    context: ProjectContext, upstream: Upstream
) -> None:
    image = rb'{ "id" : "1", "n":1.50, "name":"\u00e9" }'
    for params in ({}, {"limit": 1}):
        upstream.will_answer(b'{"images": [' + image + b"]}")
        assert await listed(context, **params) == b"[" + image + b"]"


async def test_as_many_images_as_allowed_are_listed(
    context: ProjectContext, upstream: Upstream
) -> None:
    firsts = range(0, MAX_IMAGES, PAGE_SIZE)
    upstream.will_answer(*(page_of(first, PAGE_SIZE, marker=str(first)) for first in firsts))
    upstream.will_answer(page_of(0, 0))
    assert len(orjson.loads(await listed(context))) == MAX_IMAGES


async def test_more_images_than_allowed_are_an_error_that_says_what_to_use_instead(
    context: ProjectContext, upstream: Upstream
) -> None:
    firsts = range(0, MAX_IMAGES, PAGE_SIZE)
    upstream.will_answer(*(page_of(first, PAGE_SIZE, marker=str(first)) for first in firsts))
    upstream.will_answer(page_of(MAX_IMAGES, 1, marker="more"))
    error = await refusal(context)
    assert error.code.label == "BAD_REQUEST"
    assert error.message == (
        "More than 10000 images match, or 67108864 bytes of them: narrow the filters, set limit,"
        " or read page by page with listImagesWithPagination."
    )
    assert len(upstream.asked) == MAX_IMAGES // PAGE_SIZE + 1


async def test_images_that_are_too_large_together_are_an_error_too(
    context: ProjectContext, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [page_of(0, 10, marker="more"), page_of(10, 10, marker="even-more")]
    monkeypatch.setattr("procedures.image.listing.MAX_BYTES", len(pages[0]))
    upstream.will_answer(*pages)
    error = await refusal(context)
    assert error.code.label == "BAD_REQUEST"
    assert "bytes of them" in error.message


async def test_pages_that_shrink_and_always_lead_on_are_not_read_for_ever(
    context: ProjectContext, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("procedures.image.listing.MAX_PAGES", 5)
    upstream.will_answer(*(page_of(n, 1, marker=f"other-{n}") for n in range(5)))
    error = await refusal(context)
    assert error.code is Code.BAD_GATEWAY
    assert error.message == (
        "Glance's list has no end after 5 pages: narrow the filters, or read page by page with"
        " listImagesWithPagination."
    )
    assert len(upstream.asked) == 5


async def test_a_list_may_have_as_many_pages_as_are_read(
    context: ProjectContext, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("procedures.image.listing.MAX_PAGES", 2)
    upstream.will_answer(page_of(1, 1, marker="1"), page_of(2, 1))
    assert await listed(context) == b'[{"id":"1"},{"id":"2"}]'


# --- listImagesWithPagination


async def test_a_page_has_links_made_from_what_was_asked_with_both_tags(
    context: ProjectContext, upstream: Upstream
) -> None:
    upstream.will_answer(page_of(1, 2, marker="2"))
    asked = f"/v2/images?limit=2&tag=a&tag=b&{SORTED}"
    assert await paged(context, tag=["a", "b"], limit=2) == {
        "images": [{"id": "1"}, {"id": "2"}],
        "first": asked,
        "next": f"{asked}&marker=2",
        "schema": "/v2/schemas/images",
    }


async def test_the_links_of_a_page_lead_through_all_pages_and_back(
    context: ProjectContext, upstream: Upstream
) -> None:
    upstream.will_answer(page_of(1, 1, marker="1"), page_of(2, 1, marker="2"), page_of(3, 1))
    upstream.will_answer(page_of(1, 1, marker="1"))
    answer = await paged(context)
    while "next" in answer:
        answer = await paged(context, next=answer["next"])
    await paged(context, first=answer["first"])
    asked = f"GET /v2/images?{SORTED}"
    assert upstream.asked == [asked, f"{asked}&marker=1", f"{asked}&marker=2", asked]


async def test_a_page_is_written_around_the_images_as_they_came(
    context: ProjectContext, upstream: Upstream
) -> None:
    upstream.will_answer(b'{"images": [{ "id" : "1" }, {}]}')
    given = ImagesPaginatedInput()
    text = (await list_images_with_pagination(context, given)).text
    first = f'"first":"/v2/images?{SORTED}"'.encode()
    assert text == b'{"images":[{ "id" : "1" }, {}],' + first + b"}"


@pytest.mark.parametrize("params", [{}, {"next": "/v2/images?marker=1"}])
async def test_a_page_whose_next_page_is_nowhere_or_itself_is_refused(
    context: ProjectContext, upstream: Upstream, params: dict[str, str]
) -> None:
    upstream.will_answer(page_of(1, 1, marker="1") if params else NOWHERE)
    with pytest.raises(BffError, match="there are more images, but not where") as caught:
        await paged(context, **params)
    assert caught.value.code is Code.BAD_GATEWAY


async def test_a_hostile_link_is_refused_before_any_request_leaves(
    context: ProjectContext, upstream: Upstream
) -> None:
    with pytest.raises(BffError, match="links of an earlier answer"):
        await paged(context, next="/v2/tasks")
    assert upstream.asked == []


# --- A search


def of_images(*images: str, marker: str | None = None) -> bytes:
    link = f',"next":"/v2/images?marker={marker}"' if marker else ""
    return f'{{"images":[{",".join(images)}]{link}}}'.encode()


async def test_a_search_is_read_through_glances_pages_and_goes_on_where_it_ended(
    context: ProjectContext, upstream: Upstream
) -> None:
    first = [r'{"id":"1","name":"b \u00c4x"}', '{"id":"2","name":"]}","tags":["\u00e4X"]}']
    upstream.will_answer(
        of_images(*first, '{"id":"3"}', marker="3"), of_images('{"id":"4","name":"äx"}')
    )
    page = await paged(context, search="äx", limit=2)
    assert [image["id"] for image in page["images"]] == ["1", "2"]
    upstream.answers.clear()
    upstream.will_answer(
        of_images('{"id":"3"}', marker="3"), of_images('{"id":"4","name":"\u00c4X"}')
    )
    page = await paged(context, next=page["next"], search="äx")
    assert [image["id"] for image in page["images"]] == ["4"]
    assert "next" not in page
    asked = f"GET /v2/images?{SORTED}"
    # Few at first, since a word may be common.
    assert upstream.asked == [
        *(f"{asked}&limit=100", f"{asked}&marker=2&limit=100"),
        f"{asked}&limit=400&marker=3",
    ]


async def test_of_a_range_in_the_order_of_its_date_no_more_is_asked_for_than_needed(
    context: ProjectContext, upstream: Upstream
) -> None:
    of_january = {"created_at": ["gte:2026-01-01T00:00:00Z", "lt:2026-02-01T00:00:00Z"]}
    dates = {"1": "2026-01-31T23:59:59Z", "2": "2026-01-02T00:00:00Z", "3": "2025-12-31T23:59:59Z"}
    shown = [f'{{"id":"{key}","created_at":"{date}"}}' for key, date in dates.items()]
    upstream.will_answer(of_images(*shown, marker="3"))
    page = await paged(context, limit=2, **of_january)
    assert [image["id"] for image in page["images"]] == ["1", "2"]
    upstream.answers.clear()
    # What comes before the from ends the list, whatever Glance has behind it.
    upstream.will_answer(of_images(*shown[1:], marker="3"))
    page = await paged(context, limit=2, **of_january)
    assert ([image["id"] for image in page["images"]], "next" in page) == (["2"], False)
    to = "created_at=lt%3A2026-02-01T00%3A00%3A00Z"
    assert upstream.asked == [f"GET /v2/images?{SORTED}&{to}&limit=3"] * 2


async def test_images_that_are_odd_are_searched_too(
    context: ProjectContext, upstream: Upstream
) -> None:
    odd = [
        r'{"id":"1","name":"\ud800 find"}',
        '{"id":"2","name":5,"tags":[1,"find"]}',
        '{"name":"find","tags":"find"}',
        '{"id":[],"name":null,"tags":{"find":1}}',
    ]
    upstream.will_answer(of_images(*odd))
    found = orjson.loads((await listed(context, search="FIND")).replace(rb"\ud800", b""))
    assert [image.get("id") for image in found] == ["1", "2", None]


@pytest.mark.parametrize("images", [[b"1"], [b'{"id":"1","name":"\xff"}']])
async def test_what_is_no_image_ends_a_search(
    images: list[bytes], context: ProjectContext, upstream: Upstream
) -> None:
    upstream.will_answer(b'{"images":[' + b",".join(images) + b"]}")
    with pytest.raises(BffError) as caught:
        await listed(context, search="x")
    assert caught.value.code is Code.BAD_GATEWAY


@pytest.mark.parametrize("bound", ["MAX_LOOKED_AT", "MAX_BYTES", "MAX_PAGES"])
async def test_a_search_is_bounded_and_a_page_of_it_goes_on(
    bound: str, context: ProjectContext, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"procedures.image.listing.{bound}", 1)
    monkeypatch.setattr("procedures.image.listing.MAX_FOR_PAGE", 1)
    for params in ({}, {"limit": 3}):
        upstream.will_answer(page_of(1, 1, marker="1"))
        with pytest.raises(BffError, match="did not come to its end") as caught:
            await listed(context, search="x", **params)
        assert caught.value.code is Code.INVALID_INPUT
    upstream.will_answer(page_of(1, 1, marker="1"))
    page = await paged(context, search="x")
    assert (page["images"], page["next"].endswith("&marker=1")) == ([], True)
    upstream.will_answer(page_of(1, 1, marker="9"))
    with pytest.raises(BffError, match="no end"):
        await paged(context, next=page["next"])


async def test_a_page_of_a_search_looks_at_no_more_than_its_bound_whatever_glance_gives(
    context: ProjectContext, upstream: Upstream
) -> None:
    upstream.will_answer(page_of(1, 100, marker="100"), page_of(101, 400, marker="500"))
    page = await paged(context, search="x")
    asked = f"GET /v2/images?{SORTED}"
    assert upstream.asked == [f"{asked}&limit=100", f"{asked}&limit=400&marker=100"]
    assert (page["images"], page["looked_at"]) == ([], 500)
    assert page["next"].endswith("&marker=500")
    # Pages of a site that are smaller than asked for, and then one that is larger.
    upstream.will_answer(page_of(501, 25, marker="525"), page_of(526, 500))
    page = await paged(context, next=page["next"])
    assert (page["looked_at"], page["next"].endswith("&marker=1000")) == (500, True)
    upstream.answers.clear()
    upstream.will_answer(page_of(1001, 500))
    page = await paged(context, next=page["next"])
    assert (page["looked_at"], "next" in page) == (500, False)


async def test_a_large_page_of_a_search_asks_for_all_that_it_may_look_at(
    context: ProjectContext, upstream: Upstream
) -> None:
    upstream.will_answer(page_of(1, 500, marker="500"))
    page = await paged(context, search="1", limit=1000)
    assert (page["looked_at"], "next" in page) == (500, True)
    assert upstream.asked == [f"GET /v2/images?{SORTED}&limit=500"]


async def test_a_page_says_at_how_many_images_of_a_search_it_looked(
    context: ProjectContext, upstream: Upstream
) -> None:
    upstream.will_answer(page_of(10, 20))
    page = await paged(context, search="2", limit=2)  # 12 and 20
    assert (page["looked_at"], page["next"].endswith("&marker=20")) == (11, True)
    upstream.will_answer(page_of(10, 20))
    assert "looked_at" not in await paged(context)


async def test_lists_and_counts_look_at_more_than_a_page(
    context: ProjectContext, upstream: Upstream
) -> None:
    for ask in (listed, counted):
        upstream.will_answer(page_of(1, 1000, marker="1000"), page_of(1001, 1000))
        assert await ask(context, search="1999") in (b'[{"id":"1999"}]', 1)


async def counted(context: ProjectContext, **params: Any) -> int:
    return (await count_images(context, CountImagesInput.model_validate(params))).count


async def test_images_are_counted_with_the_filters_of_a_list_and_within_its_bound(
    context: ProjectContext, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.will_answer(page_of(1, 2, marker="2"), page_of(3, 1))
    counted = await count_images(context, CountImagesInput(tag=["a"]))
    assert (counted.count, counted.complete) == (3, True)
    assert upstream.asked[0] == "GET /v2/images?tag=a&limit=1000"
    upstream.will_answer(page_of(10, 12))
    assert (await count_images(context, CountImagesInput(search="2"))).count == 3  # 12, 20, 21
    monkeypatch.setattr("procedures.image.listing.MAX_LOOKED_AT", 2)
    upstream.will_answer(page_of(1, 2, marker="2"))
    counted = await count_images(context, CountImagesInput())
    assert (counted.count, counted.complete) == (2, False)
