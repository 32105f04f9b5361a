"""``POST {prefix}/rpc``: what HTTP adds to JSON-RPC."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bff.errors import BffError, Code, stopping
from bff.request_headers import header, headers_in
from bff.rpc.jsonrpc import Answer, Rpc, error_answer
from bff.server.coding import check_not_encoded
from bff.server.compression import Compression, Headers
from bff.server.deadline import Deadline
from bff.server.error_response import headers_of
from bff.server.middleware import request_id_of
from bff.session.caller import Caller
from bff.session.credentials import caller_of
from bff.session.services import Cloud
from bff.timers import Timers

SOFT_HEADER = "x-bff-errors"
TIMEOUT_HEADER = "x-request-timeout"
# In decimal notation, as 2.5.
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
JSON = "application/json"
# In bytes: below this, joining the pieces is faster than sending each.
LARGE = 1024 * 1024
# In seconds, from when on it is noticed that a client has gone away.
WATCHED_AFTER = 0.05
# How long answers in flight may take to be sent when the server stops.
DRAIN_SECONDS = 1


class RpcEndpoint:
    """The ASGI application of the JSON-RPC endpoint."""

    def __init__(self, rpc: Rpc, max_body: int, seconds: float) -> None:
        self._rpc = rpc
        self._max_body = max_body
        self._seconds = seconds
        self._compression = Compression()
        self._in_flight: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; stop working when its client is gone."""
        timers: Timers = scope["state"]["cloud"].timers
        task: Any = asyncio.current_task(timers.loop)
        self._in_flight.add(task)
        try:
            await self._serve(scope, receive, send)
        finally:
            self._in_flight.discard(task)

    async def drain(self) -> None:
        """Wait a moment for the answers to what the stop of the server has just cut off."""
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=DRAIN_SECONDS)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        cloud: Cloud = scope["state"]["cloud"]
        try:
            _check_is_call(scope)
            deadline = Deadline(_timeout(scope), cloud.timers)
            body = await self._body(scope, receive, cloud.timers)
        except BffError as error:
            cloud.observer.call_refused("", error.code.label)
            await _error_response(error, scope)(scope, receive, send)
            return
        except ClientDisconnect:
            return
        caller = caller_of(Request(scope), cloud, request_id_of(scope))
        soft = (header(scope, SOFT_HEADER.encode()) or "").lower() == "soft"
        try:
            with _Watch(receive, deadline):
                pieces = await self._rpc.answer(body, caller, deadline, soft=soft) or []
                headers: Headers = []
                if pieces and caller.compressible and not caller.set_cookies:
                    pieces, headers = await self._compression.encoded(pieces, scope)
        except asyncio.CancelledError:
            if deadline.disconnected:
                return
            raise
        await _send(pieces, headers, caller, send)

    async def _body(self, scope: Scope, receive: Receive, timers: Timers) -> bytes:
        try:
            with timers.timeout(self._seconds):
                return await _body(scope, receive, self._max_body)
        except TimeoutError:
            message = f"The request was not received within {self._seconds:g} seconds; retry."
            raise BffError(Code.TIMEOUT, message) from None
        except asyncio.CancelledError:
            raise stopping("retry.") from None


class _Watch:
    """Cancels the task at hand when its client goes away.

    Of a request whose body was read, nothing else can come (ASGI, HTTP, "Disconnect"). Most calls
    are over before somebody begins to wait for that.
    """

    def __init__(self, receive: Receive, deadline: Deadline) -> None:
        self._receive = receive
        self._deadline = deadline
        self._working: asyncio.Task[Any] | None = None
        self._waiting: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        self._working = asyncio.current_task(self._deadline.timers.loop)
        self._due = self._deadline.timers.call_later(WATCHED_AFTER, self._begin)

    def __exit__(self, *_: object) -> None:
        self._due.pop(self._begin, None)
        if self._waiting is not None:
            self._waiting.cancel()

    def _begin(self) -> None:
        self._waiting = asyncio.create_task(self._wait())

    async def _wait(self) -> None:
        await self._receive()
        self._deadline.disconnected = True
        if self._working is not None:
            self._working.cancel()


def _check_is_call(scope: Scope) -> None:
    if scope["method"] != "POST":
        raise BffError(Code.METHOD_NOT_SUPPORTED, "Calls are sent with POST.")
    media_type = (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
    if media_type != JSON:
        # A form of another site can send text/plain, but JSON needs a CORS preflight.
        message = "Calls are sent with content-type: application/json."
        raise BffError(Code.UNSUPPORTED_MEDIA_TYPE, message)
    check_not_encoded(scope, "the JSON text itself")


def _timeout(scope: Scope) -> float | None:
    """Return how long the client waits for the answer, in seconds."""
    value = header(scope, TIMEOUT_HEADER.encode())
    if value is None:
        return None
    if not _SECONDS.fullmatch(value) or not float(value):
        message = "X-Request-Timeout takes a number of seconds above 0, as 2.5."
        raise BffError(Code.BAD_REQUEST, message)
    return float(value)


async def _body(scope: Scope, receive: Receive, max_body: int) -> bytes:
    # Starlette's max_body_size would answer in plain text when the length is declared.
    size = int(headers_in(scope).get(b"content-length", 0))
    body = bytearray()
    more = True
    while more and size <= max_body:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        size = max(size, len(body))
        more = message.get("more_body", False)
    if size > max_body:
        text = f"The request is larger than {max_body} bytes (BFF_MAX_BODY); split the batch."
        raise BffError(Code.PAYLOAD_TOO_LARGE, text)
    return bytes(body)


async def _send(pieces: Answer, headers: Headers, caller: Caller, send: Send) -> None:
    """Answer; a large answer piece by piece: joined, it would be in memory twice."""
    size = sum(map(len, pieces))
    if pieces:
        headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % size)]
    told = caller.session_headers().items()
    headers += [(name.lower().encode(), value.encode()) for name, value in told]
    cookies = caller.set_cookies.values()
    headers += [(b"set-cookie", each.encode("latin-1")) for each in cookies]
    status = 200 if pieces else 204
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if size > LARGE:
        pieces.reverse()
        while pieces:
            await send({"type": "http.response.body", "body": pieces.pop(), "more_body": True})
    await send({"type": "http.response.body", "body": b"".join(pieces)})


def _error_response(error: BffError, scope: Scope) -> Response:
    answer = error_answer(error, request_id_of(scope))
    response = Response(answer, error.code.http_status, media_type=JSON)
    response.headers.update(headers_of(error, "POST"))
    if error.code in (Code.TIMEOUT, Code.SERVICE_UNAVAILABLE):
        # Some of the request may still come.
        response.headers["Connection"] = "close"
    return response
