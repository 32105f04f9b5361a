"""uvicorn's HTTP connection, with an end to what a client makes it keep or believe.

uvicorn bounds neither the size of a request's head, of a chunk's extensions and of trailers, nor
the time in which a head comes, nor the one in which an answer is read. Without a proxy in front,
one client could fill the memory.

Nor does it keep the parts of a request apart: the body of one that offers another protocol would be
read as the next request, and trailers as headers, after whatever a proxy has checked there. It
serves requests without a Host, and takes a client that has said all for one that has left.
"""

from __future__ import annotations

import asyncio
import re
import select
from typing import Any

from httptools import HttpParserUpgrade, HttpRequestParser
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from bff.errors import requires

# In bytes; four times what aiohttp and most servers take.
MAX_HEAD_BYTES = 64 * 1024
# In seconds; as nginx's client_header_timeout.
HEAD_SECONDS = 60.0
# Of an answer that a client reads slowly, it must take MIN_READ_BYTES bytes in READ_SECONDS.
READ_SECONDS = 60.0
MIN_READ_BYTES = 64 * 1024
# Of what is written, until the loop's turn ends: the body of an ordinary answer.
MAX_HELD_BYTES = 64 * 1024
# In seconds, from a client's end of sending to the first probe whether it still reads.
FIRST_PROBE = 0.05
# In seconds, at a stop: a request may be on its way over a connection that was just made or kept. A
# proxy tells its client that such a call failed, since a POST that was sent is never sent again.
LAST_SECONDS = 1.0
_BEFORE_HTTP_1_1 = ("0.9", "1.0")
# uri-host [ ":" port ] (RFC 9110, 7.2); it may be empty.
_HOST = re.compile(
    rb"(\[[0-9a-f:.]+\]|\[v[0-9a-f]+\.[\w.~!$&'()*+,;=:-]+\]"
    rb"|([\w.~!$&'()*+;=-]|%[0-9a-f]{2})*)(:[0-9]*)?",
    re.IGNORECASE,
)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


requires("uvicorn", HttpToolsProtocol, "_start_asgi_task", "send_400_response", "cycle", "parser")
requires("uvicorn", HttpToolsProtocol, "headers", "transport", "loop", "pause_writing")
requires("uvicorn", RequestResponseCycle, "response_started", "response_complete")
requires("uvicorn", RequestResponseCycle, "disconnected", "message_event")


