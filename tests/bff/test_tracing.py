"""Traces: whose child each span is, what goes on to the services, and what is in no span."""

from __future__ import annotations

import asyncio
import logging
import sys
import uuid
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from pydantic import ValidationError

import procedures
from bff import tracing
from bff.app import create_app
from bff.openstack.tracer import route_of
from bff.rpc.registry import Registry
from bff.settings import Settings, explain
from bff.tracing import Tracing
from tests.bff.conftest import Bff
from tests.conftest import Serve, served
from tests.fakes.openstack import BREAK, PASSWORD, FakeOpenStack, image
from tests.process import finished

RPC = "POST /polaris-bff/rpc"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SECONDS = 30
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


class Spans(InMemorySpanExporter):
    """The spans that have ended; a request's own ends after its answer was sent."""

    def __init__(self) -> None:
        super().__init__()
        self._ended = asyncio.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        self._ended.set()
        return result

    async def until_answered(self) -> dict[str, list[ReadableSpan]]:
        """Return all spans by their names, as soon as a request's own has ended."""
        async with asyncio.timeout(SECONDS):
            while all(span.kind is not SpanKind.SERVER for span in self.get_finished_spans()):
                self._ended.clear()
                await self._ended.wait()
        found: dict[str, list[ReadableSpan]] = {}
        for span in self.get_finished_spans():
            found.setdefault(span.name, []).append(span)
        self.clear()
        return found


@pytest.fixture
def spans() -> Spans:
    return Spans()


@pytest.fixture
async def traced(
    spans: Spans, serve: Serve, client: aiohttp.ClientSession, openstack: FakeOpenStack
) -> Bff:
    settings = Settings(auth_url=f"{openstack.url}/v3", tracing=True)
    processor = Tracing("1.2.3", SimpleSpanProcessor(spans))
    return Bff(await serve(create_app(settings, Registry(procedures.ALL), processor)), client)


def ids(span: ReadableSpan) -> tuple[str, str]:
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def parent_of(span: ReadableSpan) -> str | None:
    return f"{span.parent.span_id:016x}" if span.parent else None


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def sent_to(openstack: FakeOpenStack, service: str) -> list[str]:
    requests = [one for one in openstack.requests if one.path.startswith(service)]
    return [one.headers["traceparent"] for one in requests]


async def test_a_batch_is_one_trace_from_the_client_to_glance(
    traced: Bff, spans: Spans, openstack: FakeOpenStack, logged: list[Any]
) -> None:
    openstack.images = [image()]
    image_id, missing = openstack.images[0]["id"], str(uuid.uuid4())
    calls: list[tuple[str, Any]] = [
        ("compute.image.deleteImage", {"imageId": image_id}),
        ("compute.image.getImageById", {"imageId": missing}),
        ("secret.unknownName", {}),
    ]
    batch = [
        {"jsonrpc": "2.0", "id": n, "method": name, "params": params}
        for n, (name, params) in enumerate(calls)
    ]
    token = openstack.new_token()
    await traced.json(batch, X_Auth_Token=token, traceparent=TRACEPARENT, tracestate="a=1,b=2")
    found = await spans.until_answered()
    (server,), (deleting,), (getting,) = found[RPC], found[calls[0][0]], found[calls[1][0]]
    assert {ids(span)[0] for same in found.values() for span in same} == {TRACE}
    assert parent_of(server) == PARENT
    assert {parent_of(deleting), parent_of(getting)} == {ids(server)[1]}
    assert parent_of(found["unknown"][0]) == ids(server)[1]
    assert "secret" not in str(list(found))
    for call, method in ((deleting, "DELETE"), (getting, "GET")):
        (request,) = found[f"{method} /v2/images/{{image_id}}"]
        assert parent_of(request) == ids(call)[1]
        assert f"00-{TRACE}-{ids(request)[1]}-01" in sent_to(openstack, "/v2")
    keystone = [span for name, same in found.items() if " /v3" in name for span in same]
    expected = {f"00-{TRACE}-{ids(span)[1]}-01" for span in keystone}
    assert set(sent_to(openstack, "/v3")) == expected
    assert {one.headers["tracestate"] for one in openstack.requests} == {"a=1,b=2"}
    lines = [line for line in logged if line["event"] == "call"]
    assert {line["trace_id"] for line in lines} == {TRACE}


