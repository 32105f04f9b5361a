"""Lists of images: all that match, or one page with links to the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from bff.errors import BffError, Code
from bff.session.context import ProjectContext
from procedures.image.filters import (
    Query,
    first_page,
    of_filters,
    of_params,
    to_link,
)
from procedures.image.scan import Scan
from schemas.image import (
    GlanceImage,
    ImageFilters,
    ImagesCount,
    ImagesPaginatedResponse,
    ListImagesInput,
)
from schemas.json import Buffer, Json, enclosed

MAX_IMAGES = 10_000
MAX_BYTES = 64 * 1024 * 1024
# A site may have smaller pages (Glance's api_limit_max): of 25, its own default, it takes so many.
MAX_PAGES = MAX_IMAGES // 25
# Images that one call looks at, where Glance cannot find them by itself.
MAX_LOOKED_AT = 20_000
# And those for one page of them, which shall come in half a second: Glance lists 1000 in one.
MAX_FOR_PAGE = 500
# Glance's own, and its largest.
PAGE_SIZE = 25
MAX_PAGE_SIZE = 1000
# Images that a search looks at before it asks for large pages.
FIRST_LOOK = 100


async def images(ctx: ProjectContext, params: ListImagesInput) -> Json[list[GlanceImage]]:
    """Return the matching images: as many as ``limit`` says, or all of them.

    Raises:
        BffError: BAD_REQUEST, more than ``MAX_IMAGES`` or ``MAX_BYTES`` match; CONFLICT, the
            list changed while it was read; BAD_GATEWAY, its pages do not lead to its end.
    """
    query = of_params(params)
    scan = Scan.of(query, ctx.project_id)
    if scan.is_needed:
        found: Sequence[Buffer] = await _search_all(ctx, scan, params.limit)
    elif params.limit is None:
        found = await _all(ctx, query)
    else:
        return Json((await ctx.glance.listing.page(query)).text.array)
    return Json(enclosed(b"[", found, b"]"))


async def page(ctx: ProjectContext, params: ListImagesInput) -> Json[ImagesPaginatedResponse]:
    """Return one page of the matching images, with links to the next and the first page.

    Where images are searched, ``MAX_FOR_PAGE`` of them are looked at: the page may be short of its
    ``limit``, or empty, and still have a next one.

    Raises:
        BffError: BAD_REQUEST, ``next`` or ``first`` is not a link of an earlier answer;
            BAD_GATEWAY, the next page would be this one again.
    """
    query = of_params(params)
    scan = Scan.of(query, ctx.project_id)
    if scan.is_needed:
        return await _search_page(ctx, query, scan)
    answered = await ctx.glance.listing.page(query)
    envelope = {"first": to_link(first_page(query))}
    if (following := answered.next_query()) is not None:
        envelope["next"] = to_link(following)
    if answered.text.schema is not None:
        envelope["schema"] = answered.text.schema
    return Json(b"".join([b'{"images":', answered.text.array, b",", orjson.dumps(envelope)[1:]]))


@dataclass(frozen=True)
class _Found:
    """What a search found.

    Args:
        last: The image behind which it goes on; ``None`` when it came to the list's end.
        looked_at: How many images it took.
    """

    images: list[Buffer]
    last: str | None
    looked_at: int


async def count(ctx: ProjectContext, params: ImageFilters) -> ImagesCount:
    """Return how many images match, of as many as a search looks at."""
    scan = Scan.of(of_filters(params), ctx.project_id)
    found = await _search(ctx, scan, None, MAX_LOOKED_AT)
    return ImagesCount(count=len(found.images), complete=found.last is None)


async def _search(ctx: ProjectContext, scan: Scan, most: int | None, within: int) -> _Found:
    """Look at images until so many match, the list ends or a bound is reached.

    Args:
        most: ``None`` to count them: each is then found without its text.
        within: How many images are looked at.
    """
    found: list[Buffer] = []
    looked_at = size = pages = 0
    last: str | None = None
    first = _first_size(scan, most, within)
    then = min(max(within - first, FIRST_LOOK), MAX_PAGE_SIZE)
    async for page in ctx.glance.listing.pages(scan.query, first, then):
        pages += 1
        end = looked_at + len(page.images)
        for image, known in page.known():
            looked_at += 1
            if scan.is_past(known):
                return _Found(found, None, looked_at)
            last, size = known.id, size + len(memoryview(image))
            if scan.matches(known):
                # A part of the page would keep all of it.
                found.append(b"" if most is None else bytes(image))
            is_enough = len(found) == most or looked_at >= within
            if is_enough and (looked_at < end or not page.is_last):
                return _Found(found, last, looked_at)
        if (size >= MAX_BYTES or pages >= MAX_PAGES) and not page.is_last:
            return _Found(found, last, looked_at)
    return _Found(found, None, looked_at)


def _first_size(scan: Scan, most: int | None, within: int) -> int:
    """Return how many images Glance is asked for first.

    No more than needed, where all of them match; and few, where words may be common: Glance takes
    five times as long for a thousand as for a hundred.
    """
    if most is None:
        return MAX_PAGE_SIZE
    return min(max(most + 1, FIRST_LOOK if scan.tests else 0), within, MAX_PAGE_SIZE)


async def _search_all(ctx: ProjectContext, scan: Scan, limit: int | None) -> list[Buffer]:
    found = await _search(ctx, scan, limit or MAX_IMAGES, MAX_LOOKED_AT)
    if found.last is not None and len(found.images) != limit:
        raise _unfinished()
    return found.images


async def _search_page(
    ctx: ProjectContext, query: Query, scan: Scan
) -> Json[ImagesPaginatedResponse]:
    asked = dict(query)
    # Of a range in the order of its date, Glance finds the images itself: these pages are full.
    within = MAX_FOR_PAGE if scan.tests else MAX_LOOKED_AT
    found = await _search(ctx, scan, int(asked.get("limit", PAGE_SIZE)), within)
    envelope: dict[str, str | int] = {"first": to_link(first_page(query))}
    envelope["looked_at"] = found.looked_at
    if found.last is not None:
        if not found.last.isprintable() or found.last in ("", asked.get("marker")):
            raise _endless()
        envelope["next"] = to_link([*first_page(query), ("marker", found.last)])
    return Json(enclosed(b'{"images":[', found.images, b"]," + orjson.dumps(envelope)[1:]))


async def _all(ctx: ProjectContext, query: Query) -> list[bytes]:
    found: list[Buffer] = []
    size = pages = 0
    async for page in ctx.glance.listing.pages(query):
        pages += 1
        found += page.images
        size += sum(len(memoryview(image)) for image in page.images)
        if len(found) > MAX_IMAGES or size > MAX_BYTES:
            raise _too_many()
        if pages >= MAX_PAGES and not page.is_last:
            raise _endless()
    return found


def _unfinished() -> BffError:
    message = (
        f"The search did not come to its end within {MAX_LOOKED_AT} images, {MAX_BYTES} bytes of"
        f" them or {MAX_IMAGES} that match: narrow the filters, or search page by page with"
        " listImagesWithPagination."
    )
    return BffError(Code.INVALID_INPUT, message)


def _too_many() -> BffError:
    message = (
        f"More than {MAX_IMAGES} images match, or {MAX_BYTES} bytes of them: narrow the filters,"
        " set limit, or read page by page with listImagesWithPagination."
    )
    return BffError(Code.INVALID_INPUT, message)


def _endless() -> BffError:
    message = (
        f"Glance's list has no end after {MAX_PAGES} pages: narrow the filters, or read page"
        " by page with listImagesWithPagination."
    )
    return BffError(Code.BAD_GATEWAY, message)
