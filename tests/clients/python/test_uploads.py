"""Uploads: streamed, hashed on the way, and compared with what was stored."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polaris_bff import AsyncClient
from tests.clients.python.conftest import Bff, Caller, FakeOpenStack, New
from tests.clients.python.hostile import Hostile, answer, http
from tests.clients.python.test_calls import failure
from tests.fakes.openstack import image
from tests.process import SECONDS

CONTENT = os.urandom(1024) * 1500
DIGEST = hashlib.sha512(CONTENT).hexdigest()


WHOLE = {
    "id": "image-1",
    "status": "active",
    "size": len(CONTENT),
    "os_hash_algo": "sha512",
    "os_hash_value": DIGEST,
}


@pytest.fixture
def queued(openstack: FakeOpenStack) -> dict[str, Any]:
    """Return an image that waits for its data."""
    waiting = image(status="queued", disk_format="raw", container_format="bare")
    openstack.images.append(waiting)
    return waiting


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(CONTENT)
    return path


class Pipe(io.RawIOBase):
    """Bytes whose number nobody knows."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._content.read(min(size, 1000))


LARGE = 64 * 1024 * 1024


class Zeros(io.RawIOBase):
    """A large file without data of its own."""

    left = LARGE

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = bytes(min(size, self.left))
        self.left -= len(chunk)
        return chunk


