"""What Prometheus is told, and what it is not: names, labels, and how calls and uploads end."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from bff.errors import BffError, Code
from bff.rpc.registry import query
from bff.server import sampler
from bff.server.exposition import metrics_served
from bff.server.metrics import METRICS, Metrics
from bff.server.sampler import Reading, Sampler, readings_of_calls, readings_of_policy, sampling
from bff.session.context import PublicContext
from bff.settings import Settings
from schemas.base import Input
from tests.bff.conftest import Bff, Start
from tests.fakes.openstack import PASSWORD, FakeOpenStack, image
from tests.process import SECONDS

# What dashboards and alerts are made of.
NAMES = {
    "bff_info": ["version"],
    "bff_calls_total": ["procedure", "code"],
    "bff_call_seconds": ["procedure"],
    "bff_calls_in_flight": [],
    "bff_calls_waiting": [],
    "bff_calls_shed_total": ["reason"],
    "bff_upstream_requests_total": ["service", "status"],
    "bff_upstream_seconds": ["service"],
    "bff_upstream_in_flight": ["service"],
    "bff_upstream_waiting": ["service"],
    "bff_upstream_shed_total": ["service", "reason"],
    "bff_upstream_retries_total": ["service"],
    "bff_upstream_breaker_open": ["service"],
    "bff_sessions": [],
    "bff_sign_ins_total": ["outcome"],
    "bff_uploads_total": ["code"],
    "bff_upload_bytes_total": [],
    "bff_uploads_in_flight": [],
    "bff_spool_bytes": [],
    "bff_progress_watchers": [],
    "bff_event_loop_lag_seconds": [],
    "bff_worker_restarts_total": [],
}
LIST, SIGN_IN = "compute.image.listImages", "auth.createUserSession"
HOSTILE = ["", "x" * 300, 'a"b\nc', "bff_calls_total{}", "rpc.x", "\u2028é", "canary", "__proto__"]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def samples(text: str) -> dict[str, float]:
    """Return every series of an exposition, as ``name{label="value"}``."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


class Measured(Bff):
    """A BFF with metrics, and the way to read them."""

    port: int

    async def exposition(self, **headers: str) -> str:
        address = f"http://127.0.0.1:{self.port}/metrics"
        return await (await self.request("GET", address, headers=headers)).text()

    async def value(self, series: str) -> float:
        # To take all of it apart takes 20 ms, each time that one is looked for.
        name = series.partition("{")[0]
        lines = (await self.exposition()).splitlines(keepends=True)
        return samples("".join(line for line in lines if line.startswith(name))).get(series, 0)

    async def until(self, series: str, *wanted: float) -> None:
        """Wait until a value that is read twice a second is one of these."""
        deadline = time.monotonic() + SECONDS
        while (value := await self.value(series)) not in wanted:
            assert time.monotonic() < deadline, value
            await asyncio.sleep(0.05)


async def outcome_of(ctx: PublicContext, params: Input) -> bool:
    """Fail."""
    raise BffError(Code.CONFLICT, "As it must.")


async def bug_of(ctx: PublicContext, params: Input) -> bool:
    """Fail in a way that nobody foresaw."""
    raise ValueError("canary")


@pytest.fixture
async def bff(start: Start) -> Measured:
    port = free_port()
    more = (query("t.conflict", outcome_of), query("t.bug", bug_of))
    made = await start(*more, metrics_address=f"127.0.0.1:{port}", max_batch=2)
    measured = Measured(made.origin, made.client)
    measured.port = port
    return measured


def made(*procedures: str) -> Metrics:
    return Metrics("1.2.3", procedures)


def values(metrics: Metrics) -> dict[str, float]:
    return samples(generate_latest(metrics.registry).decode())


def test_the_table_has_every_metric_with_its_labels() -> None:
    assert {name: list(metric.labels) for name, metric in METRICS.items()} == NAMES


@pytest.mark.parametrize("name", NAMES)
async def test_every_metric_is_there_before_anything_happens(name: str) -> None:
    found = values(made(SIGN_IN))
    series = name if METRICS[name].kind != "histogram" else f"{name}_count"
    mine = [each for each in found if each.partition("{")[0] == series]
    assert mine
    assert [found[each] for each in mine if name != "bff_info"] == [0] * (
        len(mine) - (name == "bff_info")
    )
    labels = re.findall(r'(\w+)="', mine[0])
    assert labels == sorted(NAMES[name])


