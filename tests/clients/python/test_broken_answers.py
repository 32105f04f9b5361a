"""Answers that no BFF gives: each call ends, with its own answer or a clear error."""

from __future__ import annotations

import asyncio
import copy
import gzip
import io
import json
import pickle
import socket
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from typing import Any

import httpx
import pytest

from polaris_bff import BffError, Outcome, Retry
from polaris_bff.effects import Request
from polaris_bff.transport import Reader
from tests.clients.python.conftest import Caller, New
from tests.clients.python.hostile import Answer, Hostile, answer, http, results
from tests.clients.python.test_calls import failure

MUTATION = "compute.image.deleteImage"
TOKEN = "token-5f0c1c1e-0000-4000-8000-000000000000"


async def two(client: Caller) -> list[Outcome[Any]]:
    """Make two calls in a batch; return their outcomes."""
    done: list[Outcome[Any]] = await client.batch(
        lambda batch: [batch.call(MUTATION, n=1), batch.call(MUTATION, n=2)]
    )
    return done


def kinds(outcomes: list[Outcome[Any]]) -> list[Any]:
    return [each.error.code if each.error else each.result() for each in outcomes]


PAGE = b"<html><body>bad gateway</body></html>"
ONE_CALL: dict[str, tuple[Answer, str]] = {
    "no JSON": (http(b"hello"), "BAD_RESPONSE"),
    "nothing": (http(b""), "BAD_RESPONSE"),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", "BAD_RESPONSE"),
    "no UTF-8": (http(b'"\xff"'), "BAD_RESPONSE"),
    "deep": (http(b"[" * 100_000), "BAD_RESPONSE"),
    "a huge number": (http(b"9" * 10_000), "BAD_RESPONSE"),
    "an empty array": (answer([]), "BAD_RESPONSE"),
    "an array of nonsense": (answer([1, None, "a", [], {}]), "BAD_RESPONSE"),
    "a number": (answer(1), "BAD_RESPONSE"),
    "a wrong id": (answer({"result": 1, "id": 999}), "BAD_RESPONSE"),
    "no id": (answer({"result": 1}), "BAD_RESPONSE"),
    "a text as id": (
        lambda calls: answer({"result": 1, "id": str(calls[0]["id"])}),
        "BAD_RESPONSE",
    ),
    "true as id": (answer({"result": 1, "id": True}), "BAD_RESPONSE"),
    "a fraction as id": (answer({"result": 1, "id": 1.0}), "BAD_RESPONSE"),
    "neither": (lambda calls: answer({"id": calls[0]["id"]}), "BAD_RESPONSE"),
    "both": (
        lambda calls: answer({"id": calls[0]["id"], "result": 1, "error": {}}),
        "BAD_RESPONSE",
    ),
    "an odd error": (lambda calls: answer({"id": calls[0]["id"], "error": "no"}), "BAD_RESPONSE"),
    "an error without data": (
        lambda calls: answer({"id": calls[0]["id"], "error": {"code": 1, "message": "no"}}),
        "BAD_RESPONSE",
    ),
    "a proxy's page": (http(PAGE, "502 Bad Gateway"), "BAD_GATEWAY"),
    "another proxy's page": (http(PAGE, "418 Teapot"), "BAD_RESPONSE"),
    "a redirect": (http(b"", "302 Found", location="/other"), "BAD_RESPONSE"),
    "the end": (None, "NETWORK_ERROR"),
    "no HTTP": (b"220 mail.example ESMTP\r\n\r\n", "NETWORK_ERROR"),
    "broken gzip": (http(b"xx", content_encoding="gzip"), "BAD_RESPONSE"),
    "half of it": (http(gzip.compress(b"[]")[:-4], content_encoding="gzip"), "BAD_RESPONSE"),
    "nothing of it": (http(b"", content_encoding="gzip"), "BAD_RESPONSE"),
    "gzip, and more": (http(gzip.compress(b"[]") * 2, content_encoding="gzip"), "BAD_RESPONSE"),
    "gzip in gzip": (http(gzip.compress(b"[]"), content_encoding="gzip, gzip"), "BAD_RESPONSE"),
    "another coding": (http(b"xx", content_encoding="zstd"), "BAD_RESPONSE"),
}


@pytest.mark.parametrize("kind", ONE_CALL)
async def test_a_broken_answer_is_a_clear_error(new: New, hostile: Hostile, kind: str) -> None:
    give, code = ONE_CALL[kind]
    hostile.answers = [give]
    error = await failure(new(hostile.url, token=TOKEN).call(MUTATION))
    assert error.code == code
    assert error.request_id or error.status
    assert error.message
    assert TOKEN not in repr(error) + str(error)
    assert len(hostile.requests) == 1


