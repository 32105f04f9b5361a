"""uvicorn's HTTP connection, with an end to what a client makes it keep.

uvicorn bounds neither the size of a request's head, of a chunk's extensions and of trailers, nor
the time in which a head comes, nor the one in which an answer is read. Without a proxy in front,
one client could fill the memory.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# In bytes; four times what aiohttp and most servers take.
MOST_HEAD = 64 * 1024
# In seconds; as nginx's client_header_timeout.
HEAD_SECONDS = 60.0
# Of an answer that a client reads slowly, it must take LEAST_READ bytes in READ_SECONDS.
READ_SECONDS = 60.0
LEAST_READ = 64 * 1024
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class Connection(HttpToolsProtocol):
    """Ends when a head is too large or does not come, or when an answer is not read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The bytes since the last ones that were more than a head's.
        self._head = 0
        self._waiting: asyncio.TimerHandle | None = None
        self._unread = 0
        self._reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a head."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing any more."""
        self._wait_no_more()
        self._look_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what comes, up to a head that is too large."""
        self._head += len(data)
        super().data_received(data)
        if self._head > MOST_HEAD and not self.transport.is_closing():
            if not self._is_answering():
                self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        """A head is there."""
        self._head = 0
        self._wait_no_more()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of a body came."""
        self._head = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request ends, its trailers too."""
        self._head = 0
        super().on_message_complete()

    def pause_writing(self) -> None:
        """More waits to be read than the system takes."""
        super().pause_writing()
        self._look_again()

    def resume_writing(self) -> None:
        """Most of it was read."""
        self._look_no_more()
        super().resume_writing()

    def _look_again(self) -> None:
        self._unread = self.transport.get_write_buffer_size()
        self._reading = self.loop.call_later(READ_SECONDS, self._look)

    def _look_no_more(self) -> None:
        if self._reading is not None:
            self._reading.cancel()

    def _look(self) -> None:
        if self._unread - self.transport.get_write_buffer_size() < LEAST_READ:
            self.transport.abort()
        else:
            self._look_again()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._wait_no_more()
        self._waiting = self.loop.call_later(HEAD_SECONDS, self._waited)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()

    def _waited(self) -> None:
        if self._is_answering():
            # Of a pipelined request; reading may be held back meanwhile.
            self._wait()
        else:
            self.transport.close()
