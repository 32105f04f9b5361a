"""What is answered to a request that is not a call: the error as on the wire, and its status."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from bff.errors import BffError, Code, to_wire


def refusal(error: BffError, request_id: str, allow: str = "") -> Response:
    """Return the answer to a request that failed.

    Args:
        allow: The methods that the address takes, for whoever came with another one.
    """
    wire = to_wire(error, path=None, request_id=request_id)
    return JSONResponse({"error": wire}, error.code.http_status, allowing(error, allow))


def allowing(error: BffError, methods: str) -> dict[str, str]:
    """Return the header that a 405 must have (RFC 9110, 15.5.6)."""
    return {"Allow": methods} if error.code is Code.METHOD_NOT_SUPPORTED else {}
