"""What can go wrong: one table of codes, one exception, and every conversion between them.

The table is the one of ``docs/protocol.md``. Nothing else in the project knows a JSON-RPC error
number, and only this module turns an HTTP status of Glance or Keystone into a code.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from importlib.metadata import version
from typing import Any

from schemas.error import ErrorCode, ErrorReason


class Code(Enum):
    """A kind of failure: its name on the wire, its JSON-RPC number, its HTTP status, and when.

    Several members share a name or a number, as in tRPC: ``BAD_REQUEST`` is -32600 for what is not
    a request and -32602 for input that does not fit.
    """

    PARSE_ERROR = (
        "PARSE_ERROR",
        -32700,
        400,
        "the body is not JSON",
    )
    BAD_REQUEST = (
        "BAD_REQUEST",
        -32600,
        400,
        "not a request; an empty or too long batch; a malformed `X-Project-Id`; an upload that is"
        " not what it should be; Glance answered 400",
    )
    INVALID_INPUT = (
        "BAD_REQUEST",
        -32602,
        400,
        "the input does not fit",
    )
    PROCEDURE_NOT_FOUND = (
        "NOT_FOUND",
        -32601,
        404,
        "no such procedure; the message may name the nearest one",
    )
    UNAUTHORIZED = (
        "UNAUTHORIZED",
        -32001,
        401,
        "no session, an expired one, or wrong credentials",
    )
    FORBIDDEN = (
        "FORBIDDEN",
        -32003,
        403,
        "Glance or Keystone forbids it, no role in the project, or a foreign origin",
    )
    NOT_FOUND = (
        "NOT_FOUND",
        -32004,
        404,
        "no such image, or none that this project may see; no such address",
    )
    METHOD_NOT_SUPPORTED = (
        "METHOD_NOT_SUPPORTED",
        -32005,
        405,
        "an HTTP method that the address does not take",
    )
    TIMEOUT = (
        "TIMEOUT",
        -32008,
        408,
        "the call took longer than `BFF_CALL_TIMEOUT`; nothing of an upload came for"
        " `BFF_UPLOAD_CLIENT_TIMEOUT`",
    )
    SESSION_CHANGED = (
        "SESSION_CHANGED",
        -32019,
        409,
        "the session is another user's, or works in another scope, than `X-Session-User` or"
        " `X-Session-Scope` says",
    )
    CONFLICT = (
        "CONFLICT",
        -32009,
        409,
        "the id is taken, the image is in use or in the wrong state, a `test` failed,"
        " a list changed while it was read",
    )
    PRECONDITION_FAILED = (
        "PRECONDITION_FAILED",
        -32012,
        412,
        "the session has no project, and the procedure needs one",
    )
    PAYLOAD_TOO_LARGE = (
        "PAYLOAD_TOO_LARGE",
        -32013,
        413,
        "the body, the file, or Glance's own quota",
    )
    UNSUPPORTED_MEDIA_TYPE = (
        "UNSUPPORTED_MEDIA_TYPE",
        -32015,
        415,
        "not `application/json`; a file that is not in the image's format",
    )
    TOO_MANY_REQUESTS = (
        "TOO_MANY_REQUESTS",
        -32029,
        429,
        "Keystone or Glance was asked too often; the caller has too many calls or uploads under"
        " way, or made too many attempts to sign in, or a second one in a request; too many streams"
        " of upload progress",
    )
    CLIENT_CLOSED_REQUEST = (
        "CLIENT_CLOSED_REQUEST",
        -32099,
        499,
        "in the log only: the client went away",
    )
    INTERNAL_SERVER_ERROR = (
        "INTERNAL_SERVER_ERROR",
        -32603,
        500,
        "a bug here; the message holds the request id and nothing else",
    )
    BAD_GATEWAY = (
        "BAD_GATEWAY",
        -32603,
        502,
        "Keystone or Glance failed, broke off or answered nonsense",
    )
    SERVICE_UNAVAILABLE = (
        "SERVICE_UNAVAILABLE",
        -32603,
        503,
        "Keystone or Glance cannot be reached, or said so itself; the catalog has no Glance;"
        " this server has too much to do, or is being stopped",
    )
    GATEWAY_TIMEOUT = (
        "GATEWAY_TIMEOUT",
        -32603,
        504,
        "Keystone or Glance was reached and did not answer in time",
    )

    def __init__(self, label: ErrorCode, number: int, http_status: int, when: str) -> None:
        self.label = label
        self.number = number
        self.http_status = http_status
        self.when = when


# Errors of any call; those of access are in its context's ``access_errors``.
COMMON = (
    Code.INVALID_INPUT,
    Code.FORBIDDEN,
    Code.TIMEOUT,
    Code.TOO_MANY_REQUESTS,
    Code.INTERNAL_SERVER_ERROR,
    Code.BAD_GATEWAY,
    Code.SERVICE_UNAVAILABLE,
    Code.GATEWAY_TIMEOUT,
)


class BffError(Exception):
    """The one exception that carries a failure to the caller.

    Args:
        code: What kind of failure it is.
        message: What was being done, to what, and what to do about it; it reaches the client, so
            it never holds a secret or the text of a foreign exception.
        reason: Why, where a program can do something about it; in ``data``, too.
        data: Further members of the error's ``data`` on the wire, in their wire names:
            ``issues``, ``retryAfter`` (seconds), ``upstreamRequestId``; beside a ``reason``,
            ``methods`` and ``userId``.
    """

    def __init__(
        self, code: Code, message: str, *, reason: ErrorReason | None = None, **data: Any
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data if reason is None else {"reason": reason, **data}


UPLOAD_AGAIN = "if the image is `queued`, upload it again."


def bug(request_id: str) -> BffError:
    """Return the error for an unexpected exception: the request id in the log, no more."""
    message = f"Internal error: it was logged under the request id {request_id}."
    return BffError(Code.INTERNAL_SERVER_ERROR, message)


def requires(package: str, owner: object, *names: str) -> None:
    """Check that names of another package are there that it does not promise to keep.

    Raises:
        RuntimeError: one is gone; said at the start, and not by what goes wrong without it.
    """
    # Instance attributes are found by name in the code of their class's __init__.
    init: Any = vars(owner).get("__init__") if isinstance(owner, type) else None
    set_later = init.__code__.co_names if init else ()
    missing = [name for name in names if not hasattr(owner, name) and name not in set_later]
    if missing:
        gone = f"{package} {version(package)} has no {', '.join(missing)} any more"
        raise RuntimeError(f"{gone}: install the version that constraints.txt names.")


def stopping(advice: str = "a change may have been made; check before you retry.") -> BffError:
    """Return the error of whatever ends because the server is stopped."""
    return BffError(Code.SERVICE_UNAVAILABLE, f"This server is being stopped: {advice}")


_UPSTREAM_STATUSES: Mapping[int, Code] = {
    400: Code.BAD_REQUEST,
    401: Code.UNAUTHORIZED,
    403: Code.FORBIDDEN,
    404: Code.NOT_FOUND,
    408: Code.GATEWAY_TIMEOUT,
    409: Code.CONFLICT,
    # An image that was deleted while something was done to it.
    410: Code.NOT_FOUND,
    412: Code.PRECONDITION_FAILED,
    413: Code.PAYLOAD_TOO_LARGE,
    415: Code.UNSUPPORTED_MEDIA_TYPE,
    429: Code.TOO_MANY_REQUESTS,
    503: Code.SERVICE_UNAVAILABLE,
    504: Code.GATEWAY_TIMEOUT,
}


def code_of_status(status: int) -> Code:
    """Return the code for an HTTP status with which Glance or Keystone refused."""
    return _UPSTREAM_STATUSES.get(status, Code.BAD_GATEWAY)


def to_wire(error: BffError, *, path: str | None, request_id: str) -> dict[str, Any]:
    """Return the JSON-RPC error object, in tRPC's shape (``docs/protocol.md``, Errors)."""
    data: dict[str, Any] = {"code": error.code.label, "httpStatus": error.code.http_status}
    if path is not None:
        data["path"] = path
    data["requestId"] = request_id
    # Half of a surrogate pair, which a service's answer may hold, cannot be written as UTF-8.
    message = error.message.encode("utf-8", "replace").decode()
    return {"code": error.code.number, "message": message, "data": data | error.data}
