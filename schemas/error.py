"""The codes of errors, as clients read them; ``bff/errors.py`` says what each means."""

from __future__ import annotations

from typing import Literal

ErrorCode = Literal[
    "PARSE_ERROR",
    "BAD_REQUEST",
    "NOT_FOUND",
    "UNAUTHORIZED",
    "FORBIDDEN",
    "METHOD_NOT_SUPPORTED",
    "TIMEOUT",
    "SESSION_CHANGED",
    "CONFLICT",
    "PRECONDITION_FAILED",
    "PAYLOAD_TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "TOO_MANY_REQUESTS",
    "CLIENT_CLOSED_REQUEST",
    "INTERNAL_SERVER_ERROR",
    "BAD_GATEWAY",
    "SERVICE_UNAVAILABLE",
    "GATEWAY_TIMEOUT",
]

# Why a sign-in or a change of password was refused, where a program can do something about it:
# ``docs/protocol.md``, "Reasons".
ErrorReason = Literal[
    "SECOND_FACTOR_REQUIRED",
    "SIGN_IN_EXPIRED",
    "PASSWORD_EXPIRED",
    "PASSWORD_REFUSED",
]
