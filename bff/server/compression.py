"""Compresses answers for the clients that ask for it (RFC 9110, 8.4 and 12.5.3)."""

from __future__ import annotations

import asyncio
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from starlette.types import Scope

from bff.request_headers import all_of, headers_in

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# In bytes: two packets of a network, which become one. It costs 15 microseconds.
MIN_SIZE = 2048
# In bytes: how much is compressed at a time, which takes gzip a millisecond. More is done in
# a thread, as both let go of the interpreter meanwhile.
STEP = 256 * 1024
# So many large answers at a time; further ones are sent as they are, rather than wait.
MAX_RUNNING = 8
# In characters: one that is longer is not read.
MAX_HEADER = 1000
VARY = (b"vary", b"accept-encoding")

# A coding and its weight (RFC 9110, 12.4.2).
_ELEMENT = re.compile(
    r"([!#$%&'*+.^_`|~0-9a-z-]+)(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)

Headers = list[tuple[bytes, bytes]]


class Compressor(Protocol):
    """What makes one stream."""

    def compress(self, data: memoryview, /) -> bytes:
        """Take some bytes; returns what is ready."""

    def flush(self) -> bytes:
        """Return the rest, to the stream's end."""


def _zstd(size: int) -> Compressor:
    # The next levels take longer, and make such lists no smaller. To be told the size saves memory.
    compressor = zstd.ZstdCompressor(1)
    compressor.set_pledged_input_size(size)
    return compressor


def _gzip(_size: int) -> Compressor:
    # A higher level takes twice as long, for a tenth less.
    return zlib.compressobj(1, wbits=16 + zlib.MAX_WBITS)


# By name, the better one first; each is told how many bytes will come.
CODINGS: Mapping[str, Callable[[int], Compressor]] = {"zstd": _zstd, "gzip": _gzip}


class Compression:
    """Compresses the answers of a process: large ones in a thread, in which they take turns."""

    def __init__(self) -> None:
        self._running = 0
        # One, as there is a process for each core: calls are served beside it.
        self._thread = ThreadPoolExecutor(1, "compression")

    async def encoded(self, pieces: list[bytes], scope: Scope) -> tuple[list[bytes], Headers]:
        """Return an answer in the coding that its client prefers, and the headers that say so.

        Args:
            pieces: The answer; they are taken out of the list, so that each is freed once done.
        """
        size = sum(map(len, pieces))
        coding = _coding(scope, size)
        if coding is None or (size > STEP and self._running >= MAX_RUNNING):
            return pieces, [VARY]
        steps = _steps(pieces, CODINGS[coding](size))
        done = list(steps) if size <= STEP else await self._in_thread(steps)
        return done, [VARY, (b"content-encoding", coding.encode())]

    async def _in_thread(self, steps: Iterator[bytes]) -> list[bytes]:
        run = asyncio.get_running_loop().run_in_executor
        done: list[bytes] = []
        self._running += 1
        try:
            while (step := await run(self._thread, next, steps, None)) is not None:
                done.append(step)
        finally:
            self._running -= 1
        return done


def _coding(scope: Scope, size: int) -> str | None:
    first = headers_in(scope).get(b"accept-encoding")
    # A small answer is compressed only for who refuses it otherwise, which takes a weight.
    if first is None or (size < MIN_SIZE and b";" not in first):
        return None
    return coding_for(",".join(all_of(scope, b"accept-encoding")), size)


def coding_for(accepted: str, size: int) -> str | None:
    """Return the coding for an answer of so many bytes, ``None`` for none.

    Args:
        accepted: What Accept-Encoding says; if it is malformed or too long, it says nothing.
    """
    weights = _weights(accepted)
    others = weights.get("*", 0.0)
    coding = max(CODINGS, key=lambda name: weights.get(name, others))
    weight = weights.get(coding, others)
    if not weight:
        # Where everything is refused, that is disregarded (RFC 9110, 12.4.1).
        return None
    if weights.get("identity", weights.get("*", 1.0)) == 0:
        return coding
    return coding if size >= MIN_SIZE and weight >= weights.get("identity", 0.0) else None


def _weights(accepted: str) -> Mapping[str, float]:
    if len(accepted) > MAX_HEADER:
        return {}
    weights = {}
    for element in filter(None, (each.strip(" \t") for each in accepted.lower().split(","))):
        match = _ELEMENT.fullmatch(element)
        if match is None:
            return {}
        # The old name (RFC 9110, 8.4.1.3).
        name = "gzip" if match[1] == "x-gzip" else match[1]
        weights[name] = float(match[2] or 1)
    return weights


def _steps(pieces: list[bytes], compressor: Compressor) -> Iterator[bytes]:
    """Yield what becomes of the pieces, after each ``STEP`` bytes."""
    done: list[bytes] = []
    taken = 0
    for portion in _portions(pieces):
        done.append(compressor.compress(portion))
        taken += len(portion)
        if taken >= STEP:
            yield b"".join(done)
            done, taken = [], 0
    yield b"".join([*done, compressor.flush()])


def _portions(pieces: list[bytes]) -> Iterator[memoryview]:
    pieces.reverse()
    while pieces:
        piece = memoryview(pieces.pop())
        for start in range(0, len(piece), STEP):
            yield piece[start : start + STEP]
