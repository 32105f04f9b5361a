"""``/v2/images/{id}/file``: an image's data, stored whole or not at all.

Source: Image API v2, "Image data"; what a real Glance 33 does with a body that is cut, too large or
of another format is in ``docs/uploads.md``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from bff.errors import BffError, Code
from bff.openstack.exchange import Operation
from bff.openstack.glance.images import Images, image_path, no_image
from bff.openstack.glance.requester import Requester
from bff.openstack.glance.upload_errors import (
    deleted_meanwhile,
    not_fillable,
    session_ended,
    with_state,
    without_state,
)
from bff.openstack.glance.verified_body import VerifiedBody, slices

# Glance hashes with sha512 unless a site chose otherwise (``hashing_algorithm``).
DIGEST = "sha512"
# In seconds, between reads of an image whose last upload may just have been broken off.
_PAUSES = (0.05, 0.1, 0.2, 0.4)
# In seconds: a better message must not delay the error for longer.
_READ_SECONDS = 0.4


@dataclass(frozen=True)
class Data:
    """The data of the images that one token may see."""

    request: Requester
    images: Images

    async def check_queued(self, image_id: str, *, patiently: bool = True) -> None:
        """Check that the image waits for its data.

        Glance takes a moment to notice that an upload broke off; a client that uploads again at
        once should not see that.

        Args:
            patiently: Give Glance that moment.

        Raises:
            BffError: NOT_FOUND; FORBIDDEN, it is another project's and Glance does not let the
                caller change it; CONFLICT, it is not `queued`; BAD_REQUEST, it has no formats.
        """
        image = await self.images.read(image_id)
        for pause in _PAUSES if patiently else ():
            if image.get("status") != "saving":
                break
            await asyncio.sleep(pause)
            image = await self.images.read(image_id)
        refusal = not_fillable(image_id, image)
        if refusal is None and image.get("owner") == self.images.project_id:
            return
        denial = await self.images.denial(image_id, image, _doing(image_id))
        if (error := denial or refusal) is not None:
            raise error

    async def upload(
        self,
        image_id: str,
        content: bytes | AsyncIterator[bytes],
        size: int | None = None,
        *,
        sha512: str | None = None,
        on_sent: Callable[[int], None] | None = None,
    ) -> None:
        """Store the data of a `queued` image.

        When this returns, the image is `active`, as large as what was sent, and, where ``sha512``
        is given, has this digest. Whatever ``content`` raises cuts the upload: the image stays
        `queued`. Nothing is ever sent twice.

        Args:
            content: All of it, or chunks that are pulled as fast as Glance takes them.
            size: The number of bytes, if it is known; another number of them is an error.
            sha512: In lower-case hexadecimal.
            on_sent: Is called with the number of bytes that have gone out to Glance since the last
                time.

        Raises:
            BffError: CONFLICT, the image is not `queued`; NOT_FOUND, it is not there or was deleted
                meanwhile; BAD_REQUEST, the content is empty, or does not match size and digest;
                PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE and others as Glance explains.
        """
        if isinstance(content, bytes):
            size, content = len(content), slices(content)
        body = VerifiedBody(content, size, sha512, on_sent)
        try:
            await self._put(image_id, body, size)
        except BffError as error:
            # The content's own error needs no explanation by the image's state.
            if error is body.failure:
                raise
            raise await self._explained(image_id, error, body) from error.__cause__
        await self._verify(image_id, body)

    async def _put(self, image_id: str, body: VerifiedBody, size: int | None) -> None:
        headers = {"Content-Type": "application/octet-stream"}
        if size is not None:
            # With a length, Glance refuses what is over a quota before it takes it; in chunks, the
            # image would get stuck in `saving`.
            headers |= {"Content-Length": str(size), "X-Openstack-Image-Size": str(size)}
        await self.request.stream(
            "PUT",
            f"{image_path(image_id)}/file",
            Operation(_doing(image_id), no_image(image_id), deleted_meanwhile(image_id)),
            ok=204,
            body=body,
            headers=headers,
        )

    async def _verify(self, image_id: str, body: VerifiedBody) -> None:
        """Compare what Glance reports with what was sent."""
        try:
            image = await self.images.read(image_id)
        except BffError as error:
            message = (
                f"Glance took all {body.count} bytes of image {image_id}, but how it stored them"
                f" could not be checked. {error.message} Then look at the image."
            )
            raise BffError(error.code, message, **error.data) from error.__cause__
        expected: dict[str, Any] = {"status": "active", "size": body.count}
        if body.sha512 is not None and image.get("os_hash_algo") == DIGEST:
            expected["os_hash_value"] = body.sha512
        differs = [
            f"its {key} is {image.get(key)}, not {value}"
            for key, value in expected.items()
            if image.get(key) != value
        ]
        if differs:
            message = (
                f"Glance took the data of image {image_id}, but {' and '.join(differs)}:"
                " delete the image and upload to a new one."
            )
            raise BffError(Code.BAD_GATEWAY, message)

    async def _explained(self, image_id: str, error: BffError, body: VerifiedBody) -> BffError:
        """Return the error with what became of the image, and what to do about it."""
        if error.code is Code.UNAUTHORIZED:
            return session_ended(image_id, error, body)
        if error.code is Code.FORBIDDEN:
            # Worth the wait, and without a time limit: Glance has just answered.
            return await self.images.explained(error, image_id, _doing(image_id))
        try:
            async with asyncio.timeout(_READ_SECONDS):
                image = await self.images.read(image_id)
        except TimeoutError:
            return without_state(error, body)
        except BffError as unread:
            if unread.code is not Code.NOT_FOUND:
                return without_state(error, body)
            deleted = BffError(unread.code, deleted_meanwhile(image_id), **unread.data)
            return error if error.code is Code.NOT_FOUND else deleted
        return with_state(image_id, image, error, body)


def _doing(image_id: str) -> str:
    return f"upload the data of image {image_id}"
