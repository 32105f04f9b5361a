"""Where a file waits on disk until it is known which image it is for.

The files have no name: the system removes them when they are closed, and so does it when the
process is killed. Nothing is ever left behind, and nothing of another process can be in the way.
"""

from __future__ import annotations

import asyncio
import errno
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from io import FileIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypeVar

from bff.errors import BffError, Code

CHUNK = 256 * 1024
HINT = "send imageId before the file, or as ?imageId=, and the file needs no buffer."
T = TypeVar("T")


class Spools:
    """All that one process has waiting.

    Args:
        max_bytes: The most bytes, of all files together.
        max_bytes_per_owner: The most bytes of the files of one project.
    """

    def __init__(self, folder: Path, max_bytes: int, max_bytes_per_owner: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_bytes_per_owner = max_bytes_per_owner
        self._used: Counter[str] = Counter()  # by owner

    @asynccontextmanager
    async def open(self, expected: int, owner: str) -> AsyncIterator[Spool]:
        """Open a file that is gone afterwards, however this ends.

        Args:
            expected: The bytes that will come, as far as that is known.
            owner: Whose share of the room it takes.

        Raises:
            BffError: PAYLOAD_TOO_LARGE, there is no room for as many.
        """
        self._check(owner, expected)
        spool = Spool(self._new_file(), partial(self._reserve, owner))
        try:
            yield spool
        finally:
            await spool.close()

    def _new_file(self) -> FileIO:
        with _disk_errors():
            return TemporaryFile(buffering=0, dir=self._folder)

    @property
    def used(self) -> int:
        """How many bytes wait."""
        return self._used.total()

    def _reserve(self, owner: str, count: int) -> None:
        self._check(owner, count)
        self._used[owner] += count
        if not self._used[owner]:
            del self._used[owner]

    def _check(self, owner: str, count: int) -> None:
        is_full = self.used + count > self._max_bytes
        if is_full or self._used[owner] + count > self._max_bytes_per_owner:
            message = f"The file came before its imageId, and is too large to be buffered: {HINT}"
            raise BffError(Code.PAYLOAD_TOO_LARGE, message)


class Spool:
    """One file: written to its end, then read."""

    def __init__(self, file: FileIO, reserve: Callable[[int], None]) -> None:
        self._file = file
        self._reserve = reserve
        self._working: asyncio.Future[Any] | None = None
        self.size = 0

    async def write(self, chunk: bytes) -> None:
        """Append a chunk.

        Raises:
            BffError: PAYLOAD_TOO_LARGE, there is no more room.
        """
        self._reserve(len(chunk))
        self.size += len(chunk)
        rest = memoryview(chunk)
        with _disk_errors():
            while rest:
                rest = rest[await self._in_thread(partial(self._file.write, rest)) :]

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Return everything from the beginning."""
        with _disk_errors():
            await self._in_thread(partial(self._file.seek, 0))
            while chunk := await self._in_thread(partial(self._file.read, CHUNK)):
                yield chunk

    async def close(self) -> None:
        """Close the file when no thread writes or reads it any more, and wait for that.

        Who waits may be cancelled, as often as may be: the file is closed by the thread's end. The
        system gives the number of a closed file to the next one that is opened.
        """
        if self._working is None or self._working.done():
            self._release()
            return
        self._working.add_done_callback(self._release)
        # Unlike gather(), this leaves what it waits for alone when it is cancelled.
        await asyncio.wait({self._working})

    def _release(self, done: asyncio.Future[Any] | None = None) -> None:
        if done is not None and not done.cancelled():
            done.exception()  # retrieved; whoever waited for it has it, or was cancelled
        self._file.close()
        self._reserve(-self.size)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        doing = asyncio.get_running_loop().run_in_executor(None, work)
        self._working = doing
        return await asyncio.shield(doing)


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        if failure.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            message = f"There is no room left on this server's disk: {HINT}"
            raise BffError(Code.PAYLOAD_TOO_LARGE, message) from failure
        message = f"This server cannot buffer the file on its disk: {HINT}"
        raise BffError(Code.SERVICE_UNAVAILABLE, message) from failure
