"""Downloads: read from Glance itself, gone on with where they broke off, and compared."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import stat
import tracemalloc
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from polaris_bff import AsyncClient, OpenStack
from polaris_bff.effects import Request
from tests.clients.python.conftest import Caller, New
from tests.clients.python.hostile import Hostile, answer
from tests.clients.python.test_broken_answers import dripping
from tests.clients.python.test_calls import failure
from tests.process import SECONDS

CONTENT = os.urandom(1024) * 700
TOKENS = ("token-" + "1" * 32, "token-" + "2" * 32)
IMAGE: dict[str, Any] = {
    "id": str(uuid.uuid4()),
    "status": "active",
    "size": len(CONTENT),
    "os_hash_algo": "sha512",
    "os_hash_value": hashlib.sha512(CONTENT).hexdigest(),
    "checksum": hashlib.md5(CONTENT).hexdigest(),
}


def data(body: bytes = CONTENT, status: str = "200 OK", **headers: str) -> bytes:
    """Return an answer; one that is longer than its body breaks off."""
    # Said, since a client that takes the connection for open spends an attempt on it.
    given = {"connection": "close", "content-length": str(len(body))} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


def broken(count: int, start: int = 0) -> bytes:
    """Return an answer of which some bytes come."""
    status = "206 Partial Content" if start else "200 OK"
    ranged = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}" if start else ""
    left = str(len(CONTENT) - start)
    whole = CONTENT[start : start + count]
    return data(whole, status, content_length=left, content_range=ranged)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


class Glance:
    """Gives one answer to each connection, and takes note of what was asked."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.asked: list[dict[str, str]] = []
        self.url = ""
        # What comes behind an answer, part by part.
        self.more: list[bytes] = []
        # Whether a connection stays open behind its answer.
        self.hangs = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {line.partition(": ")[0].lower(): line.partition(": ")[2] for line in lines}
            self.asked.append({**headers, "": lines[0]})
            for part in (self.answers.pop(0), *self.more):
                writer.write(part)
                await writer.drain()
            if self.hangs:
                await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def glance() -> AsyncIterator[Glance]:
    made = Glance()
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as server:
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield made


class Plugin:
    """A keystoneauth session as far as it is used."""

    def __init__(self, glance: str | None) -> None:
        self.glance = glance
        self.tokens = list(TOKENS)

    def get_token(self) -> str:
        return self.tokens[0]

    def invalidate(self) -> None:
        self.tokens = self.tokens[1:]

    def get_endpoint(self, service_type: str) -> str | None:
        assert service_type == "image"
        return self.glance


@pytest.fixture
def alice(new: New, hostile: Hostile, glance: Glance) -> Caller:
    """Return a client to which the BFF says what ``IMAGE`` is."""
    return signed_in(new, hostile, glance.url, IMAGE)


def signed_in(new: New, hostile: Hostile, glance: str | None, image: Any) -> Caller:
    hostile.answers = [lambda calls: answer({"id": calls[0]["id"], "result": image})]
    return new(hostile.url, auth=OpenStack(session=Plugin(glance)))


async def saved(client: Caller, file: Any, **more: Any) -> Any:
    return await client.do(lambda it: it.download(IMAGE["id"], file, **more))


@pytest.mark.parametrize("version", ["", "/", "/v2", "/v2.16/"])
async def test_a_file_has_all_of_it(
    hostile: Hostile, glance: Glance, new: New, tmp_path: Path, version: str
) -> None:
    told: list[tuple[int, int | None]] = []
    client = signed_in(new, hostile, f"{glance.url}/image{version}", IMAGE)
    glance.answers = [data()]
    found = await saved(
        client, tmp_path / "disk", progress=lambda *each: told.append(each), chunk_size=100_000
    )
    assert found == IMAGE
    assert (tmp_path / "disk").read_bytes() == CONTENT
    assert names(tmp_path) == ["disk"]
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told][:2] == [100_000, 200_000]
    (asked,) = glance.asked
    assert asked[""] == f"GET /image/v2/images/{IMAGE['id']}/file HTTP/1.1"
    assert asked["x-auth-token"] == TOKENS[0]
    assert asked["accept-encoding"] == "identity"
    assert "range" not in asked


