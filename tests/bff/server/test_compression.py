"""Which coding an answer has, and what becomes of its pieces."""

from __future__ import annotations

import asyncio
import gzip
import random
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from starlette.types import Scope

from bff.server import compression
from bff.server.compression import MAX_HEADER, MIN_SIZE, STEP, VARY, Compression, coding_for
from tests import zstd
from tests.process import SECONDS

UNPACK: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "zstd": zstd.decompress,
}


def asking(*accepted: str) -> Scope:
    """Return a request with an Accept-Encoding header for each value."""
    return {"headers": [(b"accept-encoding", value.encode("latin-1")) for value in accepted]}


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("GZip", "gzip"),
        ("x-gzip", "gzip"),
        ("deflate, br , gzip", "gzip"),
        ("gzip, zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, zstd;q=0.9", "gzip"),
        ("gzip;q=0.001", "gzip"),
        ("gzip ;\tQ=0.5, identity;q=0.5", "gzip"),
        ("gzip;q=1.000,", "gzip"),
        (",, gzip", "gzip"),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=0.5, identity;q=0.6", None),
        ("gzip;q=0", None),
        ("gzip;q=0.000", None),
        ("gzip;q=0, *", "zstd"),
        ("*, zstd;q=0, gzip;q=0", None),
        ("*;q=0", None),
        ("*;q=0, gzip;q=0.1", "gzip"),
        ("identity", None),
        ("identity;q=0", None),
        ("br", None),
        ("", None),
        (",", None),
    ],
)
def test_the_coding_is_the_one_that_is_preferred(accepted: str, coding: str | None) -> None:
    assert coding_for(accepted, MIN_SIZE) == coding


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", None),
        ("gzip, identity;q=0.1", None),
        ("gzip, *;q=0.1", None),
        ("gzip, identity;q=0", "gzip"),
        ("gzip;q=0.1, *;q=0", "gzip"),
        ("gzip;q=0.1, *;q=0, identity", None),
        ("identity;q=0", None),
    ],
)
def test_a_small_answer_is_compressed_for_who_refuses_it_otherwise(
    accepted: str, coding: str | None
) -> None:
    assert coding_for(accepted, MIN_SIZE - 1) == coding


@pytest.mark.parametrize(
    "accepted",
    [
        *("gzip;q=2", "gzip;q=-1", "gzip;q=1.001", "gzip;q=0.0001", "gzip;q=", "gzip;q=nan"),
        *("gzip;q=1e0", "gzip;q=0,5", "gzip;q=１", "gzip;level=9", "gzip;q=1;q=0", "gzip;;q=1"),
        *(
            "gzip deflate",
            "gzip/1",
            '"gzip"',
            "gzip, é",
            "gzip\x00",
            ";q=1",
            "gzip, ;q=0",
            "q=1, ;",
        ),
        "gzip" + "," * MAX_HEADER,
        "gzip" + " " * MAX_HEADER + "x",
        "gzip" + " " * (MAX_HEADER - 10) + "x",
        ",".join(f"gzip;q=0.{number}" for number in range(1000)),
    ],
)
def test_what_is_malformed_or_too_long_says_nothing(accepted: str) -> None:
    assert coding_for(accepted, MIN_SIZE) is None


TEXT = random.Random(1).randbytes(STEP).hex().encode()
ANSWERS: Mapping[str, list[bytes]] = {
    "one piece": [b"x" * MIN_SIZE],
    "pieces, some without bytes": [b"[", b"", TEXT[:50_000], b",", TEXT[:50_000], b"]", b""],
    "just a step": [TEXT[:STEP]],
    "one byte more": [TEXT[:STEP], b"x"],
    "a large piece": [b"[", TEXT * 5 + b"y", b"]"],
    "many": [TEXT[start : start + 7000] for start in range(0, len(TEXT), 7000)],
}


