"""Soft mode for every procedure there is: null or false to the client, everything to the log."""

from __future__ import annotations

from typing import Any

import pytest

import procedures
from bff.rpc.registry import Procedure
from bff.session.context import ProjectContext
from tests.bff.conftest import Bff
from tests.fakes.openstack import FakeOpenStack
from tests.inputs import least, schema_of

# The specification: "Returns `boolean` - `true` on success, `false` on failure"; its others
# answer `undefined`, which is null in JSON.
FALSE = {
    "compute.image.deleteImage",
    "compute.image.deactivateImage",
    "compute.image.reactivateImage",
    "compute.image.deleteImageMember",
}
INPUTS = {procedure.name: schema_of(procedure) for procedure in procedures.ALL}
GLANCES_OWN = [
    procedure
    for procedure in procedures.ALL
    if procedure.access is ProjectContext
    # A bulk operation reports what Glance refuses image by image; that is its answer.
    and "imageIds" not in INPUTS[procedure.name]["properties"]
]


def name_of(procedure: Procedure) -> str:
    return procedure.name


def soft_answer(procedure: Procedure) -> Any:
    return False if procedure.output.json_schema() == {"type": "boolean"} else None


async def is_soft(
    procedure: Procedure, params: Any, bff: Bff, logged: list[Any], **headers: str
) -> dict[str, Any]:
    """Check the soft answer and its log line against the error of the same call; returns that."""
    error = (await bff.call(procedure.name, params, **headers))["error"]
    logged.clear()
    soft = await bff.call(procedure.name, params, **headers, X_BFF_Errors="soft")
    assert soft == {"jsonrpc": "2.0", "id": 1, "result": soft_answer(procedure)}
    (line,) = [line for line in logged if line["event"] == "call"]
    assert line["soft"] is True
    assert (line["procedure"], line["status"]) == (procedure.name, error["data"]["code"])
    assert line["error"] == error["message"]
    assert line.get("issues") == error["data"].get("issues")
    assert line["request_id"].startswith("req-")
    failure: dict[str, Any] = error
    return failure


@pytest.mark.parametrize("procedure", procedures.ALL, ids=name_of)
async def test_refused_input_is_null_or_false_and_the_issues_are_in_the_log(
    procedure: Procedure, bff: Bff, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    params = {"no such parameter": 1}
    token = openstack.new_token()
    error = await is_soft(procedure, params, bff, logged, X_Auth_Token=token)
    assert error["data"]["code"] == "BAD_REQUEST"
    assert error["data"]["issues"]


@pytest.mark.parametrize(
    "procedure", [p for p in procedures.ALL if p.access is ProjectContext], ids=name_of
)
async def test_a_missing_session_is_null_or_false_and_is_in_the_log(
    procedure: Procedure, bff: Bff, logged: list[Any]
) -> None:
    error = await is_soft(procedure, least(INPUTS[procedure.name]), bff, logged)
    assert error["data"]["code"] == "UNAUTHORIZED"


@pytest.mark.parametrize("procedure", procedures.ALL, ids=name_of)
async def test_a_foreign_origin_is_null_or_false_and_is_in_the_log(
    procedure: Procedure, bff: Bff, logged: list[Any]
) -> None:
    origin = {"Origin": "https://evil.example"}
    error = await is_soft(procedure, least(INPUTS[procedure.name]), bff, logged, **origin)
    assert error["data"]["code"] == "FORBIDDEN"


REFUSALS = [(403, "FORBIDDEN"), (404, "NOT_FOUND"), (500, "BAD_GATEWAY")]


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("procedure", GLANCES_OWN, ids=name_of)
async def test_a_refusal_of_glance_is_null_or_false_and_its_words_are_in_the_log(
    procedure: Procedure,
    refusal: tuple[int, str],
    bff: Bff,
    openstack: FakeOpenStack,
    logged: list[Any],
) -> None:
    openstack.glance_status, code = refusal
    token, params = openstack.new_token(), least(INPUTS[procedure.name])
    error = await is_soft(procedure, params, bff, logged, X_Auth_Token=token)
    assert error["data"]["code"] == code


def test_what_answers_false_is_what_the_specification_says() -> None:
    images = [p for p in procedures.ALL if p.name.startswith("compute.image.")]
    assert {p.name for p in images if soft_answer(p) is False} == FALSE
    assert {p.name for p in images if p.soft_answer is False} == FALSE