async def test_a_file_is_as_open_as_others_and_replaces_one_whole(
    alice: Caller, glance: Glance, tmp_path: Path
) -> None:
    (tmp_path / "other").write_bytes(b"old")
    (tmp_path / "disk").symlink_to("other")
    glance.answers = [data()]
    await saved(alice, str(tmp_path / "disk"))
    assert (tmp_path / "disk").is_symlink()
    assert (tmp_path / "other").read_bytes() == CONTENT
    (tmp_path / "new").touch()
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("other", "new")}
    assert len(modes) == 1


@pytest.mark.parametrize("name", ["x" * 255, "雲" * 85, os.fsdecode(b"\xff" * 255)])
async def test_a_file_has_the_longest_name_that_there_is(
    alice: Caller, glance: Glance, tmp_path: Path, name: str
) -> None:
    glance.answers = [data()]
    await saved(alice, tmp_path / name)
    assert names(tmp_path) == [name]


async def test_what_breaks_off_goes_on_from_there(
    alice: Caller, glance: Glance, tmp_path: Path
) -> None:
    glance.answers = [broken(300_000), broken(100_000, 300_000), broken(len(CONTENT), 400_000)]
    await saved(alice, tmp_path / "disk", chunk_size=100_000)
    assert (tmp_path / "disk").read_bytes() == CONTENT
    ranges = [asked.get("range") for asked in glance.asked]
    assert ranges == [None, "bytes=300000-", "bytes=400000-"]


async def test_what_breaks_off_begins_anew_where_glance_knows_no_ranges(
    alice: Caller, glance: Glance, tmp_path: Path
) -> None:
    glance.answers = [broken(300_000), data()]
    await saved(alice, tmp_path / "disk", chunk_size=100_000)
    assert (tmp_path / "disk").read_bytes() == CONTENT
    glance.answers = [broken(300_000), data()]
    error = await failure(saved(alice, io.BytesIO(), chunk_size=100_000))
    assert (error.code, "once more" in error.message) == ("CONFLICT", True)


async def test_what_breaks_off_again_and_again_says_what_to_do(
    alice: Caller, glance: Glance, tmp_path: Path
) -> None:
    (tmp_path / "disk").write_bytes(b"old")
    glance.answers = [broken(300_000), *[broken(0, 300_000)] * 3]
    error = await failure(saved(alice, tmp_path / "disk", chunk_size=100_000))
    assert error.code == "NETWORK_ERROR"
    assert "After 300000 bytes, 416800 are missing: save it once more" in error.message
    assert (tmp_path / "disk").read_bytes() == b"old"
    assert names(tmp_path) == ["disk"]


async def test_an_end_that_is_not_told_is_one_all_the_same(alice: Caller, glance: Glance) -> None:
    chunk = b"%x\r\n%b\r\n" % (len(CONTENT), CONTENT)
    glance.answers = [data(chunk, transfer_encoding="chunked", content_length="")]
    file = io.BytesIO()
    await saved(alice, file, chunk_size=len(CONTENT))
    assert file.getvalue() == CONTENT


OTHER = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
WRONG: dict[str, tuple[list[bytes], str]] = {
    "another digest": ([data(OTHER)], "DIGEST_MISMATCH"),
    "more, as it says": ([data(CONTENT + b"x")], "BAD_RESPONSE"),
    "more, without a word": ([data(CONTENT + b"x", content_length="")], "BAD_RESPONSE"),
    "less": (
        [
            data(CONTENT[:300_000]),
            *[data(b"", "206 Partial Content", content_range="bytes 300000-1/2")] * 3,
        ],
        "NETWORK_ERROR",
    ),
    "another part": ([broken(9, 5)], "BAD_RESPONSE"),
    "another part, later": ([broken(300_000), broken(9, 5)], "BAD_RESPONSE"),
    "a coding": ([data(content_encoding="gzip")], "BAD_RESPONSE"),
    "no data": ([b"HTTP/1.1 204 No Content\r\n\r\n"], "CONFLICT"),
    "deactivated": ([data(b"<html>", "403 Forbidden")], "FORBIDDEN"),
    "gone": ([data(b"<html>", "404 Not Found")], "NOT_FOUND"),
    "not now": ([data(b"", "503 Unavailable")] * 4, "SERVICE_UNAVAILABLE"),
    "a teapot": ([data(b"", "418 Teapot")], "BAD_RESPONSE"),
    "no HTTP": ([b"220 mail.example\r\n\r\n"] * 4, "NETWORK_ERROR"),
    "a refusal without end": ([data(b"x" * 100_000, "404 Not Found")], "BAD_RESPONSE"),
}


