"""What measurements are made of, but for the measuring."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import pytest

from bench.dashboard import Way
from bench.profile import samples_of, table
from bench.speed import capacity, cases, page, plot, targets, upstream
from bench.speed.cases import BARE, MINI, OURS, only
from bench.speed.curves import Drawn, curves
from bench.speed.measure import Effort, Measured
from bench.speed.uploads import Uploads
from bench.speed.wrk import Spread, parsed
from bench.uploads import WAYS, Row

OUTPUT = """\
Running 2s test @ http://127.0.0.1:1
  1520 requests in 2.00s, 2.27MB read
RESULT 1552 1520 2000000 2280000 3 1500 9250
"""


def measured(case: str, server: str, cpu: float, memory: float = 80) -> Measured:
    one = Spread((1.0,))
    return Measured(
        case=cases.by_name()[case],
        server=server,
        per_second=one,
        p50=one,
        p99=one,
        cpu=Spread((cpu,)),
        memory=memory,
        size=1500,
        upstream=1.0,
        wrong=0,
    )


def test_what_wrk_prints_is_read() -> None:
    load = parsed(OUTPUT)
    assert (load.requests, load.per_second, load.failures) == (1520, 760.0, 3)
    assert (load.p50, load.p99, load.bytes_each) == (1.5, 9.25, 1500)
    assert load.work == 1536


@pytest.mark.parametrize("output", ["", "RESULT 32 0 2000000 0 0 0 0\n"])
def test_a_load_without_an_answer_is_no_measurement(output: str) -> None:
    with pytest.raises(ValueError, match="nothing"):
        parsed(output)


def test_a_figure_shows_how_far_it_spreads() -> None:
    assert f"{Spread((3.0, 1.0, 2.0)):.1f}" == "2.0 (1.0-3.0)"
    assert f"{Spread((3.0,)):.1f}" == "3.0"


def test_a_verdict_says_how_far_it_is() -> None:
    rows = [measured("get", OURS, 1.0, 120), measured("get", MINI, 1.0), measured("get", BARE, 0.6)]
    to_mini, to_bare, memory, upload = targets.verdicts(rows, 2.5)
    assert (to_mini.met, to_mini.found) == (False, 1.0)
    assert (to_bare.met, memory.met, upload.met) == (True, False, True)
    assert "not met: 2.0 times as much" in str(to_mini)


def test_what_was_not_measured_has_no_verdict() -> None:
    assert [str(found) for found in targets.verdicts([measured("get", MINI, 1.0)])] == []


def test_a_million_calls_a_minute_are_reckoned_from_a_call() -> None:
    found = capacity.capacity(measured("get", OURS, 0.6))
    assert found.cores == pytest.approx(10)
    assert found.processes == 15
    assert found.upstream == pytest.approx(16_667, abs=1)
    assert found.in_flight == pytest.approx(found.glance_cores / 15)


def test_a_batch_is_many_calls() -> None:
    row = measured("batch20", OURS, 12)
    assert row.cpu_per_call == pytest.approx(0.6)
    assert capacity.capacity(row).cores == pytest.approx(10)


@pytest.mark.parametrize(("most", "last"), [(0.9, 1), (97, 100), (1234, 1250), (3, 3), (0, 1)])
def test_an_axis_ends_at_a_round_value(most: float, last: float) -> None:
    found = plot.ticks(most)
    assert found[0] == 0
    assert found[-1] == pytest.approx(last)
    assert len(found) <= 7


def test_a_chart_is_an_image_with_every_series() -> None:
    series = {"a & b": [(1.0, 2.0), (100.0, 3.0)], "c": [(1.0, 2.0), (100.0, 3.1)]}
    root = ElementTree.fromstring(plot.chart("<title>", "x", "y", series))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"<title>", "a & b", "c"} <= set(texts)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == 2


def test_a_profile_is_counted_by_library_and_by_function() -> None:
    frames = [
        {"name": "main", "file": "/x/main.py"},
        {"name": "get", "file": "/v/site-packages/aiohttp/client.py"},
        {"name": "loads", "file": "/v/site-packages/orjson.py"},
    ]
    profile = {
        "shared": {"frames": frames},
        "profiles": [{"samples": [[0, 1], [0, 1, 2], [0], []]}],
    }
    samples = samples_of(profile)
    assert samples.own(lambda f: f.room) == {"aiohttp": 1, "orjson": 1, "python": 1}
    inclusive = samples.inclusive(str)
    assert inclusive == {"aiohttp/client.py get": 2, "orjson.py loads": 1}
    assert "| aiohttp/client.py get | 66.7% | 2.000 |" in list(table("f", inclusive, 3, 3.0, 5))


def test_servers_are_asked_the_same_in_their_own_words() -> None:
    case = only(cases.batch(3), OURS, MINI)
    ours, mini = (case.questions[server]()[0] for server in (OURS, MINI))
    assert len(json.loads(ours.body)) == 3
    assert mini.path.startswith("/trpc/getImageById,getImageById,getImageById?batch=1&input=")
    assert case.calls == 3


def test_the_page_shows_every_figure_of_a_run(tmp_path: Path) -> None:
    rows = [measured("get", OURS, 1.0, 120), replace(measured("get", MINI, 1.0), wrong=7)]
    curve = curves()[0]
    upload = Row(WAYS[0], 4.0, 2**31, whole=True, grown=1.0, cpu=3.5)
    found = page.Found(
        machine={"processor": "one of these"},
        effort=Effort(rounds=3, seconds=5, warm_up=4),
        main=[rows],
        ways=[[measured("get-cookie", OURS, 1.1)]],
        curves=[Drawn(curve, {1: rows, 20: rows})],
        uploads=Uploads({64: [upload], 2048: [upload]}),
        dashboard=[
            Way("one by one", Spread((90.0,)), 80, 8, 8),
            Way("batch", Spread((30.0,)), 80, 7, 1),
        ],
    )
    page.write(found, tmp_path)
    text = (tmp_path / "performance.md").read_text()
    assert "$" not in text
    for figure in ("7 wrong or failed", "one of these", "3.0 times as fast", "not met: 1.2 times"):
        assert figure in text
    for image in re.findall(r"\((performance/.*?)\)", text):
        assert ElementTree.parse(tmp_path / image)
    assert "performance/batch.svg" in text


class Transport:
    def __init__(self) -> None:
        self.sent = b""

    def write(self, data: bytes) -> None:
        self.sent += data


def answers_to(*pieces: bytes) -> bytes:
    transport = Transport()
    connection = upstream.Connection(upstream.Answers("http://127.0.0.1:1"))
    connection.connection_made(cast(asyncio.Transport, transport))
    for piece in pieces:
        connection.data_received(piece)
    return transport.sent


def body_of(answer: bytes) -> Any:
    return json.loads(answer.partition(b"\r\n\r\n")[2])


ID = "a85abd86-55b3-4d5b-b0b4-5d0a6e6042fc"
OTHER = "b85abd86-55b3-4d5b-b0b4-5d0a6e6042fc"


def test_the_stand_in_has_the_image_that_is_asked_for() -> None:
    answer = answers_to(f"GET /v2/images/{ID} HTT".encode(), b"P/1.1\r\nHost: x\r\n\r\n")
    assert body_of(answer) == upstream.image(ID)


@pytest.mark.parametrize(
    "query",
    [
        f"id=in:{ID},{OTHER}&visibility=all&limit=1000",
        f"visibility=all&limit=1000&id=in%3A{ID}%2C{OTHER}",
    ],
)
def test_the_stand_in_has_the_images_that_are_asked_for_together(query: str) -> None:
    target = f"/v2/images?{query}"
    page = body_of(answers_to(f"GET {target} HTTP/1.1\r\n\r\n".encode()))
    assert [image["id"] for image in page["images"]] == [ID, OTHER]


@pytest.mark.parametrize(("limit", "size"), [(25, 33_000), (1000, 1_300_000)])
def test_the_stand_ins_lists_are_as_large_as_real_ones(limit: int, size: int) -> None:
    answer = answers_to(f"GET /v2/images?limit={limit} HTTP/1.1\r\n\r\n".encode())
    assert len(body_of(answer)["images"]) == limit
    assert len(answer) == pytest.approx(size, rel=0.1)


@pytest.mark.parametrize(
    "pieces",
    [
        (b"Content-Length: 6\r\n\r\nabc", b"def"),
        (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"3\r\ndef\r\n0\r", b"\n\r\n"),
    ],
)
def test_the_stand_in_waits_for_a_whole_body(pieces: tuple[bytes, ...]) -> None:
    head = f"PUT /v2/images/{ID}/file HTTP/1.1\r\n".encode()
    assert answers_to(head + pieces[0], *pieces[1:-1]) == b""
    assert answers_to(head + pieces[0], *pieces[1:]).startswith(b"HTTP/1.1 204 ")


def test_the_stand_in_answers_requests_that_come_together() -> None:
    request = f"GET /v2/images/{ID} HTTP/1.1\r\n\r\n".encode()
    assert answers_to(request * 2).count(b"HTTP/1.1 200 OK") == 2
