"""Each fault of the table: one call is told the truth, and no other call is touched."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bff.conftest import Bff, Start
from tests.faults.cases import OF_ANY_SERVICE, OF_GLANCE, OF_KEYSTONE, Case
from tests.faults.services import USERS, image_id_of, token_of
from tests.faults.stage import Stage

HIT = image_id_of("alice", 1)
SPARED = image_id_of("alice", 2)


def outcome(answered: Any) -> str:
    """Return ``ok``, or the code of the error."""
    return "ok" if "result" in answered else str(answered["error"]["data"]["code"])


async def show(bff: Bff, *image_ids: str) -> list[str]:
    """Ask for images as alice, in one batch."""
    batch = [
        {
            "jsonrpc": "2.0",
            "id": number,
            "method": "compute.image.getImageById",
            "params": {"imageId": image_id},
        }
        for number, image_id in enumerate(image_ids)
    ]
    answers = await bff.json(batch, x_auth_token=token_of("alice"))
    return [outcome(answered) for answered in answers]


async def assert_bob_sees_his_own(bff: Bff) -> None:
    """The next caller gets what is theirs."""
    listed = await bff.call("compute.image.listImages", x_auth_token=token_of("bob"))
    assert {image["owner"] for image in listed["result"]} == {USERS["bob"]}


@pytest.mark.parametrize("case", [*OF_ANY_SERVICE, *OF_GLANCE], ids=str)
async def test_a_fault_of_glance_costs_one_call_of_a_batch(
    start: Start, stage: Stage, case: Case
) -> None:
    bff = await start(upstream_timeout=case.patience)
    stage.glance.will(case.fault, lambda request: HIT in request.path, always=True)
    assert await show(bff, HIT, SPARED) == [case.expected, "ok"]
    await assert_bob_sees_his_own(bff)


@pytest.mark.parametrize("case", [*OF_ANY_SERVICE, *OF_KEYSTONE], ids=str)
async def test_a_fault_of_keystone_costs_one_caller(start: Start, stage: Stage, case: Case) -> None:
    bff = await start(upstream_timeout=case.patience)
    stage.keystone.will(case.fault, lambda request: request.user == "alice", always=True)
    assert await show(bff, HIT) == [case.expected]
    await assert_bob_sees_his_own(bff)
