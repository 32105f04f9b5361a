"""The contract's table of errors, and the shape of an error on the wire."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from bff.errors import BffError, Code, code_of_status, requires, to_wire
from schemas.error import ErrorCode
from tests.process import ROOT

# The error table of the protocol, row by row: name, number and HTTP status on the wire.
TABLE = {
    Code.PARSE_ERROR: ("PARSE_ERROR", -32700, 400),
    Code.BAD_REQUEST: ("BAD_REQUEST", -32600, 400),
    Code.INVALID_INPUT: ("BAD_REQUEST", -32602, 400),
    Code.PROCEDURE_NOT_FOUND: ("NOT_FOUND", -32601, 404),
    Code.UNAUTHORIZED: ("UNAUTHORIZED", -32001, 401),
    Code.FORBIDDEN: ("FORBIDDEN", -32003, 403),
    Code.NOT_FOUND: ("NOT_FOUND", -32004, 404),
    Code.METHOD_NOT_SUPPORTED: ("METHOD_NOT_SUPPORTED", -32005, 405),
    Code.TIMEOUT: ("TIMEOUT", -32008, 408),
    Code.SESSION_CHANGED: ("SESSION_CHANGED", -32019, 409),
    Code.CONFLICT: ("CONFLICT", -32009, 409),
    Code.PRECONDITION_FAILED: ("PRECONDITION_FAILED", -32012, 412),
    Code.PAYLOAD_TOO_LARGE: ("PAYLOAD_TOO_LARGE", -32013, 413),
    Code.UNSUPPORTED_MEDIA_TYPE: ("UNSUPPORTED_MEDIA_TYPE", -32015, 415),
    Code.TOO_MANY_REQUESTS: ("TOO_MANY_REQUESTS", -32029, 429),
    Code.CLIENT_CLOSED_REQUEST: ("CLIENT_CLOSED_REQUEST", -32099, 499),
    Code.INTERNAL_SERVER_ERROR: ("INTERNAL_SERVER_ERROR", -32603, 500),
    Code.BAD_GATEWAY: ("BAD_GATEWAY", -32603, 502),
    Code.SERVICE_UNAVAILABLE: ("SERVICE_UNAVAILABLE", -32603, 503),
    Code.GATEWAY_TIMEOUT: ("GATEWAY_TIMEOUT", -32603, 504),
}
NAMED_STATUSES = {
    400: Code.BAD_REQUEST,
    401: Code.UNAUTHORIZED,
    403: Code.FORBIDDEN,
    404: Code.NOT_FOUND,
    408: Code.GATEWAY_TIMEOUT,
    409: Code.CONFLICT,
    410: Code.NOT_FOUND,
    412: Code.PRECONDITION_FAILED,
    413: Code.PAYLOAD_TOO_LARGE,
    415: Code.UNSUPPORTED_MEDIA_TYPE,
    429: Code.TOO_MANY_REQUESTS,
    503: Code.SERVICE_UNAVAILABLE,
    504: Code.GATEWAY_TIMEOUT,
}


def test_the_table_has_every_code_and_no_two_rows_are_one_member() -> None:
    assert TABLE.keys() == set(Code)
    assert len(TABLE) == len(Code.__members__)


def test_the_page_of_the_protocol_says_of_each_code_when_it_comes() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text()
    for code in set(Code) - {Code.CLIENT_CLOSED_REQUEST}:
        row = f"| {code.label} | {code.number} | {code.http_status} | {code.when} |"
        assert row in page


@pytest.mark.parametrize("code", TABLE)
def test_a_code_stands_on_the_wire_as_the_contract_says(code: Code) -> None:
    label, number, status = TABLE[code]
    wire = to_wire(BffError(code, "What happened."), path="a.b", request_id="req-1")
    assert wire == {
        "code": number,
        "message": "What happened.",
        "data": {"code": label, "httpStatus": status, "path": "a.b", "requestId": "req-1"},
    }


def test_what_never_became_a_call_has_no_path() -> None:
    wire = to_wire(BffError(Code.PARSE_ERROR, "No."), path=None, request_id="req-1")
    assert wire["data"] == {"code": "PARSE_ERROR", "httpStatus": 400, "requestId": "req-1"}


@pytest.mark.parametrize(
    "more", [{"retryAfter": 5}, {"upstreamRequestId": "req-2"}, {"issues": [{"path": []}]}]
)
def test_what_an_error_carries_further_is_beside_its_code(more: dict[str, Any]) -> None:
    error = BffError(Code.CONFLICT, "No.", **more)
    data = to_wire(error, path=None, request_id="req-1")["data"]
    base = {"code": "CONFLICT", "httpStatus": 409, "requestId": "req-1"}
    assert data == base | more
    assert error.data == more


def test_an_error_reads_as_its_message() -> None:
    assert str(BffError(Code.CONFLICT, "Taken.", retryAfter=5)) == "Taken."


@pytest.mark.parametrize("status", NAMED_STATUSES)
def test_a_status_that_the_contract_names_has_its_code(status: int) -> None:
    assert code_of_status(status) is NAMED_STATUSES[status]


def test_every_other_status_is_a_bad_gateway() -> None:
    others = set(range(1000)) - NAMED_STATUSES.keys()
    assert {code_of_status(status) for status in others} == {Code.BAD_GATEWAY}


def test_the_codes_that_a_client_reads_are_those_of_the_table() -> None:
    assert list(get_args(ErrorCode)) == list(dict.fromkeys(code.label for code in Code))


class Foreign:
    """A class of another package."""

    kept = 1

    def __init__(self) -> None:
        self.set_later = 1


def test_names_that_another_package_does_not_promise_are_looked_for() -> None:
    requires("aiohttp", Foreign, "kept", "set_later")
    requires("aiohttp", Foreign(), "kept", "set_later")


@pytest.mark.parametrize("owner", [Foreign, Foreign()])
def test_one_that_is_gone_stops_the_start_and_is_named_with_the_package(owner: object) -> None:
    with pytest.raises(RuntimeError, match=r"aiohttp 3\.\S+ has no gone, lost any more: install"):
        requires("aiohttp", owner, "kept", "gone", "lost")
