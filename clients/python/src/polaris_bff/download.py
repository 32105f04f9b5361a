"""An image's data: read from Glance itself, and compared with what the image is said to be.

The BFF has no download. A sign-in at OpenStack knows where Glance is, and has a token for it.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import secrets
import stat
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from polaris_bff.contract import CODE_OF_STATUS, GlanceImage
from polaris_bff.core import Core, base_url
from polaris_bff.effects import Block, Flow, Reply, Request, Sleep
from polaris_bff.errors import BAD_RESPONSE, DIGEST_MISMATCH, NETWORK_ERROR, BffError
from polaris_bff.images import is_uuid
from polaris_bff.upload import File, Progress
from polaris_bff.version import USER_AGENT
from polaris_bff.wire import REQUEST_ID, error_of, request_id

_IMAGE = "compute.image.getImageById"
CHUNK = 256 * 1024
# In bytes: of an answer that is not the data, nothing is told but its status.
_MAX_REFUSAL = 64 * 1024
# Of what an image can name, those whose digests have one length.
_ALGORITHMS: frozenset[str] = frozenset(
    name for name in hashlib.algorithms_guaranteed if not name.startswith("shake")
)


class FileSink:
    """A file that is written as its data comes, and hashed on the way.

    A file that is named gets its name when all of it is there and right; until then it is one
    beside it, ``.NAME.….part``, which is removed when something fails.

    Args:
        file: A path; or a file that is open for writing bytes, from where it stands.
        chunk_size: How many bytes are read and written at a time.

    Raises:
        OSError: the path is a folder's.
    """

    def __init__(
        self, file: File, progress: Progress | None = None, chunk_size: int = CHUNK
    ) -> None:
        if chunk_size < 1:
            raise ValueError("chunk_size must be 1 or more")
        named = isinstance(file, str | os.PathLike)
        # The file that a link leads to is replaced, and not the link.
        self._path = Path(os.path.realpath(file)) if isinstance(file, str | os.PathLike) else None
        if self._path is not None and self._path.is_dir():
            raise IsADirectoryError(21, "Is a directory", str(file))
        self._part: Path | None = None
        self._file: Any = None if named else file
        self._progress = progress
        self.chunk_size = chunk_size

    def begin(self, image: Mapping[str, Any]) -> None:
        """Make the file, and learn what is to come.

        Raises:
            BffError: BAD_RESPONSE, the image has no size.
            OSError: the file cannot be made.
        """
        size = image.get("size")
        if type(size) is not int or size < 0:
            raise BffError(BAD_RESPONSE, "The image has no size")
        self._size = size
        self._algorithm, self._digest = _promised(image)
        self._restart()
        if self._path is not None:
            self._file = self._opened(self._path)

    def _opened(self, path: Path) -> BinaryIO:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            return path.open("wb", buffering=0)  # a device, or a pipe: another file is none
        # A name has at most 255 bytes.
        begin = os.fsencode(path.name)[:200].decode(errors="ignore")
        part = path.with_name(f".{begin}.{secrets.token_hex(4)}.part")
        file = part.open("xb", buffering=0)
        self._part = part
        return file

    def _restart(self) -> None:
        self._hash = hashlib.new(self._algorithm, usedforsecurity=False)
        self.written = 0

    def takes(self, status: int, headers: Mapping[str, str]) -> bool:
        """Return whether an answer is the data, from where the file ends.

        Raises:
            BffError: BAD_RESPONSE, it is the data of something else, or in a coding;
                NETWORK_ERROR, it begins anew, which what was written to cannot.
        """
        if status not in (200, 206):
            return False
        if headers.get("content-encoding", "identity").lower() not in ("identity", ""):
            raise BffError(BAD_RESPONSE, "Glance's answer has a coding that was not asked for")
        if status == 200 and self.written:
            self._begin_anew()
        ranged = re.fullmatch(
            rf"bytes {self.written}-\d+/(\d+|\*)", headers.get("content-range", "")
        )
        if status == 206 and not (ranged and self.written):
            raise BffError(BAD_RESPONSE, "Glance sent another part than was asked for")
        declared = headers.get("content-length", "")
        if re.fullmatch(r"[0-9]{1,18}", declared) and self.written + int(declared) > self._size:
            raise self._too_much()
        return True

    def _begin_anew(self) -> None:
        if self._part is None:
            message = "The data broke off, and Glance cannot go on from there: save it once more"
            raise BffError("CONFLICT", message)
        self._file.seek(0)
        self._file.truncate()
        self._restart()

    def write(self, chunk: bytes) -> None:
        """Write the next bytes.

        Raises:
            BffError: BAD_RESPONSE, they are more than the image has.
            OSError: they cannot be written.
        """
        if self.written + len(chunk) > self._size:
            raise self._too_much()
        left = memoryview(chunk)
        while left:
            # A file without a buffer may take a part of it.
            done = self._file.write(left)
            left = left[len(left) if done is None else done :]
        self._hash.update(chunk)
        self.written += len(chunk)
        if self._progress is not None:
            self._progress(self.written, self._size)

    def _too_much(self) -> BffError:
        return BffError(BAD_RESPONSE, f"Glance sends more than the {self._size} bytes of the image")

    @property
    def left(self) -> int:
        """How many bytes are to come."""
        return self._size - self.written

    def finish(self) -> None:
        """Give the file its name, if it is what the image is said to be.

        Raises:
            BffError: DIGEST_MISMATCH, it is something else.
            OSError: it cannot be stored.
        """
        if self._digest and self._hash.hexdigest() != self._digest:
            message = f"What came is not the image: its {self._algorithm} differs"
            raise BffError(DIGEST_MISMATCH, message)
        self._file.flush()
        if self._part is not None and self._path is not None:
            # Also when the machine stops now, the name is that of a whole file.
            os.fsync(self._file.fileno())
            self._part.replace(self._path)
            self._part = None

    def close(self) -> None:
        """Close the file if it was opened here, and remove what is not whole."""
        if self._path is not None and self._file is not None:
            self._file.close()
        if self._part is not None:
            with suppress(OSError):
                self._part.unlink()


def _promised(image: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the algorithm and digest of an image's data; those of old images are MD5."""
    algorithm, digest = image.get("os_hash_algo"), image.get("os_hash_value")
    if isinstance(algorithm, str) and algorithm in _ALGORITHMS and isinstance(digest, str):
        return algorithm, digest.lower()
    checksum = image.get("checksum")
    return "md5", checksum.lower() if isinstance(checksum, str) else None