def test_a_counter_says_so_in_its_name() -> None:
    for name, metric in METRICS.items():
        assert name.endswith("_total") == (metric.kind == "counter"), name


async def test_calls_are_counted_by_procedure_and_code(
    bff: Measured, openstack: FakeOpenStack
) -> None:
    token = openstack.new_token()
    await bff.call(LIST, X_Auth_Token=token)
    await bff.call(LIST, {"limit": "x"}, X_Auth_Token=token)
    await bff.call(LIST)
    await bff.call("t.conflict")
    await bff.call("t.conflict", X_BFF_Errors="soft")
    await bff.call("t.bug", X_BFF_Errors="soft")
    await bff.call("rpc.discover")
    found = samples(await bff.exposition())
    counted = {
        (LIST, "OK"): 1,
        (LIST, "BAD_REQUEST"): 1,
        (LIST, "UNAUTHORIZED"): 1,
        ("t.conflict", "CONFLICT"): 2,
        ("t.conflict", "OK"): 0,
        ("t.bug", "INTERNAL_SERVER_ERROR"): 1,
        ("rpc.discover", "OK"): 1,
    }
    for (procedure, code), count in counted.items():
        assert found[f'bff_calls_total{{code="{code}",procedure="{procedure}"}}'] == count
    assert found[f'bff_call_seconds_count{{procedure="{LIST}"}}'] == 3
    assert found[f'bff_call_seconds_bucket{{le="60.0",procedure="{LIST}"}}'] == 3


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "PARSE_ERROR"),
        (b"[]", "BAD_REQUEST"),
        (b"1", "BAD_REQUEST"),
        (b"[1]", "BAD_REQUEST"),
        (b"[1,1,1]", "BAD_REQUEST"),
        (b'{"jsonrpc":"2.0","id":1,"method":"canary"}', "NOT_FOUND"),
        (b'{"jsonrpc":"2.0","method":"canary"}', "NOT_FOUND"),
        (b"\xef\xbb\xbf{}", "PARSE_ERROR"),
    ],
)
async def test_what_did_not_become_a_call_is_counted(body: bytes, code: str, bff: Measured) -> None:
    series = f'bff_calls_total{{code="{code}",procedure="unknown"}}'
    await bff.post(body)
    assert await bff.value(series) == 1


@pytest.mark.parametrize(
    ("method", "headers", "code"),
    [
        ("GET", {}, "METHOD_NOT_SUPPORTED"),
        ("POST", {"content-type": "text/plain"}, "UNSUPPORTED_MEDIA_TYPE"),
        (
            "POST",
            {"content-type": "application/json", "content-encoding": "gzip"},
            "UNSUPPORTED_MEDIA_TYPE",
        ),
    ],
)
async def test_what_was_refused_for_its_head_is_counted(
    method: str, headers: dict[str, str], code: str, bff: Measured
) -> None:
    await bff.request(method, bff.url, headers=headers)
    assert await bff.value(f'bff_calls_total{{code="{code}",procedure="unknown"}}') == 1


async def test_no_name_of_a_client_is_a_label(bff: Measured) -> None:
    await bff.call("nobody.knows")
    before = await bff.exposition()
    for name in HOSTILE:
        await bff.call(name)
        await bff.json({"jsonrpc": "2.0", "id": name, "method": 1, name: name})
        await bff.request("POST", f"{bff.origin}/{name.encode().hex()}")
        await bff.request(
            "POST", f"{bff.origin}/polaris-bff/upload-image", params={"imageId": name}
        )
    after = await bff.exposition()
    assert "canary" not in after
    new = samples(after).keys() - samples(before).keys()
    assert {series.partition("{")[0] for series in new} <= {"bff_calls_total", "bff_uploads_total"}
    assert len(new) <= 4
    assert await bff.value('bff_calls_total{code="NOT_FOUND",procedure="unknown"}') == 1 + len(
        HOSTILE
    )