async def test_spans_say_what_was_asked_and_what_came_of_it(
    traced: Bff, spans: Spans, openstack: FakeOpenStack
) -> None:
    request_id = f"req-{uuid.uuid4()}"
    params = {"imageId": str(uuid.uuid4())}
    await traced.call(
        "compute.image.getImageById",
        params,
        X_Auth_Token=openstack.new_token(),
        X_Openstack_Request_Id=request_id,
        X_BFF_Errors="soft",
    )
    found = await spans.until_answered()
    assert attributes(found[RPC][0]) == {
        "http.request.method": "POST",
        "http.route": "/polaris-bff/rpc",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "bff.request_id": request_id,
    }
    call = found["compute.image.getImageById"][0]
    assert attributes(call) == {
        "rpc.system": "jsonrpc",
        "rpc.jsonrpc.version": "2.0",
        "rpc.method": "compute.image.getImageById",
        "rpc.jsonrpc.error_code": -32004,
        "bff.code": "NOT_FOUND",
        "bff.project": "d" * 32,
    }
    assert call.status.is_unset
    request = found["GET /v2/images/{image_id}"][0]
    assert attributes(request) == {
        "http.request.method": "GET",
        "url.template": "/v2/images/{image_id}",
        "peer.service": "Glance",
        "http.response.status_code": 404,
        "error.type": "404",
    }
    assert not request.status.is_ok
    assert {span.kind for span in (call, request)} == {SpanKind.INTERNAL, SpanKind.CLIENT}
    resource = dict(call.resource.attributes)
    assert (resource["service.name"], resource["service.version"]) == ("polaris-bff", "1.2.3")


async def test_each_attempt_has_a_span_and_a_broken_one_says_so(
    traced: Bff, spans: Spans, openstack: FakeOpenStack
) -> None:
    openstack.images = [image()]
    image_id = openstack.images[0]["id"]
    openstack.trouble = {image_id: BREAK}
    token = openstack.new_token()
    await traced.call("compute.image.getImageById", {"imageId": image_id}, X_Auth_Token=token)
    found = await spans.until_answered()
    attempts = found["GET /v2/images/{image_id}"]
    assert len(attempts) == 3
    assert {attributes(one)["error.type"] for one in attempts} == {"ServerDisconnectedError"}
    call = found["compute.image.getImageById"][0]
    assert attributes(call)["error.type"] == attributes(call)["bff.code"] == "BAD_GATEWAY"
    assert not call.status.is_unset
    assert len(set(sent_to(openstack, "/v2"))) == 3


async def test_an_upload_is_in_its_trace(
    traced: Bff, spans: Spans, openstack: FakeOpenStack
) -> None:
    openstack.images = [image(status="queued")]
    url = f"{traced.origin}/polaris-bff/upload-image?imageId={openstack.images[0]['id']}"
    headers = {
        "X-Auth-Token": openstack.new_token(),
        "Content-Type": "application/octet-stream",
        "traceparent": TRACEPARENT,
    }
    await traced.request("POST", url, data=b"data", headers=headers)
    found = await spans.until_answered()
    (server,), (put,) = (
        found["POST /polaris-bff/upload-image"],
        found["PUT /v2/images/{image_id}/file"],
    )
    assert (parent_of(server), parent_of(put)) == (PARENT, ids(server)[1])
    assert attributes(put)["http.response.status_code"] == 204


async def test_a_client_that_goes_away_ends_the_spans(
    traced: Bff, spans: Spans, openstack: FakeOpenStack
) -> None:
    openstack.images, openstack.gate = [image()], asyncio.Event()
    params = {"imageId": openstack.images[0]["id"]}
    token = openstack.new_token()
    call = asyncio.create_task(traced.call("compute.image.deleteImage", params, X_Auth_Token=token))
    await openstack.arrived.acquire()
    call.cancel()
    found = await spans.until_answered()
    request = found["DELETE /v2/images/{image_id}"][0]
    assert attributes(request)["error.type"] == "CancelledError"


async def test_a_client_that_samples_nothing_is_obeyed(
    traced: Bff, spans: Spans, openstack: FakeOpenStack
) -> None:
    token = openstack.new_token()
    for flags in ("00", "01"):
        await traced.call(
            "compute.image.listImages", X_Auth_Token=token, traceparent=f"{TRACEPARENT[:-2]}{flags}"
        )
    found = await spans.until_answered()
    assert len(found["compute.image.listImages"]) == 1
    unsampled, sampled = sent_to(openstack, "/v2")
    assert unsampled.startswith(f"00-{TRACE}-")
    assert (unsampled[-2:], sampled[-2:]) == ("00", "01")


