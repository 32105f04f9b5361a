"""Glance's answers as bytes: cut where the contract needs it, otherwise left as they came."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite
from typing import Any

import msgspec
import orjson

from bff.errors import BffError, Code
from schemas.base import UUID_PATTERN
from schemas.json import Buffer, enclosed

STORE_PATHS = ("direct_url", "locations")
# Of an integer: Python neither reads nor writes one of thousands of digits.
MAX_DIGITS = 1000
# In bytes.
DECODED_AT_ONCE = 64 * 1024
_UUID = re.compile(UUID_PATTERN)
# The ends of their keys; another key with the same end is looked at in vain.
_STORE_PATH_KEYS = tuple(f'{name}"'.encode() for name in STORE_PATHS)


class _Page(msgspec.Struct):
    images: msgspec.Raw
    next: str | None = None
    schema: str | None = None


class Known(msgspec.Struct):
    """What tells people one image from another, and when it came and changed."""

    id: str
    name: str | None = None
    tags: tuple[str, ...] = ()
    owner: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


@dataclass(frozen=True)
class Page:
    """One page of a list.

    Args:
        array: The JSON array of its images; a part of Glance's answer where that is possible.
        next: The link to the next page.
        schema: The path of Glance's schema of a list.
        rewritten: The JSON text of each image, where they are not as Glance wrote them.
    """

    array: Buffer
    next: str | None
    schema: str | None
    rewritten: Sequence[bytes] | None = None

    @cached_property
    def images(self) -> Sequence[Buffer]:
        """The JSON text of each image."""
        return _elements(self.array) if self.rewritten is None else self.rewritten


def page(body: bytes, *, expose_locations: bool) -> Page:
    """Cut the images out of a page.

    Raises:
        BffError: BAD_GATEWAY, it is not a page of images.
    """
    try:
        _check_utf8(body)  # msgspec does not validate what it only cuts out
        cut = msgspec.json.decode(body, type=_Page)
        page = Page(memoryview(cut.images), cut.next, cut.schema)
        if bytes(page.array[:1]) != b"[":
            raise _malformed()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Stricter than Python's parser, and one odd image must not hide the others.
        page = _odd_page(_parse(body))
    if expose_locations or not _may_have_store_path(body):
        return page
    return _rewritten(page, [_without_store_paths(bytes(image)) for image in page.images])


def _odd_page(parsed: Mapping[str, Any]) -> Page:
    images = parsed.get("images")
    if not isinstance(images, list):
        raise _malformed()
    link, schema = (_string(parsed.get(key)) for key in ("next", "schema"))
    # Half of a surrogate pair is not printable, and cannot be written as UTF-8.
    page = Page(b"", link, schema if schema and schema.isprintable() else None)
    return _rewritten(page, list(map(_dump, images)))


def _rewritten(page: Page, images: Sequence[bytes]) -> Page:
    return replace(page, array=enclosed(b"[", images, b"]"), rewritten=images)


def _elements(array: Buffer) -> Sequence[Buffer]:
    try:
        elements: list[Buffer] = msgspec.json.decode(array, type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        raise _malformed() from None
    return elements


def known(image: Buffer) -> Known:
    """Return what an image of a page is called; the rest of it is passed over, not read.

    Raises:
        BffError: BAD_GATEWAY, it is no JSON object.
    """
    try:
        return msgspec.json.decode(image, type=Known)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        parsed = _parse(bytes(image))
        names = ("id", "name", "owner", "created_at", "updated_at")
        image_id, name, owner, created, updated = (_string(parsed.get(key)) for key in names)
        tags = parsed.get("tags")
        words = tags if isinstance(tags, list) else ()
        texts = tuple(word for word in words if isinstance(word, str))
        return Known(image_id or "", name, texts, owner, created, updated)


class OtherImage(Exception):  # noqa: N818  # it is no error yet
    """The answer is about another image than the one that was requested."""


def image(body: bytes, *, expose_locations: bool, image_id: str | None = None) -> bytes:
    """Return an image's JSON text.

    Args:
        image_id: The image that was requested; ``None`` for any.

    Raises:
        OtherImage: it is another one.
        BffError: BAD_GATEWAY, it is not one JSON object.
    """
    text, actual = _object(body)
    _check_id(image_id, actual)
    return text if expose_locations else _without_store_paths(text)


def chosen(
    body: bytes, image_ids: Collection[str], *, expose_locations: bool
) -> tuple[dict[str, bytes], bool]:
    """Cut a page into the images that were asked for: each as ``image`` returns it, by its id.

    Returns:
        The images, and whether there is a next page.

    Raises:
        OtherImage: there is one that was not asked for, or one twice.
        BffError: BAD_GATEWAY, it is not a page of images.
    """
    try:
        _check_utf8(body)
        cut = msgspec.json.decode(body, type=_Page)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _malformed() from None
    found: dict[str, bytes] = {}
    for raw in _elements(cut.images):
        text, image_id = _object(bytes(raw))
        if not isinstance(image_id, str) or image_id not in image_ids or image_id in found:
            raise OtherImage
        found[image_id] = text if expose_locations else _without_store_paths(text)
    return found, bool(cut.next)


def members(body: bytes) -> bytes:
    """Return the JSON array of an image's members.

    Raises:
        BffError: BAD_GATEWAY, there is none.
    """
    found = _parse(body).get("members")
    if not isinstance(found, list):
        raise _malformed("members")
    return _dump(found)


def member(body: bytes, image_id: str) -> bytes:
    """Return a member's JSON text.

    Raises:
        OtherImage: it is a member of another image.
        BffError: BAD_GATEWAY, it is not one JSON object.
    """
    parsed = _parse(body)
    _check_id(image_id, parsed.get("image_id"))
    return _dump(parsed)


def _object(body: bytes) -> tuple[bytes, Any]:
    """Return an object's JSON text, and its ``id``."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    if isinstance(parsed, dict):
        return body, parsed.get("id")
    parsed = _parse(body)
    return _dump(parsed), parsed.get("id")


