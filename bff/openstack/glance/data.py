"""``/v2/images/{id}/file``: an image's data, stored whole or not at all.

Source: Image API v2, "Image data"; what a real Glance 33 does with a body that is cut, too large or
of another format is in ``docs/uploads.md``.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from bff.errors import BffError, Code
from bff.openstack.glance.images import Images, image_path, no_image
from bff.openstack.glance.requester import Requester
from bff.openstack.service import Intent

CHUNK = 256 * 1024
# Glance hashes with sha512 unless a site chose otherwise (``hashing_algorithm``).
DIGEST = "sha512"
FORMATS = ("container_format", "disk_format")
# In seconds, between looks at an image whose last upload may just have been broken off.
_PAUSES = (0.05, 0.1, 0.2, 0.4)
# An error is not kept from its client for the sake of a better message.
_LOOK_SECONDS = 0.4
# uWSGI waits 4 seconds for a body to go on, cheroot 10.
_SILENCE_SECONDS = 3.0
# What comes of a server under Glance that waits no longer; a store's failure is a 503.
_IMPATIENT = (Code.BAD_GATEWAY, Code.GATEWAY_TIMEOUT)
# After these, only the image itself can tell what Glance did.
_UNANSWERED = (Code.BAD_GATEWAY, Code.GATEWAY_TIMEOUT, Code.SERVICE_UNAVAILABLE)

Image = Mapping[str, Any]


@dataclass(frozen=True)
class Data:
    """The data of the images that one token may see."""

    request: Requester
    images: Images

    async def check_queued(self, image_id: str, *, patiently: bool = True) -> None:
        """Check that the image waits for its data.

        Glance takes a moment to notice that an upload broke off; whoever uploads again at once
        should not have to know.

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
        refusal = _not_fillable(image_id, image)
        if refusal is None and image.get("owner") == self.images.project_id:
            return
        denial = await self.images.denial(image_id, image, _doing(image_id))
        if (told := denial or refusal) is not None:
            raise told

    async def upload(
        self,
        image_id: str,
        content: bytes | AsyncIterator[bytes],
        size: int | None = None,
        *,
        sha512: str | None = None,
        taken: Callable[[int], None] | None = None,
    ) -> None:
        """Store the data of a `queued` image.

        When this returns, the image is `active`, as large as what was sent, and, where ``sha512``
        is given, has this digest. Whatever ``content`` raises cuts the upload: the image stays
        `queued`. Nothing is ever sent twice.

        Args:
            content: All of it, or chunks that are asked for as fast as Glance takes them.
            size: The number of bytes, if it is known; another number of them is an error.
            sha512: In lower-case hexadecimal.
            taken: Is told of every so many bytes that have gone out to Glance.

        Raises:
            BffError: CONFLICT, the image is not `queued`; NOT_FOUND, it is not there or was deleted
                meanwhile; BAD_REQUEST, the content is empty, or not what size and digest say;
                PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE and others as Glance explains.
        """
        if isinstance(content, bytes):
            size, content = len(content), _slices(content)
        checked = _Checked(content, size, sha512, taken)
        try:
            await self._put(image_id, checked, size)
        except BffError as error:
            # An error of the content's own is none of Glance's.
            if error is checked.failure:
                raise
            raise await self._explained(image_id, error, checked) from error.__cause__
        await self._verify(image_id, checked)

    async def _put(self, image_id: str, content: _Checked, size: int | None) -> None:
        headers = {"Content-Type": "application/octet-stream"}
        if size is not None:
            # With a length, Glance refuses what is over a quota before it takes it; in chunks, the
            # image would get stuck in `saving`.
            headers |= {"Content-Length": str(size), "X-Openstack-Image-Size": str(size)}
        await self.request.stream(
            "PUT",
            f"{image_path(image_id)}/file",
            Intent(_doing(image_id), no_image(image_id), _gone(image_id)),
            ok=204,
            body=content,
            headers=headers,
        )

    async def _verify(self, image_id: str, sent: _Checked) -> None:
        """Compare what Glance says it has with what was sent."""
        try:
            image = await self.images.read(image_id)
        except BffError as error:
            message = (
                f"Glance took all {sent.count} bytes of image {image_id}, but how it stored them"
                f" could not be checked. {error.message} Then look at the image."
            )
            raise BffError(error.code, message, **error.data) from error.__cause__
        expected: dict[str, Any] = {"status": "active", "size": sent.count}
        if sent.sha512 is not None and image.get("os_hash_algo") == DIGEST:
            expected["os_hash_value"] = sent.sha512
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

    async def _explained(self, image_id: str, error: BffError, sent: _Checked) -> BffError:
        """Return the error with what became of the image, and what to do about it."""
        if error.code is Code.UNAUTHORIZED:
            return _session_over(image_id, error, sent)
        if error.code is Code.FORBIDDEN:
            # Whose image it is, is worth the wait: Glance took nothing, and has just answered.
            return await self.images.explained(error, image_id, _doing(image_id))
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                image = await self.images.read(image_id)
        except TimeoutError:
            return _untold(error, sent)
        except BffError as another:
            if another.code is not Code.NOT_FOUND:
                return _untold(error, sent)
            gone = BffError(another.code, _gone(image_id), **another.data)
            return error if error.code is Code.NOT_FOUND else gone
        return _told(image_id, image, error, sent)


