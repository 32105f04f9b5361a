"""Uploads of one image, one after the other."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

# Less than a second, in which an error is to be told.
PATIENCE_SECONDS = 0.8
_PAUSE_SECONDS = 0.02
_NAMESPACE = "\0polaris-bff/upload/"


@asynccontextmanager
async def turn(project_id: str, image_id: str) -> AsyncIterator[bool]:
    """Upload inside; waits a moment for an upload of the same image that is about to end.

    An upload that was cut is not over at once: Glance may not even have begun to look at it, and
    shows the image as `queued` until it does.

    What is taken is an abstract socket address of Linux (unix(7)), which one process of a host can
    have at a time, and which ends with it. A container is a host of its own there. Elsewhere there
    are no turns.

    Yields:
        Whether no other upload of the image is under way, as far as this host knows.
    """
    # Not for the image alone: how long one waits would tell other projects that there is an upload.
    name = hashlib.sha256(f"{project_id}/{image_id}".lower().encode()).hexdigest()
    with socket.socket(socket.AF_UNIX) as taken:
        yield await _taken(taken, _NAMESPACE + name)


async def _taken(turn: socket.socket, address: str) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not _bound(turn, address):  # noqa: ASYNC110  # another process says nothing
                await asyncio.sleep(_PAUSE_SECONDS)
            return True
    return False


def _bound(turn: socket.socket, address: str) -> bool:
    try:
        turn.bind(address)
    except OSError as problem:
        return problem.errno != errno.EADDRINUSE
    return True
