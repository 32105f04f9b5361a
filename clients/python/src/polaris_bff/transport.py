"""What httpx has to be told, and what of its answers and failures is made here."""

from __future__ import annotations

import logging
import math
import re
import time
import zlib
from contextvars import ContextVar
from typing import Any

import httpx

from polaris_bff.effects import Reply, Request, Sink
from polaris_bff.errors import BAD_RESPONSE, NETWORK_ERROR, BffError

# Of a session, of the parts of a long one, and of a sign-in that waits for its second factor.
_COOKIE = re.compile(r"(polaris-bff[\w.-]*=)[^;']+")


class _WithoutCookie(logging.Filter):
    """Takes the session's cookies out of what httpcore logs of each answer."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let each record pass."""
        message = record.getMessage()
        if _COOKIE.search(message):
            record.msg, record.args = _COOKIE.sub(r"\1***", message), ()
        return True


logging.getLogger("httpcore.http11").addFilter(_WithoutCookie())

# In seconds.
_CONNECT = 10.0
# In seconds: the server ends the calls in time; what it says of that is worth a moment.
_GRACE = 5.0


def options(request: Request) -> dict[str, Any]:
    """Return what httpx is told of a request, but for its body."""
    wait = longest(request)
    return {
        "method": request.method,
        "url": request.url,
        # What httpx itself would ask for, it would undo without a limit; data is not to change.
        "headers": {**request.headers, "accept-encoding": "identity" if request.sink else "gzip"},
        "timeout": httpx.Timeout(wait, connect=min(_CONNECT, wait), pool=None),
        # Neither the BFF nor Glance redirects, and another server must not get the token.
        "follow_redirects": False,
    }


def longest(request: Request) -> float:
    """Return the most seconds that an exchange may last, but for an upload."""
    return request.timeout + _GRACE


# Until when, by the monotonic clock, this thread or task reads the answer to its request.
_until: ContextVar[float] = ContextVar("_until", default=math.inf)


def read_within(seconds: float) -> None:
    """Bound all further reads of this thread's or task's request together."""
    _until.set(time.monotonic() + seconds)


def time_to_read(timeout: float | None) -> float:
    """Return how many seconds a single read may take.

    httpx bounds each one alone: an answer whose headers come byte by byte would have no end.

    Raises:
        httpx.ReadTimeout: none.
    """
    left = _until.get() - time.monotonic()
    if left <= 0:
        raise httpx.ReadTimeout("its headers did not come to an end")
    return left if timeout is None else min(timeout, left)


def taken(request: Request, response: httpx.Response) -> Sink | None:
    """Return what takes an answer's body, which lasts as long as it goes on; ``None``: nothing."""
    sink = request.sink
    if sink is None or not sink.takes(response.status_code, response.headers):
        return None
    read_within(math.inf)
    return sink


class Reader:
    """Collects an answer as it comes, and undoes gzip; bounded in bytes, after that, and time.

    Raises:
        BffError: BAD_RESPONSE, it is longer than the limit, or in a coding that was not asked for
            or is broken; TIMEOUT, it does not come to an end.
    """

    def __init__(self, request: Request, response: httpx.Response) -> None:
        self._limit = request.limit
        self._until = time.monotonic() + longest(request)
        self._response = response
        self._gzip = self._decoder(response.headers.get("content-encoding", "identity"))
        self._chunks: list[bytes] = []
        self._size = 0
        declared = response.headers.get("content-length", "")
        if declared.isascii() and declared.isdigit():
            self._check(int(declared[:18]))

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        if self._gzip is not None:
            chunk = self._unpacked(self._gzip, chunk)
        self._size += len(chunk)
        self._check(self._size)
        if time.monotonic() > self._until:
            raise BffError("TIMEOUT", "The answer did not come to an end in time")
        self._chunks.append(chunk)

    def _decoder(self, coding: str) -> zlib._Decompress | None:
        coding = coding.strip().lower()
        if coding not in ("identity", "", "gzip", "x-gzip"):
            raise self._malformed("has a coding that was not asked for")
        return zlib.decompressobj(16 + zlib.MAX_WBITS) if coding.endswith("gzip") else None

    def _unpacked(self, gzip: zlib._Decompress, chunk: bytes) -> bytes:
        try:
            # No more than it takes to go over the limit.
            unpacked = gzip.decompress(chunk, self._limit - self._size + 1)
        except zlib.error:
            raise self._malformed("is no gzip") from None
        if gzip.unused_data:
            raise self._malformed("goes on behind the end of its gzip")
        return unpacked

    def _malformed(self, fault: str) -> BffError:
        return BffError(BAD_RESPONSE, f"The answer {fault}", status=self._response.status_code)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise BffError(
                BAD_RESPONSE,
                f"The answer has more than {self._limit} bytes; Client(max_answer=…) allows more",
                status=self._response.status_code,
            )

    def reply(self) -> Reply:
        """Return the whole answer."""
        if self._gzip is not None and not self._gzip.eof:
            raise self._malformed("ends before its gzip does")
        headers = self._response.headers
        return Reply(
            self._response.status_code,
            dict(headers.items()),
            b"".join(self._chunks),
            headers.get_list("set-cookie"),
        )


def reply_without_body(response: httpx.Response) -> Reply:
    """Return an answer whose body went elsewhere."""
    return Reply(response.status_code, dict(response.headers.items()), b"")


def unreachable(error: Exception, whom: str) -> BffError:
    """Return the error for whatever kept a request from being answered."""
    kind = type(error).__name__
    if isinstance(error, httpx.LocalProtocolError):
        # It repeats what cannot be written.
        return BffError("BAD_REQUEST", "The request cannot be written: a header is malformed")
    if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        return BffError("TIMEOUT", f"{whom[0].upper()}{whom[1:]} did not answer in time: {kind}")
    return BffError(NETWORK_ERROR, f"No answer of {whom}: {str(error) or kind}")


# What httpx raises for a request; also for an address or a header that it cannot write.
FAILURES = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError)
