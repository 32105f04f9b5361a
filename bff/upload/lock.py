"""A lock for each image: uploads of one image run one after the other."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

# An error must be answered within a second.
LOCK_TIMEOUT_SECONDS = 0.8
_RETRY_SECONDS = 0.02
_NAMESPACE = "\0polaris-bff/upload/"


@asynccontextmanager
async def upload_lock(project_id: str, image_id: str) -> AsyncIterator[bool]:
    """Hold the lock of an image; waits a moment for an upload of it that is about to end.

    An upload that was cut is not over at once: Glance may not even have begun to look at it, and
    shows the image as `queued` until it does.

    The lock is an abstract socket address of Linux (unix(7)), which one process of a host can
    bind at a time, and which ends with it. A container is a host of its own there. On other systems
    there is no lock.

    Yields:
        Whether the lock was acquired: no other upload of the image runs on this host.
    """
    # Not by image alone: the wait would tell another project that there is an upload.
    name = hashlib.sha256(f"{project_id}/{image_id}".lower().encode()).hexdigest()
    with socket.socket(socket.AF_UNIX) as lock:
        yield await _acquired(lock, _NAMESPACE + name)


async def _acquired(lock: socket.socket, address: str) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(LOCK_TIMEOUT_SECONDS):
            while not _bound(lock, address):  # noqa: ASYNC110  # another process says nothing
                await asyncio.sleep(_RETRY_SECONDS)
            return True
    return False


def _bound(lock: socket.socket, address: str) -> bool:
    try:
        lock.bind(address)
    except OSError as problem:
        return problem.errno != errno.EADDRINUSE
    return True
