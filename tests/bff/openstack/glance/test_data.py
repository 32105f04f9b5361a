"""An image's data on its way to Glance: what is sent, what cuts it, and what each answer means."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bff.errors import BffError, Code
from bff.openstack.glance import Glance
from bff.openstack.glance.data import Data
from bff.openstack.glance.verified_body import CHUNK
from bff.openstack.service import Service
from bff.openstack.transport import Timeouts, new_client
from tests.fakes.errors import glance_error

IMAGE_ID = "a85abd86-55b3-4d5b-b0b4-5d0a6e6042fc"
CONTENT = bytes(range(256)) * 4096
PROJECT_ID = "9f1c1f3a7d0e4c57a1b7c2d4e5f60718"
DIGEST = hashlib.sha512(CONTENT).hexdigest()
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Upstream:
    """A Glance that reads an upload as it is told to, and shows one image."""

    talk: Talk | None = None
    answer: bytes = b"204 No Content"
    explanation: str = ""
    mute: bool = False
    image: dict[str, Any] | None = field(default_factory=dict)
    # Whether the image may be changed by whoever asks.
    obeys: bool = True
    head: str = ""
    received: bytes = b""
    shown: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    whole: asyncio.Event = field(default_factory=asyncio.Event)
    cut: asyncio.Event = field(default_factory=asyncio.Event)
    uploads: int = 0
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            if head.startswith("GET"):
                if self.mute:
                    await reader.read()
                self._show(writer)
                return
            if head.startswith("PATCH"):
                self.reply(writer, b"409 Conflict" if self.obeys else b"403 Forbidden", b"{}")
                return
            self.uploads += 1
            self.head = head
            self.arrived.set()
            await (self.talk or self.store)(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.cut.set()
        finally:
            writer.close()

    def _show(self, writer: asyncio.StreamWriter) -> None:
        self.shown.set()
        if self.image is None:
            self.reply(writer, b"404 Not Found", glance_error(404))
        else:
            self.reply(writer, b"200 OK", json.dumps(self.image).encode())

    async def store(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.read_body(reader)
        if self.answer.startswith(b"204"):
            digest = hashlib.sha512(self.received).hexdigest()
            stored = {"status": "active", "size": len(self.received), "os_hash_algo": "sha512"}
            assert self.image is not None
            self.image = {**stored, "os_hash_value": digest, **self.image}
        self.refuse(writer)

    async def read_body(self, reader: asyncio.StreamReader) -> None:
        if length := self.header("Content-Length"):
            self.received = await reader.readexactly(int(length))
        else:
            assert self.header("Transfer-Encoding") == "chunked"
            while size := int(await reader.readuntil(b"\r\n"), 16):
                self.received += (await reader.readexactly(size + 2))[:-2]
            await reader.readexactly(2)
        self.whole.set()

    def header(self, name: str) -> str | None:
        lines = (line.split(": ", 1) for line in self.head.split("\r\n")[1:] if line)
        return {key.lower(): value for key, value in lines}.get(name.lower())

    def refuse(self, writer: asyncio.StreamWriter) -> None:
        self.reply(writer, self.answer, json.dumps({"message": self.explanation}).encode())

    def reply(self, writer: asyncio.StreamWriter, status: bytes, body: bytes) -> None:
        if status.startswith(b"204"):
            body = b""
        ids = b"X-Openstack-Request-Id: req-theirs\r\n"
        length = b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        writer.write(b"HTTP/1.1 " + status + b"\r\n" + ids + length + body)


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream()
    async with await asyncio.start_server(upstream.serve, "127.0.0.1", 0) as listener:
        upstream.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        yield upstream


@asynccontextmanager
async def data_at(url: str, **timeouts: float) -> AsyncIterator[Data]:
    async with new_client() as client:
        given = {"connect": 5, "answer": 5, "idle": 5, "stored": 5, **timeouts}
        service = Service("Glance", client, Timeouts(**given))
        yield Glance(service, url, "a-token", "req-ours", PROJECT_ID).data


@pytest.fixture
async def data(upstream: Upstream) -> AsyncIterator[Data]:
    async with data_at(upstream.url) as data:
        yield data


async def chunks(*parts: bytes, then: BaseException | None = None) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
    if then is not None:
        raise then


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield bytes(CHUNK)


async def silent() -> AsyncIterator[bytes]:
    # The last chunk is held back: the first of two is sent.
    yield CONTENT
    yield CONTENT
    await asyncio.Event().wait()


def sockets() -> int:
    names = [path.name for path in Path("/proc/self/fd").iterdir()]
    kinds = [Path(f"/proc/self/fd/{name}") for name in names]
    return sum(str(path.readlink()).startswith("socket:") for path in kinds if path.is_symlink())


async def refusal(data: Data, *args: Any, **more: Any) -> BffError:
    with pytest.raises(BffError) as caught:
        async with asyncio.timeout(10):
            await data.upload(IMAGE_ID, *args, **more)
    return caught.value


# --- What is sent


async def test_bytes_are_sent_with_their_length_and_glances_own_size_header(
    data: Data, upstream: Upstream
) -> None:
    await data.upload(IMAGE_ID, CONTENT, sha512=DIGEST)
    assert upstream.received == CONTENT
    assert upstream.head.startswith(f"PUT /v2/images/{IMAGE_ID}/file HTTP/1.1\r\n")
    expected = {
        "Content-Type": "application/octet-stream",
        "Content-Length": str(len(CONTENT)),
        "X-Openstack-Image-Size": str(len(CONTENT)),
        "X-Auth-Token": "a-token",
        "X-Openstack-Request-Id": "req-ours",
        "Accept": "application/json",
        "Transfer-Encoding": None,
    }
    assert {name: upstream.header(name) for name in expected} == expected


async def test_a_stream_of_unknown_size_is_sent_in_chunks_and_comes_whole(
    data: Data, upstream: Upstream
) -> None:
    sent = chunks(CONTENT[:1], b"", CONTENT[1:70_000], CONTENT[70_000:])
    await data.upload(IMAGE_ID, sent)
    assert upstream.received == CONTENT
    assert upstream.header("X-Openstack-Image-Size") is None


@pytest.mark.parametrize("parts", [(CONTENT,), (CONTENT[:-1], CONTENT[-1:])])
async def test_a_stream_of_known_size_is_sent_with_it(
    data: Data, upstream: Upstream, parts: tuple[bytes, ...]
) -> None:
    await data.upload(IMAGE_ID, chunks(*parts), len(CONTENT))
    assert upstream.received == CONTENT
    assert upstream.header("Content-Length") == str(len(CONTENT))


# --- What cuts it


@pytest.mark.parametrize("size", [None, len(CONTENT)])
@pytest.mark.parametrize("parts", [(), (CONTENT[:10],), (CONTENT,)])
@pytest.mark.parametrize("failure", [ValueError("mine"), BffError(Code.TIMEOUT, "mine")])
async def test_what_the_content_raises_passes_through_and_glance_never_sees_an_end(
    data: Data, upstream: Upstream, size: int | None, parts: tuple[bytes, ...], failure: Exception
) -> None:
    with pytest.raises(type(failure), match="mine") as caught:
        await data.upload(IMAGE_ID, chunks(*parts, then=failure), size)
    assert caught.value is failure
    if upstream.uploads:
        await asyncio.wait_for(upstream.cut.wait(), 5)
    assert not upstream.whole.is_set()


@pytest.mark.parametrize(
    ("parts", "declared", "difference"),
    [
        ((), {}, "it is empty"),
        ((b"",), {"size": 0}, "it is empty"),
        (
            (CONTENT,),
            {"size": len(CONTENT) + 1},
            f"{len(CONTENT)} bytes, and {len(CONTENT) + 1} were",
        ),
        ((CONTENT, b"x"), {"size": len(CONTENT)}, f"larger than the {len(CONTENT)} bytes"),
        ((CONTENT,), {"size": len(CONTENT), "sha512": "0" * 128}, f"its sha512 is {DIGEST}"),
        ((CONTENT,), {"sha512": "0" * 128}, f"its sha512 is {DIGEST}"),
    ],
)
async def test_content_that_does_not_match_what_was_declared_is_cut_before_its_end(
    *,
    data: Data,
    upstream: Upstream,
    parts: tuple[bytes, ...],
    declared: dict[str, Any],
    difference: str,
) -> None:
    error = await refusal(data, chunks(*parts), **declared)
    assert error.code is Code.BAD_REQUEST
    assert error.message.startswith("The data does not match what was declared: it")
    assert difference in error.message
    assert not upstream.whole.is_set()


async def test_a_cancelled_upload_is_cut_and_its_content_is_at_rest(
    data: Data, upstream: Upstream
) -> None:
    resting = asyncio.Event()

    async def waiting() -> AsyncIterator[bytes]:
        try:
            yield CONTENT
            yield CONTENT
            await asyncio.Event().wait()
        finally:
            resting.set()

    running = asyncio.create_task(data.upload(IMAGE_ID, waiting(), 3 * len(CONTENT)))
    async with asyncio.timeout(5):
        await upstream.arrived.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert resting.is_set()
        await upstream.cut.wait()


async def test_an_upload_that_is_cancelled_again_and_again_still_waits_for_its_content(
    data: Data, upstream: Upstream
) -> None:
    stopping, may_stop, rests = asyncio.Event(), asyncio.Event(), False

    async def slow_to_stop() -> AsyncIterator[bytes]:
        nonlocal rests
        try:
            yield CONTENT
            yield CONTENT
            await asyncio.Event().wait()
        finally:
            stopping.set()
            await may_stop.wait()
            rests = True

    running = asyncio.create_task(data.upload(IMAGE_ID, slow_to_stop(), 3 * len(CONTENT)))
    async with asyncio.timeout(5):
        await upstream.arrived.wait()
        running.cancel()
        await stopping.wait()
        for _ in range(3):
            running.cancel()
            await asyncio.sleep(0)
            assert not running.done()
        may_stop.set()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert rests


# --- What Glance answers


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (b"400 Bad Request", Code.BAD_REQUEST, "for a reason. The image is `queued` as before"),
        (b"401 Unauthorized", Code.UNAUTHORIZED, "The session ended while the data of image"),
        (b"403 Forbidden", Code.FORBIDDEN, "for a reason"),
        (b"409 Conflict", Code.CONFLICT, "for a reason. The image is `queued` as before"),
        (b"410 Gone", Code.CONFLICT, "Another upload of image"),
        (b"413 Too Large", Code.PAYLOAD_TOO_LARGE, "for a reason. The image is `queued` as before"),
        (b"415 Unsupported", Code.UNSUPPORTED_MEDIA_TYPE, "for a reason. The image is `queued`"),
        (b"500 Error", Code.BAD_GATEWAY, "for a reason"),
        (b"503 Unavailable", Code.SERVICE_UNAVAILABLE, "for a reason"),
    ],
)
async def test_a_refusal_has_glances_words_and_what_to_do(
    data: Data, upstream: Upstream, answer: bytes, code: Code, words: str
) -> None:
    upstream.answer, upstream.explanation = answer, "for a reason."
    upstream.image = {"status": "queued"}
    error = await refusal(data, CONTENT)
    assert error.code is code
    assert words in error.message
    assert error.data["upstreamRequestId"] == "req-theirs"
    assert upstream.uploads == 1


async def test_an_upload_that_is_forbidden_says_whose_image_it_is(
    data: Data, upstream: Upstream
) -> None:
    upstream.answer, upstream.explanation = b"403 Forbidden", "for a reason."
    upstream.image, upstream.obeys = {"status": "active", "owner": "p"}, False
    error = await refusal(data, CONTENT)
    assert error.code is Code.FORBIDDEN
    assert f"Cannot upload the data of image {IMAGE_ID}: it is another project's" in error.message


async def test_a_session_that_ends_with_the_upload_says_what_may_have_become_of_it(
    data: Data, upstream: Upstream
) -> None:
    upstream.answer, upstream.explanation = b"401 Unauthorized", "wrong credentials, your browser"
    error = await refusal(data, CONTENT)
    assert f"All {len(CONTENT)} bytes were sent" in error.message
    assert "Sign in again and look at the image" in error.message
    assert "browser" not in error.message


async def test_a_session_that_ended_before_the_end_of_the_data_has_stored_nothing(
    data: Data, upstream: Upstream
) -> None:
    async def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream.refuse(writer)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield CONTENT

    upstream.answer, upstream.explanation, upstream.talk = b"401 Unauthorized", "browser", refuse
    error = await refusal(data, endless())
    assert error.code is Code.UNAUTHORIZED
    assert "The data was not stored. Sign in again" in error.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"404 Not Found", f"Image not found: {IMAGE_ID}"),
        (b"410 Gone", f"Image {IMAGE_ID} was deleted while"),
    ],
)
async def test_an_image_that_is_gone_is_said_to_be(
    data: Data, upstream: Upstream, answer: bytes, words: str
) -> None:
    upstream.answer, upstream.image = answer, None
    error = await refusal(data, CONTENT)
    assert error.code is Code.NOT_FOUND
    assert error.message.startswith(words)


@pytest.mark.parametrize("status", ["active", "saving", "deactivated"])
async def test_an_image_that_is_not_queued_is_a_conflict_that_says_so(
    data: Data, upstream: Upstream, status: str
) -> None:
    upstream.answer, upstream.image = b"409 Conflict", {"status": status}
    error = await refusal(data, CONTENT)
    assert error.code is Code.CONFLICT
    assert f"it must be `queued`, and it is `{status}`" in error.message


async def test_an_image_stuck_in_saving_is_reported_with_the_only_way_out(
    data: Data, upstream: Upstream
) -> None:
    upstream.answer, upstream.explanation = b"413 Too Large", "over your quota"
    upstream.image = {"status": "saving"}
    error = await refusal(data, chunks(CONTENT))
    assert error.code is Code.PAYLOAD_TOO_LARGE
    assert "over your quota" in error.message
    assert "`saving`" in error.message
    assert "only deleting it helps" in error.message


@pytest.mark.parametrize("content", ["endless", "silent"])
@pytest.mark.parametrize("after", ["keeps", "closes", "resets"])
async def test_an_early_answer_is_seen_while_the_content_still_comes(
    data: Data, upstream: Upstream, content: str, after: str
) -> None:
    upstream.answer, upstream.image = b"409 Conflict", {"status": "active"}

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream.refuse(writer)
        await writer.drain()
        if after == "resets":
            reset(writer)
        elif after == "keeps":
            await reader.read()

    upstream.talk = early
    error = await refusal(data, endless() if content == "endless" else silent())
    assert error.code is Code.CONFLICT
    assert "it must be `queued`, and it is `active`" in error.message
    assert upstream.uploads == 1


def reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize(
    ("image", "code", "words"),
    [
        ({"status": "queued"}, Code.BAD_GATEWAY, "`queued` as before, and takes another upload"),
        ({"status": "queued", "checksum": "0"}, Code.BAD_GATEWAY, "upload to a new one"),
        ({"status": "queued", "disk_format": None}, Code.BAD_REQUEST, "set its disk_format first"),
        ({"status": "saving"}, Code.BAD_GATEWAY, "only deleting it helps"),
        ({"status": "importing"}, Code.BAD_GATEWAY, "The image is `importing` now"),
        ({"status": "active"}, Code.CONFLICT, "it must be `queued`, and it is `active`"),
        (None, Code.NOT_FOUND, "was deleted while"),
    ],
)
async def test_a_lost_answer_is_explained_by_looking_at_the_image(
    data: Data, upstream: Upstream, image: dict[str, Any] | None, code: Code, words: str
) -> None:
    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        reset(writer)

    upstream.talk, upstream.image = broken, image
    error = await refusal(data, endless())
    assert error.code is code
    assert words in error.message
    assert upstream.uploads == 1


async def test_a_lost_answer_to_a_whole_upload_is_no_success(
    data: Data, upstream: Upstream
) -> None:
    async def lose(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await upstream.read_body(reader)

    upstream.talk, upstream.image = lose, {"status": "active", "size": len(CONTENT)}
    error = await refusal(data, CONTENT)
    assert error.code is Code.BAD_GATEWAY
    assert "Its answer was lost, and the image is `active` now" in error.message


async def test_a_glance_that_is_gone_altogether_is_service_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    async with data_at(url) as data:
        assert (await refusal(data, CONTENT)).code is Code.SERVICE_UNAVAILABLE


async def test_success_that_is_claimed_before_the_end_is_no_success(
    data: Data, upstream: Upstream
) -> None:
    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream.refuse(writer)
        await reader.read()

    upstream.talk, upstream.image = hasty, {"status": "queued"}
    error = await refusal(data, endless())
    assert error.code is Code.BAD_GATEWAY
    assert "answered before it had everything" in error.message


@pytest.mark.parametrize(
    ("image", "what"),
    [
        ({"status": "saving"}, "its status is saving, not active"),
        ({"size": 5}, f"its size is 5, not {len(CONTENT)}"),
        ({"os_hash_value": "abc"}, f"its os_hash_value is abc, not {DIGEST}"),
    ],
)
async def test_what_glance_has_is_compared_with_what_was_sent(
    data: Data, upstream: Upstream, image: dict[str, Any], what: str
) -> None:
    upstream.image = image
    error = await refusal(data, CONTENT, sha512=DIGEST)
    assert error.code is Code.BAD_GATEWAY
    assert what in error.message


async def test_a_site_that_hashes_otherwise_is_compared_by_size_alone(
    data: Data, upstream: Upstream
) -> None:
    upstream.image = {"os_hash_algo": "sha256", "os_hash_value": "abc"}
    await data.upload(IMAGE_ID, CONTENT, sha512=DIGEST)
    assert upstream.received == CONTENT


async def test_what_cannot_be_compared_is_no_success_and_the_error_says_why(
    data: Data, upstream: Upstream
) -> None:
    async def store_and_forget(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upstream.store(reader, writer)
        upstream.image = None

    upstream.talk = store_and_forget
    error = await refusal(data, CONTENT)
    assert error.code is Code.NOT_FOUND
    assert f"Glance took all {len(CONTENT)} bytes" in error.message
    assert "could not be checked. Image not found" in error.message


# --- Time


async def test_a_glance_that_takes_nothing_more_is_a_gateway_timeout(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The client is not waited for meanwhile.
    monkeypatch.setattr("bff.openstack.glance.upload_errors._SILENCE_SECONDS", 0)
    seen = asyncio.Event()

    async def stall(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await seen.wait()

    upstream.talk, upstream.image = stall, {"status": "queued"}
    before = sockets()
    async with data_at(upstream.url, idle=0.05) as data:
        error = await refusal(data, endless())
    assert error.code is Code.GATEWAY_TIMEOUT
    assert "`queued` as before" in error.message
    # The one that is left is Glance's end: ours does not wait for it to take what is on the way.
    async with asyncio.timeout(5):
        while sockets() != before + 1:
            await asyncio.to_thread(os.sched_yield)
    seen.set()


async def test_a_glance_that_does_not_answer_after_the_last_byte_is_a_gateway_timeout(
    upstream: Upstream,
) -> None:
    async def mute(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await upstream.read_body(reader)
        await reader.read()

    upstream.talk, upstream.image = mute, {"status": "queued"}
    async with data_at(upstream.url, stored=0.05) as data:
        error = await refusal(data, CONTENT)
    assert error.code is Code.GATEWAY_TIMEOUT
    assert upstream.whole.is_set()


async def test_a_glance_that_does_not_even_show_the_image_keeps_no_error_back(
    upstream: Upstream,
) -> None:
    upstream.answer, upstream.explanation, upstream.mute = b"413 Too Large", "too large", True
    async with data_at(upstream.url, answer=60) as data:
        error = await refusal(data, CONTENT)
    assert error.code is Code.PAYLOAD_TOO_LARGE
    assert "too large. What became of the image cannot be seen now." in error.message


async def test_a_refusal_of_the_whole_body_stays_one_when_glance_is_gone_afterwards(
    upstream: Upstream,
) -> None:
    upstream.answer, upstream.mute = b"400 Bad Request", True
    async with data_at(upstream.url, answer=60) as data:
        assert (await refusal(data, CONTENT)).code is Code.BAD_REQUEST


async def test_a_glance_that_blames_the_body_while_it_stops_is_not_the_clients_fault(
    upstream: Upstream,
) -> None:
    async def stop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        upstream.refuse(writer)

    upstream.answer, upstream.explanation = b"400 Bad Request", "Bad chunked transfer size"
    upstream.talk, upstream.mute = stop, True
    async with data_at(upstream.url, answer=60) as data:
        error = await refusal(data, endless())
    assert error.code is Code.BAD_GATEWAY
    assert "Bad chunked transfer size. What became of the image" in error.message


async def test_an_answer_that_stalls_in_its_body_is_a_gateway_timeout(upstream: Upstream) -> None:
    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 409 Conflict\r\nContent-Length: 9\r\n\r\nhalf")
        await reader.read()

    upstream.talk, upstream.image = stall, {"status": "queued"}
    async with data_at(upstream.url, answer=0.05) as data:
        assert (await refusal(data, silent())).code is Code.GATEWAY_TIMEOUT


@pytest.mark.parametrize("answer", [b"500 Error", b"408 Timeout", None])
@pytest.mark.parametrize(
    ("silence", "code"), [(0, Code.TIMEOUT), (3600, None)], ids=["long", "short"]
)
async def test_a_glance_that_no_longer_waits_for_a_silent_client_is_not_to_blame(
    *,
    data: Data,
    upstream: Upstream,
    answer: bytes | None,
    silence: float,
    code: Code | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def lose_patience(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(CONTENT))
        if answer is not None:
            upstream.answer = answer
            upstream.refuse(writer)

    monkeypatch.setattr("bff.openstack.glance.upload_errors._SILENCE_SECONDS", silence)
    upstream.talk, upstream.image = lose_patience, {"status": "queued"}
    error = await refusal(data, silent())
    assert (error.code is Code.TIMEOUT) is (code is Code.TIMEOUT)
    assert ("Nothing had come for" in error.message) is (code is Code.TIMEOUT)
    assert "Glance" in error.message
    assert error.message.endswith("The image is `queued` as before, and takes another upload.")


@pytest.mark.parametrize(
    ("content", "answer", "code"),
    [
        (silent, b"503 Unavailable", Code.SERVICE_UNAVAILABLE),
        (lambda: chunks(CONTENT), b"500 Error", Code.BAD_GATEWAY),
    ],
    ids=["a store that fails", "a failure after the last byte"],
)
async def test_a_failure_of_glances_own_is_not_the_clients_silence(
    *,
    data: Data,
    upstream: Upstream,
    content: Callable[[], AsyncIterator[bytes]],
    answer: bytes,
    code: Code,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(CONTENT))
        upstream.refuse(writer)

    monkeypatch.setattr("bff.openstack.glance.upload_errors._SILENCE_SECONDS", 0)
    upstream.talk, upstream.image = (refuse if content is silent else None), {"status": "queued"}
    upstream.answer, upstream.explanation = answer, "the store is full"
    error = await refusal(data, content())
    assert error.code is code
    assert "the store is full" in error.message
    assert "Nothing had come" not in error.message


async def test_slow_content_is_not_glances_fault(upstream: Upstream) -> None:
    async def slow() -> AsyncIterator[bytes]:
        for part in (CONTENT[:5], CONTENT[5:]):
            await asyncio.wait([asyncio.create_task(asyncio.Event().wait())], timeout=0.15)
            yield part

    async with data_at(upstream.url, idle=0.1) as data:
        await data.upload(IMAGE_ID, slow())
    assert upstream.received == CONTENT


# --- Before it


async def test_an_image_must_be_queued(data: Data, upstream: Upstream) -> None:
    upstream.image = {"status": "queued"}
    await data.check_queued(IMAGE_ID)
    upstream.image = {"status": "active"}
    with pytest.raises(BffError, match="must be `queued`"):
        await data.check_queued(IMAGE_ID)


@pytest.mark.parametrize(
    "image",
    [
        {"status": "queued"},
        {"status": "active"},
        {"status": "saving"},
        {"status": "queued", "disk_format": None},
    ],
)
async def test_whose_image_it_is_comes_before_its_state(
    data: Data, upstream: Upstream, image: dict[str, Any]
) -> None:
    upstream.image, upstream.obeys = {**image, "owner": "p"}, False
    with pytest.raises(BffError, match="another project's") as caught:
        await data.check_queued(IMAGE_ID, patiently=False)
    assert caught.value.code is Code.FORBIDDEN


async def test_an_administrator_may_fill_another_projects_image(
    data: Data, upstream: Upstream
) -> None:
    upstream.image = {"status": "queued", "owner": "p"}
    await data.check_queued(IMAGE_ID)


async def test_an_image_of_ones_own_costs_one_look(data: Data, upstream: Upstream) -> None:
    upstream.image, upstream.obeys = {"status": "queued", "owner": PROJECT_ID}, False
    await data.check_queued(IMAGE_ID)


async def test_an_image_whose_last_upload_just_broke_off_is_waited_for(
    data: Data, upstream: Upstream
) -> None:
    upstream.image = {"status": "saving"}
    waiting = asyncio.create_task(data.check_queued(IMAGE_ID))
    await upstream.shown.wait()
    upstream.image = {"status": "queued"}
    await waiting


async def test_an_image_that_others_upload_to_is_not_waited_for(
    data: Data, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bff.openstack.glance.data._PAUSES", (20,))
    upstream.image = {"status": "saving"}
    with pytest.raises(BffError, match="must be `queued`"):
        async with asyncio.timeout(10):
            await data.check_queued(IMAGE_ID, patiently=False)


async def test_an_image_that_is_not_there_is_not_found(data: Data, upstream: Upstream) -> None:
    upstream.image = None
    with pytest.raises(BffError, match="Image not found"):
        await data.check_queued(IMAGE_ID)
