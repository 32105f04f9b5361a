"""Connections to Keystone and Glance that never deliver the answer to another request.

aiohttp (3.14.5) looks for left-over bytes when it puts a connection back into its pool, and not
when it takes one out again. A surplus answer that comes in between would be read as the answer to
the next request, which may be another user's, and so on for as long as the connection lasts.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any

import aiohttp
import structlog
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.tracing import Trace

from bff.errors import requires
from schemas.headers import REQUEST_ID

requires("aiohttp", ResponseHandler, "_parser", "set_response_params", "feed_data", "abort")

SUBJECT_TOKEN = "X-Subject-Token"  # noqa: S105  # a header's name
# Of requests that were sent, to know their answers by; half a megabyte.
MAX_REQUEST_IDS = 4096

log = structlog.get_logger("bff.openstack")


# The connection over which the task at hand has sent its last request.
last_connection: ContextVar[UpstreamConnection | None] = ContextVar("connection", default=None)


class MismatchedAnswer(aiohttp.ClientError):
    """The answer belongs to another request."""


class UnsolicitedData(aiohttp.ClientConnectionError):
    """The service sent something before any request."""

    def __str__(self) -> str:
        return "the service sent data before any request"


class UpstreamConnection(ResponseHandler):
    """One connection, which is cut as soon as anything comes that no request waits for.

    Args:
        sent_ids: The request ids that were sent over any connection, as keys.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, sent_ids: Mapping[str, None]) -> None:
        super().__init__(loop=loop)
        self._sent_ids = sent_ids
        self._request: Mapping[str, str] = {}
        self._awaits_answer = False
        self.was_used = False

    @property
    def is_usable(self) -> bool:
        """Whether a request may be sent: nothing has come since the last answer, not even an end.

        What has arrived at the socket may not have reached this object yet. On a new connection
        over TLS that is part of its handshake.
        """
        if self.transport is None or self.transport.is_closing():
            return False
        if not self.was_used and self.transport.get_extra_info("sslcontext") is not None:
            return True
        return not self._arrivals.poll(0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember what tells that something has come."""
        super().connection_made(transport)
        # Not select.select, which fails for descriptors over 1023.
        self._arrivals = select.poll()
        if (sock := transport.get_extra_info("socket")) is not None:
            self._arrivals.register(sock.fileno(), select.POLLIN)

    def expect_answer_to(self, headers: Mapping[str, str]) -> None:
        """Set the headers of the request that is sent next."""
        self._request = headers

    def set_response_params(self, **params: Any) -> None:
        """A request is about to be sent."""
        self._awaits_answer = self.was_used = True
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Process what arrives, if a request waits for it.

        aiohttp calls this without bytes when it resumes the parser with those that it has.
        """
        if data and not self._awaits_answer:
            self._cut()
            return
        super().data_received(data)
        if not self._awaits_answer and self.transport is not None and self._has_begun_another():
            self._cut()

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Pass on the head of an answer; a second one belongs to no request."""
        head, body = data
        if not self._awaits_answer:
            self._cut()
            return
        if not self._is_own(head.headers):
            self._cut("a connection brought the answer to another request")
            self.set_exception(MismatchedAnswer())
            return
        super().feed_data(data, size)
        if head.code >= 200 or head.code == 101:
            body.on_eof(self._answered)

    def _is_own(self, answer: Mapping[str, str]) -> bool:
        """Return ``False`` for an answer that is known to belong to another request.

        Glance adopts a request's id. Keystone makes its own, but says whose token it has checked.
        """
        request_id = answer.get(REQUEST_ID)
        if request_id != self._request.get(REQUEST_ID) and request_id in self._sent_ids:
            return False
        token = self._request.get(SUBJECT_TOKEN)
        return token is None or answer.get(SUBJECT_TOKEN, token) == token

    def _has_begun_another(self) -> bool:
        """Return whether the parser holds a part of a message after the answer.

        ``feed_eof``, meant for a lost connection, returns a head and raises for half a body.
        """
        parser: Any = self._parser
        try:
            return parser is not None and parser.feed_eof() is not None
        except HttpProcessingError:
            return True

    def _answered(self) -> None:
        self._awaits_answer = False

    def _cut(self, event: str = "a connection brought data that no request waits for") -> None:
        if self.transport is not None:
            log.warning(event, peer=str(self.transport.get_extra_info("peername")))
            self.abort()


class Connector(aiohttp.TCPConnector):
    """A pool of such connections; the number of them is limited by whoever uses it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        requires("aiohttp", self, "_factory")
        self._sent_ids: dict[str, None] = {}
        # There is no public way to choose the protocol.
        self._factory: Any = partial(UpstreamConnection, self._loop, self._sent_ids)

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # as aiohttp has it
    ) -> Connection:
        """Return a connection on which nothing unsolicited has arrived.

        Raises:
            aiohttp.ClientConnectionError: the service sends before any request.
        """
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol: Any = connection.protocol
            if protocol.is_usable:
                protocol.expect_answer_to(req.headers)
                self._remember(req.headers.get(REQUEST_ID, ""))
                last_connection.set(protocol)
                return connection
            connection.close()
            if not protocol.was_used:
                raise UnsolicitedData

    def _remember(self, request_id: str) -> None:
        self._sent_ids[request_id] = None
        if len(self._sent_ids) > MAX_REQUEST_IDS:
            del self._sent_ids[next(iter(self._sent_ids))]
