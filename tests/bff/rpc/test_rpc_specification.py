"""Section 7 of the JSON-RPC 2.0 specification, each example verbatim, over real HTTP.

Only the messages differ: ours begin with the specification's words and say more.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import Field, model_validator

from bff.rpc.registry import mutation, query
from bff.session.context import PublicContext
from schemas.base import Input
from tests.bff.conftest import Start


class Numbers(Input):
    """Any params, by position or by name: the examples come before procedures of one input."""

    values: list[int] = Field(default=[])

    @model_validator(mode="before")
    @classmethod
    def _by_position_or_name(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and "minuend" in raw:
            return {"values": [raw["minuend"], raw["subtrahend"]]}
        return {"values": raw if isinstance(raw, list) else [raw] if isinstance(raw, int) else []}


async def subtract(ctx: PublicContext, params: Numbers) -> int:
    """Return the difference."""
    return params.values[0] - params.values[1]


async def total(ctx: PublicContext, params: Numbers) -> int:
    """Return the sum."""
    return sum(params.values)


async def notify(ctx: PublicContext, params: Numbers) -> None:
    """Take a notification."""


async def get_data(ctx: PublicContext, params: Numbers) -> list[Any]:
    """Return the specification's data."""
    return ["hello", 5]


PROCEDURES = (
    query("subtract", subtract),
    query("sum", total),
    query("get_data", get_data),
    mutation("update", notify),
    mutation("notify_hello", notify),
    mutation("notify_sum", notify),
)

INVALID = '{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}'

EXAMPLES = {
    "positional parameters": (
        '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
        '{"jsonrpc": "2.0", "result": 19, "id": 1}',
    ),
    "positional parameters, turned": (
        '{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}',
        '{"jsonrpc": "2.0", "result": -19, "id": 2}',
    ),
    "named parameters": (
        '{"jsonrpc": "2.0", "method": "subtract",'
        ' "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
        '{"jsonrpc": "2.0", "result": 19, "id": 3}',
    ),
    "named parameters, turned": (
        '{"jsonrpc": "2.0", "method": "subtract",'
        ' "params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
        '{"jsonrpc": "2.0", "result": 19, "id": 4}',
    ),
    "a notification": ('{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}', None),
    "a notification to nobody": ('{"jsonrpc": "2.0", "method": "foobar"}', None),
    "a call of non-existent method": (
        '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
        '{"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "1"}',
    ),
    "invalid JSON": (
        '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
        '{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}',
    ),
    "an invalid request": ('{"jsonrpc": "2.0", "method": 1, "params": "bar"}', INVALID),
    "a batch of invalid JSON": (
        '[\n  {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},\n'
        '  {"jsonrpc": "2.0", "method"\n]',
        '{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}',
    ),
    "an empty array": ("[]", INVALID),
    "an invalid batch, not empty": ("[1]", f"[{INVALID}]"),
    "an invalid batch": ("[1,2,3]", f"[{INVALID}, {INVALID}, {INVALID}]"),
    "a batch": (
        """[
        {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
        {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
    ]""",
        f"""[
        {{"jsonrpc": "2.0", "result": 7, "id": "1"}},
        {{"jsonrpc": "2.0", "result": 19, "id": "2"}},
        {INVALID},
        {{"jsonrpc": "2.0", "error": {{"code": -32601, "message": "Method not found"}}, "id": "5"}},
        {{"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"}}
    ]""",
    ),
    "a batch of notifications": (
        """[
        {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}
    ]""",
        None,
    ),
}


def in_the_specifications_words(answer: Any) -> Any:
    if isinstance(answer, list):
        return [in_the_specifications_words(one) for one in answer]
    if "error" in answer:
        message = answer["error"]["message"].partition(":")[0]
        return answer | {"error": {"code": answer["error"]["code"], "message": message}}
    return answer


@pytest.mark.parametrize("example", EXAMPLES)
async def test_the_example_is_answered_as_the_specification_says(
    example: str, start: Start
) -> None:
    sent, expected = EXAMPLES[example]
    response = await (await start(*PROCEDURES)).post(sent.encode())
    if expected is None:
        assert response.status == 204
        assert "Content-Length" not in response.headers
    else:
        assert response.status == 200
        assert in_the_specifications_words(await response.json()) == json.loads(expected)
