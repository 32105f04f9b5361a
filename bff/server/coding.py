"""Rejects bodies in a content or transfer coding that this server does not decode."""

from __future__ import annotations

from collections.abc import Set

from starlette.types import Scope

from bff.errors import BffError, Code
from bff.request_headers import all_of, headers_in

_HEADERS = frozenset({b"content-encoding", b"transfer-encoding"})


def check_not_encoded(scope: Scope, what: str) -> None:
    """Check that a request's body is not encoded.

    Args:
        what: What the body must be, for the message.

    Raises:
        BffError: UNSUPPORTED_MEDIA_TYPE, it is compressed or otherwise encoded (RFC 9110, 8.4;
            RFC 9112, 6.1).
    """
    if _HEADERS.isdisjoint(headers_in(scope)):
        return
    if _codings(scope, b"content-encoding") - {"identity"}:
        message = f"The body must be {what}, without a Content-Encoding."
        raise BffError(Code.UNSUPPORTED_MEDIA_TYPE, message)
    # uvicorn decodes chunked alone.
    if _codings(scope, b"transfer-encoding") - {"chunked"}:
        message = f"The body must be {what}, with no Transfer-Encoding but chunked."
        raise BffError(Code.UNSUPPORTED_MEDIA_TYPE, message)


def _codings(scope: Scope, name: bytes) -> Set[str]:
    given = ",".join(all_of(scope, name)).lower()
    return {coding.strip() for coding in given.split(",")} - {""}