# Each with the headers that carry it; none is of use.
HOSTILE: list[list[tuple[str, str]]] = [
    [("traceparent", "x" * 10_000)],
    [("traceparent", f"00-{TRACE}-{PARENT}-01-" + "x" * 10_000)],
    [("traceparent", f"cc-{TRACE}-{PARENT}-01-" + "x" * 10_000)],
    [("traceparent", f"ff-{TRACE}-{PARENT}-01")],
    [("traceparent", f"0-{TRACE}-{PARENT}-01")],
    [("traceparent", f"00-{TRACE}-{PARENT}-01-more")],
    [("traceparent", TRACEPARENT.upper())],
    [("traceparent", f"00-{'0' * 32}-{PARENT}-01")],
    [("traceparent", f"00-{TRACE}-{'0' * 16}-01")],
    [("traceparent", f"00-{TRACE[:-1]}-{PARENT}-01")],
    [("traceparent", f"00-{TRACE}-{PARENT}-zz")],
    [("traceparent", f"00-{TRACE}-{PARENT}")],
    [("traceparent", f"{TRACEPARENT},{TRACEPARENT}")],
    [("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)],
    [("traceparent", TRACEPARENT), ("Traceparent", f"00-{TRACE[::-1]}-{PARENT}-01")],
    [("traceparent", "")],
    [("traceparent", "\xff\xfe")],
    [("tracestate", "a=1")],
]


async def ask(bff: Bff, headers: list[tuple[str, str]], token: str) -> None:
    """Make a call with headers as they stand, some of them twice."""
    port = int(bff.origin.rpartition(":")[2])
    body = b'{"jsonrpc":"2.0","id":1,"method":"compute.image.listImages"}'
    sent = [("Host", "h"), ("Content-Type", "application/json"), ("X-Auth-Token", token)]
    sent += [("Connection", "close"), ("Content-Length", str(len(body))), *headers]
    head = "".join(f"{name}: {value}\r\n" for name, value in sent).encode("latin-1")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /polaris-bff/rpc HTTP/1.1\r\n" + head + b"\r\n" + body)
    answer = await reader.read()
    writer.close()
    assert b'"result":[]' in answer


@pytest.mark.parametrize("headers", HOSTILE, ids=str)
async def test_a_malformed_parent_is_ignored(
    headers: list[tuple[str, str]],
    traced: Bff,
    spans: Spans,
    openstack: FakeOpenStack,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    await ask(traced, headers, openstack.new_token())
    found = await spans.until_answered()
    server = found[RPC][0]
    assert server.parent is None
    assert ids(server)[0] != TRACE
    assert not [one for one in openstack.requests if "tracestate" in one.headers]
    assert caplog.text == ""


@pytest.mark.parametrize(
    "state",
    [
        "a=" + "x" * 10_000,
        ",".join(f"k{n}=1" for n in range(40)),
        "no member",
        "A=1",
        "a=1,a=2",
        "a=1=2",
        "a=\xff",
    ],
    ids=lambda state: state[:12],
)
async def test_a_malformed_state_is_ignored_and_the_parent_is_not(
    state: str,
    traced: Bff,
    spans: Spans,
    openstack: FakeOpenStack,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    headers = [("traceparent", TRACEPARENT), ("tracestate", state)]
    await ask(traced, headers, openstack.new_token())
    found = await spans.until_answered()
    assert parent_of(found[RPC][0]) == PARENT
    assert not [one for one in openstack.requests if "tracestate" in one.headers]
    assert caplog.text == ""


async def test_two_states_are_one(traced: Bff, spans: Spans, openstack: FakeOpenStack) -> None:
    headers = [("traceparent", TRACEPARENT), ("tracestate", "a=1"), ("tracestate", "b=2")]
    await ask(traced, headers, openstack.new_token())
    await spans.until_answered()
    assert {one.headers["tracestate"] for one in openstack.requests} == {"a=1,b=2"}


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/CANARY", "GET"),
        ("GET", "/polaris-bff/CANARY?token=CANARY", "GET"),
        ("PROPFIND", "/polaris-bff/rpc", "HTTP /polaris-bff/rpc"),
        ("GET", "/polaris-bff/rpc", "GET /polaris-bff/rpc"),
        ("POST", "/polaris-bff%2FCANARY", "POST"),
        (
            "GET",
            "/polaris-bff/upload-progress/CANARY?x=CANARY",
            "GET /polaris-bff/upload-progress/{image_id}",
        ),
    ],
)
async def test_nothing_that_a_client_chose_is_in_the_span_of_its_request(
    method: str, path: str, name: str, traced: Bff, spans: Spans
) -> None:
    await traced.request(method, traced.origin + path)
    found = await spans.until_answered()
    assert list(found) == [name]
    assert "CANARY" not in found[name][0].to_json()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/polaris-bff/readyz"])
async def test_a_probe_has_no_span(path: str, traced: Bff, spans: Spans) -> None:
    await traced.request("GET", traced.origin + path)
    await traced.request("GET", f"{traced.origin}/polaris-bff/openrpc.json")
    assert list(await spans.until_answered()) == ["GET /polaris-bff/openrpc.json"]


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v2/images", "/v2/images"),
        ("/image/v2/images/a85abd86", "/v2/images/{image_id}"),
        ("/v2/images/a85/file", "/v2/images/{image_id}/file"),
        ("/v2/images/a/actions/deactivate", "/v2/images/{image_id}/actions/deactivate"),
        ("/v2/images/a/members", "/v2/images/{image_id}/members"),
        ("/v2/images/a/members/b%2Fc", "/v2/images/{image_id}/members/{member_id}"),
        ("/images/v2/images/members/members/members", "/v2/images/{image_id}/members/{member_id}"),
        ("/v2/images/a/tags/b%2Fc", "/v2/images/{image_id}/tags/{tag}"),
        ("/identity/v3/auth/tokens", "/v3/auth/tokens"),
        ("/v3", "/v3"),
        ("/versions", "/versions"),
        ("/AUTH_9f1c/", "/"),
        ("", "/"),
    ],
)
def test_a_route_has_no_ids(path: str, route: str) -> None:
    assert route_of(path) == route


