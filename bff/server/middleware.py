"""What every HTTP request gets: a request id, safe headers, and an answer whatever happens."""

from __future__ import annotations

import asyncio
import os
import re
from urllib.parse import unquote_to_bytes

import structlog
from starlette.datastructures import MutableHeaders
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bff import log_fields
from bff.errors import BffError, bug, stopping
from bff.logs import printable
from bff.request_headers import header
from bff.server.error_response import error_response
from bff.server.stop import Stop

_REQUEST_ID = re.compile(r"req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ENCODED_SLASH = re.compile(rb"%2f", re.IGNORECASE)
_KEY = "bff.request_id"

# As ASGI has headers.
SAFE_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)

# As ASGI has it.
_HEADER = b"x-openstack-request-id"

log = structlog.get_logger("bff.server.middleware")


def request_id_of(scope: Scope) -> str:
    """Return the id that ``RequestIdMiddleware`` gave to this request."""
    request_id: str = scope[_KEY]
    return request_id


def new_request_id() -> str:
    """Return an id as OpenStack's services make them, with a random UUID (RFC 9562, 5.4)."""
    digits = os.urandom(16).hex()
    return f"req-{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


class RequestIdMiddleware:
    """Takes the caller's X-Openstack-Request-Id, or makes one when it is absent or malformed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request under its id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = header(scope, _HEADER) or ""
        request_id = given if _REQUEST_ID.fullmatch(given) else new_request_id()
        scope[_KEY] = request_id

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"] = [*message.get("headers", ())]
                there = dict(headers)
                headers += [each for each in SAFE_HEADERS if each[0] not in there]
                if _HEADER not in there:
                    headers.append((_HEADER, request_id.encode()))
                if _is_stopping(scope):
                    # The balancer's next request belongs on another server's connection.
                    MutableHeaders(raw=headers)["Connection"] = "close"
            await send(message)

        # Of X-Forwarded-For, where a trusted proxy sent it.
        client = printable((scope.get("client") or ("",))[0])
        with log_fields.bound(request_id=request_id, client=client):
            await self._app(scope, receive, send_with_headers)


def _is_stopping(scope: Scope) -> bool:
    stop: Stop | None = scope.get("state", {}).get("stop")
    return stop is not None and stop.begun


class EncodedSlashMiddleware:
    """Keeps ``%2F`` of an address from being read as the slash that it is not (RFC 3986, 2.2).

    A server decodes the path before the routes see it. A proxy's rule for one address would
    otherwise not hold for the other. What is encoded without need (``%72pc``) means the same.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request under the path that was meant."""
        raw: bytes = scope.get("raw_path") or b""
        if _ENCODED_SLASH.search(raw):
            path = unquote_to_bytes(_ENCODED_SLASH.sub(b"%252F", raw))
            scope = {**scope, "path": path.decode(errors="replace")}
        await self._app(scope, receive, send)


class FirstRouteMiddleware:
    """Serves the route that nearly all requests are for, before Starlette looks through all.

    Between here and there it has five functions for each request, and one for each message.
    """

    def __init__(self, app: ASGIApp, route: Route) -> None:
        self._app = app
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["path"] == self._route.path:
            scope["route"] = self._route
            await self._route.app(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class CatchAllMiddleware:
    """Answers an unexpected exception as an internal error; its details are in the log alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; an answer that has started can only be broken off."""
        started = False

        async def send_and_record(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_record)
        except (Exception, asyncio.CancelledError) as failure:
            if started or scope["type"] != "http":
                raise
            request_id = request_id_of(scope)
            response = error_response(_to_client_error(failure, request_id), request_id)
            await response(scope, receive, send)


def _to_client_error(failure: BaseException, request_id: str) -> BffError:
    if isinstance(failure, asyncio.CancelledError):
        # uvicorn cancels at the end of BFF_SHUTDOWN_TIMEOUT, and not when a client disconnects.
        error = stopping("retry.")
        log.warning("a request was cut off", error=error.message)
        return error
    log.error("a request failed", exc_info=failure)
    return bug(request_id)
