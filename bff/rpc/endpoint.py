"""``POST {prefix}/rpc``: what HTTP adds to JSON-RPC."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bff.errors import BffError, Code, stopping
from bff.rpc.jsonrpc import Answer, Rpc, error_answer
from bff.server.coding import check_not_encoded
from bff.server.deadline import Deadline
from bff.server.error_response import headers_of
from bff.server.middleware import request_id_of
from bff.session.caller import Caller
from bff.session.credentials import caller_of
from bff.session.services import Cloud

T = TypeVar("T")

SOFT_HEADER = "x-bff-errors"
TIMEOUT_HEADER = "x-request-timeout"
# In decimal notation, as 2.5.
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
JSON = "application/json"
# In bytes: below this, joining the pieces is faster than sending each.
LARGE = 1024 * 1024
# How long answers in flight may take to be sent when the server stops.
DRAIN_SECONDS = 1


class RpcEndpoint:
    """The ASGI application of the JSON-RPC endpoint."""

    def __init__(self, rpc: Rpc, max_body: int, seconds: float) -> None:
        self._rpc = rpc
        self._max_body = max_body
        self._seconds = seconds
        self._in_flight: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; stop working when its client is gone."""
        task: Any = asyncio.current_task()
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
        request = Request(scope, receive)
        try:
            _check_is_call(request)
            deadline = Deadline(_timeout(request))
            body = await self._body(request)
        except BffError as error:
            request.state.cloud.observer.call_refused("", error.code.label)
            await _error_response(error, scope)(scope, receive, send)
            return
        except ClientDisconnect:
            return
        cloud: Cloud = request.state.cloud
        caller = caller_of(request, cloud, request_id_of(scope))
        soft = request.headers.get(SOFT_HEADER, "").lower() == "soft"
        answering = self._rpc.answer(body, caller, deadline, soft=soft)
        finished = await _unless_disconnected(receive, answering, deadline)
        if finished is not None:
            await _answer(finished[0], caller)(scope, receive, send)

    async def _body(self, request: Request) -> bytes:
        too_late = f"The request was not received within {self._seconds:g} seconds; retry."
        try:
            async with Deadline().within(self._seconds, BffError(Code.TIMEOUT, too_late)):
                return await _body(request, self._max_body)
        except asyncio.CancelledError:
            raise stopping("retry.") from None


def _check_is_call(request: Request) -> None:
    if request.method != "POST":
        raise BffError(Code.METHOD_NOT_SUPPORTED, "Calls are sent with POST.")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON:
        # A form of another site can send text/plain, but JSON needs a CORS preflight.
        message = "Calls are sent with content-type: application/json."
        raise BffError(Code.UNSUPPORTED_MEDIA_TYPE, message)
    check_not_encoded(request, "the JSON text itself")


def _timeout(request: Request) -> float | None:
    """Return how long the client waits for the answer, in seconds."""
    value = request.headers.get(TIMEOUT_HEADER)
    if value is None:
        return None
    if not _SECONDS.fullmatch(value) or not float(value):
        message = "X-Request-Timeout takes a number of seconds above 0, as 2.5."
        raise BffError(Code.BAD_REQUEST, message)
    return float(value)


async def _body(request: Request, max_body: int) -> bytes:
    # Starlette's max_body_size would answer in plain text when the length is declared.
    declared = int(request.headers.get("content-length", 0))
    body = bytearray()
    if declared <= max_body:
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_body:
                break
    if max(declared, len(body)) > max_body:
        message = f"The request is larger than {max_body} bytes (BFF_MAX_BODY); split the batch."
        raise BffError(Code.PAYLOAD_TOO_LARGE, message)
    return bytes(body)


async def _unless_disconnected(
    receive: Receive, work: Awaitable[T], deadline: Deadline
) -> tuple[T] | None:
    """Return the work's result, or ``None`` when the client went away and the work was stopped."""
    working = asyncio.ensure_future(work)
    # Of a request whose body was read, nothing else can come (ASGI, HTTP, "Disconnect").
    watching = asyncio.ensure_future(receive())
    either = {working, watching}
    try:
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            # The server is being stopped: each call that still runs answers that for itself.
            deadline.stop()
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return (working.result(),)
        deadline.disconnect()
        return None
    finally:
        watching.cancel()
        working.cancel()
        await asyncio.wait(either)


def _answer(pieces: Answer | None, caller: Caller) -> Response:
    response = _response(pieces) if pieces is not None else Response(status_code=204)
    if caller.set_cookie is not None:
        response.headers["Set-Cookie"] = caller.set_cookie
    return response


def _response(pieces: Answer) -> Response:
    if sum(map(len, pieces)) > LARGE:
        return _Pieces(pieces)
    return Response(b"".join(pieces), media_type=JSON)


def _error_response(error: BffError, scope: Scope) -> Response:
    answer = error_answer(error, request_id_of(scope))
    response = Response(answer, error.code.http_status, media_type=JSON)
    response.headers.update(headers_of(error, "POST"))
    if error.code in (Code.TIMEOUT, Code.SERVICE_UNAVAILABLE):
        # Some of the request may still come.
        response.headers["Connection"] = "close"
    return response


class _Pieces(Response):
    """An answer that is sent piece by piece: joined, a large one would be in memory twice."""

    def __init__(self, pieces: Answer) -> None:
        super().__init__(media_type=JSON)
        self.headers["Content-Length"] = str(sum(map(len, pieces)))
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and let go of each piece that is sent."""
        del scope, receive
        head = {"type": "http.response.start", "status": self.status_code}
        await send({**head, "headers": self.raw_headers})
        self._pieces.reverse()
        while self._pieces:
            piece = self._pieces.pop()
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
