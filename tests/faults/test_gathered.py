"""A list that asks for the images of a batch fails in any way: each is answered all the same."""

from __future__ import annotations

import pytest

from tests.bff.conftest import Start
from tests.faults.cases import OF_ANY_SERVICE, OF_GLANCE, Case
from tests.faults.reads import bobs, show
from tests.faults.services import Request, image_id_of
from tests.faults.stage import Stage

IMAGES = tuple(image_id_of("alice", number) for number in range(2, 7))


def is_list(request: Request) -> bool:
    """Return whether several images are asked for."""
    return "?id=in:" in request.path


@pytest.mark.parametrize("case", [*OF_ANY_SERVICE, *OF_GLANCE], ids=str)
async def test_a_list_that_fails_costs_nobody_an_answer(
    case: Case, start: Start, stage: Stage
) -> None:
    bff = await start(upstream_timeout=case.patience)
    stage.glance.will(case.fault, is_list, always=True)
    assert await show(bff, *IMAGES) == ["ok"] * len(IMAGES)
    assert sum(map(is_list, stage.glance.requests)) == case.sent
    alone = [request for request in stage.glance.requests if not is_list(request)]
    assert len(alone) == (0 if case.expected == "ok" else len(IMAGES))
    assert await bobs(bff) == "ok"


async def test_without_a_fault_the_list_is_all(start: Start, stage: Stage) -> None:
    bff = await start()
    assert await show(bff, *IMAGES) == ["ok"] * len(IMAGES)
    assert [is_list(request) for request in stage.glance.requests] == [True]
