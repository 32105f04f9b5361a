"""The one way out: every request to Keystone and Glance, and every failure, passes here."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import aiohttp
import orjson
import structlog
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential
from yarl import URL

from bff.errors import BffError, Code, code_of_status
from bff.openstack.connection import Client, Outgoing, Timeouts, new_line

REQUEST_ID = "X-Openstack-Request-Id"
READ_ATTEMPTS = 3
MOST_EXPLANATION = 500
# In bytes. A thousand images have two million; who fills them with text must not fill the memory.
MOST_ANSWER = 64 * 1024 * 1024


@dataclass(frozen=True)
class Intent:
    """What a request is for, in words for the error message.

    Args:
        doing: A verb and its object: ``delete image a85a…``.
        missing: The whole message when the service knows no such thing.
        gone: The whole message when it was deleted meanwhile (410); ``missing`` without it.
    """

    doing: str
    missing: str | None = None
    gone: str | None = None


@dataclass(frozen=True)
class Reply:
    """An answer with a status that was expected."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Return the body's JSON.

        Raises:
            BffError: BAD_GATEWAY, it is none.
        """
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise BffError(
                Code.BAD_GATEWAY, "The service answered something that is not JSON."
            ) from None


@dataclass(frozen=True)
class Service:
    """A remote service: its name for messages, and the client session that reaches it."""

    name: str
    client: Client
    timeouts: Timeouts
    explains: bool = True

    async def call(
        self,
        method: str,
        url: str,
        intent: Intent,
        *,
        ok: frozenset[int],
        token: str | None = None,
        request_id: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        """Send one request and return the answer when its status is one of ``ok``.

        Only GET is tried again, when the connection failed. ``url`` is sent as it stands: whoever
        makes it has encoded it.

        Raises:
            BffError: any other answer, by ``errors.code_of_status``; BAD_GATEWAY,
                SERVICE_UNAVAILABLE or GATEWAY_TIMEOUT when there was none.
        """
        sent = _headers(token, request_id, headers)

        async def attempt() -> Reply:
            with translated(self.name, intent):
                seconds = self.timeouts.answer
                return await self._send(self.client, method, url, sent, body=body, total=seconds)

        reply = await (_reading(attempt) if method == "GET" else attempt())
        return self._accepted(reply, intent, ok, token)

    async def stream(
        self,
        method: str,
        url: str,
        intent: Intent,
        *,
        ok: frozenset[int],
        body: AsyncIterator[bytes],
        token: str | None = None,
        request_id: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request whose body is made while it is sent, once; otherwise as ``call``.

        The body is asked for more as fast as the service takes it. Its end ends the request; if it
        raises, the connection is cut, so that the service never sees a whole request. An answer
        that comes before the body's end ends the sending.

        Raises:
            Exception: whatever ``body`` raised, as it was.
            BffError: as ``call``; BAD_GATEWAY, the service accepted the body before its end.
        """
        outgoing = Outgoing(body, self.timeouts)
        sent = _headers(token, request_id, headers)
        try:
            async with new_line() as client, outgoing.watched():
                with translated(self.name, intent):
                    async with outgoing.deadline:
                        reply = await self._send(client, method, url, sent, body=outgoing)
        except BffError:
            if outgoing.failure is not None:
                raise outgoing.failure from None
            raise
        reply = self._accepted(reply, intent, ok, token)
        if not outgoing.finished:
            message = f"Could not {intent.doing}: {self.name} answered before it had everything."
            raise BffError(Code.BAD_GATEWAY, message)
        return reply

    async def _send(
        self,
        client: Client,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        body: bytes | AsyncIterator[bytes] | None,
        total: float | None = None,
    ) -> Reply:
        async with client.request(
            method,
            URL(url, encoded=True),
            headers=headers,
            data=body,
            timeout=aiohttp.ClientTimeout(total=total, sock_connect=self.timeouts.connect),
            # A redirect would carry the token to wherever it points.
            allow_redirects=False,
        ) as response:
            async with asyncio.timeout(self.timeouts.answer):
                return Reply(response.status, response.headers, await self._body(response))

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in response.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > MOST_ANSWER:
                message = f"{self.name} answered more than {MOST_ANSWER} bytes; ask for less."
                raise BffError(Code.BAD_GATEWAY, message)
        return b"".join(parts)

    def _accepted(
        self, reply: Reply, intent: Intent, ok: frozenset[int], token: str | None
    ) -> Reply:
        structlog.contextvars.bind_contextvars(upstream_request_id=reply.headers.get(REQUEST_ID))
        if reply.status not in ok:
            raise self._refusal(reply, intent, token)
        return reply

    def _refusal(self, reply: Reply, intent: Intent, token: str | None) -> BffError:
        code = code_of_status(reply.status)
        data: dict[str, Any] = {}
        if upstream := reply.headers.get(REQUEST_ID):
            data["upstreamRequestId"] = upstream
        if (seconds := _retry_after(reply.headers.get("Retry-After"))) is not None:
            data["retryAfter"] = seconds
        if reply.status == 410 and intent.gone:
            return BffError(code, intent.gone, **data)
        if code is Code.NOT_FOUND and intent.missing:
            return BffError(code, intent.missing, **data)
        # Keystone quotes the token that it does not know: what it explains is for nobody.
        words = _explanation(reply.body, token) if self.explains else ""
        reason = words or _REASONS.get(code, f"the answer was {reply.status}.")
        return BffError(code, f"{self.name} refused to {intent.doing}: {reason}", **data)


