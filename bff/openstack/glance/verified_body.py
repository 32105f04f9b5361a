"""An image's data on its way to Glance: counted, hashed, and never ended unless it is right."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from time import monotonic

from bff.errors import BffError, Code

# In bytes.
CHUNK = 256 * 1024


class VerifiedBody:
    """Chunks on their way: counted, hashed where a digest is expected, and ended only if they fit.

    The last chunk is held back until the end is known to be right. Glance knows the size
    and would store the image as soon as it has the last byte.

    Args:
        size: The expected number of bytes, if it is known.
        sha512: The expected digest, in lower-case hexadecimal.
        on_sent: Is called with the number of bytes that have gone out to Glance since the last
            time.
    """

    def __init__(
        self,
        content: AsyncIterator[bytes],
        size: int | None,
        sha512: str | None,
        on_sent: Callable[[int], None] | None,
    ) -> None:
        self._content = content
        self._size = size
        self._on_sent = on_sent
        self._unreported = 0
        self._hash = hashlib.sha512() if sha512 is not None else None
        self._held: bytes | None = None
        self._waiting_since: float | None = None
        self.sha512 = sha512
        self.count = 0
        self.ended = False
        self.failure: BffError | None = None

    def __aiter__(self) -> VerifiedBody:
        return self

    async def __anext__(self) -> bytes:
        """Return the next chunk; the one before was taken when this is asked for.

        Raises:
            BffError: BAD_REQUEST, the content is empty, or does not match size and digest.
        """
        if self._on_sent is not None and self._unreported:
            self._on_sent(self._unreported)
            self._unreported = 0
        try:
            if self._held is None and not self.ended:
                self._held = await self._next()
            held, self._held = self._held, None
            if held is None:
                raise StopAsyncIteration
            self._held = await self._next()
        except BffError as failure:
            self.failure = failure
            raise
        self._unreported = len(held)
        return held

    async def _next(self) -> bytes | None:
        """Return the next chunk of the content, ``None`` at an end that is right."""
        self._waiting_since = monotonic()
        async for chunk in self._content:
            if chunk:
                self._waiting_since = None
                self._add(chunk)
                return chunk
        self._waiting_since = None
        self._check_end()
        self.ended = True
        return None

    def silence(self) -> float:
        """Return for how many seconds the content has been waited for; 0 when it is not."""
        return 0.0 if self._waiting_since is None else monotonic() - self._waiting_since

    def _add(self, chunk: bytes) -> None:
        self.count += len(chunk)
        if self._size is not None and self.count > self._size:
            raise _mismatch(f"it is larger than the {self._size} bytes that were declared")
        if self._hash is not None:
            self._hash.update(chunk)

    def _check_end(self) -> None:
        if self.count == 0:
            raise _mismatch("it is empty")
        if self._size not in (None, self.count):
            raise _mismatch(f"it has {self.count} bytes, and {self._size} were declared")
        if self._hash is not None and self._hash.hexdigest() != self.sha512:
            raise _mismatch(f"its sha512 is {self._hash.hexdigest()}, not {self.sha512}")


async def slices(content: bytes) -> AsyncIterator[bytes]:
    """Yield bytes that are in memory already, in chunks."""
    for start in range(0, len(content), CHUNK):
        yield content[start : start + CHUNK]


def _mismatch(difference: str) -> BffError:
    message = (
        f"The data does not match what was declared: {difference}. Nothing was stored; upload it"
        " again."
    )
    return BffError(Code.BAD_REQUEST, message)
