"""What a failed request to Keystone or Glance becomes: the caller's error, and the log's line."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import aiohttp
import orjson
import structlog
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from bff.errors import BffError, Code
from bff.openstack.connector import MismatchedAnswer, UnsolicitedData
from bff.openstack.network import advice
from bff.openstack.tracer import route_of
from schemas.headers import REQUEST_ID

MAX_EXPLANATION = 500
# Of an exception's text in the log.
MAX_CAUSE = 300
# The form in which OpenStack's services make it; anything else could be something else.
_REQUEST_ID = re.compile(r"req-[0-9A-Za-z-]{1,64}")

log = structlog.get_logger("bff.openstack")


@dataclass(frozen=True)
class Target:
    """Where a request goes, for the log: without the query and without credentials."""

    service: str
    method: str
    url: URL
    token: str | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """The address without what may be secret in it."""
        return f"{self.method} {self.url.with_user(None).with_query(None)}"

    def route(self) -> str:
        """Return the template of the path, which has no ids."""
        return route_of(self.url.raw_path)


@dataclass(frozen=True)
class OwnErrors:
    """How a service's own errors are distinguished from those of a proxy or of another service.

    Only the service's own answer proves that an image is not found or that a session has ended.

    Args:
        member: The member that the JSON body of each of its own errors has.
        statuses: Those that must have it.
        may_be_quoted: Whether its explanations may be passed on.
    """

    member: str
    statuses: frozenset[int]
    may_be_quoted: bool

    def include(self, status: int, body: bytes) -> bool:
        """Return whether an answer is the service's own, as far as can be known."""
        return status not in self.statuses or self.member in json_object(body)


# Its 401 comes from keystonemiddleware, as plain text.
GLANCE_ERRORS = OwnErrors("message", frozenset({404}), may_be_quoted=True)
# It quotes the token that it does not know.
KEYSTONE_ERRORS = OwnErrors("error", frozenset({401, 403, 404}), may_be_quoted=False)

# Subclasses first: aiohttp's classes inherit from one another. A test walks them all.
_FAILURES: tuple[tuple[type[BaseException], Code, str], ...] = (
    (aiohttp.ConnectionTimeoutError, Code.SERVICE_UNAVAILABLE, "cannot be reached"),
    (asyncio.TimeoutError, Code.GATEWAY_TIMEOUT, "did not answer in time"),
    (
        aiohttp.ClientConnectorCertificateError,
        Code.SERVICE_UNAVAILABLE,
        "has a certificate that cannot be trusted",
    ),
    (aiohttp.ClientConnectorSSLError, Code.SERVICE_UNAVAILABLE, "cannot be reached over TLS"),
    (
        aiohttp.ClientConnectorDNSError,
        Code.SERVICE_UNAVAILABLE,
        "has an address whose name does not resolve",
    ),
    (
        aiohttp.ClientProxyConnectionError,
        Code.SERVICE_UNAVAILABLE,
        "cannot be reached: the proxy in front of it does not answer",
    ),
    (aiohttp.ClientConnectorError, Code.SERVICE_UNAVAILABLE, "cannot be reached"),
    (
        aiohttp.ClientHttpProxyError,
        Code.SERVICE_UNAVAILABLE,
        "cannot be reached: the proxy in front of it refused",
    ),
    (MismatchedAnswer, Code.BAD_GATEWAY, "answered another request than this one"),
    (aiohttp.ClientError, Code.BAD_GATEWAY, "broke off its answer"),
    (HttpProcessingError, Code.BAD_GATEWAY, "broke off its answer"),
    (OSError, Code.SERVICE_UNAVAILABLE, "cannot be reached"),
)


_KINDS: tuple[type[BaseException], ...] = tuple(kind for kind, _, _ in _FAILURES)


class translated:  # noqa: N801  # as ``contextlib.suppress``
    """Turns every failure of the connection inside into a ``BffError``.

    Its message never quotes the failure; the log does.
    """

    __slots__ = ("_doing", "_target")

    def __init__(self, target: Target, doing: str) -> None:
        self._target, self._doing = target, doing

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: Any, failure: BaseException | None, _where: Any) -> None:
        """Translate."""
        if isinstance(failure, _KINDS):
            raise _translated(failure, self._target, self._doing) from failure


def _translated(failure: BaseException, target: Target, doing: str) -> BffError:
    code, reason = next((c, r) for kind, c, r in _FAILURES if isinstance(failure, kind))
    cause = _redacted(_cause(failure), target.token)[:MAX_CAUSE]
    log.warning(
        "an upstream request failed",
        service=target.service,
        request=target.address,
        cause=cause,
        doing=doing,
        **({"advice": known} if (known := advice(failure)) else {}),
    )
    return BffError(code, f"Could not {doing}: {target.service} {reason}; try again later.")


def _cause(failure: BaseException) -> str:
    """Return the class of a failure, and its text where that quotes nothing of an answer.

    aiohttp's errors of the parser hold heads, in which a new token may be.
    """
    name = type(failure).__name__
    if isinstance(failure, aiohttp.ClientHttpProxyError):
        return f"{name}: the proxy answered {failure.status}"
    is_system_error = isinstance(failure, OSError | UnsolicitedData)
    return f"{name}: {failure}" if is_system_error else name


def details(headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the members of an error's ``data`` that a service's answer gives."""
    data: dict[str, Any] = {}
    if (request_id := upstream_request_id(headers)) is not None:
        data["upstreamRequestId"] = request_id
    if (seconds := _retry_after(headers.get("Retry-After"))) is not None:
        data["retryAfter"] = seconds
    return data


def upstream_request_id(headers: Mapping[str, str]) -> str | None:
    """Return the request id in a service's answer, if it has the form of one."""
    value = headers.get(REQUEST_ID, "")
    return value if _REQUEST_ID.fullmatch(value) else None


def explanation(body: bytes, token: str | None) -> str:
    """Return the message of the service's error body: one line, no HTML, and never the token."""
    message = json_object(body).get("message")
    if not isinstance(message, str):
        return ""
    text = " ".join(html.unescape(re.sub(r"<[^<>]*>", " ", message)).split())
    # Before it is cut: half a token would no longer be found.
    return _redacted(text, token)[:MAX_EXPLANATION]


def json_object(body: bytes) -> Mapping[str, Any]:
    """Return the JSON object of a body; an empty one when it is none."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _redacted(text: str, token: str | None) -> str:
    return text.replace(token, "…") if token else text


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