@pytest.mark.parametrize(
    ("password", "refused", "outcome"),
    [
        (PASSWORD, None, "ok"),
        ("wrong", None, "wrong"),
        (5, None, "wrong"),
        (PASSWORD, 429, "limited"),
        (PASSWORD, 503, "failed"),
        (PASSWORD, 500, "failed"),
    ],
)
async def test_sign_ins_are_counted_by_their_outcome(
    password: Any, refused: int | None, outcome: str, bff: Measured, openstack: FakeOpenStack
) -> None:
    if refused is not None:
        openstack.refused["POST /v3/auth/tokens"] = refused
    await bff.call(SIGN_IN, {"user": "alice", "password": password, "projectName": "demo"})
    found = samples(await bff.exposition())
    outcomes = {
        o: found[f'bff_sign_ins_total{{outcome="{o}"}}']
        for o in ("ok", "wrong", "limited", "failed")
    }
    assert outcomes == {**dict.fromkeys(outcomes, 0), outcome: 1}


async def test_a_call_is_in_flight_until_it_ends(bff: Measured, openstack: FakeOpenStack) -> None:
    openstack.gate = asyncio.Event()
    calls = [
        asyncio.create_task(bff.call(LIST, X_Auth_Token=openstack.new_token())) for _ in range(2)
    ]
    await bff.until("bff_calls_in_flight", 2)
    openstack.gate.set()
    await asyncio.gather(*calls)
    await bff.until("bff_calls_in_flight", 0)
    await bff.until("bff_sessions", 2)


async def test_a_call_whose_client_goes_away_is_no_longer_in_flight(
    bff: Measured, openstack: FakeOpenStack
) -> None:
    openstack.gate = asyncio.Event()
    call = asyncio.create_task(bff.call(LIST, X_Auth_Token=openstack.new_token()))
    await bff.until("bff_calls_in_flight", 1)
    call.cancel()
    await openstack.cancelled.acquire()
    await bff.until("bff_calls_in_flight", 0)
    assert (
        await bff.value(f'bff_calls_total{{code="CLIENT_CLOSED_REQUEST",procedure="{LIST}"}}') == 1
    )


async def test_uploads_are_counted_with_their_bytes(
    bff: Measured, openstack: FakeOpenStack
) -> None:
    waiting = image(status="queued")
    openstack.images.append(waiting)
    token, data = openstack.new_token(), b"x" * 1000
    goes_on = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield data[:400]
        await goes_on.wait()
        yield data[400:]

    address = f"{bff.origin}/polaris-bff/upload-image"
    headers = {
        "X-Auth-Token": token,
        "Content-Type": "application/octet-stream",
        "X-Image-Id": waiting["id"],
    }
    uploading = asyncio.create_task(bff.request("POST", address, data=body(), headers=headers))
    await bff.until("bff_uploads_in_flight", 1)
    await bff.until("bff_upload_bytes_total", 400)
    goes_on.set()
    assert (await uploading).status == 200
    await bff.until("bff_upload_bytes_total", 1000)
    await bff.until("bff_uploads_in_flight", 0)
    assert (await bff.request("POST", address, data=data, headers=headers)).status == 409
    found = samples(await bff.exposition())
    assert found['bff_uploads_total{code="OK"}'] == 1
    assert found['bff_uploads_total{code="CONFLICT"}'] == 1


async def test_what_waits_on_disk_is_shown(bff: Measured, openstack: FakeOpenStack) -> None:
    goes_on = asyncio.Event()

    async def form() -> AsyncIterator[bytes]:
        yield (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + b"x" * 500
        )
        await goes_on.wait()

    headers = {
        "X-Auth-Token": openstack.new_token(),
        "Content-Type": "multipart/form-data; boundary=b",
    }
    address = f"{bff.origin}/polaris-bff/upload-image"
    uploading = asyncio.create_task(bff.request("POST", address, data=form(), headers=headers))
    # The last bytes may yet be the closing boundary's.
    await bff.until("bff_spool_bytes", *range(1, 501))
    goes_on.set()
    assert (await uploading).status == 400
    await bff.until("bff_spool_bytes", 0)


async def test_who_watches_progress_is_counted(bff: Measured, openstack: FakeOpenStack) -> None:
    waiting = image(status="queued")
    openstack.images.append(waiting)
    address = f"{bff.origin}/polaris-bff/upload-progress/{waiting['id']}"
    async with bff.client.get(address, headers={"X-Auth-Token": openstack.new_token()}) as stream:
        assert stream.status == 200
        await bff.until("bff_progress_watchers", 1)
    await bff.until("bff_progress_watchers", 0)