class _Checked:
    """Chunks on their way: counted, hashed where that is asked for, and ended only if they fit.

    The last chunk is held back until the end is known to be right. Glance knows the size
    and would store the image as soon as it has the last byte.
    """

    def __init__(
        self,
        content: AsyncIterator[bytes],
        size: int | None,
        sha512: str | None,
        taken: Callable[[int], None] | None,
    ) -> None:
        self._content = content
        self._size = size
        self._taken = taken
        self._given = 0
        self._hash = hashlib.sha512() if sha512 is not None else None
        self._held: bytes | None = None
        self._asked: float | None = None
        self.sha512 = sha512
        self.count = 0
        self.ended = False
        self.failure: BffError | None = None

    def __aiter__(self) -> _Checked:
        return self

    async def __anext__(self) -> bytes:
        """Return the next chunk; the one before was taken when this is asked for.

        Raises:
            BffError: BAD_REQUEST, the content is empty, or not what size and digest say.
        """
        if self._taken is not None and self._given:
            self._taken(self._given)
            self._given = 0
        try:
            if self._held is None and not self.ended:
                self._held = await self._next()
            held, self._held = self._held, None
            if held is None:
                raise StopAsyncIteration
            self._held = await self._next()
        except BffError as failure:
            self.failure = failure
            raise
        self._given = len(held)
        return held

    async def _next(self) -> bytes | None:
        """Return what comes, ``None`` at an end that is right."""
        self._asked = monotonic()
        async for chunk in self._content:
            if chunk:
                self._asked = None
                self._look_at(chunk)
                return chunk
        self._asked = None
        self._check_end()
        self.ended = True
        return None

    def silence(self) -> float:
        """Return for how many seconds nothing has come that was asked for."""
        return 0.0 if self._asked is None else monotonic() - self._asked

    def _look_at(self, chunk: bytes) -> None:
        self.count += len(chunk)
        if self._size is not None and self.count > self._size:
            raise _not_as_said(f"it is larger than the {self._size} bytes that were declared")
        if self._hash is not None:
            self._hash.update(chunk)

    def _check_end(self) -> None:
        if self.count == 0:
            raise _not_as_said("it is empty")
        if self._size not in (None, self.count):
            raise _not_as_said(f"it has {self.count} bytes, and {self._size} were declared")
        if self._hash is not None and self._hash.hexdigest() != self.sha512:
            raise _not_as_said(f"its sha512 is {self._hash.hexdigest()}, not {self.sha512}")


async def _slices(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), CHUNK):
        yield content[start : start + CHUNK]


_ADVICE = {
    "queued": "The image is `queued` as before, and takes another upload.",
    "active": (
        "Its answer was lost, and the image is `active` now: compare its size and os_hash_value"
        " with the data before using it."
    ),
    # Seen with a user's quota and a body without a length.
    "saving": (
        "Glance left the image in `saving`, or another upload of it is under way. If it stays so,"
        " only deleting it helps; then upload to a new one."
    ),
}