async def test_no_secret_is_in_a_span_or_a_line(
    traced: Bff,
    spans: Spans,
    openstack: FakeOpenStack,
    logged: list[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="opentelemetry")
    sign_in = {"user": "alice", "password": PASSWORD, "projectName": "demo"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "auth.createUserSession", "params": sign_in}
    headers = {"Content-Type": "application/json", "Origin": traced.origin}
    answer = await traced.request("POST", traced.url, json=body, headers=headers)
    cookie = answer.headers["Set-Cookie"].partition(";")[0].partition("=")[2]
    texts = [await _texts(spans)]
    headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]
    wrong = {**body, "params": {**sign_in, "password": "CANARY-password"}}
    listing = {**body, "method": "compute.image.listImages", "params": {"name": "CANARY-name"}}
    ending = {**body, "method": "auth.terminateUserSession", "params": {}}
    for one in (wrong, listing, {**body, "method": "CANARY.method"}, ending):
        await traced.request("POST", traced.url, json=one, headers=headers)
        texts.append(await _texts(spans))
    secret = openstack.new_token()
    openstack.glance_status = BREAK
    await traced.call("compute.image.listImages", X_Auth_Token=secret, traceparent="CANARY-x")
    texts.append(await _texts(spans))
    for text in (PASSWORD, "CANARY", cookie, *openstack.tokens, secret):
        assert text not in "".join(texts)
    lines = str([line for line in logged if "CANARY.method" not in str(line)]) + caplog.text
    for text in (PASSWORD, "CANARY", cookie, *openstack.tokens):
        assert text not in lines


async def _texts(spans: Spans) -> str:
    found = await spans.until_answered()
    ended = [span for same in found.values() for span in same]
    assert all(not span.events for span in ended)
    return "".join(span.to_json() + str(span.status.description) for span in ended)


async def test_without_tracing_nothing_is_passed_on(bff: Bff, openstack: FakeOpenStack) -> None:
    token = openstack.new_token()
    await bff.call(
        "compute.image.listImages", X_Auth_Token=token, traceparent=TRACEPARENT, tracestate="a=1"
    )
    names = {name.lower() for one in openstack.requests for name in one.headers}
    assert not names & {"traceparent", "tracestate", "baggage"}


