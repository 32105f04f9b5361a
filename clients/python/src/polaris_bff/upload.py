"""An image's data: read once, sent as it is read, and compared with what was stored."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias
from urllib.parse import quote

from polaris_bff import wire
from polaris_bff.contract import PROCEDURES, GlanceImage
from polaris_bff.core import Core
from polaris_bff.effects import Block, Flow, Reply, Sleep
from polaris_bff.errors import DIGEST_MISMATCH, BffError, refused

File: TypeAlias = "str | os.PathLike[str] | BinaryIO"
# Told how many bytes went out, and of how many, as far as that is known.
Progress: TypeAlias = "Callable[[int, int | None], object]"
_ROUTE = PROCEDURES["compute.image.uploadImage"].upload_route
_IMAGE = "compute.image.getImageById"
_CHUNK = 256 * 1024
# In seconds between two signs of life: the server waits that long for Glance to hash it all.
_PATIENCE = 660.0


class FileSource:
    """A file that is read as it is sent, and hashed on the way.

    Args:
        file: A path; or a file that is open for reading bytes, from where it stands.

    Raises:
        OSError: there is no such file, or it cannot be read.
    """

    def __init__(self, file: File, progress: Progress | None = None) -> None:
        self._owned = isinstance(file, str | os.PathLike)
        # Without a buffer, which could not be closed while a thread waits for a pipe.
        self._file: Any = (
            Path(file).open("rb", buffering=0) if isinstance(file, str | os.PathLike) else file  # noqa: SIM115  # closed by `close`
        )
        self._progress = progress
        self._start = _position(self._file)
        self.size = _size(self._file, self._start)
        # Whether the server said that it has everything.
        self.stored = False
        self._begin()

    def _begin(self) -> None:
        self._hash = hashlib.sha512()
        self._read = self._sent = 0

    def read(self) -> bytes:
        """Return the next bytes, none at the end.

        Raises:
            BffError: BAD_REQUEST, the file has become shorter, or is not one of bytes.
            OSError: it cannot be read.
        """
        most = _CHUNK if self.size is None else min(_CHUNK, self.size - self._read)
        chunk = self._file.read(most) if most else b""
        if not isinstance(chunk, bytes | bytearray | memoryview):
            raise BffError("BAD_REQUEST", "The file must be open for reading bytes")
        if not chunk and self.size is not None and self._read < self.size:
            raise BffError("BAD_REQUEST", "The file became shorter while it was sent")
        self._hash.update(chunk)
        self._read += len(chunk)
        return bytes(chunk)

    def sent(self, chunk: bytes) -> None:
        """Tell how much has gone out."""
        self._sent += len(chunk)
        if self._progress is not None:
            self._progress(self._sent, self.size)

    def rewind(self) -> bool:
        """Begin anew; returns whether that is possible, as it is not of a pipe."""
        if self._start is None:
            return False
        self._file.seek(self._start)
        self._begin()
        return True

    def is_in(self, image: Any) -> bool | None:
        """Return whether a stored image has what was read; ``None`` where it does not tell."""
        if not isinstance(image, dict) or image.get("os_hash_algo") != "sha512":
            return None
        found = image.get("size"), image.get("os_hash_value")
        return found == (self._read, self._hash.hexdigest())

    def close(self) -> None:
        """Close the file if it was opened here."""
        if self._owned:
            self._file.close()


def _position(file: Any) -> int | None:
    try:
        return int(file.tell()) if file.seekable() else None
    except (AttributeError, OSError):
        return None


def _size(file: Any, start: int | None) -> int | None:
    if start is None:
        return None
    end = int(file.seek(0, os.SEEK_END))
    file.seek(start)
    return end - start


def upload(
    core: Core, image_id: str, source: FileSource, *, sha512: str | None, attempts: int
) -> Flow[GlanceImage]:
    """Send an image's data; gives the image as it is then.

    A failure whose image has everything all the same is none: its answer was lost.

    Raises:
        BffError: the upload failed; DIGEST_MISMATCH, other bytes are stored than were read.
    """
    if sha512 is not None and not re.fullmatch(r"[0-9a-fA-F]{128}", sha512):
        raise ValueError("sha512 must have 128 hexadecimal digits")
    for attempt in itertools.count(1):
        try:
            yield from _transfer(core, image_id, source, sha512)
            source.stored = True
            break
        except BffError as error:
            found = yield from _look(core, image_id)
            if found is not None and _status(found) == "active" and source.is_in(found):
                return found
            delay = core.retry.delay(error, attempt) if attempt < attempts else None
            if delay is None or _status(found) != "queued" or not (yield Block(source.rewind)):
                raise
            yield Sleep(delay)
    image: GlanceImage = yield from core.one(_IMAGE, {"imageId": image_id})
    if source.is_in(image) is False:
        message = f"Image {image_id} is not what was sent: its size or digest differs; delete it"
        raise BffError(DIGEST_MISMATCH, message)
    return image


def create_and_upload(
    core: Core,
    source: FileSource,
    metadata: dict[str, Any],
    *,
    sha512: str | None,
    attempts: int,
) -> Flow[GlanceImage]:
    """Make an image and send its data; gives the image. Deletes it when the upload fails.

    Raises:
        BffError: as ``upload``, or the image cannot be made.
    """
    made = yield from core.one("compute.image.createImage", metadata)
    image_id = str(made["id"]) if isinstance(made, dict) and "id" in made else ""
    if not image_id:
        raise BffError("BAD_RESPONSE", "The image that was made has no id")
    try:
        return (yield from upload(core, image_id, source, sha512=sha512, attempts=attempts))
    except GeneratorExit:
        raise
    except BaseException as error:
        # Whatever it was, ^C too. What is stored whole stays, if it can only not be looked at.
        if not source.stored or _is_mismatch(error):
            yield from _delete(core, image_id, error)
        raise


def _transfer(core: Core, image_id: str, source: FileSource, sha512: str | None) -> Flow[None]:
    size = source.size
    credentials = yield from core.credentials()
    headers = {
        "content-type": "application/octet-stream",
        **({} if size is None else {"content-length": str(size)}),
        **({} if size is None else {"x-openstack-image-size": str(size)}),
        **({} if sha512 is None else {"x-upload-sha512": sha512}),
        **credentials,
    }
    reply = yield from core.send(
        f"{_ROUTE}?imageId={quote(image_id, safe='')}", headers, source, _PATIENCE
    )
    _check(reply)


def _check(reply: Reply) -> None:
    try:
        answer = json.loads(reply.body)
    except (ValueError, RecursionError):
        raise wire.not_ours(reply) from None
    if isinstance(answer, dict) and answer.get("success") is True and reply.status == 200:
        return
    error = answer.get("error") if isinstance(answer, dict) else None
    told = refused(error, status=reply.status, request_id=wire.request_id(reply))
    raise told or wire.not_ours(reply)


def _look(core: Core, image_id: str) -> Flow[GlanceImage | None]:
    try:
        image: GlanceImage = yield from core.one(_IMAGE, {"imageId": image_id})
    except BffError:
        return None
    return image


def _status(image: Any) -> Any:
    return image.get("status") if isinstance(image, dict) else None


def _is_mismatch(error: BaseException) -> bool:
    return isinstance(error, BffError) and error.code == DIGEST_MISMATCH


def _delete(core: Core, image_id: str, error: BaseException) -> Flow[None]:
    try:
        yield from core.one("compute.image.deleteImage", {"imageId": image_id})
    except BffError as failure:
        if isinstance(error, BffError) and failure.code != "NOT_FOUND":
            error.message += f" The image {image_id} is left behind: {failure.message}"
