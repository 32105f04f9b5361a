"""Glance's answers as bytes: cut where the contract needs it, otherwise left as they came."""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass
from math import isfinite
from typing import Any

import msgspec
import orjson

from bff.errors import BffError, Code
from schemas.base import UUID_PATTERN

STORE_PATHS = ("direct_url", "locations")
# Of an integer: Python neither reads nor writes one of thousands of digits.
MAX_DIGITS = 1000
# In bytes.
DECODED_AT_ONCE = 64 * 1024
_UUID = re.compile(UUID_PATTERN)
_TRACES = tuple(f'"{name}"'.encode() for name in STORE_PATHS)


class _Page(msgspec.Struct):
    images: list[msgspec.Raw]
    next: str | None = None
    schema: str | None = None


@dataclass(frozen=True)
class Page:
    """One page of a list: each image's JSON text, and the link to the next page."""

    images: list[bytes]
    next: str | None
    schema: str | None


def page(body: bytes, *, expose_locations: bool) -> Page:
    """Cut a page into its images.

    Raises:
        BffError: BAD_GATEWAY, it is not a page of images.
    """
    try:
        _check_utf8(body)  # msgspec does not look into what it only cuts out
        cut = msgspec.json.decode(body, type=_Page)
        images = [bytes(image) for image in cut.images]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Stricter than Python's parser, and one odd image must not hide the others.
        whole = _parse(body)
        if not isinstance(whole.get("images"), list):
            raise _nonsense() from None
        images = [_dump(image) for image in whole["images"]]
        link, schema = (_string(whole.get(key)) for key in ("next", "schema"))
        # Half of a surrogate pair is not printable, and cannot be written as UTF-8.
        cut = _Page([], link, schema if schema and schema.isprintable() else None)
    if not expose_locations:
        images = [_without_store_paths(image) for image in images]
    return Page(images, cut.next, cut.schema)


class AboutAnother(Exception):  # noqa: N818  # it is no error yet
    """The answer is about another image than was asked for."""


def one(body: bytes, *, expose_locations: bool, image_id: str | None = None) -> bytes:
    """Return an image's JSON text.

    Args:
        image_id: The image that was asked for; ``None`` for any.

    Raises:
        AboutAnother: it is another one.
        BffError: BAD_GATEWAY, it is not one JSON object.
    """
    image = body
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        parsed = _parse(body)
        image = _dump(parsed)
    _check_about(image_id, parsed.get("id"))
    return image if expose_locations else _without_store_paths(image)


def members(body: bytes) -> bytes:
    """Return the JSON array of an image's members.

    Raises:
        BffError: BAD_GATEWAY, there is none.
    """
    found = _parse(body).get("members")
    if not isinstance(found, list):
        raise _nonsense("members")
    return _dump(found)


def member(body: bytes, image_id: str) -> bytes:
    """Return a member's JSON text.

    Raises:
        AboutAnother: it is one of another image than was asked for.
        BffError: BAD_GATEWAY, it is not one JSON object.
    """
    parsed = _parse(body)
    _check_about(image_id, parsed.get("image_id"))
    return _dump(parsed)


def _check_utf8(body: bytes) -> None:
    if body.isascii():
        return
    # In pieces: as one text, 64 MiB would take up to 256.
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(body), DECODED_AT_ONCE):
        decoder.decode(body[start : start + DECODED_AT_ONCE])
    decoder.decode(b"", final=True)


def _check_about(asked: str | None, answered: Any) -> None:
    # Anything but the id of an image says nothing; some databases do not tell letters' case.
    if asked is None or not isinstance(answered, str) or not _UUID.fullmatch(answered):
        return
    if answered.lower() != asked.lower():
        raise AboutAnother


def _without_store_paths(image: bytes) -> bytes:
    if not any(trace in image for trace in _TRACES):
        return image
    parsed = _parse(image)
    return _dump({key: value for key, value in parsed.items() if key not in STORE_PATHS})


def _parse(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(
            body, parse_constant=lambda _name: None, parse_float=_float, parse_int=_integer
        )
    except (ValueError, RecursionError):
        raise _nonsense() from None
    if not isinstance(parsed, dict):
        raise _nonsense()
    return parsed


def _float(text: str) -> float | None:
    # 1e999 is a number in JSON alone.
    value = float(text)
    return value if isfinite(value) else None


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= MAX_DIGITS else None


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _dump(value: Any) -> bytes:
    # ASCII alone: escapes are the only way in which a lone surrogate can travel.
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def _nonsense(wanted: str = "image") -> BffError:
    return BffError(Code.BAD_GATEWAY, f"Glance answered something that has no {wanted} in it.")
