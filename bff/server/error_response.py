"""The HTTP response for an error where there is no call: the error object and its status."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from bff.errors import BffError, Code, to_wire


def error_response(error: BffError, request_id: str, allow: str = "") -> Response:
    """Return the response to a request that failed.

    Args:
        allow: The methods that the address supports, for the Allow header of a 405.
    """
    wire = to_wire(error, path=None, request_id=request_id)
    return JSONResponse({"error": wire}, error.code.http_status, headers_of(error, allow))


def headers_of(error: BffError, methods: str) -> dict[str, str]:
    """Return the headers that belong to an error (RFC 9110, 15.5.6 and 10.2.3)."""
    headers = {"Allow": methods} if error.code is Code.METHOD_NOT_SUPPORTED else {}
    seconds = error.data.get("retryAfter")
    return headers if seconds is None else {**headers, "Retry-After": str(seconds)}