def download(core: Core, image_id: str, sink: FileSink) -> Flow[GlanceImage]:
    """Read an image's data; gives the image when the file has all of it, and nothing else.

    What breaks off goes on from there, as often as queries are tried again.

    Raises:
        BffError: it failed; PRECONDITION_FAILED, this sign-in does not know where Glance is;
            CONFLICT, the image has no data; DIGEST_MISMATCH, what came is something else.
    """
    glance = yield from _glance(core)
    image: GlanceImage = yield from core.one(_IMAGE, {"imageId": image_id})
    url = f"{glance}/v2/images/{_usable(image)}/file"
    yield Block(lambda: sink.begin(image))
    used: Mapping[str, str] = {}
    ended: Mapping[str, str] | None = None
    for attempt in itertools.count(1):
        used = yield from core.credentials(ended)
        try:
            yield from _transfer(core, url, used, sink)
            break
        except BffError as error:
            if sink.written and not sink.left:
                break  # what broke off was its end alone
            renewed = ended is None and error.code == "UNAUTHORIZED" and core.auth.renewable
            delay = 0.0 if renewed else core.retry.delay(error, attempt)
            if delay is None:
                broken = f" After {sink.written} bytes, {sink.left} are missing: save it once more."
                error.message += broken if sink.written else ""
                raise
            ended = used if renewed else ended
            yield Sleep(delay)
    yield Block(sink.finish)
    return image


def _glance(core: Core) -> Flow[str]:
    """Give Glance's address, without a version."""
    try:
        found = base_url((yield Block(core.auth.glance)))
    except ValueError:
        raise BffError(BAD_RESPONSE, "The catalog's address of Glance is none") from None
    return re.sub(r"/v[0-9.]+$", "", found)


def _usable(image: Any) -> str:
    """Return the id of an image that has data.

    Raises:
        BffError: BAD_RESPONSE, it is no image; CONFLICT, it has no data.
    """
    image_id = image.get("id") if isinstance(image, dict) else None
    # It becomes a part of an address.
    if not isinstance(image_id, str) or not is_uuid(image_id):
        raise BffError(BAD_RESPONSE, "The answer is no image")
    if image.get("status") not in ("active", "deactivated"):
        raise BffError("CONFLICT", f"Image {image_id} is {image.get('status')!r}: it has no data")
    return image_id


def _transfer(core: Core, url: str, credentials: Mapping[str, str], sink: FileSink) -> Flow[None]:
    headers = {
        "user-agent": USER_AGENT,
        REQUEST_ID: f"req-{uuid.uuid4()}",
        "accept": "application/octet-stream",
        **credentials,
        **({"range": f"bytes={sink.written}-"} if sink.written else {}),
    }
    reply: Reply = yield Request(
        url, headers, b"", _MAX_REFUSAL, core.timeout, method="GET", sink=sink, whom="Glance"
    )
    # Data without a byte is answered with a 204.
    if reply.status not in (200, 206) and (reply.status != 204 or sink.left):
        raise _refused(reply)
    if sink.left:
        raise BffError(NETWORK_ERROR, "The data broke off", request_id=request_id(reply))


_WHY: Mapping[int, str] = {
    204: "the image has no data",
    403: "the image is deactivated, or not for this user to download",
    404: "the image, or its data, is not there",
}


def _refused(reply: Reply) -> BffError:
    """Return the error for an answer without data; what it says besides is Glance's own HTML."""
    code = "CONFLICT" if reply.status == 204 else CODE_OF_STATUS.get(reply.status, BAD_RESPONSE)
    moved = "it leads elsewhere, and no other server gets the token"
    why = moved if 300 <= reply.status < 400 else _WHY.get(reply.status)
    return error_of(reply, code, f"Glance answered HTTP {reply.status}{f': {why}' if why else ''}")
