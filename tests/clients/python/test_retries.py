"""What is tried again, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from polaris_bff import Retry
from tests.clients.python.conftest import New
from tests.clients.python.hostile import Hostile, answer, http, results
from tests.clients.python.test_calls import failure

QUERY, MUTATION = "compute.image.listImages", "compute.image.deleteImage"


def refusal(code: str, call: dict[str, Any], **data: Any) -> dict[str, Any]:
    error = {"code": 1, "message": "no", "data": {"code": code, **data}}
    return {"jsonrpc": "2.0", "id": call["id"], "error": error}


def all_well(calls: list[Any]) -> bytes:
    return answer(results(calls) if len(calls) > 1 else results(calls)[0])


TRANSIENT = {
    "the end": None,
    "a proxy without servers": http(b"no", "503 Service Unavailable"),
    "busy": lambda calls: answer(refusal("TOO_MANY_REQUESTS", calls[0])),
    "a service that failed": lambda calls: answer(refusal("BAD_GATEWAY", calls[0])),
}


@pytest.mark.parametrize("kind", TRANSIENT)
async def test_a_query_is_sent_again(new: New, hostile: Hostile, kind: str) -> None:
    hostile.answers = [TRANSIENT[kind], TRANSIENT[kind], all_well]
    assert await new(hostile.url).call(QUERY, limit=1) == {"limit": 1}
    assert len(hostile.requests) == 3


@pytest.mark.parametrize("kind", TRANSIENT)
async def test_a_mutation_is_not(new: New, hostile: Hostile, kind: str) -> None:
    hostile.answers = [TRANSIENT[kind], all_well]
    await failure(new(hostile.url).call(MUTATION))
    assert len(hostile.requests) == 1


@pytest.mark.parametrize("code", ["NOT_FOUND", "BAD_REQUEST", "INTERNAL_SERVER_ERROR"])
async def test_a_failure_that_stays_is_not_tried_again(
    new: New, hostile: Hostile, code: str
) -> None:
    hostile.answers = [lambda calls: answer(refusal(code, calls[0])), all_well]
    assert (await failure(new(hostile.url).call(QUERY))).code == code


async def test_it_is_tried_so_often_and_no_more(new: New, hostile: Hostile) -> None:
    hostile.answers = [None]
    client = new(hostile.url, retry=Retry(attempts=3, first=0))
    assert (await failure(client.call(QUERY))).code == "NETWORK_ERROR"
    assert len(hostile.requests) == 3


async def test_of_a_batch_only_the_queries_that_failed_are_sent_again(
    new: New, hostile: Hostile
) -> None:
    def partly(calls: list[Any]) -> bytes:
        busy = [refusal("SERVICE_UNAVAILABLE", call) for call in calls]
        return answer([results(calls)[0], *busy[1:]])

    hostile.answers = [partly, all_well]
    well, query, mutation = await new(hostile.url).batch(
        lambda batch: [batch.call(QUERY, n=1), batch.call(QUERY, n=2), batch.call(MUTATION, n=3)]
    )
    assert (well.result(), query.result()) == ({"n": 1}, {"n": 2})
    assert mutation.error.code == "SERVICE_UNAVAILABLE"
    assert [call["params"] for call in hostile.requests[1][1]] == [{"n": 2}]


@pytest.mark.parametrize("given", ["3600", "Fri, 01 Jan 2100 00:00:00 GMT"])
async def test_a_wait_longer_than_patience_fails_at_once(
    new: New, hostile: Hostile, given: str
) -> None:
    hostile.answers = [http(b"no", "503 Service Unavailable", retry_after=given)]
    error = await failure(new(hostile.url).call(QUERY))
    assert error.retry_after is not None
    assert error.retry_after >= 3600
    assert len(hostile.requests) == 1


@pytest.mark.parametrize("given", ["", "soon", "-1", "Fri, 01 Jan 1999 00:00:00 GMT", "\u0662"])
async def test_a_wait_that_is_none_is_none(new: New, hostile: Hostile, given: str) -> None:
    page = http(b"no", "503 Service Unavailable")
    odd = page.replace(b"\r\n\r\n", b"\r\nretry-after: %b\r\n\r\n" % given.encode())
    hostile.answers = [odd, all_well]
    assert await new(hostile.url).call(QUERY) == {}