async def test_no_secret_is_in_the_metrics(bff: Measured, openstack: FakeOpenStack) -> None:
    signed_in = await bff.post(
        b'{"jsonrpc":"2.0","id":1,"method":"auth.createUserSession","params":{"user":"alice",'
        b'"password":"%s","projectName":"demo"}}' % PASSWORD.encode()
    )
    cookie = signed_in.headers["Set-Cookie"].partition(";")[0]
    token = openstack.new_token()
    await bff.call(LIST, Cookie=cookie, Origin=bff.origin)
    await bff.call(LIST, X_Auth_Token=token)
    await bff.call("canary")
    await bff.call(LIST, {"name": token}, X_Auth_Token="canary")
    told = await bff.exposition()
    assert samples(told)[f'bff_calls_total{{code="OK",procedure="{LIST}"}}'] == 2
    secrets = [
        token,
        PASSWORD,
        cookie.partition("=")[2],
        "canary",
        "alice",
        "d" * 32,
        *openstack.tokens,
    ]
    assert not [secret for secret in secrets if secret in told]


@pytest.mark.parametrize("path", ["/metrics", "/polaris-bff/metrics", "/metrics/", "//metrics"])
async def test_the_public_port_has_no_metrics(path: str, bff: Measured) -> None:
    assert (await bff.request("GET", f"{bff.origin}{path}")).status == 404


async def test_the_metrics_address_has_nothing_else(bff: Measured) -> None:
    at = f"http://127.0.0.1:{bff.port}"
    for path in ("/", "/metrics/", "/healthz", "/favicon.ico", "/polaris-bff/rpc", "/metrics%2f"):
        assert (await bff.request("GET", f"{at}{path}")).status == 404, path
    assert (await bff.request("POST", f"{at}/metrics", data=b"x")).status == 405


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/plain", "text/plain"),
        ("application/openmetrics-text", "application/openmetrics-text"),
    ],
)
async def test_the_form_is_the_one_that_was_asked_for(
    accept: str, media_type: str, bff: Measured
) -> None:
    address = f"http://127.0.0.1:{bff.port}/metrics"
    response = await bff.request("GET", address, headers={"Accept": accept})
    assert response.content_type == media_type
    assert "bff_calls_total" in await response.text()


async def test_without_an_address_nothing_is_counted(
    start: Start, openstack: FakeOpenStack
) -> None:
    plain: Bff = await start()
    assert "result" in await plain.call(LIST, X_Auth_Token=openstack.new_token())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
async def test_an_address_of_any_family_is_listened_at(
    host: str, client: aiohttp.ClientSession
) -> None:
    port = free_port()
    shown = f"[{host}]" if ":" in host else host
    with metrics_served(made().registry, host, port):
        async with client.get(f"http://{shown}:{port}/metrics") as response:
            assert response.status == 200
        with pytest.raises(OSError, match="in use"), metrics_served(made().registry, host, port):
            pass


async def test_who_says_nothing_keeps_nobody_waiting(bff: Measured) -> None:
    with socket.create_connection(("127.0.0.1", bff.port)):
        assert "bff_info" in await bff.exposition()


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("[::1]:1", ("::1", 1)),
        ("[::]:65535", ("::", 65535)),
        ("metrics.example:9464", ("metrics.example", 9464)),
        ("0.0.0.0:9464", ("0.0.0.0", 9464)),
    ],
)
def test_an_address_is_a_host_and_a_port(address: str, found: tuple[str, int]) -> None:
    settings = Settings(auth_url="http://k/v3", metrics_address=address)
    assert settings.metrics_host_and_port == found


@pytest.mark.parametrize(
    "address",
    [
        "9464",
        ":9464",
        "127.0.0.1",
        "::1:9464",
        "[::1]",
        "a:0",
        "a:65536",
        "a:b",
        "http://a:1",
        "a:1/",
        "a b:1",
        "a:1\n",
    ],
)
def test_any_other_address_stops_the_start(address: str) -> None:
    with pytest.raises(ValidationError, match="must be a host and a port"):
        Settings(auth_url="http://k/v3", metrics_address=address)


