"""``POST {prefix}/rpc``: what HTTP adds to JSON-RPC."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bff.coding import check_not_encoded
from bff.context import Caller, Cloud
from bff.credentials import caller_of
from bff.errors import BffError, Code
from bff.middleware import request_id_of
from bff.refusal import allowing
from bff.rpc import Rpc, refused

T = TypeVar("T")

SOFT_HEADER = "x-bff-errors"


class RpcEndpoint:
    """The ASGI application of the JSON-RPC endpoint."""

    def __init__(self, rpc: Rpc, max_body: int, seconds: float) -> None:
        self._rpc = rpc
        self._max_body = max_body
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; stop working when its client is gone."""
        request = Request(scope, receive)
        try:
            _check_is_a_call(request)
            body = await self._body(request)
        except BffError as error:
            answer = refused(error, request_id_of(scope))
            response = _response(answer, error.code.http_status)
            response.headers.update(allowing(error, "POST"))
            if error.code is Code.TIMEOUT:
                response.headers["Connection"] = "close"
            await response(scope, receive, send)
            return
        except ClientDisconnect:
            return
        cloud: Cloud = request.state.cloud
        caller = caller_of(request, cloud, request_id_of(scope))
        soft = request.headers.get(SOFT_HEADER, "").lower() == "soft"
        finished = await _unless_gone(receive, self._rpc.answer(body, caller, soft=soft))
        if finished is not None:
            await _answer(finished[0], caller)(scope, receive, send)

    async def _body(self, request: Request) -> bytes:
        try:
            async with asyncio.timeout(self._seconds):
                return await _body(request, self._max_body)
        except TimeoutError:
            message = f"The request did not come within {self._seconds:g} seconds."
            raise BffError(Code.TIMEOUT, message) from None


def _check_is_a_call(request: Request) -> None:
    if request.method != "POST":
        raise BffError(Code.METHOD_NOT_SUPPORTED, "Calls are sent with POST.")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        # A form of another site can send text/plain, but never this without asking first.
        message = "Calls are sent with content-type: application/json."
        raise BffError(Code.UNSUPPORTED_MEDIA_TYPE, message)
    check_not_encoded(request, "the JSON text itself")


async def _body(request: Request, most: int) -> bytes:
    # Starlette's max_body_size would answer in plain text when the length is declared.
    declared = int(request.headers.get("content-length", 0))
    body = bytearray()
    if declared <= most:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                break
    if max(declared, len(body)) > most:
        message = f"The request is larger than {most} bytes (BFF_MAX_BODY); split the batch."
        raise BffError(Code.PAYLOAD_TOO_LARGE, message)
    return bytes(body)


async def _unless_gone(receive: Receive, work: Awaitable[T]) -> tuple[T] | None:
    """Return the work's result, or ``None`` when the client went away and the work was stopped."""
    working = asyncio.ensure_future(work)
    # Of a request whose body was read, nothing else can come (ASGI, HTTP, "Disconnect").
    watching = asyncio.ensure_future(receive())
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        return (working.result(),) if working.done() else None
    finally:
        watching.cancel()
        working.cancel()
        await asyncio.wait({working, watching})


def _answer(body: bytes | None, caller: Caller) -> Response:
    response = _response(body, 200) if body is not None else Response(status_code=204)
    if caller.set_cookie is not None:
        response.headers["Set-Cookie"] = caller.set_cookie
    return response


def _response(body: bytes, status: int) -> Response:
    return Response(body, status, media_type="application/json")