class _Parser(HttpRequestParser):
    """Reads on in HTTP/1.1 after a head that offers another protocol (RFC 9110, 7.8).

    httptools takes what follows for that protocol. curl and Java's HttpClient offer h2c with their
    first request, and send its body.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._connection = connection
        # As uvicorn sets it.
        self.set_dangerous_leniencies(lenient_data_after_close=True)

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]
        parser: HttpRequestParser | None = self
        while parser is not None:
            reading, parser = parser, None
            try:
                HttpRequestParser.feed_data(reading, data)
            except HttpParserUpgrade as upgrade:
                # A loop, not recursion: one packet may hold thousands of such heads.
                parser, data = (
                    self._connection.reparse_without_upgrade(reading),
                    data[upgrade.args[0] :],
                )


class _OneWrite:
    """A transport that sends together what is written in one turn of the loop.

    uvicorn writes the head of an answer and its body one after the other; each would be a call of
    the system, and a packet.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(data)
        self._size += len(data)
        if self._size > MAX_HELD_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send what was written."""
        parts, self._parts, self._size = self._parts, [], 0
        # A connection that was lost meanwhile takes nothing any more.
        if parts and not self._transport.is_closing():
            self._transport.writelines(parts)

    def close(self) -> None:
        self.flush()
        self._transport.close()


class Connection(HttpToolsProtocol):
    """Ends when a head is too large or does not come, or when an answer is not read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parser = _Parser(self)
        # The bytes received since the last head was complete, or the last of a body came.
        self._head_bytes = 0
        # The bytes of one request's head and trailers, as the parser reported them.
        self._counted_bytes = 0
        self._head_begun = self._head_complete = False
        self._active_cycle: RequestResponseCycle | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._unread_bytes = 0
        self._read_timer: asyncio.TimerHandle | None = None
        self._probe_timer: asyncio.TimerHandle | None = None
        self._fault_message = ""
        self._is_last = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer of the first head."""
        together: Any = _OneWrite(transport, self.loop)
        self._flush = together.flush
        super().connection_made(together)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers, and tell the application that still makes an answer."""
        self._cancel_head_timer()
        self._stop_watching_reader()
        if self._probe_timer is not None:
            self._probe_timer.cancel()
        # uvicorn tells the last request alone, which may wait behind the one that is answered.
        if self._active_cycle is not None and not self._active_cycle.response_complete:
            self._active_cycle.disconnected = True
            self._active_cycle.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what comes, up to a head that is too large."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._reject_too_large()
        if self._head_timer is None and self._head_begun:
            self._start_head_timer()

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more; returns whether it may still wait for an answer.

        ``shutdown(SHUT_WR)`` behind a whole request and ``close()`` look the same here. Who has
        closed resets the connection when anything is written to it, so interim answers find out
        (RFC 9110, 15.2). HTTP/1.0 knows none, and TLS no half of a connection.
        """
        # Who is not waited for is closed by the loop.
        self._flush()
        last = self._last_complete()
        if last is None or self.transport.get_extra_info("sslcontext") is not None:
            return False
        last.keep_alive = False
        self._probe_timer = self.loop.call_later(FIRST_PROBE, self._probe, FIRST_PROBE)
        return True

    def shutdown(self) -> None:
        """The server stops: answer what has come or is about to, and end."""
        self._is_last = True
        if self.cycle is not None:
            self.cycle.keep_alive = False
        if not self.transport.is_closing():
            self.loop.call_later(LAST_SECONDS, self._close_idle)

    def send_400_response(self, msg: str) -> None:
        """Answer malformed HTTP, or a head that is too large."""
        if self._counted_bytes > MAX_HEAD_BYTES or not self._may_answer():
            self._reject_too_large()
        else:
            super().send_400_response(self._fault_message or msg)

    def reparse_without_upgrade(self, stopped: HttpRequestParser) -> HttpRequestParser:
        """Read a head again that offers another protocol, without that; returns what reads on."""
        offered, self.parser = self.headers, _Parser(self)
        line = stopped.get_method(), self.url, stopped.get_http_version().encode()
        self.parser.feed_data(b"%s %s HTTP/%s\r\n" % line)
        for name, value in offered:
            if name != b"upgrade":
                self.parser.feed_data(b"%s: %s\r\n" % (name, value))
        self.parser.feed_data(b"\r\n")
        return self.parser

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._counted_bytes, self._head_complete = 0, False
        self._head_begun = True

    def on_url(self, url: bytes) -> None:
        """Some of the address came."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header came, or a trailer, which is no header (RFC 9110, 6.5.1)."""
        self._count(len(name) + len(value) + len(": \r\n"))
        if not self._head_complete:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A head is there."""
        self._head_bytes = 0
        self._head_begun = False
        self._cancel_head_timer()
        if self.parser.get_method() == b"CONNECT":
            raise self._bad_request("CONNECT is not supported: this server is not a proxy.")
        self._check_host()
        if self.parser.get_http_version() in _BEFORE_HTTP_1_1:
            # Expect is ignored in HTTP/1.0 (RFC 9110, 10.1.1).
            self.expect_100_continue = False
        self._head_complete = True
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of a body came."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request ends, its trailers too."""
        self._head_bytes = 0
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def pause_writing(self) -> None:
        """More waits to be read than the system takes."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """Most of it was read."""
        self._stop_watching_reader()
        super().resume_writing()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._active_cycle = cycle
        cycle.keep_alive = cycle.keep_alive and not self._is_last
        super()._start_asgi_task(cycle, app)

    def _check_host(self) -> None:
        """Refuse what RFC 9112, 3.2 says is to be refused."""
        hosts = [value for name, value in self.headers if name == b"host"]
        if not hosts and self.parser.get_http_version() not in _BEFORE_HTTP_1_1:
            raise self._bad_request("HTTP/1.1 needs a Host header.")
        if len(hosts) > 1:
            raise self._bad_request("There is more than one Host header.")
        if hosts and not _HOST.fullmatch(hosts[0]):
            raise self._bad_request("The Host header must be a host, with or without a port.")

    def _bad_request(self, message: str) -> ValueError:
        # The parser swallows the exception.
        self._fault_message = message
        return ValueError(message)

    def _last_complete(self) -> RequestResponseCycle | None:
        """Return the last request that came whole and is to be answered; drops one behind it."""
        running = self._active_cycle
        if (
            running is None
            or running.response_complete
            or running.more_body
            or running.scope["http_version"] in _BEFORE_HTTP_1_1
            or self._is_stream(running)
        ):
            return None
        if self.pipeline and self.pipeline[0][0].more_body:
            self.pipeline.popleft()
            self.cycle = self.pipeline[0][0] if self.pipeline else running
        return self.cycle

    @staticmethod
    def _is_stream(cycle: RequestResponseCycle) -> bool:
        return cycle.response_started and bool(cycle.chunked_encoding)

    def _probe(self, seconds: float) -> None:
        """Find out whether the client still listens, ever less often."""
        running = self._active_cycle
        if self.transport.is_closing() or running is None:
            return
        if self._is_stream(running):
            # Nothing can be written into it, and it may last for hours.
            self.transport.close()
        elif not running.response_started:
            self.transport.write(_CONTINUE)
        self._probe_timer = self.loop.call_later(2 * seconds, self._probe, 2 * seconds)

    def _count(self, size: int) -> None:
        self._counted_bytes += size
        if self._counted_bytes > MAX_HEAD_BYTES:
            raise ValueError("The head is too large.")

    def _reject_too_large(self) -> None:
        if self._may_answer():
            self.transport.write(_TOO_LARGE)
        self.transport.close()

    def _may_answer(self) -> bool:
        """Return whether an error response cannot be taken for (a part of) another answer."""
        running = self._active_cycle
        if running is None or running.response_complete:
            return True
        return self._head_complete and running is self.cycle and not running.response_started

    def _watch_reader(self) -> None:
        self._unread_bytes = self.transport.get_write_buffer_size()
        self._read_timer = self.loop.call_later(READ_SECONDS, self._check_reader)

    def _stop_watching_reader(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()

    def _check_reader(self) -> None:
        if self._unread_bytes - self.transport.get_write_buffer_size() < MIN_READ_BYTES:
            self.transport.abort()
        else:
            self._watch_reader()

    def _close_idle(self) -> None:
        # A head that has begun has its own time.
        if not (self._head_bytes or self._is_answering() or self._has_more()):
            self.transport.close()

    def _has_more(self) -> bool:
        return not self.transport.is_closing() and is_readable(self.transport)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _start_head_timer(self) -> None:
        self._cancel_head_timer()
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_timed_out)

    def _cancel_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_timed_out(self) -> None:
        if self._is_answering():
            # Of a pipelined request; reading may be held back meanwhile.
            self._start_head_timer()
        else:
            self.transport.close()


def is_readable(transport: asyncio.Transport) -> bool:
    """Return whether something has come that the loop has not taken in yet."""
    # Not select.select, which fails for descriptors over 1023.
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))
