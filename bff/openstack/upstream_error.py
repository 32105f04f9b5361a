"""The caller's error for an answer that was not expected."""

from __future__ import annotations

from collections.abc import Mapping

from bff.errors import BffError, Code, code_of_status
from bff.openstack.exchange import Operation, Reply
from bff.openstack.failure import OwnErrors, Target, details, explanation

_REASONS: Mapping[Code, str] = {
    Code.UNAUTHORIZED: "the session has ended; sign in again.",
    Code.FORBIDDEN: "this session may not do that.",
    Code.SERVICE_UNAVAILABLE: "which means that it is not available; try again later.",
    Code.TOO_MANY_REQUESTS: "it was asked too often; try again later.",
    Code.BAD_GATEWAY: "which means that it failed; try again later.",
    Code.GATEWAY_TIMEOUT: "which means that something behind it was silent; try again later.",
}


def upstream_error(
    reply: Reply, target: Target, operation: Operation, errors: OwnErrors
) -> BffError:
    """Return the error for an answer whose status was not expected, or that is not the service's.

    Args:
        errors: How the service's own errors are distinguished from those of a proxy.
    """
    code, data = code_of_status(reply.status), details(reply.headers)
    if reply.status == 410 and operation.gone:
        return BffError(code, operation.gone, **data)
    if not errors.include(reply.status, reply.body):
        message = (
            f"Could not {operation.doing}: the answer {reply.status} is not {target.service}'s own;"
            " its address may be wrong."
        )
        return BffError(Code.BAD_GATEWAY, message, **data)
    if code is Code.NOT_FOUND and operation.missing:
        return BffError(code, operation.missing, **data)
    quoted = explanation(reply.body, target.token) if errors.may_be_quoted else ""
    reason = _reason(reply.status, code, quoted)
    return BffError(code, f"{target.service} refused to {operation.doing}: {reason}", **data)


def _reason(status: int, code: Code, quoted: str) -> str:
    reason = quoted or _REASONS.get(code, f"the answer was {status}.")
    if 300 <= status < 400:
        reason = "a redirect, and redirects are not followed; its address may be wrong."
    expected = status < 300 or 400 <= status < 500
    return reason if expected else f"it answered {status}, {reason}"