def _check_utf8(body: bytes) -> None:
    if body.isascii():
        return
    # In pieces: as one text, 64 MiB would take up to 256.
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(body), DECODED_AT_ONCE):
        decoder.decode(body[start : start + DECODED_AT_ONCE])
    decoder.decode(b"", final=True)


def _check_id(expected: str | None, actual: Any) -> None:
    # Only a UUID proves that it is another image; some databases ignore the case of letters.
    if expected is None or not isinstance(actual, str) or not _UUID.fullmatch(actual):
        return
    if actual.lower() != expected.lower():
        raise OtherImage


def _may_have_store_path(body: bytes) -> bool:
    # ``in`` takes twice the time for these keys, a quarter of all that a list of 1000 images takes.
    return max(map(body.rfind, _STORE_PATH_KEYS)) >= 0


def _without_store_paths(image: bytes) -> bytes:
    if not _may_have_store_path(image):
        return image
    parsed = _parse(image)
    return _dump({key: value for key, value in parsed.items() if key not in STORE_PATHS})


def _parse(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(
            body, parse_constant=lambda _name: None, parse_float=_float, parse_int=_integer
        )
    except (ValueError, RecursionError):
        raise _malformed() from None
    if not isinstance(parsed, dict):
        raise _malformed()
    return parsed


def _float(text: str) -> float | None:
    # JSON allows 1e999; as a float it is infinite, which JSON cannot express.
    value = float(text)
    return value if isfinite(value) else None


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= MAX_DIGITS else None


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _dump(value: Any) -> bytes:
    # ASCII alone: escapes are the only way in which a lone surrogate can travel.
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def _malformed(expected: str = "image") -> BffError:
    return BffError(Code.BAD_GATEWAY, f"Glance answered something that has no {expected} in it.")