async def test_memory_does_not_grow_with_the_file(alice: Caller, queued: dict[str, Any]) -> None:
    tracemalloc.start()
    try:
        stored = await alice.do(lambda client: client.upload(queued["id"], Zeros()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert stored["size"] == LARGE
    assert peak < LARGE / 4


FILES: dict[str, Callable[[Path], Any]] = {
    "a path": lambda path: path,
    "a path in letters": str,
    "an open file": lambda path: io.BytesIO(path.read_bytes()),
    "a pipe": lambda path: Pipe(path.read_bytes()),
}


@pytest.mark.parametrize("kind", FILES)
async def test_a_file_is_stored_whole(
    alice: Caller, queued: dict[str, Any], disk: Path, kind: str
) -> None:
    told: list[tuple[int, int | None]] = []

    def progress(sent: int, total: int | None) -> None:
        told.append((sent, total))

    stored = await alice.do(
        lambda client: client.upload(queued["id"], FILES[kind](disk), progress=progress)
    )
    assert (stored["status"], stored["size"]) == ("active", len(CONTENT))
    assert stored["os_hash_value"] == DIGEST
    total = None if kind == "a pipe" else len(CONTENT)
    assert told[-1] == (len(CONTENT), total)
    assert [sent for sent, _ in told] == sorted(sent for sent, _ in told)


async def test_an_open_file_is_sent_from_where_it_stands(
    alice: Caller, queued: dict[str, Any]
) -> None:
    file = io.BytesIO(b"head" + CONTENT)
    file.seek(4)
    stored = await alice.do(lambda client: client.upload(queued, file))
    assert stored["os_hash_value"] == DIGEST
    assert await alice.do(lambda client: client.wait_for(stored)) == stored


async def test_a_digest_that_is_known_goes_along(
    alice: Caller, openstack: FakeOpenStack, queued: dict[str, Any], disk: Path
) -> None:
    error = await failure(
        alice.do(lambda client: client.upload(queued["id"], disk, sha512="0" * 128))
    )
    assert error.code == "BAD_REQUEST"
    assert queued["status"] == "queued"
    await alice.do(lambda client: client.upload(queued["id"], disk, sha512=DIGEST))


@pytest.mark.parametrize("odd", [{"os_hash_value": "0" * 128}, {"size": 1}])
async def test_other_bytes_than_were_sent_are_noticed(
    new: New, hostile: Hostile, odd: dict[str, Any]
) -> None:
    stored = {**WHOLE, **odd}
    hostile.answers = [lambda calls: answer({"id": calls[0]["id"], "result": stored})]
    hostile.upload = http(b'{"success": true, "imageId": "image-1"}')
    error = await failure(
        new(hostile.url).do(lambda client: client.upload("image-1", io.BytesIO(CONTENT)))
    )
    assert error.code == "DIGEST_MISMATCH"
    assert "image-1" in error.message


async def test_a_refusal_is_told_and_nothing_is_sent_twice(
    alice: Caller, openstack: FakeOpenStack, queued: dict[str, Any], disk: Path
) -> None:
    openstack.upload_status = 503
    error = await failure(alice.do(lambda client: client.upload(queued["id"], disk)))
    assert error.code == "SERVICE_UNAVAILABLE"
    assert openstack.calls[f"PUT /v2/images/{queued['id']}/file"] == 1


async def test_a_file_is_sent_again_where_that_is_asked_for(
    alice: Caller, openstack: FakeOpenStack, queued: dict[str, Any], disk: Path
) -> None:
    openstack.upload_status = 503

    def progress(sent: int, total: int | None) -> None:
        if openstack.calls[f"PUT /v2/images/{queued['id']}/file"] == 2:
            openstack.upload_status = None

    stored = await alice.do(
        lambda client: client.upload(queued["id"], disk, progress=progress, attempts=4)
    )
    assert stored["os_hash_value"] == DIGEST


async def test_a_pipe_is_not_sent_again(
    alice: Caller, openstack: FakeOpenStack, queued: dict[str, Any]
) -> None:
    openstack.upload_status = 503
    await failure(alice.do(lambda client: client.upload(queued["id"], Pipe(CONTENT), attempts=4)))
    assert openstack.calls[f"PUT /v2/images/{queued['id']}/file"] == 1


class Shrinking(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        return super().read(size) if self.tell() < len(CONTENT) // 2 else b""


class Texts(io.StringIO):
    pass


class Failing(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:  # noqa: ARG002  # as that of any file
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("file", [Shrinking(CONTENT), Texts("text")])
async def test_a_file_that_is_not_what_it_was_is_not_stored(
    alice: Caller, openstack: FakeOpenStack, queued: dict[str, Any], file: Any
) -> None:
    file.seek(0)
    error = await failure(alice.do(lambda client: client.upload(queued["id"], file)))
    assert error.code == "BAD_REQUEST"
    await openstack.at_rest.wait()
    assert queued["status"] == "queued"


async def test_a_file_that_cannot_be_read_says_why(
    new: New, hostile: Hostile, tmp_path: Path
) -> None:
    client = new(hostile.url)
    with pytest.raises(OSError, match="Input/output"):
        await client.do(lambda client: client.upload("image-1", Failing(CONTENT)))
    with pytest.raises(FileNotFoundError):
        await client.do(lambda client: client.upload("image-1", tmp_path / "none"))


async def test_an_upload_whose_image_fails_to_be_uploaded_is_deleted(
    alice: Caller, openstack: FakeOpenStack, disk: Path
) -> None:
    openstack.upload_status = 413
    error = await failure(
        alice.do(
            lambda client: client.create_and_upload(
                disk, name="mine", disk_format="raw", container_format="bare"
            )
        )
    )
    # The fake makes images that are `active` at once.
    assert error.code == "CONFLICT"
    assert openstack.images == []


async def test_a_file_that_cannot_be_read_leaves_no_image(
    alice: Caller, openstack: FakeOpenStack, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        await alice.do(lambda client: client.create_and_upload(tmp_path / "none"))
    assert not openstack.calls


async def test_an_image_that_is_left_behind_is_named(new: New, hostile: Hostile) -> None:
    def as_told(calls: list[Any]) -> bytes:
        (call,) = calls
        if call["method"] == "compute.image.createImage":
            return answer({"id": call["id"], "result": {"id": "image-1"}})
        error = {"code": 1, "message": "not now", "data": {"code": "FORBIDDEN"}}
        return answer({"id": call["id"], "error": error})

    hostile.answers = [as_told]
    hostile.upload = http(b"full", "507 Insufficient Storage")
    error = await failure(
        new(hostile.url).do(lambda client: client.create_and_upload(io.BytesIO(b"x")))
    )
    assert (error.code, error.status) == ("BAD_RESPONSE", 507)
    assert "image-1 is left behind: not now" in error.message


async def test_an_answer_that_is_lost_is_found_at_the_image(new: New, hostile: Hostile) -> None:
    hostile.answers = [lambda calls: answer({"id": calls[0]["id"], "result": WHOLE})]
    hostile.upload = None
    stored = await new(hostile.url).do(lambda client: client.upload("x", io.BytesIO(CONTENT)))
    assert stored == WHOLE


class Stuck(io.RawIOBase):
    """A pipe of which the second half comes when it is told to."""

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self._begun = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._begun:
            self.goes_on.wait(SECONDS)
        self._begun = True
        return bytes(min(size, 1000))


async def test_cancelling_an_upload_deletes_the_image_that_was_made_for_it(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    file: Any = Stuck()
    begun = asyncio.Event()
    async with AsyncClient(f"{bff.origin}/polaris-bff", token=openstack.new_token()) as client:
        uploading = asyncio.create_task(
            client.create_and_upload(file, progress=lambda _sent, _total: begun.set())
        )
        await begun.wait()
        assert len(openstack.images) == 1
        uploading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await uploading
    file.goes_on.set()
    assert openstack.images == []


@pytest.mark.parametrize("image_id", ["a\r\nx: y", "../rpc", "\u00e9", "a&b=c"])
async def test_an_id_that_is_none_is_refused_by_the_server(alice: Caller, image_id: str) -> None:
    error = await failure(alice.do(lambda client: client.upload(image_id, io.BytesIO(b"x"))))
    assert error.code == "BAD_REQUEST"


async def test_a_digest_that_is_none_is_refused(alice: Caller) -> None:
    with pytest.raises(ValueError, match="128 hexadecimal"):
        await alice.do(lambda client: client.upload("x", io.BytesIO(b"x"), sha512="a\r\nb: c"))