@pytest.mark.parametrize(
    ("status", "label"),
    [
        *((each, each) for each in ("200", "404", "503", "100", "599")),
        *((each, each) for each in ("timeout", "unreachable", "broken", "ended")),
        *(
            (each, "other")
            for each in ("600", "999", "", "20", "2000", "²00", "٢٠٠", "canary", "99")
        ),
    ],
)
def test_requests_to_services_are_counted_by_status(status: str, label: str) -> None:
    metrics = made()
    metrics.upstream("glance")(status, 0.3)
    found = values(metrics)
    count = found[f'bff_upstream_requests_total{{service="glance",status="{label}"}}']
    assert count == 1
    assert found['bff_upstream_seconds_count{service="glance"}'] == 1
    assert found['bff_upstream_seconds_bucket{le="0.25",service="glance"}'] == 0
    assert found['bff_upstream_seconds_count{service="keystone"}'] == 0


def policy() -> Any:
    """Return what a policy shows of itself."""
    shed = Counter({"queue": 3, "breaker": 4})
    slots = SimpleNamespace(in_use=1, waiting=2, shed=shed)
    return SimpleNamespace(
        slots=slots,
        shed=shed,
        retries=SimpleNamespace(spent=5),
        breaker=SimpleNamespace(is_open=True),
    )


def test_a_policy_is_read() -> None:
    metrics, read = made(), policy()
    sampler = Sampler(
        metrics, [*readings_of_policy("glance", read), *readings_of_calls(read.slots)]
    )
    sampler.sample()
    read.shed["queue"] += 1
    sampler.sample()
    found = values(metrics)
    assert {name: value for name, value in found.items() if value and "info" not in name} == {
        'bff_upstream_in_flight{service="glance"}': 1,
        'bff_upstream_waiting{service="glance"}': 2,
        'bff_upstream_shed_total{reason="queue",service="glance"}': 4,
        'bff_upstream_shed_total{reason="breaker",service="glance"}': 4,
        'bff_upstream_retries_total{service="glance"}': 5,
        'bff_upstream_breaker_open{service="glance"}': 1,
        "bff_calls_waiting": 2,
        'bff_calls_shed_total{reason="queue"}': 4,
    }


def test_a_total_that_falls_is_not_taken_for_more() -> None:
    metrics = made()
    for total in (5, 3, 5, 6):
        metrics.set("bff_upload_bytes_total", (), total)
    assert values(metrics)["bff_upload_bytes_total"] == 6


def test_a_reading_that_fails_is_told_and_ends_nothing(logged: list[Any]) -> None:
    metrics, broken = made(), iter(())
    sampler = Sampler(
        metrics,
        [Reading("bff_sessions", lambda: 2), Reading("bff_spool_bytes", lambda: next(broken))],
    )
    sampler.sample()
    assert values(metrics)["bff_sessions"] == 2
    assert [line["event"] for line in logged] == ["the metrics could not be read"]


def test_the_longest_lag_is_shown_for_half_a_minute() -> None:
    metrics = made()
    sampler = Sampler(metrics, [])
    for lag in (0.2, 3.0, -0.1, *[0.1] * 57):
        sampler.note_lag(lag)
    assert values(metrics)["bff_event_loop_lag_seconds"] == 3.0
    for _ in range(2):
        sampler.note_lag(0.1)
    assert values(metrics)["bff_event_loop_lag_seconds"] == 0.1


async def test_a_loop_that_is_held_up_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "INTERVAL_SECONDS", 0.01)
    metrics, read = made(), asyncio.Event()
    late = Reading("bff_sessions", lambda: read.set() or 1)  # type: ignore[func-returns-value]
    loop = asyncio.get_running_loop()
    async with sampling(metrics, [late]):
        await asyncio.sleep(0)
        end = loop.time() + 0.1
        while loop.time() < end:
            pass
        await read.wait()
    assert values(metrics)["bff_event_loop_lag_seconds"] >= 0.05


async def test_the_last_values_are_read_at_the_end() -> None:
    metrics = made()
    async with sampling(metrics, [Reading("bff_upload_bytes_total", lambda: 7)]):
        pass
    assert values(metrics)["bff_upload_bytes_total"] == 7
