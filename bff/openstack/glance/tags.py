"""``/v2/images/{id}/tags/{tag}``: one tag, whatever becomes of the others meanwhile.

Source: Image API v2, "Image tags"; Glance's ``glance/api/v2/image_tags.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bff.errors import BffError, Code
from bff.openstack.exchange import Operation
from bff.openstack.glance.images import Images, image_path, no_image
from bff.openstack.glance.requester import Requester

# What may stand in a path. Others are set with the whole list of tags: a real Glance 33 reads UTF-8
# there as Latin-1, and for a proxy before it "a/../.." may be another place, such as the image.
_IN_PATHS = re.compile(r"(?!\.+$)[A-Za-z0-9._~:=,@ -]+")


@dataclass(frozen=True)
class Tags:
    """The tags of the images that one token may see."""

    request: Requester
    images: Images

    async def add(self, image_id: str, tags: Sequence[str]) -> None:
        """Add tags to an image; fine when it has them already.

        Raises:
            BffError: FORBIDDEN, the image is another project's; NOT_FOUND; PAYLOAD_TOO_LARGE, it
                has too many. Some of the tags may have been added.
        """
        for tag in filter(_IN_PATHS.fullmatch, tags):
            await self._change("PUT", image_id, tag)
        if others := _others(tags):
            await self._set(image_id, lambda there: [*dict.fromkeys([*there, *others])])

    async def remove(self, image_id: str, tags: Sequence[str]) -> None:
        """Remove tags from an image; fine when it does not have them.

        Raises:
            BffError: FORBIDDEN, the image is another project's; NOT_FOUND. Some of the tags may
                have been removed.
        """
        for tag in filter(_IN_PATHS.fullmatch, tags):
            await self._remove(image_id, tag)
        if others := _others(tags):
            await self._set(image_id, lambda there: [tag for tag in there if tag not in others])

    async def missing(self, image_id: str, tags: Sequence[str]) -> list[str]:
        """Return those of the tags that an image does not have, if the caller may change it.

        Raises:
            BffError: FORBIDDEN, NOT_FOUND: ``add`` and ``remove`` would, too.
        """
        image = await self.images.changeable(image_id, _doing(image_id))
        there = _tags_of(image)
        return [tag for tag in tags if tag not in there]

    async def _remove(self, image_id: str, tag: str) -> None:
        try:
            await self._change("DELETE", image_id, tag)
        except BffError as error:
            # Glance answers 404 for an image that is not there, and for a tag.
            is_there = error.code is not Code.NOT_FOUND or tag in await self._read(image_id)
            if is_there:
                raise

    async def _change(self, method: str, image_id: str, tag: str) -> None:
        operation = Operation(_doing(image_id), no_image(image_id))
        path = f"{image_path(image_id)}/tags/{quote(tag, safe='')}"
        async with self.images.explaining(image_id, operation):
            await self.request(method, path, operation, ok=204)

    async def _set(self, image_id: str, change: Callable[[Sequence[str]], list[str]]) -> None:
        """Replace the list of tags; a change by somebody else in between may be lost."""
        tags = change(await self._read(image_id))
        await self.images.update(image_id, [{"op": "replace", "path": "/tags", "value": tags}])

    async def _read(self, image_id: str) -> Sequence[str]:
        return _tags_of(await self.images.read(image_id))


def _doing(image_id: str) -> str:
    return f"update image {image_id}"


def _others(tags: Sequence[str]) -> Sequence[str]:
    return [tag for tag in tags if not _IN_PATHS.fullmatch(tag)]


def _tags_of(image: Mapping[str, Any]) -> Sequence[str]:
    tags = image.get("tags")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