_REASONS = {
    Code.UNAUTHORIZED: "the session has ended; sign in again.",
    Code.FORBIDDEN: "this session may not do that.",
    Code.SERVICE_UNAVAILABLE: "it is not available; try again later.",
    Code.TOO_MANY_REQUESTS: "it was asked too often; try again later.",
    Code.BAD_GATEWAY: "it failed; try again later.",
}

# The most telling class first: aiohttp's classes inherit from one another. A test walks them all.
_FAILURES: tuple[tuple[type[BaseException], Code, str], ...] = (
    (aiohttp.ConnectionTimeoutError, Code.SERVICE_UNAVAILABLE, "cannot be reached"),
    (asyncio.TimeoutError, Code.GATEWAY_TIMEOUT, "did not answer in time"),
    (aiohttp.ClientConnectorError, Code.SERVICE_UNAVAILABLE, "cannot be reached"),
    (aiohttp.ClientError, Code.BAD_GATEWAY, "broke off its answer"),
    (OSError, Code.SERVICE_UNAVAILABLE, "cannot be reached"),
)


@contextmanager
def translated(service: str, intent: Intent) -> Iterator[None]:
    """Turn every failure of the connection into a ``BffError``; the message never quotes it."""
    try:
        yield
    except tuple(kind for kind, _, _ in _FAILURES) as failure:
        code, what = next((c, w) for kind, c, w in _FAILURES if isinstance(failure, kind))
        message = f"Could not {intent.doing}: {service} {what}; try again later."
        raise BffError(code, message) from failure


def _headers(token: str | None, request_id: str, more: Mapping[str, str] | None) -> dict[str, str]:
    sent = {"Accept": "application/json", REQUEST_ID: request_id, **(more or {})}
    return sent if token is None else {**sent, "X-Auth-Token": token}


def _is_worth_retrying(failure: BaseException) -> bool:
    # Only what ``translated`` raised has a cause: the connection failed, nothing was answered.
    return (
        isinstance(failure, BffError)
        and failure.__cause__ is not None
        and failure.code is not Code.GATEWAY_TIMEOUT
    )


async def _reading(attempt: Any) -> Reply:
    retrying = AsyncRetrying(
        stop=stop_after_attempt(READ_ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.1, max=1),
        retry=retry_if_exception(_is_worth_retrying),
        reraise=True,
    )
    reply: Reply = await retrying(attempt)
    return reply


def _retry_after(value: str | None) -> int | None:
    """Return a Retry-After header in seconds; it may be a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return int(value[:9])
    try:
        return max(0, round(parsedate_to_datetime(value).timestamp() - time()))
    except (ValueError, OverflowError):
        return None


def _explanation(body: bytes, token: str | None) -> str:
    """Return what the service says in its error body: one line, no HTML, and never the token."""
    try:
        message = orjson.loads(body)["message"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
    if not isinstance(message, str):
        return ""
    words = " ".join(html.unescape(re.sub(r"<[^<>]*>", " ", message)).split())
    # Before it is cut: half a token would no longer be found.
    return (words.replace(token, "…") if token else words)[:MOST_EXPLANATION]
