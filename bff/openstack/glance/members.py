"""``/v2/images/{id}/members``: with which projects an image is shared.

Source: Image API v2, "Sharing"; what a real Glance 33 answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from bff.errors import BffError, Code
from bff.openstack.exchange import Operation, Reply
from bff.openstack.glance import body, reasons
from bff.openstack.glance.images import Images, image_path, no_image
from bff.openstack.glance.requester import Requester, own_answer
from schemas.json import Json
from schemas.member import ImageMember

JSON: Mapping[str, str] = {"Content-Type": "application/json"}
SHARE_FIRST = ": set its visibility to shared first."


@dataclass(frozen=True)
class Members:
    """The members of the images that one token may see."""

    request: Requester
    images: Images

    async def list(self, image_id: str) -> Json[list[ImageMember]]:
        """Return the members of an image.

        Raises:
            BffError: FORBIDDEN, the image is not ``shared``; NOT_FOUND.
        """
        operation = Operation(f"list the members of image {image_id}", no_image(image_id))
        try:
            reply = await self.request("GET", _members(image_id), operation, ok=200)
        except BffError as error:
            raise await self._not_shared(error, Code.FORBIDDEN, image_id) from error.__cause__
        return Json(body.members(reply.body))

    async def show(self, image_id: str, member: str) -> Json[ImageMember]:
        """Return one member.

        Raises:
            BffError: NOT_FOUND, there is none that this project may see.
        """
        operation = Operation(f"get a member of image {image_id}", _no_member(image_id, member))
        try:
            reply = await self.request("GET", _member(image_id, member), operation, ok=200)
        except BffError as error:
            raise await self._not_shared(error, Code.NOT_FOUND, image_id) from error.__cause__
        return _read(reply, image_id)

    async def create(self, image_id: str, member: str) -> Json[ImageMember]:
        """Share an image with a project, which has yet to accept it.

        Raises:
            BffError: BAD_REQUEST, the image is not ``shared``; CONFLICT, the project is a member
                already; FORBIDDEN, the image is another project's; NOT_FOUND; PAYLOAD_TOO_LARGE,
                it has too many members.
        """
        operation = Operation(f"share image {image_id}", no_image(image_id))
        reason = reasons.not_shared(Code.BAD_REQUEST, SHARE_FIRST)
        try:
            async with self.images.explaining(image_id, operation, reason):
                reply = await self.request(
                    "POST",
                    _members(image_id),
                    operation,
                    ok=200,
                    body=orjson.dumps({"member": member}),
                    headers=JSON,
                )
        except BffError as error:
            raise _already_member(error, image_id, member) from error.__cause__
        return _read(reply, image_id)

    async def update(self, image_id: str, member: str, status: str) -> Json[ImageMember]:
        """Set the status of a member; only the member itself may.

        Raises:
            BffError: FORBIDDEN, the caller is not the member, or the image is not ``shared``;
                NOT_FOUND.
        """
        try:
            reply = await self.request(
                "PUT",
                _member(image_id, member),
                Operation(f"update a member of image {image_id}", _no_member(image_id, member)),
                ok=200,
                body=orjson.dumps({"status": status}),
                headers=JSON,
            )
        except BffError as error:
            raise await self._not_the_member(error, image_id, member) from error.__cause__
        return _read(reply, image_id)

    async def share(self, image_id: str, member: str, *, accept: bool) -> None:
        """Share an image with a project; fine when it is shared already.

        Args:
            accept: Accept it for the project where the caller may, and otherwise leave it to them.

        Raises:
            BffError: as ``create``, but CONFLICT.
        """
        # What another project offers to this one cannot be shared with it by itself.
        if accept and member == self.images.project_id and await self._accept(image_id, member):
            return
        try:
            await self.create(image_id, member)
        except BffError as error:
            if error.code is not Code.CONFLICT:
                raise
        if accept:
            await self._accept(image_id, member)

    async def is_shared(self, image_id: str, member: str, *, accept: bool) -> bool:
        """Return whether ``share`` would change nothing.

        Raises:
            BffError: as ``share``, as far as the image shows it.
        """
        if accept and member == self.images.project_id:
            status = await self._status(image_id, member)
            if status is not None:
                return bool(status == "accepted")
        image = await self.images.changeable(image_id, f"share image {image_id}")
        reason = reasons.not_shared(Code.BAD_REQUEST, SHARE_FIRST)
        if (refusal := reason(image_id, image)) is not None:
            raise refusal
        status = await self._status(image_id, member)
        return status == "accepted" or (status is not None and not accept)

    async def delete(self, image_id: str, member: str) -> None:
        """Stop sharing an image with a project.

        Raises:
            BffError: FORBIDDEN, the image is another project's, or not ``shared``; NOT_FOUND.
        """
        operation = Operation(f"remove a member of image {image_id}", _no_member(image_id, member))
        reason = reasons.not_shared(Code.FORBIDDEN, SHARE_FIRST)
        async with self.images.explaining(image_id, operation, reason):
            await self.request("DELETE", _member(image_id, member), operation, ok=204)

    async def _accept(self, image_id: str, member: str) -> bool:
        """Accept an image for a project; return whether that was for the caller to do."""
        try:
            await self.update(image_id, member, "accepted")
        except BffError as error:
            if error.code not in (Code.FORBIDDEN, Code.NOT_FOUND):
                raise
            return False
        return True

    async def _status(self, image_id: str, member: str) -> Any:
        """Return what a project thinks of an image; ``None`` if it is no member."""
        try:
            return json.loads((await self.show(image_id, member)).text).get("status")
        except BffError as error:
            if error.code is not Code.NOT_FOUND:
                raise
            return None

    async def _not_shared(self, error: BffError, code: Code, image_id: str) -> BffError:
        """Return the error; if it has this code and the image is not shared, the reason for it."""
        if error.code is not code:
            return error
        image = await self.images.read_or_empty(image_id)
        refusal = reasons.not_shared(code)(image_id, image)
        return error if refusal is None else BffError(code, refusal.message, **error.data)

    async def _not_the_member(self, error: BffError, image_id: str, member: str) -> BffError:
        """Return the error of a member's decision with the reason for it."""
        refusal = await self._not_shared(error, Code.FORBIDDEN, image_id)
        if error.code is not Code.FORBIDDEN or refusal is not error:
            return refusal
        message = f"Only the member can update their status: project {member} itself."
        if member == self.images.project_id:
            message = (
                f"Cannot update the status of project {member}: the session's roles do not allow"
                " that."
            )
        return BffError(error.code, message, **error.data)


def _read(reply: Reply, image_id: str) -> Json[ImageMember]:
    with own_answer(reply):
        return Json(body.member(reply.body, image_id))


def _members(image_id: str) -> str:
    return f"{image_path(image_id)}/members"


def _member(image_id: str, member: str) -> str:
    return f"{_members(image_id)}/{quote(member, safe='')}"


def _already_member(error: BffError, image_id: str, member: str) -> BffError:
    if error.code is not Code.CONFLICT:
        return error
    message = f"Member already exists: image {image_id} is shared with project {member}."
    return BffError(error.code, message, **error.data)


def _no_member(image_id: str, member: str) -> str:
    return (
        f"Image or member not found: project {member} is no member of image {image_id},"
        " or this project may not see it."
    )