@pytest.mark.parametrize("kind", WRONG)
async def test_what_is_not_the_image_is_in_no_file(
    alice: Caller, glance: Glance, tmp_path: Path, kind: str
) -> None:
    glance.answers, code = list(WRONG[kind][0]), WRONG[kind][1]
    error = await failure(saved(alice, tmp_path / "disk", chunk_size=100_000))
    assert error.code == code
    assert names(tmp_path) == []
    assert "<html>" not in error.message
    assert not any(token in repr(error) for token in TOKENS)
    assert glance.answers == []


async def test_a_redirect_is_not_followed(
    alice: Caller, glance: Glance, hostile: Hostile, tmp_path: Path
) -> None:
    glance.answers = [data(b"", "302 Found", location=f"{hostile.url}/x")]
    error = await failure(saved(alice, tmp_path / "disk"))
    assert (error.code, "no other server" in error.message) == ("BAD_RESPONSE", True)
    assert len(hostile.requests) == 1  # the BFF's
    assert len(glance.asked) == 1


async def test_a_token_that_has_ended_is_renewed_once(alice: Caller, glance: Glance) -> None:
    glance.answers = [data(b"", "401 Unauthorized"), data()]
    await saved(alice, io.BytesIO())
    assert [asked["x-auth-token"] for asked in glance.asked] == list(TOKENS)
    glance.answers = [data(b"", "401 Unauthorized")] * 2
    assert (await failure(saved(alice, io.BytesIO()))).code == "UNAUTHORIZED"


@pytest.mark.parametrize(
    "older",
    [
        {"os_hash_algo": None, "os_hash_value": None},
        {"os_hash_algo": "shake_256"},
        {"os_hash_algo": "md5", "os_hash_value": IMAGE["checksum"]},
        {"os_hash_algo": ["x"], "os_hash_value": 1},
    ],
)
async def test_an_older_image_is_known_by_its_checksum(
    new: New, hostile: Hostile, glance: Glance, older: dict[str, Any]
) -> None:
    client = signed_in(new, hostile, glance.url, {**IMAGE, **older})
    glance.answers = [data(OTHER), data()]
    error = await failure(saved(client, io.BytesIO()))
    assert (error.code, "md5" in error.message) == ("DIGEST_MISMATCH", True)
    await saved(client, io.BytesIO())


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ({**IMAGE, "status": "queued", "size": None}, "CONFLICT"),
        ({**IMAGE, "size": None}, "BAD_RESPONSE"),
        ({**IMAGE, "size": -1}, "BAD_RESPONSE"),
        ({**IMAGE, "size": True}, "BAD_RESPONSE"),
        ({**IMAGE, "id": "../../v3/auth/tokens"}, "BAD_RESPONSE"),
        ({**IMAGE, "id": 1}, "BAD_RESPONSE"),
        ([], "BAD_RESPONSE"),
    ],
)
async def test_what_is_no_image_with_data_is_not_asked_for(
    new: New, hostile: Hostile, glance: Glance, image: Any, code: str
) -> None:
    client = signed_in(new, hostile, glance.url, image)
    file = io.BytesIO()
    assert (await failure(saved(client, file))).code == code
    assert file.getvalue() == b""
    assert glance.asked == []


@pytest.mark.parametrize(
    ("endpoint", "code"),
    [(None, "NOT_FOUND"), ("ftp://x", "BAD_RESPONSE"), ("http://a:b@x", "BAD_RESPONSE")],
)
async def test_a_catalog_without_glance_is_told(
    new: New, hostile: Hostile, endpoint: str | None, code: str
) -> None:
    client = signed_in(new, hostile, endpoint, IMAGE)
    assert (await failure(saved(client, io.BytesIO()))).code == code