@pytest.mark.parametrize("coding", compression.CODINGS)
@pytest.mark.parametrize("kind", ANSWERS)
async def test_what_is_unpacked_is_the_answer(kind: str, coding: str) -> None:
    pieces = list(ANSWERS[kind])
    packed, headers = await Compression().encoded(pieces, asking(coding))
    assert headers == [VARY, (b"content-encoding", coding.encode())]
    assert UNPACK[coding](b"".join(packed)) == b"".join(ANSWERS[kind])
    assert not pieces


async def test_headers_of_the_same_name_are_one() -> None:
    compress = Compression().encoded
    given = await compress([TEXT[:MIN_SIZE]], asking("br", "gzip;q=0.5"))
    assert (b"content-encoding", b"gzip") in given[1]
    given = await compress([TEXT[:MIN_SIZE]], asking("gzip;q=0.5", "identity"))
    assert given == ([TEXT[:MIN_SIZE]], [VARY])


@pytest.mark.parametrize("scope", [{"headers": []}, asking(""), asking("br")])
async def test_who_does_not_ask_gets_the_pieces_themselves(scope: Scope) -> None:
    pieces = [TEXT]
    given, headers = await Compression().encoded(pieces, scope)
    assert given is pieces
    assert headers == [VARY]


class Recorder:
    """Compresses nothing, and takes note of what it is told, and in which thread."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.threads: set[int] = set()
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def compress(self, data: memoryview, /) -> bytes:
        self.sizes.append(len(data))
        self.threads.add(threading.get_ident())
        self.begun.set()
        assert self.go_on.wait(SECONDS)
        return bytes(data)

    def flush(self) -> bytes:
        return b"."


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Return what compresses gzip."""
    recorder = Recorder()
    monkeypatch.setattr("bff.server.compression.CODINGS", {"gzip": lambda _size: recorder})
    return recorder


async def test_a_large_answer_is_compressed_in_one_thread_step_by_step(recorder: Recorder) -> None:
    compress = Compression().encoded
    asked = [compress([b"x" * (3 * STEP + 1), b"y"], asking("gzip")) for _ in range(3)]
    for given, _headers in await asyncio.gather(*asked):
        assert b"".join(given) == b"x" * (3 * STEP + 1) + b"y."
    assert sorted(recorder.sizes) == [1] * 6 + [STEP] * 9
    assert len(recorder.threads) == 1
    assert threading.get_ident() not in recorder.threads


async def test_a_small_one_is_worth_no_thread(recorder: Recorder) -> None:
    given, _headers = await Compression().encoded([b"x" * STEP], asking("gzip"))
    assert b"".join(given) == b"x" * STEP + b"."
    assert recorder.threads == {threading.get_ident()}


async def begin(compress: Compression, recorder: Recorder) -> asyncio.Task[Any]:
    """Begin to compress a large answer, which does not go on by itself."""
    recorder.go_on.clear()
    task = asyncio.create_task(compress.encoded([b"x" * (10 * STEP)], asking("gzip")))
    assert await asyncio.to_thread(recorder.begun.wait, SECONDS)
    return task


async def test_one_that_nobody_waits_for_ends_with_its_step(recorder: Recorder) -> None:
    compress = Compression()
    task = await begin(compress, recorder)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    recorder.go_on.set()
    # Behind it, in the same thread.
    await compress.encoded([b"y" * (STEP + 1)], asking("gzip"))
    assert recorder.sizes == [STEP, STEP, 1]


async def test_while_many_are_compressed_others_are_sent_as_they_are(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bff.server.compression.MAX_RUNNING", 1)
    compress = Compression()
    task = await begin(compress, recorder)
    pieces = [b"y" * (STEP + 1)]
    assert await compress.encoded(pieces, asking("gzip")) == (pieces, [VARY])
    recorder.go_on.set()
    await task
    assert (await compress.encoded(pieces, asking("gzip")))[1] != [VARY]
