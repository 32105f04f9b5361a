"""The one exception of this client, and how anything that goes wrong becomes one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, TypedDict

# Nobody answered; what answered was not the BFF; what is stored is not what was sent.
NETWORK_ERROR, BAD_RESPONSE, DIGEST_MISMATCH = "NETWORK_ERROR", "BAD_RESPONSE", "DIGEST_MISMATCH"


class Issue(TypedDict):
    """A fault of an input: where it is, in words, and its kind."""

    path: list[str | int]
    message: str
    code: str


class BffError(Exception):
    """A call that failed; look at its ``code``.

    Args:
        code: The server's, as ``NOT_FOUND`` (``contract.ERROR_CODES``), or one of the client's own:
            ``NETWORK_ERROR``, ``BAD_RESPONSE``, ``DIGEST_MISMATCH``.
        message: What went wrong, for people.
        data: All that the server said besides; or what the client found out.
        status: The HTTP status that belongs to it; ``None`` where nobody answered.
        request_id: The request's id in the server's log.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        data: Mapping[str, Any] | None = None,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.data: Mapping[str, Any] = data or {}
        self.status = status
        self.request_id = request_id

    @property
    def issues(self) -> Sequence[Issue]:
        """Each fault of an input that does not fit."""
        given = self.data.get("issues")
        return given if isinstance(given, list) else []

    @property
    def reason(self) -> str | None:
        """What a program can do something about (``contract.ERROR_REASONS``).

        ``data["methods"]`` says which factors ``SECOND_FACTOR_REQUIRED`` asks for, and
        ``data["userId"]`` whose password ``PASSWORD_EXPIRED`` means.
        """
        given = self.data.get("reason")
        return given if isinstance(given, str) else None

    @property
    def retry_after(self) -> float | None:
        """The seconds that the server asked to wait."""
        given = self.data.get("retryAfter")
        if isinstance(given, bool) or not isinstance(given, int | float):
            return None
        return max(0.0, float(given)) if isfinite(given) else None

    def __str__(self) -> str:
        return f"{self.message} ({self.code})"

    def __repr__(self) -> str:
        return f"BffError({self.code!r}, {self.message!r}, request_id={self.request_id!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.code, self.message, self.data, self.status, self.request_id)


def _rebuilt(
    code: str, message: str, data: Mapping[str, Any], status: int | None, request_id: str | None
) -> BffError:
    return BffError(code, message, data=dict(data), status=status, request_id=request_id)


def refused(error: object, *, status: int, request_id: str | None) -> BffError | None:
    """Return the BFF's own word on a failure; ``None`` where another server wrote it."""
    data = error.get("data") if isinstance(error, dict) else None
    code = data.get("code") if isinstance(data, dict) else None
    if not isinstance(error, dict) or not isinstance(data, dict) or not isinstance(code, str):
        return None
    said = data.get("httpStatus")
    told = data.get("requestId")
    return BffError(
        code,
        str(error.get("message", "")),
        data=data,
        status=said if isinstance(said, int) else status,
        request_id=told if isinstance(told, str) else request_id,
    )