BATCHES: dict[str, tuple[Callable[[list[Any]], list[Any]], list[Any]]] = {
    "in another order": (lambda given: given[::-1], [{"n": 1}, {"n": 2}]),
    "one is missing": (lambda given: given[1:], ["BAD_RESPONSE", {"n": 2}]),
    "one comes twice": (lambda given: [*given, given[0]], ["BAD_RESPONSE", {"n": 2}]),
    "one is nonsense": (lambda given: ["x", given[1]], ["BAD_RESPONSE", {"n": 2}]),
    "one too many": (lambda given: [*given, {"result": 3, "id": 77}], [{"n": 1}, {"n": 2}]),
    "one has no outcome": (
        lambda given: [{"id": given[0]["id"]}, given[1]],
        ["BAD_RESPONSE", {"n": 2}],
    ),
}


@pytest.mark.parametrize("kind", BATCHES)
async def test_a_broken_batch_keeps_the_answers_that_are_whole(
    new: New, hostile: Hostile, kind: str
) -> None:
    change, expected = BATCHES[kind]
    hostile.answers = [lambda calls: answer(change(results(calls)))]
    assert kinds(await two(new(hostile.url))) == expected


async def test_one_answer_to_a_batch_answers_its_call(new: New, hostile: Hostile) -> None:
    hostile.answers = [lambda calls: answer(results(calls)[0])]
    assert kinds(await two(new(hostile.url))) == [{"n": 1}, "BAD_RESPONSE"]


async def test_of_a_batch_in_several_requests_one_that_fails_costs_its_own_calls_alone(
    new: New, hostile: Hostile
) -> None:
    hostile.answers = [None, lambda calls: answer(results(calls)[0])]
    outcomes = await two(new(hostile.url, max_batch=1))
    assert kinds(outcomes) == ["NETWORK_ERROR", {"n": 2}]


async def test_an_answer_that_is_cut_in_the_middle_is_no_answer(new: New, hostile: Hostile) -> None:
    hostile.answers = [http(b"{").replace(b"length: 1", b"length: 100")]
    hostile.ends = True
    assert (await failure(new(hostile.url).call(MUTATION))).code == "NETWORK_ERROR"


@pytest.mark.parametrize("declared", [True, False])
async def test_an_answer_without_end_is_read_to_the_limit_alone(
    new: New, hostile: Hostile, declared: bool
) -> None:
    size = 1024**3
    body = b"x" * (256 * 1024)
    whole = http(body).replace(str(len(body)).encode(), str(size).encode(), 1)
    chunked = http(b"", transfer_encoding="chunked").replace(b"content-length: 0\r\n", b"")
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(body), body) for _ in range(8))
    hostile.answers = [whole if declared else chunked + chunks]
    error = await failure(new(hostile.url, max_answer=1024 * 1024).call(MUTATION))
    assert error.code == "BAD_RESPONSE"
    assert "max_answer" in error.message


