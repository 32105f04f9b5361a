"""What can go wrong with one answer: each takes the connection and the right bytes."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from functools import cache

from tests.faults.services import answer
from tests.faults.stage import Fault, Wire

HUGE = 65 * 1024 * 1024


async def close(wire: Wire, right: bytes) -> None:
    """Hang up without a word."""
    wire.writer.close()


async def reset(wire: Wire, right: bytes) -> None:
    """End the connection by RST."""
    wire.reset()


async def stall(wire: Wire, right: bytes) -> None:
    """Say nothing until the other side gives up."""
    await wire.until_gone()


async def stall_in_the_middle(wire: Wire, right: bytes) -> None:
    """Send all but the last byte, and say nothing more."""
    await wire.send(right[:-1])
    await wire.until_gone()


async def drip(wire: Wire, right: bytes) -> None:
    """Send the right answer in packets of one byte."""
    await wire.send(*(right[place : place + 1] for place in range(len(right))))


async def truncate(wire: Wire, right: bytes) -> None:
    """Send half of the body, and hang up."""
    head, _, body = right.partition(b"\r\n\r\n")
    await wire.send(head + b"\r\n\r\n" + body[: len(body) // 2])
    wire.writer.close()


async def truncate_head(wire: Wire, right: bytes) -> None:
    """Send half of the head, and hang up."""
    await wire.send(right[: right.index(b"\r\n\r\n") // 2])
    wire.writer.close()


async def twice(wire: Wire, right: bytes) -> None:
    """Send the answer, and once more in the same packet."""
    await wire.send(right + right)


async def one_and_a_half(wire: Wire, right: bytes) -> None:
    """Send the answer, and the beginning of another one in the same packet."""
    await wire.send(right + b"HTTP/1.1 200 OK\r\nContent-Len")


async def huge(wire: Wire, right: bytes) -> None:
    """Send more than anybody wants to have in memory."""
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % HUGE)
    # No number of these is the limit itself, at which that of the batch may be reached first.
    for _ in range(HUGE // 60_000):
        await wire.send(b" " * 60_000)


async def swells(wire: Wire, right: bytes) -> None:
    """Send 64 KiB that become more than anybody wants to have in memory."""
    await wire.send(_swelling())


@cache
def _swelling() -> bytes:
    # Once: it takes long enough to hold up every other answer of the stage.
    return answer(gzip.compress(b" " * HUGE), headers={"Content-Encoding": "gzip"})


async def never_ends(wire: Wire, right: bytes) -> None:
    """Announce an answer again and again, and never give it (RFC 9110, 15.2)."""
    while not wire.writer.transport.is_closing():
        await wire.send(b"HTTP/1.1 102 Processing\r\n\r\n")


def and_later(go: asyncio.Event, sent: asyncio.Event, more: bytes | None = None) -> Fault:
    """Return a fault: the answer, and once it may go on, ``more``, or the same answer again."""

    async def late(wire: Wire, right: bytes) -> None:
        await wire.send(right)
        await go.wait()
        await wire.send(right if more is None else more)
        sent.set()

    return late


def says(body: bytes, status: int = 200, **headers: str) -> Fault:
    """Return a fault: another answer; ``_`` stands for ``-`` in the names of headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return sends(answer(body, status, named))


def sends(raw: bytes) -> Fault:
    """Return a fault: bytes instead of an answer; the connection stays open."""

    async def instead(wire: Wire, right: bytes) -> None:
        await wire.send(raw)

    return instead


def with_header(name: str, value: bytes) -> Fault:
    """Return a fault: the right answer with one header instead of what it has under this name."""

    def changed(line: bytes) -> bool:
        return line.lower().startswith(name.lower().encode() + b":")

    def change(right: bytes) -> bytes:
        head, end, body = right.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not changed(line)]
        return b"\r\n".join([*lines, name.encode() + b": " + value]) + end + body

    return altered(change)


def altered(change: Callable[[bytes], bytes]) -> Fault:
    """Return a fault: the right answer, changed."""

    async def send(wire: Wire, right: bytes) -> None:
        await wire.send(change(right))

    return send
