"""The one way out: every request to Keystone and Glance, and every failure, passes here."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import aiohttp
import structlog
from yarl import URL

from bff import log_fields
from bff.errors import BffError, Code
from bff.openstack.connector import last_connection
from bff.openstack.exchange import Count, Operation, Reply, uncounted
from bff.openstack.failure import (
    GLANCE_ERRORS,
    OwnErrors,
    Target,
    translated,
    upstream_request_id,
)
from bff.openstack.network import Network
from bff.openstack.policy import Policy
from bff.openstack.tracer import Tracer, Untraced
from bff.openstack.transport import Client, StreamedBody, Timeouts, dedicated_client
from bff.openstack.upstream_error import upstream_error
from bff.timers import Timers
from schemas.headers import REQUEST_ID

# Before the second and the third attempt to read, in seconds, at most.
RETRY_PAUSES = (0.1, 0.2)
# In bytes. A thousand images have two million; who fills them with text must not fill the memory.
MAX_ANSWER = 64 * 1024 * 1024
_GATEWAY_ERRORS = (Code.BAD_GATEWAY, Code.SERVICE_UNAVAILABLE, Code.GATEWAY_TIMEOUT)

log = structlog.get_logger("bff.openstack")


@dataclass(frozen=True)
class Service:
    """A remote service: its name for messages, and the client session that reaches it.

    Args:
        errors: How its own errors are distinguished from those of a proxy.
        policy: What the service is spared.
        tracer: Told of each request.
        network: Whom to trust, and through which proxy.
        timers: The event loop's, of whatever takes that long.
    """

    name: str
    client: Client
    timeouts: Timeouts
    errors: OwnErrors = GLANCE_ERRORS
    policy: Policy = field(default_factory=lambda: Policy("the service"))
    tracer: Tracer = field(default_factory=Untraced)
    network: Network = field(default_factory=Network)
    timers: Timers = field(default_factory=Timers)

    async def call(
        self,
        method: str,
        url: str,
        operation: Operation,
        *,
        ok: frozenset[int],
        token: str | None = None,
        request_id: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        count: Count = uncounted,
    ) -> Reply:
        """Send one request and return the answer when its status is one of ``ok``.

        Only GET is retried, and only when the connection failed. ``url`` is sent as it stands: the
        caller has encoded it.

        Raises:
            BffError: any other answer, by ``errors.code_of_status``; BAD_GATEWAY,
                SERVICE_UNAVAILABLE or GATEWAY_TIMEOUT when there was none.
        """
        target = Target(self.name, method, URL(url, encoded=True), token)
        sent = _headers(token, request_id, headers)
        self.policy.retries.count_request()
        if method == "GET":
            reply = await self._retried(target, operation.doing, sent, body, count)
        else:
            reply = await self._attempt(target, operation.doing, sent, body, count)
        return self._accepted(reply, target, operation, ok)

    async def stream(
        self,
        method: str,
        url: str,
        operation: Operation,
        *,
        ok: frozenset[int],
        body: AsyncIterator[bytes],
        token: str | None = None,
        request_id: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request whose body is made while it is sent, never retried; else as ``call``.

        Chunks are pulled from the body as fast as the service takes them. Its end ends the request;
        if it raises, the connection is cut, so that the service never sees a whole request. An
        answer that comes before the body's end stops the sending.

        Raises:
            Exception: whatever ``body`` raised, as it was.
            BffError: as ``call``; BAD_GATEWAY, the service accepted the body before its end.
        """
        target = Target(self.name, method, URL(url, encoded=True), token)
        streamed = StreamedBody(body, self.timeouts)
        all_headers = _headers(token, request_id, headers)
        with self.policy.watch(operation.doing) as exchange:
            # It lasts as long as whoever makes the body takes.
            exchange.started = None
            try:
                async with dedicated_client() as client, streamed.awaited():
                    with translated(target, operation.doing):
                        async with streamed.deadline:
                            reply = await self._send(client, target, all_headers, body=streamed)
            except BffError:
                if streamed.failure is not None:
                    raise streamed.failure from None
                raise
            exchange.status = reply.status
        reply = self._accepted(reply, target, operation, ok)
        if not streamed.finished:
            message = f"Could not {operation.doing}: {self.name} answered before it had everything."
            raise BffError(Code.BAD_GATEWAY, message)
        return reply

    async def _retried(
        self,
        target: Target,
        doing: str,
        headers: Mapping[str, str],
        body: bytes | None,
        count: Count,
    ) -> Reply:
        """Try a few times, as long as nothing was answered and retries do not add up."""
        for seconds in RETRY_PAUSES:
            try:
                return await self._attempt(target, doing, headers, body, count)
            except BffError as failure:
                if not (_is_worth_retrying(failure) and self.policy.retries.take()):
                    raise
            await asyncio.sleep(random.uniform(0, seconds))  # noqa: S311  # no secret
        return await self._attempt(target, doing, headers, body, count)

    async def _attempt(
        self,
        target: Target,
        doing: str,
        headers: Mapping[str, str],
        body: bytes | None,
        count: Count,
    ) -> Reply:
        # Whose token it is has the turn: sessions, and not requests, are treated alike.
        async with self.policy.admit(target.token or "", doing) as exchange:
            with translated(target, doing), self.timers.timeout(self.timeouts.answer):
                reply = await self._send(self.client, target, headers, body=body, count=count)
            exchange.status = reply.status
            return reply

    async def _send(
        self,
        client: Client,
        target: Target,
        headers: Mapping[str, str],
        *,
        body: bytes | AsyncIterator[bytes] | None,
        count: Count = uncounted,
    ) -> Reply:
        tracer = self.tracer.request(self.name, target.method, target.route, headers)
        with tracer as sent:
            async with client.request(
                target.method,
                target.url,
                headers=sent.headers,
                data=body,
                timeout=self.timeouts.connecting,
                # A redirect would carry the token to wherever it points.
                allow_redirects=False,
                **self.network.options(target.url),
            ) as response:
                sent.status = response.status
                if isinstance(body, StreamedBody):
                    # Its own deadline is for how long it takes to be stored.
                    body.set_deadline(self.timeouts.answer)
                content = await self._body(response, count)
                return Reply(response.status, response.headers, content, last_connection.get())

    async def _body(self, response: aiohttp.ClientResponse, count: Count) -> bytes:
        parts: list[bytes] = []
        size = 0
        while part := await response.content.readany():
            parts.append(part)
            size += len(part)
            if size > MAX_ANSWER:
                message = f"{self.name} answered more than {MAX_ANSWER} bytes; ask for less."
                raise BffError(Code.BAD_GATEWAY, message)
            count(len(part))
        return b"".join(parts)

    def _accepted(
        self, reply: Reply, target: Target, operation: Operation, ok: frozenset[int]
    ) -> Reply:
        log_fields.bind(upstream_request_id=upstream_request_id(reply.headers))
        if reply.status in ok and self.errors.include(reply.status, reply.body):
            return reply
        log_fields.bind(upstream_status=reply.status)
        error = upstream_error(reply, target, operation, self.errors)
        level = log.warning if error.code in _GATEWAY_ERRORS else log.debug
        level(
            "an upstream request was refused",
            service=self.name,
            request=target.address,
            status=reply.status,
            doing=operation.doing,
        )
        raise error


def _headers(token: str | None, request_id: str, more: Mapping[str, str] | None) -> dict[str, str]:
    sent = {"Accept": "application/json", REQUEST_ID: request_id, **(more or {})}
    return sent if token is None else {**sent, "X-Auth-Token": token}


def _is_worth_retrying(failure: BaseException) -> bool:
    # Only what ``translated`` raises has a cause: the connection failed before an answer.
    return (
        isinstance(failure, BffError)
        and failure.__cause__ is not None
        and failure.code is not Code.GATEWAY_TIMEOUT
    )