def test_without_tracing_opentelemetry_is_not_imported() -> None:
    script = "\n".join(
        [
            "import sys, os, runpy",
            "os.environ['BFF_AUTH_URL'] = 'http://k/v3'",
            "from bff import asgi",
            "asgi.create()",
            "assert not [name for name in sys.modules if name.startswith('opentelemetry')]",
        ]
    )
    assert finished("timeit", "-n1", "-r1", script) == (0, "")


def test_without_the_extra_the_start_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("bff.settings.find_spec", _missing)
    with pytest.raises(ValidationError) as refusal:
        Settings(auth_url="http://k/v3", tracing=True)
    said = "BFF_TRACING: Value error, needs OpenTelemetry: pip install '.[otel]' in the checkout"
    assert explain(refusal.value) == said


def _missing(name: str) -> None:
    raise ModuleNotFoundError(name)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkinn"}, "there is no exporter 'zipkinn'"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "there is no exporter 'otlp_proto_grpc'"),
        ({"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "smoke"}, "there is no exporter 'smoke'"),
    ],
)
def test_an_exporter_that_is_not_there_stops_the_start(
    variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RuntimeError, match=said):
        Tracing.from_environment("1")


class Collector:
    """A receiver of OTLP over HTTP; it holds its answer back while it is told to."""

    def __init__(self) -> None:
        self.bodies: list[ExportTraceServiceRequest] = []
        self.answering = asyncio.Event()
        self.answering.set()

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(ExportTraceServiceRequest.FromString(await request.read()))
        await self.answering.wait()
        return web.Response(content_type="application/x-protobuf")


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> Any:
    received = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", received.take)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    # Nothing is sent by the clock: what arrives was sent at the stop.
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "600000")
    yield received
    received.answering.set()
    await runner.cleanup()


Run = Callable[[], Awaitable[None]]


@pytest.fixture
def run(client: aiohttp.ClientSession, openstack: FakeOpenStack) -> Run:
    """Return a function that serves a call, as the settings say, and stops."""

    async def run() -> None:
        settings = Settings(auth_url=f"{openstack.url}/v3", tracing=True)
        async with served(create_app(settings, Registry(procedures.ALL))) as url:
            token = openstack.new_token()
            await Bff(url, client).call("compute.image.listImages", X_Auth_Token=token)

    return run


async def test_spans_reach_a_collector_at_the_stop(
    collector: Collector,
    run: Run,
    openstack: FakeOpenStack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "images")
    await run()
    (body,) = collector.bodies
    (of_resource,) = body.resource_spans
    named = {one.key: one.value.string_value for one in of_resource.resource.attributes}
    assert named["service.name"] == "images"
    sent = {span.name: span for scope in of_resource.scope_spans for span in scope.spans}
    chain = [sent[name] for name in (RPC, "compute.image.listImages", "GET /v2/images")]
    for outer, inner in pairwise(chain):
        assert inner.parent_span_id == outer.span_id
    last = f"00-{chain[-1].trace_id.hex()}-{chain[-1].span_id.hex()}-"
    (traceparent,) = sent_to(openstack, "/v2")
    assert traceparent.startswith(last)


async def test_a_collector_that_does_not_answer_holds_up_no_stop(
    collector: Collector,
    run: Run,
    logged: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tracing, "FLUSH_SECONDS", 0.05)
    collector.answering.clear()
    await run()
    assert "the last spans could not be sent" in [line["event"] for line in logged]


async def test_calls_that_share_a_task_have_spans_of_their_own(
    traced: Bff, spans: Spans, openstack: FakeOpenStack
) -> None:
    openstack.images = [image() for _ in range(4)]
    wanted = [*(one["id"] for one in openstack.images), str(uuid.uuid4()), str(uuid.uuid4())]
    show = "compute.image.getImageById"
    batch = [
        {"jsonrpc": "2.0", "id": n, "method": show, "params": {"imageId": image_id}}
        for n, image_id in enumerate(wanted)
    ]
    await traced.json(batch, X_Auth_Token=openstack.new_token(), traceparent=TRACEPARENT)
    found = await spans.until_answered()
    [server] = found[RPC]
    assert [parent_of(span) for span in found[show]] == [ids(server)[1]] * len(wanted)
    alone = {parent_of(span) for span in found["GET /v2/images/{image_id}"]}
    failed = {ids(span)[1] for span in found[show] if "rpc.jsonrpc.error_code" in attributes(span)}
    assert alone == failed
    assert len(failed) == 2
