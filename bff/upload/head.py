"""What the head of an upload request says, checked before a byte of its body is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import Request

from bff.errors import BffError, Code
from bff.ids import checked_image_id, checked_project_id
from bff.server.coding import check_not_encoded
from bff.upload.multipart import IMAGE_ID, MAX_OVERHEAD_BYTES, PROJECT_ID, boundary_of

IMAGE_HEADER = "x-image-id"
DIGEST_HEADER = "x-upload-sha512"
# Glance's own name for it.
SIZE_HEADER = "x-openstack-image-size"
# The names of the file's size, and of a part's Content-Length, in errors.
SIZE = "The file's size"
LENGTH_OF_FILE = "The Content-Length of the file"
T = TypeVar("T")
_DIGEST = re.compile(r"[0-9a-fA-F]{128}")
_SIZE = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True)
class Head:
    """An upload request without its body.

    Args:
        boundary: Of a multipart body; ``None``: the body is the file.
        length: The bytes of the body.
        size: The bytes of the file.
    """

    boundary: bytes | None
    image_id: str | None
    project_id: str | None
    length: int | None
    size: int | None
    sha512: str | None


def read_head(request: Request, max_bytes: int) -> Head:
    """Return what the head says.

    Args:
        max_bytes: The largest file, in bytes; 0 for any.

    Raises:
        BffError: METHOD_NOT_SUPPORTED, UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE or BAD_REQUEST.
    """
    query, headers = request.query_params, request.headers
    boundary = _boundary(request)
    length = size_of(headers.get("content-length"), "Content-Length")
    size = size_of(consistent(SIZE_HEADER, *headers.getlist(SIZE_HEADER)), SIZE_HEADER)
    if boundary is None:
        size = consistent(SIZE, size, length)
    overhead = 0 if boundary is None else MAX_OVERHEAD_BYTES
    if max_bytes and max(size or 0, (length or 0) - overhead) > max_bytes:
        raise too_large(max_bytes)
    if size == 0:
        raise BffError(Code.BAD_REQUEST, "The file is empty; nothing was uploaded.")
    image_id = consistent(IMAGE_ID, *query.getlist(IMAGE_ID), *headers.getlist(IMAGE_HEADER))
    project_id = consistent(PROJECT_ID, *query.getlist(PROJECT_ID))
    digest = consistent(DIGEST_HEADER, *headers.getlist(DIGEST_HEADER))
    return Head(
        boundary,
        image_id if image_id is None else checked_image_id(image_id, IMAGE_ID),
        project_id if project_id is None else checked_project_id(project_id, PROJECT_ID),
        length,
        size,
        digest if digest is None else _checked_digest(digest),
    )


def consistent(name: str, *values: T | None) -> T | None:
    """Return the value that was given, in one place or several; ``None`` when in none.

    Raises:
        BffError: BAD_REQUEST, the places differ.
    """
    given = [value for value in values if value is not None]
    if any(value != given[0] for value in given):
        raise BffError(Code.BAD_REQUEST, f"{name} was given with different values.")
    return given[0] if given else None


def size_of(value: str | None, name: str) -> int | None:
    """Return a number of bytes that a header states.

    Raises:
        BffError: BAD_REQUEST, it is no such number.
    """
    if value is None:
        return None
    if not _SIZE.fullmatch(value):
        raise BffError(Code.BAD_REQUEST, f"{name} must be a number of bytes.")
    return int(value)


def too_large(max_bytes: int) -> BffError:
    """Return the error for a file over the limit."""
    message = (
        f"The file is larger than the {max_bytes} bytes that this site allows"
        " (BFF_MAX_UPLOAD_BYTES)."
    )
    return BffError(Code.PAYLOAD_TOO_LARGE, message)


def _boundary(request: Request) -> bytes | None:
    if request.method != "POST":
        raise BffError(Code.METHOD_NOT_SUPPORTED, "Files are uploaded with POST.")
    # Otherwise an encoded body, or a part of a file, would be stored as the file.
    check_not_encoded(request.scope, "the file itself")
    if "content-range" in request.headers:
        raise BffError(Code.BAD_REQUEST, "A file is uploaded whole, without a Content-Range.")
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/octet-stream":
        return None
    if kind != "multipart/form-data":
        message = "Send multipart/form-data, or the file itself as application/octet-stream."
        raise BffError(Code.UNSUPPORTED_MEDIA_TYPE, message)
    return boundary_of(content_type)


def _checked_digest(value: str) -> str:
    if not _DIGEST.fullmatch(value):
        message = "X-Upload-Sha512 must be a SHA-512 digest in 128 hexadecimal digits."
        raise BffError(Code.BAD_REQUEST, message)
    return value.lower()
