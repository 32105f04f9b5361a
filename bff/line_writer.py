"""Lines of text, written by one call of the system for each turn of the event loop."""

from __future__ import annotations

import asyncio
import atexit
from collections import deque
from contextlib import suppress
from typing import TextIO


class LineWriter:
    """Appends lines to a stream; a stream that is gone fails nobody.

    A line is written when the loop's turn ends in which it was made: as soon as it would be
    without a buffer, as far as others can tell, and once for all calls that end together.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        # Its ends are safe from other threads.
        self._lines: deque[str] = deque()
        # The one that has been asked to flush; a loop that was stopped forgets that.
        self._loop: asyncio.AbstractEventLoop | None = None
        atexit.register(self.flush)

    def write(self, line: str) -> None:
        """Append a line, without its end."""
        self._lines.append(line)
        if len(self._lines) > 1 and self._loop is not None and self._loop.is_running():
            return  # it will be written with those before it
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        self._loop = loop
        loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what waits."""
        lines: list[str] = []
        with suppress(IndexError):
            while True:
                lines.append(self._lines.popleft())
        if lines:
            with suppress(OSError, ValueError):
                self._stream.write("\n".join([*lines, ""]))
                self._stream.flush()