async def test_a_sign_in_that_does_not_know_the_cloud_says_which_one_does(
    new: New, hostile: Hostile
) -> None:
    error = await failure(saved(new(hostile.url, token=TOKENS[0]), io.BytesIO()))
    assert (error.code, "OS_CLOUD" in error.message) == ("PRECONDITION_FAILED", True)
    assert hostile.requests == []


class Full(io.BytesIO):
    def write(self, _chunk: Any) -> int:
        raise OSError(28, "No space left on device")


async def test_a_file_that_cannot_be_written_is_told(
    alice: Caller, glance: Glance, tmp_path: Path
) -> None:
    glance.answers = [data()]
    with pytest.raises(OSError, match="No space left"):
        await saved(alice, Full())
    with pytest.raises(IsADirectoryError):
        await saved(alice, tmp_path)
    with pytest.raises(FileNotFoundError):
        await saved(alice, tmp_path / "no" / "disk")
    with pytest.raises(ValueError, match="chunk_size"):
        await saved(alice, tmp_path / "disk", chunk_size=0)


async def test_what_is_no_plain_file_is_written_to_and_not_replaced(
    alice: Caller, glance: Glance, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    glance.answers = [data()]
    reading = asyncio.create_task(asyncio.to_thread(pipe.read_bytes))
    await saved(alice, pipe)
    assert await reading == CONTENT
    assert pipe.is_fifo()


def hurried(request: Request) -> float:
    """Return how long an answer may take: of Glance, not long."""
    return 1.0 if request.sink else float(SECONDS)


async def test_a_glance_that_says_nothing_more_is_given_up(
    alice: Caller, glance: Glance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polaris_bff.transport.longest", hurried)
    glance.answers, glance.hangs = [broken(300_000)], True
    error = await failure(saved(alice, tmp_path / "disk"))
    assert (error.code, "Glance did not" in error.message) == ("TIMEOUT", True)
    assert names(tmp_path) == []


async def test_a_glance_whose_headers_come_byte_by_byte_is_given_up(
    new: New, hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polaris_bff.transport.longest", hurried)
    async with dripping() as url:
        client = signed_in(new, hostile, url, IMAGE)
        error = await failure(saved(client, io.BytesIO()))
    assert (error.code, "Glance did not" in error.message) == ("TIMEOUT", True)


async def test_memory_does_not_grow_with_the_image(
    new: New, hostile: Hostile, glance: Glance
) -> None:
    block, count = bytes(1024 * 1024), 64
    digest = hashlib.sha512()
    for _ in range(count):
        digest.update(block)
    size = len(block) * count
    image = {**IMAGE, "size": size, "os_hash_value": digest.hexdigest()}
    client = signed_in(new, hostile, glance.url, image)
    glance.answers, glance.more = [data(b"", content_length=str(size))], [block] * count
    with open(os.devnull, "wb") as file:  # noqa: ASYNC230, PTH123  # it takes no time
        tracemalloc.start()
        try:
            await saved(client, file)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < size / 4


async def test_cancelling_a_download_leaves_no_file(
    hostile: Hostile, glance: Glance, tmp_path: Path
) -> None:
    hostile.answers = [lambda calls: answer({"id": calls[0]["id"], "result": IMAGE})]
    glance.answers, glance.hangs = [broken(300_000)], True
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with AsyncClient(hostile.url, auth=OpenStack(session=Plugin(glance.url))) as client:
        saving = asyncio.create_task(
            client.download(
                str(IMAGE["id"]),
                tmp_path / "disk",
                chunk_size=100_000,
                progress=lambda *_: loop.call_soon_threadsafe(begun.set),
            )
        )
        await asyncio.wait_for(begun.wait(), SECONDS)
        assert [name.endswith(".part") for name in names(tmp_path)] == [True]
        saving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await saving
    assert names(tmp_path) == []


async def test_an_empty_image_is_an_empty_file(
    new: New, hostile: Hostile, glance: Glance, tmp_path: Path
) -> None:
    digest = hashlib.sha512(b"").hexdigest()
    client = signed_in(new, hostile, glance.url, {**IMAGE, "size": 0, "os_hash_value": digest})
    glance.answers = [b"HTTP/1.1 204 No Content\r\n\r\n"]
    await saved(client, tmp_path / "disk")
    assert (tmp_path / "disk").read_bytes() == b""
