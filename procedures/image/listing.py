"""Lists of images: all that match, or one page with links to the others."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from bff.errors import BffError, Code
from bff.session.context import ProjectContext
from procedures.image.filters import Query, first_page, of_params, to_link
from schemas.image import GlanceImage, ImagesPaginatedResponse, ListImagesInput
from schemas.json import Buffer, Json, enclosed

MAX_IMAGES = 10_000
MAX_BYTES = 64 * 1024 * 1024
# A site may have smaller pages (Glance's api_limit_max): of 25, its own default, it takes so many.
MAX_PAGES = MAX_IMAGES // 25


async def images(ctx: ProjectContext, params: ListImagesInput) -> Json[list[GlanceImage]]:
    """Return the matching images: as many as ``limit`` says, or all of them.

    Raises:
        BffError: BAD_REQUEST, more than ``MAX_IMAGES`` or ``MAX_BYTES`` match; CONFLICT, the
            list changed while it was read; BAD_GATEWAY, its pages do not lead to its end.
    """
    query = of_params(params)
    found: Sequence[Buffer]
    if params.limit is None:
        found = await _all(ctx, query)
    else:
        found = (await ctx.glance.listing.page(query)).images
    return Json(enclosed(b"[", found, b"]"))


async def page(ctx: ProjectContext, params: ListImagesInput) -> Json[ImagesPaginatedResponse]:
    """Return one page of the matching images, with links to the next and the first page.

    Raises:
        BffError: BAD_REQUEST, ``next`` or ``first`` is not a link of an earlier answer;
            BAD_GATEWAY, the next page would be this one again.
    """
    query = of_params(params)
    answered = await ctx.glance.listing.page(query)
    envelope = {"first": to_link(first_page(query))}
    if (following := answered.next_query()) is not None:
        envelope["next"] = to_link(following)
    if answered.schema is not None:
        envelope["schema"] = answered.schema
    return Json(enclosed(b'{"images":[', answered.images, b"]," + orjson.dumps(envelope)[1:]))


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
