"""Traces by OpenTelemetry; imported only where they are wanted.

Sources: W3C Trace Context; OpenTelemetry's semantic conventions for HTTP and JSON-RPC. A span has
no params, no message of an error and no exception: those may quote what must stay secret.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import entry_points
from typing import Any, Self

import structlog
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bff import log_fields
from bff.errors import BffError
from bff.openstack.tracer import Sent
from bff.server.middleware import request_id_of

# How long the last spans may take to be sent when the server stops.
FLUSH_SECONDS = 5.0
# What load balancers ask all the time.
_PROBES = ("/healthz", "/readyz")
# Others would be names that a client chose.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_PROTOCOLS: Mapping[str, str] = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}
_INSTALL = "install what it needs, or choose another one"

log = structlog.get_logger("bff.tracing")


class Tracing:
    """Makes the spans of one process.

    Args:
        processors: What becomes of a span that has ended.
    """

    def __init__(self, version: str, *processors: SpanProcessor) -> None:
        # Stopped by ``shutdown`` and not when Python ends.
        self._provider = TracerProvider(resource=_resource(version), shutdown_on_exit=False)
        for processor in processors:
            self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("polaris-bff", version)
        self._propagator = TraceContextTextMapPropagator()
        for name in ("opentelemetry.trace.span", "opentelemetry.trace.propagation.tracecontext"):
            # They would log a line, with what the client sent, for each malformed header.
            logging.getLogger(name).setLevel(logging.ERROR)

    @classmethod
    def from_environment(cls, version: str) -> Self:
        """Return the tracing that OpenTelemetry's own variables describe.

        Raises:
            RuntimeError: an exporter that they name is not installed.
        """
        return cls(version, *map(BatchSpanProcessor, _exporters()))

    def middleware(self) -> list[Middleware]:
        """Return what every HTTP request goes through."""
        return [Middleware(TracingMiddleware, self)]

    async def shutdown(self) -> None:
        """Send the last spans, for as long as ``FLUSH_SECONDS``."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def stop() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(done.set)

        # A daemon: neither the loop's end nor Python's waits for a collector that does not answer.
        threading.Thread(target=stop, daemon=True).start()
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await done.wait()
        except TimeoutError:
            log.warning("the last spans could not be sent", seconds=FLUSH_SECONDS)

    @contextmanager
    def server(self, scope: Scope) -> Iterator[Span]:
        """Enter the span of an HTTP request, below that of the client if it sent one."""
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        attributes = {
            "http.request.method": method,
            "url.scheme": scope["scheme"],
            "bff.request_id": request_id_of(scope),
        }
        parent = self._propagator.extract(Headers(scope=scope), Context(), _HeadersGetter())
        with self._span(_name(method), SpanKind.SERVER, attributes, parent) as span:
            try:
                yield span
            finally:
                route = getattr(scope.get("route"), "path", None)
                if route is not None:
                    span.update_name(f"{_name(method)} {route}")
                    span.set_attribute("http.route", route)

    @contextmanager
    def call(self, procedure: str) -> Iterator[None]:
        """Enter the span of a call; see ``Tracer``."""
        attributes = {
            "rpc.system": "jsonrpc",
            "rpc.method": procedure,
            "rpc.jsonrpc.version": "2.0",
        }
        with self._span(procedure, SpanKind.INTERNAL, attributes) as span:
            try:
                yield
            except BffError as error:
                _record(span, error)
                raise
            finally:
                if project := log_fields.current().get("project"):
                    span.set_attribute("bff.project", project)

    @contextmanager
    def request(
        self, service: str, method: str, route: Callable[[], str], headers: Mapping[str, str]
    ) -> Iterator[Sent]:
        """Enter the span of a request; see ``Tracer``."""
        path = route()
        attributes = {"http.request.method": method, "url.template": path, "peer.service": service}
        with self._span(f"{method} {path}", SpanKind.CLIENT, attributes) as span:
            carrier = dict(headers)
            self._propagator.inject(carrier)
            sent = Sent(carrier)
            try:
                yield sent
            except BffError as error:
                _fail(span, error.code.label)
                raise
            finally:
                if sent.status is not None:
                    _set_status(span, sent.status, failed=sent.status >= 400)

    @contextmanager
    def _span(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, str],
        parent: Context | None = None,
    ) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            name,
            parent,
            kind,
            attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BffError:
                raise
            except BaseException as failure:
                _fail(span, type(failure).__name__)
                raise


class TracingMiddleware:
    """Has a span for each HTTP request, and its trace's id in the log lines."""

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request inside its span."""
        if scope["type"] != "http" or scope["path"].endswith(_PROBES):
            await self._app(scope, receive, send)
            return
        with self._tracing.server(scope) as span:

            async def send_and_record(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status = message["status"]
                    _set_status(span, status, failed=status >= 500)
                await send(message)

            trace_id = f"{span.get_span_context().trace_id:032x}"
            with log_fields.bound(trace_id=trace_id):
                await self._app(scope, receive, send_and_record)


class _HeadersGetter(Getter[Headers]):
    """Reads headers for the propagator; a ``traceparent`` that is there twice is none."""

    def get(self, carrier: Headers, key: str) -> list[str] | None:
        values = carrier.getlist(key)
        return None if key == "traceparent" and len(values) != 1 else values

    def keys(self, carrier: Headers) -> list[str]:
        return carrier.keys()


def _set_status(span: Span, status: int, *, failed: bool) -> None:
    """Say which HTTP status was answered, and whether that is a failure of this span."""
    span.set_attribute("http.response.status_code", status)
    if failed:
        _fail(span, str(status))


def _record(span: Span, error: BffError) -> None:
    """Say why a call failed; what its client got wrong is no failure of the server."""
    span.set_attribute("rpc.jsonrpc.error_code", error.code.number)
    span.set_attribute("bff.code", error.code.label)
    if error.code.http_status >= 500:
        _fail(span, error.code.label)


def _fail(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))


def _name(method: str) -> str:
    return "HTTP" if method == "_OTHER" else method


def _resource(version: str) -> Resource:
    """Return what all spans have in common; the environment's name for the service comes first."""
    resource = Resource.create()
    own: dict[str, str | int] = {"service.version": version, "process.pid": os.getpid()}
    if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        own[SERVICE_NAME] = "polaris-bff"
    return resource.merge(Resource({**own}))


def _exporters() -> list[Any]:
    """Return the exporters of ``OTEL_TRACES_EXPORTER``, as OpenTelemetry's specification has it."""
    names = _variable("OTEL_TRACES_EXPORTER", "otlp").split(",")
    return [_exporter(name.strip()) for name in names if name.strip() != "none"]


def _exporter(name: str) -> Any:
    if name == "otlp":
        everywhere = _variable("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        protocol = _variable("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", everywhere)
        name = _PROTOCOLS.get(protocol, protocol)
    found = entry_points(group="opentelemetry_traces_exporter", name=name)
    if not found:
        raise RuntimeError(f"OTEL_TRACES_EXPORTER: there is no exporter {name!r}; {_INSTALL}.")
    return next(iter(found)).load()()


def _variable(name: str, default: str) -> str:
    return os.environ.get(name) or default
