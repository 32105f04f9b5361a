"""``/v2/images/{id}``: show, create, update, delete, (de/re)activate. Source: Image API v2."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

import orjson

from bff.errors import BffError, Code
from bff.openstack.exchange import Operation, Reply
from bff.openstack.glance import body, patch, reasons
from bff.openstack.glance.query import PATH, PLAIN_IN_LISTS, to_path
from bff.openstack.glance.reasons import Reason
from bff.openstack.glance.requester import Requester, own_answer
from schemas.image import GlanceImage
from schemas.json import Json

PATCH_TYPE = "application/openstack-images-v2.1-json-patch"
PATCH_HEADERS: Mapping[str, str] = {"Content-Type": PATCH_TYPE}
# Whosever it is, and whatever its members think of it.
_ANY = (("visibility", "all"), ("member_status", "all"))
# How Glance's message begins when a policy refuses, whatever the image's state is.
POLICY = "You are not authorized to complete"


@dataclass(frozen=True)
class Listed:
    """What a list of chosen images has.

    Args:
        images: The JSON text of each, by its id.
        left_out: The ids of those that it has not.
        has_more: Whether it is only its own beginning: a site may have small pages.
    """

    images: dict[str, bytes]
    left_out: Sequence[str]
    has_more: bool


@dataclass(frozen=True)
class Images:
    """The images that one token may see.

    Args:
        project_id: The token's project.
    """

    request: Requester
    project_id: str
    expose_locations: bool

    async def show(self, image_id: str) -> Json[GlanceImage]:
        """Return one image.

        Raises:
            BffError: NOT_FOUND, there is none that this project may see.
        """
        operation = Operation(f"get image {image_id}", no_image(image_id))
        reply = await self.request("GET", image_path(image_id), operation, ok=200)
        return self._image(reply, image_id)

    async def read(self, image_id: str) -> dict[str, Any]:
        """Return one image, parsed; raises as ``show``."""
        # The standard library's parser takes whatever ``body.image`` lets through.
        image: dict[str, Any] = json.loads((await self.show(image_id)).text)
        return image

    async def listed(self, image_ids: Sequence[str], *, hidden: bool = False) -> Listed:
        """Return, of many images, those that one list has; each as ``show`` returns it.

        Such a list has whatever ``show`` finds, but either the hidden images or the others. What
        it has not may be there all the same.

        Args:
            image_ids: At most as many as a request line has room for; UUIDs in small letters.

        Raises:
            BffError: BAD_GATEWAY, there is an image among them that was not asked for.
        """
        query = [("id", f"in:{','.join(image_ids)}"), *_ANY, ("limit", str(len(image_ids)))]
        if hidden:
            query.append(("os_hidden", "true"))
        path = to_path(query, safe=PLAIN_IN_LISTS)
        reply = await self.request("GET", path, Operation("get images"), ok=200)
        with own_answer(reply):
            found, has_more = body.chosen(
                reply.body, frozenset(image_ids), expose_locations=self.expose_locations
            )
        left_out = [image_id for image_id in image_ids if image_id not in found]
        return Listed(found, left_out, has_more)

    async def create(self, metadata: Mapping[str, Any]) -> Json[GlanceImage]:
        """Make a queued image; ``metadata`` is in Glance's own terms.

        Raises:
            BffError: CONFLICT, the id is taken; BAD_REQUEST, FORBIDDEN, PAYLOAD_TOO_LARGE as
                Glance explains.
        """
        reply = await self.request(
            "POST",
            PATH,
            Operation("create the image"),
            ok=201,
            body=orjson.dumps(metadata),
            headers={"Content-Type": "application/json"},
        )
        return self._image(reply, metadata.get("id"))

    async def update(self, image_id: str, steps: Sequence[patch.Step]) -> Json[GlanceImage]:
        """Change an image by JSON Patch: every step, or none.

        Steps that Glance takes go to it untouched. Others are applied to the image as it is now,
        and the difference is sent; a change by somebody else in between may be lost.

        Raises:
            BffError: CONFLICT, a test failed or there is nothing where a step points; FORBIDDEN,
                it is another project's, or would be and the caller is no administrator;
                NOT_FOUND; BAD_REQUEST, PAYLOAD_TOO_LARGE as Glance explains.
        """
        if not patch.is_plain(steps):
            steps = await self._translated(image_id, steps)
        operation = Operation(f"update image {image_id}", no_image(image_id))
        async with self.explaining(image_id, operation):
            reply = await self.request(
                "PATCH",
                image_path(image_id),
                operation,
                ok=200,
                body=orjson.dumps(patch.with_owner_checked(steps)),
                headers=PATCH_HEADERS,
            )
        return self._image(reply, image_id)

    async def deactivate(self, image_id: str) -> None:
        """Let nobody boot or download an image any more; fine when it is so already.

        Raises:
            BffError: CONFLICT, the image has no data yet; FORBIDDEN; NOT_FOUND.
        """
        await self._act(image_id, "deactivate")

    async def reactivate(self, image_id: str) -> None:
        """Let a deactivated image be used again; fine when it is active already.

        Raises:
            BffError: as for ``deactivate``.
        """
        await self._act(image_id, "reactivate")

    async def delete(self, image_id: str) -> None:
        """Delete an image and its data for good.

        Raises:
            BffError: FORBIDDEN, it is protected or another project's; NOT_FOUND; CONFLICT, it is
                in use.
        """
        operation = Operation(f"delete image {image_id}", no_image(image_id))
        async with self.explaining(image_id, operation, reasons.protected):
            await self.request("DELETE", image_path(image_id), operation, ok=204)

    async def changeable(self, image_id: str, doing: str) -> dict[str, Any]:
        """Return an image that the caller may change; nothing is changed to find that out.

        Args:
            doing: What would be requested, as in ``update image a85a…``.

        Raises:
            BffError: NOT_FOUND; FORBIDDEN, Glance does not let the caller change it.
        """
        image = await self.read(image_id)
        if (refusal := await self.denial(image_id, image, doing)) is not None:
            raise refusal
        return image

    async def would_change(self, image_id: str, steps: Sequence[patch.Step]) -> bool:
        """Return whether ``update`` would make a difference to an image as it is now.

        Raises:
            BffError: as ``update``, as far as the image shows it.
        """
        image = await self.changeable(image_id, f"update image {image_id}")
        return bool(patch.difference(image, steps))

    async def read_or_empty(self, image_id: str) -> dict[str, Any]:
        """Return the image, to explain a refusal; ``{}`` if it cannot be read."""
        try:
            return await self.read(image_id)
        except BffError:
            return {}

    @asynccontextmanager
    async def explaining(
        self, image_id: str, operation: Operation, reason: Reason = reasons.unknown
    ) -> AsyncIterator[None]:
        """Send a request inside that changes an image; the message of a 403 gives the reason.

        Raises:
            BffError: as the request; FORBIDDEN becomes what ``explained`` returns.
        """
        try:
            yield
        except BffError as error:
            if error.code is not Code.FORBIDDEN:
                raise
            raise await self.explained(error, image_id, operation.doing, reason) from None

    async def explained(
        self, error: BffError, image_id: str, doing: str, reason: Reason = reasons.unknown
    ) -> BffError:
        """Return the error with the reason for it: whose the image is, or else its state.

        Args:
            error: Returned as it is when neither is the reason, or when neither can be read.
            doing: What was requested, as in ``delete image a85a…``.
        """
        refusal: BffError | None
        try:
            image = await self.read(image_id)
            if POLICY in error.message:
                refusal = reasons.denied(error, image, self.project_id, doing)
            else:
                refusal = await self.denial(image_id, image, doing) or reason(image_id, image)
        except BffError:
            return error
        if refusal is None:
            return error
        return BffError(refusal.code, refusal.message, **(refusal.data or error.data))

    async def denial(self, image_id: str, image: Mapping[str, Any], doing: str) -> BffError | None:
        """Return why the caller may not change an image; ``None`` when Glance lets them.

        Who is an administrator, and what a role may do, is the site's policy and not in the token.
        So Glance is asked to remove a property that no image has: it checks the policy first (403)
        and then finds nothing to remove (409).

        Raises:
            BffError: Glance's answer was neither.
        """
        no_change = [{"op": "remove", "path": f"/{uuid4().hex}"}]
        try:
            await self.request(
                "PATCH",
                image_path(image_id),
                Operation(doing, no_image(image_id)),
                ok=409,
                body=orjson.dumps(no_change),
                headers=PATCH_HEADERS,
            )
        except BffError as refusal:
            if refusal.code is not Code.FORBIDDEN:
                raise
            return reasons.denied(refusal, image, self.project_id, doing)
        return None

    async def _translated(self, image_id: str, steps: Sequence[patch.Step]) -> Sequence[patch.Step]:
        image = await self.read(image_id)
        try:
            return patch.difference(image, steps)
        except BffError as error:
            # Glance, too, checks permissions before it looks for what a step points to.
            raise await self.explained(error, image_id, f"update image {image_id}") from None

    async def _act(self, image_id: str, action: Literal["deactivate", "reactivate"]) -> None:
        operation = Operation(f"{action} image {image_id}", no_image(image_id))
        async with self.explaining(image_id, operation, reasons.no_data(action)):
            await self.request(
                "POST", f"{image_path(image_id)}/actions/{action}", operation, ok=204
            )

    def _image(self, reply: Reply, image_id: str | None) -> Json[GlanceImage]:
        with own_answer(reply):
            text = body.image(reply.body, expose_locations=self.expose_locations, image_id=image_id)
        return Json(text)


def image_path(image_id: str) -> str:
    """Return the path of one image."""
    return f"{PATH}/{image_id}"


def no_image(image_id: str) -> str:
    """Return the message for an image that is not there."""
    return f"Image not found: {image_id}. It does not exist, or this project may not see it."
