"""Data that comes with a call, against a real Glance."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from tests.cloud.conftest import User

CONTENT = bytes(range(256)) * 2000
RAW = {"container_format": "bare", "disk_format": "raw"}


def inline(content: bytes) -> str:
    return base64.b64encode(content).decode()


async def queued(alice: User, **metadata: Any) -> str:
    return str((await alice.do("createImage", name="inline", **{**RAW, **metadata}))["id"])


async def test_the_image_is_active_and_has_every_byte(alice: User) -> None:
    image = await queued(alice)
    result = await alice.do("uploadImage", imageId=image, file=inline(CONTENT))
    assert result == {"success": True, "imageId": image}
    stored = await alice.do("getImageById", imageId=image)
    assert (stored["status"], stored["size"]) == ("active", len(CONTENT))
    assert stored["os_hash_value"] == hashlib.sha512(CONTENT).hexdigest()
    # So few bytes are sent before Glance answers; it hangs up on more, and its answer may be lost.
    code, message = await alice.error("uploadImage", imageId=image, file=inline(b"more"))
    assert code == "CONFLICT"
    assert "must be `queued`" in message


@pytest.mark.parametrize("disk_format", ["qcow2", "iso"])
async def test_data_of_another_format_is_refused_and_not_stored(
    alice: User, disk_format: str
) -> None:
    image = await queued(alice, disk_format=disk_format)
    code, message = await alice.error("uploadImage", imageId=image, file=inline(CONTENT))
    assert code == "UNSUPPORTED_MEDIA_TYPE"
    assert f"Image disk_format {disk_format} does not match stream data raw" in message
    assert (await alice.do("getImageById", imageId=image))["status"] == "queued"


async def test_an_empty_file_is_refused_and_the_image_can_be_filled_then(alice: User) -> None:
    image = await queued(alice)
    assert (await alice.error("uploadImage", imageId=image, file=""))[0] == "BAD_REQUEST"
    assert (await alice.do("getImageById", imageId=image))["status"] == "queued"
    await alice.do("uploadImage", imageId=image, file=inline(CONTENT))


async def test_an_image_without_formats_says_what_is_missing(alice: User) -> None:
    image = (await alice.do("createImage", name="no formats"))["id"]
    code, message = await alice.error("uploadImage", imageId=image, file=inline(CONTENT))
    assert code == "BAD_REQUEST"
    assert "disk_format" in message


async def test_nobody_fills_the_image_of_another_project(alice: User, bob: User) -> None:
    image = await queued(alice)
    assert (await bob.error("uploadImage", imageId=image, file=inline(CONTENT)))[0] == "NOT_FOUND"
    assert (await alice.do("getImageById", imageId=image))["status"] == "queued"
