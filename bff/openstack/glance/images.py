"""``/v2/images``: list, show, create, delete. Source: Image API v2, "Images"."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from bff.errors import BffError, Code
from bff.openstack.glance import body, query
from bff.openstack.glance.query import Query
from bff.openstack.glance.requester import Requester
from bff.openstack.http import Intent
from schemas.image import GlanceImage, ImagesPaginatedResponse, ListImagesInput
from schemas.json import Json

MOST_IMAGES = 10_000
PAGE_SIZE = 1000
LIST = Intent("list images")
# With these, Glance refuses a marker that was deleted or hidden since the page before was read.
_MARKER_GONE = (Code.BAD_REQUEST, Code.FORBIDDEN)


@dataclass(frozen=True)
class Images:
    """The images that one token may see."""

    request: Requester
    expose_locations: bool

    async def list(self, wanted: ListImagesInput) -> Json[list[GlanceImage]]:
        """Return the matching images: as many as ``limit`` says, or all of them.

        Raises:
            BffError: BAD_REQUEST, more than ``MOST_IMAGES`` match; CONFLICT, the list changed
                while it was read.
        """
        if wanted.limit is not None:
            page = await self._page(query.of_input(wanted))
            return Json(body.array(page.images))
        found: list[bytes] = []
        async for page in self._pages([*query.of_input(wanted), ("limit", str(PAGE_SIZE))]):
            found += page.images
            if len(found) > MOST_IMAGES:
                raise _too_many()
        return Json(body.array(found))

    async def page(self, wanted: ListImagesInput) -> Json[ImagesPaginatedResponse]:
        """Return one page of the matching images, with links to the next and the first page."""
        asked = query.of_input(wanted)
        page = await self._page(asked)
        answer: dict[str, Any] = {
            "images": orjson.Fragment(body.array(page.images)),
            "first": query.to_path(query.from_marker(asked, None)),
        }
        # Made from what was asked: Glance's own link keeps only the last of several tags.
        if marker := query.marker_of(page.next):
            answer["next"] = query.to_path(query.from_marker(asked, marker))
        if page.schema is not None:
            answer["schema"] = page.schema
        return Json(orjson.dumps(answer))

    async def show(self, image_id: str) -> Json[GlanceImage]:
        """Return one image.

        Raises:
            BffError: NOT_FOUND, there is none that this project may see.
        """
        intent = Intent(f"get image {image_id}", _missing(image_id))
        reply = await self.request("GET", _path(image_id), intent, ok=200)
        return self._image(reply.body)

    async def create(self, metadata: Mapping[str, Any]) -> Json[GlanceImage]:
        """Make a queued image; ``metadata`` is in Glance's own terms.

        Raises:
            BffError: CONFLICT, the id is taken; BAD_REQUEST, FORBIDDEN, PAYLOAD_TOO_LARGE as
                Glance explains.
        """
        reply = await self.request(
            "POST",
            query.PATH,
            Intent("create the image"),
            ok=201,
            body=orjson.dumps(metadata),
            headers={"Content-Type": "application/json"},
        )
        return self._image(reply.body)

    async def delete(self, image_id: str) -> None:
        """Delete an image and its data for good.

        Raises:
            BffError: FORBIDDEN, it is protected or another project's; NOT_FOUND; CONFLICT, it is
                in use.
        """
        intent = Intent(f"delete image {image_id}", _missing(image_id))
        try:
            await self.request("DELETE", _path(image_id), intent, ok=204)
        except BffError as error:
            if error.code is Code.FORBIDDEN and (await self._look(image_id)).get("protected"):
                message = (
                    f"Cannot delete protected image {image_id}:"
                    " set its property protected to false first."
                )
                raise BffError(error.code, message, **error.data) from None
            raise

    async def _look(self, image_id: str) -> dict[str, Any]:
        """Return the image, to say why something was refused; ``{}`` if that fails too."""
        try:
            image: dict[str, Any] = orjson.loads((await self.show(image_id)).text)
        except (BffError, orjson.JSONDecodeError):
            return {}
        return image

    def _image(self, text: bytes) -> Json[GlanceImage]:
        return Json(body.one(text, expose_locations=self.expose_locations))

    async def _page(self, asked: Query) -> body.Page:
        reply = await self.request("GET", query.to_path(asked), LIST, ok=200)
        return body.page(reply.body, expose_locations=self.expose_locations)

    async def _pages(self, asked: Query) -> AsyncIterator[body.Page]:
        page = await self._page(asked)
        yield page
        while page.images and (marker := query.marker_of(page.next)):
            try:
                page = await self._page(query.from_marker(asked, marker))
            except BffError as error:
                raise _changed(error) if error.code in _MARKER_GONE else error from None
            yield page


def _path(image_id: str) -> str:
    return f"{query.PATH}/{image_id}"


def _missing(image_id: str) -> str:
    return f"Image not found: {image_id}. It does not exist, or this project may not see it."


def _too_many() -> BffError:
    message = (
        f"More than {MOST_IMAGES} images match: narrow the filters, set limit,"
        " or read page by page with listImagesWithPagination."
    )
    return BffError(Code.INVALID_INPUT, message)


def _changed(error: BffError) -> BffError:
    message = "The list of images changed while it was being read; list them again."
    return BffError(Code.CONFLICT, message, **error.data)