async def test_a_small_answer_that_unpacks_into_a_large_one_is_not_unpacked(
    new: New, hostile: Hostile
) -> None:
    packed = gzip.compress(b" " * 10_000_000)
    hostile.answers = [http(packed, content_encoding="gzip")]
    error = await failure(new(hostile.url, max_answer=1024 * 1024).call(MUTATION))
    assert error.code == "BAD_RESPONSE"
    assert "max_answer" in error.message
    reader = Reader(
        Request("http://127.0.0.1/", {}, b"", limit=100_000, timeout=60),
        httpx.Response(200, headers={"content-encoding": "gzip"}),
    )
    tracemalloc.start()
    with pytest.raises(BffError, match="more than 100000 bytes"):
        reader.add(packed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize("coding", ["gzip", "X-GZIP", "identity"])
async def test_an_answer_may_be_in_gzip(new: New, hostile: Hostile, coding: str) -> None:
    def packed(calls: list[Any]) -> bytes:
        text = json.dumps(results(calls)[0]).encode()
        body = text if coding == "identity" else gzip.compress(text)
        return http(body, content_encoding=coding)

    hostile.answers = [packed]
    assert await new(hostile.url).call(MUTATION, n="x" * 1000) == {"n": "x" * 1000}
    assert hostile.requests[0][0]["accept-encoding"] == "gzip"


async def test_the_limit_of_an_answer_can_be_raised(new: New, hostile: Hostile) -> None:
    hostile.answers = [lambda calls: answer(results(calls)[0])]
    large = "x" * 2000
    error = await failure(new(hostile.url, max_answer=1000).call(MUTATION, n=large))
    assert error.code == "BAD_RESPONSE"
    assert await new(hostile.url, max_answer=4000).call(MUTATION, n=large) == {"n": large}


async def test_a_server_that_repeats_the_token_is_not_repeated(new: New, hostile: Hostile) -> None:
    def echo(calls: list[Any]) -> bytes:
        data = {"code": "FORBIDDEN", "header": TOKEN}
        error = {"code": 1, "message": f"not with {TOKEN}", "data": data}
        return answer({"id": calls[0]["id"], "error": error})

    hostile.answers = [echo]
    error = await failure(new(hostile.url, token=TOKEN).call(MUTATION))
    assert error.message == "not with ***"
    assert TOKEN not in json.dumps(dict(error.data))


async def test_a_token_that_may_be_part_of_any_word_changes_no_answer(
    new: New, hostile: Hostile
) -> None:
    hostile.answers = [lambda calls: answer({"id": calls[0]["id"], "result": "a test"})]
    assert await new(hostile.url, token="t").call(MUTATION) == "a test"


async def test_nobody_listens(new: New) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    error = await failure(new(f"http://127.0.0.1:{port}/polaris-bff", token=TOKEN).call(MUTATION))
    assert (error.code, error.status) == ("NETWORK_ERROR", None)


async def test_a_server_that_says_nothing_is_given_up(
    new: New, hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polaris_bff.transport._GRACE", 0.05)
    hostile.answers = [b""]
    error = await failure(new(hostile.url, timeout=0.05).call(MUTATION))
    assert error.code == "TIMEOUT"


@asynccontextmanager
async def dripping() -> AsyncIterator[str]:
    """Serve answers whose first header does not end; yields the address."""
    ended = asyncio.Event()

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nx: ")
        with suppress(ConnectionError), closing(writer):
            while not ended.is_set():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/b"
        ended.set()


async def test_headers_that_come_byte_by_byte_are_given_up(
    new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polaris_bff.transport._GRACE", 0.05)
    async with dripping() as url:
        error = await failure(new(url, timeout=0.2).call(MUTATION))
    assert error.code == "TIMEOUT"


async def test_headers_behind_an_upload_that_come_byte_by_byte_are_given_up(
    new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polaris_bff.transport._GRACE", 0.05)
    monkeypatch.setattr("polaris_bff.upload._PATIENCE", 0.2)
    async with dripping() as url:
        upload = new(url, timeout=0.2).do(lambda client: client.upload("x", io.BytesIO(b"data")))
        error = await failure(upload)
    assert error.code == "TIMEOUT"


def test_an_answer_that_does_not_come_to_an_end_is_given_up() -> None:
    late = Request("http://127.0.0.1/", {}, b"", limit=100, timeout=-60)
    reader = Reader(late, httpx.Response(200))
    with pytest.raises(BffError, match="TIMEOUT"):
        reader.add(b"x")


@pytest.mark.parametrize(
    ("given", "read"), [("a", None), (True, None), (-1, 0.0), (1.5, 1.5), (float("inf"), None)]
)
def test_a_wait_that_is_none_is_not_believed(given: Any, read: Any) -> None:
    assert BffError("X", "x", data={"retryAfter": given}).retry_after == read


@pytest.mark.parametrize(("given", "read"), [("a", []), ([{"path": []}], [{"path": []}])])
def test_issues_that_are_none_are_not_believed(given: Any, read: Any) -> None:
    assert BffError("X", "x", data={"issues": given}).issues == read


@pytest.mark.parametrize("duplicate", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_can_be_copied_to_another_process(duplicate: Any) -> None:
    error = BffError("X", "words", data={"a": 1}, status=404, request_id="req-1")
    again = duplicate(error)
    assert vars(again) == vars(error)


def test_a_retry_that_the_server_puts_off_too_long_is_none() -> None:
    retry = Retry(attempts=3, patience=10)
    assert retry.delay(BffError("SERVICE_UNAVAILABLE", "", data={"retryAfter": 11}), 1) is None
    told = retry.delay(BffError("SERVICE_UNAVAILABLE", "", data={"retryAfter": 9}), 1)
    assert told is not None
    assert 9 <= told <= 9.5
    assert retry.delay(BffError("SERVICE_UNAVAILABLE", ""), 3) is None
    assert retry.delay(BffError("NOT_FOUND", ""), 1) is None
