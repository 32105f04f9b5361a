"""JSON-RPC 2.0: calls to bytes, and bytes to how each call ended."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

from polaris_bff.contract import CODE_OF_STATUS, PROCEDURES
from polaris_bff.effects import Reply
from polaris_bff.errors import BAD_RESPONSE, BffError, refused

REQUEST_ID = "x-openstack-request-id"


@dataclass(frozen=True)
class Call:
    """A call and the id by which its answer is found."""

    id: int
    name: str
    # A sign-in's have a password.
    params: dict[str, Any] = field(repr=False)

    @cached_property
    def text(self) -> bytes:
        """The call on the wire.

        Raises:
            TypeError: a parameter cannot be written as JSON.
            ValueError: likewise, as a number that is none.
        """
        call = {"jsonrpc": "2.0", "id": self.id, "method": self.name, "params": self.params}
        return json.dumps(call, separators=(",", ":"), allow_nan=False).encode()

    @property
    def reads(self) -> bool:
        """Whether it can be sent again without changing anything twice."""
        procedure = PROCEDURES.get(self.name)
        return procedure is not None and procedure.reads


def wire_params(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return parameters by their names on the wire; Python's are known, others pass."""
    procedure = PROCEDURES.get(name)
    known = procedure.parameters if procedure else {}
    return {known.get(key, key): value for key, value in given.items() if value is not None}


def parts(calls: Sequence[Call], most: int, most_bytes: int) -> Iterator[list[Call]]:
    """Cut calls into requests, each of some calls and, but for a single call, of some bytes."""
    part: list[Call] = []
    size = 0
    for call in calls:
        if part and (len(part) == most or size + len(call.text) > most_bytes):
            yield part
            part, size = [], 0
        part.append(call)
        size += len(call.text)
    if part:
        yield part


def body_of(calls: Sequence[Call]) -> bytes:
    """Return the body of a request: a call, or a batch."""
    if len(calls) == 1:
        return calls[0].text
    return b"[" + b",".join(call.text for call in calls) + b"]"


@dataclass(frozen=True)
class Answers:
    """How each call ended, by its id; or why the request was refused as a whole."""

    by_id: dict[int, Any]
    whole: BffError | None = None


def answers(reply: Reply, calls: Sequence[Call]) -> Answers:
    """Read an answer. A call that it does not answer, or answers twice, has failed."""
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        error = not_ours(reply)
        return Answers({call.id: copy(error) for call in calls}, error)
    elements = document if isinstance(document, list) else [document]
    whole = next(filter(None, (_whole(each, reply) for each in elements)), None)
    found = _by_id(elements, {call.id for call in calls}, reply)
    missing = whole or _foreign("no answer to this call", reply)
    by_id = {call.id: found.get(call.id, copy(missing)) for call in calls}
    return Answers(by_id, None if found else whole)


def _by_id(elements: list[Any], wanted: set[int], reply: Reply) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for element in elements:
        call_id = element.get("id") if isinstance(element, dict) else None
        # To Python, `true` and `1.0` are 1.
        if type(call_id) is not int or call_id not in wanted:
            continue
        twice = call_id in found
        found[call_id] = (
            _foreign("two answers to this call", reply) if twice else _outcome(element, reply)
        )
    return found


def _outcome(element: dict[str, Any], reply: Reply) -> Any:
    """Return the result or the error of one answer."""
    if "result" in element and "error" not in element:
        return element["result"]
    error = None if "result" in element else _refused(element, reply)
    return error or _foreign("neither a result nor an error of the BFF", reply)


def _whole(element: Any, reply: Reply) -> BffError | None:
    """Return the error of an answer to no call: the request's own."""
    if not isinstance(element, dict) or element.get("id") is not None:
        return None
    return _refused(element, reply)


def _refused(element: dict[str, Any], reply: Reply) -> BffError | None:
    return refused(element.get("error"), status=reply.status, request_id=request_id(reply))


def _foreign(what: str, reply: Reply) -> BffError:
    """Return the error for an answer that the BFF did not write: a proxy's, or nonsense."""
    code = CODE_OF_STATUS.get(reply.status, BAD_RESPONSE) if reply.status >= 400 else BAD_RESPONSE
    return error_of(reply, code, f"HTTP {reply.status} with {what}")


def error_of(reply: Reply, code: str, message: str) -> BffError:
    """Return an error that says of an answer what its status and headers do."""
    wait = retry_after(reply)
    return BffError(
        code,
        message,
        data={} if wait is None else {"retryAfter": wait},
        status=reply.status,
        request_id=request_id(reply),
    )


def not_ours(reply: Reply) -> BffError:
    """Return the error for what is no JSON: a proxy's page, or a cut answer."""
    kind = reply.headers.get("content-type", "no content type").partition(";")[0][:80]
    what = f"{len(reply.body)} bytes of {kind!r} that are no answer of the BFF"
    return _foreign(what, reply)


def request_id(reply: Reply) -> str | None:
    """Return the id under which the server logged the request."""
    return reply.headers.get(REQUEST_ID)


def retry_after(reply: Reply) -> float | None:
    """Return the seconds of ``Retry-After``, which may be a date (RFC 9110, 10.2.3)."""
    given = reply.headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return float(given[:9])
    try:
        at = parsedate_to_datetime(given)
    except (ValueError, TypeError):
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
    return max(0.0, (aware - datetime.now(timezone.utc)).total_seconds())