# Seen with a Glance that is stopped or killed.
_UNSEEN = (
    "What became of the image cannot be seen now. Look at it before uploading again: `queued` takes"
    " another upload; if it stays `saving`, only deleting it helps."
)


# Seen with data of another format: Glance computed its checksum, and kept the file in its store.
_KEPT = (
    "The image is `queued`, but Glance kept a part of the refused data and may fail when it is"
    " given other data: delete the image and upload to a new one."
)


def _told(image_id: str, image: Image, error: BffError, sent: _Checked) -> BffError:
    """Return the error as the image shows it, and with what to do about it."""
    status = image.get("status")
    if error.code is Code.NOT_FOUND:
        # Glance says so, too, when the end of another upload changed the image meanwhile.
        message = f"Another upload of image {image_id} came between."
        error = BffError(Code.CONFLICT, message, **error.data)
    refused = status != "queued" and error.code is Code.CONFLICT
    if refused or (status == "active" and error.code in _UNANSWERED and not sent.ended):
        return _not_queued(image_id, image, **error.data)
    if error.code in _UNANSWERED and (unformatted := _unformatted(image_id, image)):
        return unformatted
    if error.code in _IMPATIENT and (silence := sent.silence()) > _SILENCE_SECONDS:
        message = f"Nothing had come for {silence:.0f} seconds when this happened: {error.message}"
        error = BffError(Code.TIMEOUT, message, **error.data)
    advice = _ADVICE.get(str(status), f"The image is `{status}` now.")
    if status == "queued" and image.get("checksum"):
        advice = _KEPT
    return _advised(error.code, error, advice)


def _untold(error: BffError, sent: _Checked) -> BffError:
    """Return the error of an upload when Glance does not show the image afterwards."""
    # A Glance that is being stopped cuts the body and then blames it for being incomplete.
    blamed = error.code is Code.BAD_REQUEST and not sent.ended
    return _advised(Code.BAD_GATEWAY if blamed else error.code, error, _UNSEEN)


def _advised(code: Code, error: BffError, advice: str) -> BffError:
    return BffError(code, f"{error.message.rstrip('. ')}. {advice}", **error.data)


def _session_over(image_id: str, error: BffError, sent: _Checked) -> BffError:
    """Return the error of an upload whose token Glance takes no more."""
    if sent.ended:
        advice = (
            f"All {sent.count} bytes were sent, and Glance may have stored them. Sign in again and"
            " look at the image: `active` has them, `queued` takes another upload."
        )
    else:
        advice = "The data was not stored. Sign in again, and upload it again."
    message = f"The session ended while the data of image {image_id} was uploaded. {advice}"
    return BffError(error.code, message, **error.data)


def _doing(image_id: str) -> str:
    return f"upload the data of image {image_id}"


def _gone(image_id: str) -> str:
    return f"Image {image_id} was deleted while its data was uploaded: create a new one."


def _not_queued(image_id: str, image: Image, **data: Any) -> BffError:
    status = image.get("status")
    reasons = {
        "active": "it has its data already; create a new image for other data.",
        "saving": (
            "another upload of it is under way. If none is, Glance has given it up, and only"
            " deleting the image helps."
        ),
    }
    reason = reasons.get(str(status), "create a new image for other data.")
    message = f"Cannot upload to image {image_id}: it must be `queued`, and it is `{status}`;"
    return BffError(Code.CONFLICT, f"{message} {reason}", **data)


def _not_fillable(image_id: str, image: Image) -> BffError | None:
    """Return the refusal of an image that takes no data, or none yet."""
    if image.get("status") != "queued":
        return _not_queued(image_id, image)
    return _unformatted(image_id, image)


def _unformatted(image_id: str, image: Image) -> BffError | None:
    """Return the refusal of an image that Glance lets nobody fill yet."""
    missing = [name for name in FORMATS if image.get(name, "") is None]
    if not missing:
        return None
    message = f"Cannot upload to image {image_id}: set its {' and '.join(missing)} first."
    return BffError(Code.BAD_REQUEST, message)


def _not_as_said(what: str) -> BffError:
    message = f"The data is not what was said: {what}. Nothing was stored; upload it again."
    return BffError(Code.BAD_REQUEST, message)
