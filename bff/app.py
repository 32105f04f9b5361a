"""The application: routes, and what lives as long as the process. It decides nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, TypedDict, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from bff import __version__, explorer
from bff.cloud import cloud_of
from bff.contract.discovery import Discovery
from bff.errors import BffError, Code
from bff.monitoring import health_of, measured, metrics_of, observe_services
from bff.openstack.tracer import Untraced
from bff.openstack.transport import new_client
from bff.progress.endpoint import LAST_EVENT_ID, ProgressEndpoint
from bff.progress.hub import Hub
from bff.reload import Reload, network_of
from bff.rpc.endpoint import SOFT_HEADER, TIMEOUT_HEADER, RpcEndpoint
from bff.rpc.jsonrpc import Rpc
from bff.rpc.registry import Registry
from bff.server.error_response import error_response
from bff.server.health import Health
from bff.server.health import routes as health_routes
from bff.server.middleware import (
    CatchAllMiddleware,
    EncodedSlashMiddleware,
    FirstRouteMiddleware,
    RequestIdMiddleware,
    request_id_of,
)
from bff.server.stop import Stop
from bff.session.credentials import (
    PROJECT_HEADER,
    SESSION_SCOPE_HEADER,
    SESSION_USER_HEADER,
    TOKEN_HEADER,
)
from bff.session.observer import Unobserved
from bff.session.services import Cloud
from bff.session.sign_in_guard import SignInGuard
from bff.settings import Settings
from bff.upload.endpoint import UploadEndpoint
from bff.upload.head import DIGEST_HEADER, IMAGE_HEADER, SIZE_HEADER
from schemas.headers import REQUEST_ID, SESSION_EXPIRES_IN

if TYPE_CHECKING:
    from bff.tracing import Tracing


# Of W3C Trace Context.
TRACE_HEADERS = ("traceparent", "tracestate")


class State(TypedDict):
    """What the routes find in ``request.state``."""

    cloud: Cloud
    progress: Hub
    health: Health
    stop: Stop
    reload: Callable[[], None]


def create_app(settings: Settings, registry: Registry, tracing: Tracing | None = None) -> Starlette:
    """Return the ASGI application that serves ``registry``.

    Args:
        tracing: Where spans go; as the settings say when there is none.
    """
    tracing = tracing or _tracing_of(settings)
    discovery = Discovery(registry)
    discover = discovery.procedure()
    uploads = UploadEndpoint(settings, _upload_name(registry))
    rpc = Rpc(registry, settings, discover)
    metrics = metrics_of(settings, [*registry, discover.name])
    endpoint = RpcEndpoint(rpc, settings.max_body, settings.call_timeout)
    network = network_of(settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[State]:
        async with (
            new_client() as client,
            Hub.of(settings) as progress,
            SignInGuard.of(settings) as guard,
        ):
            cloud = cloud_of(
                settings,
                client,
                network,
                guard=guard,
                observer=metrics or Unobserved(),
                tracer=tracing or Untraced(),
            )
            async with measured(settings, metrics, cloud, uploads, progress):
                stop = Stop()
                health = health_of(settings, cloud, lambda: stop.begun)
                observe_services(cloud, health, metrics)
                yield {
                    "cloud": cloud,
                    "progress": progress,
                    "health": health,
                    "stop": stop,
                    "reload": Reload(cloud.cookie, network),
                }
                await endpoint.drain()
                await cloud.sessions.drain()
                if tracing is not None:
                    await tracing.shutdown()

    calls = Route(f"{settings.prefix}/rpc", endpoint)
    app = Starlette(
        routes=[
            calls,
            *health_routes(settings.prefix),
            Route(f"{settings.prefix}/upload-image", uploads),
            Route(f"{settings.prefix}/openrpc.json", discovery.openrpc_json),
            Route(f"{settings.prefix}/upload-progress/{{image_id}}", ProgressEndpoint()),
            *(explorer.routes(settings.prefix) if settings.explorer else ()),
        ],
        middleware=[
            *_proxies(settings),
            Middleware(RequestIdMiddleware),
            *(tracing.middleware() if tracing else ()),
            *_cross_origin(settings),
            Middleware(CatchAllMiddleware),
            Middleware(EncodedSlashMiddleware),
            Middleware(FirstRouteMiddleware, calls),
        ],
        exception_handlers={HTTPException: _no_such_route(settings.prefix)},
        lifespan=lifespan,
    )
    # A redirect would use the client's Host header, and http behind a proxy that ends TLS.
    app.router.redirect_slashes = False
    return app


def _upload_name(registry: Registry) -> str:
    uploads = (procedure.name for procedure in registry.values() if procedure.upload_route)
    return next(uploads, "")


def _tracing_of(settings: Settings) -> Tracing | None:
    if not settings.tracing:
        return None
    from bff.tracing import Tracing  # noqa: PLC0415  # an optional package

    return Tracing.from_environment(__version__)


def _proxies(settings: Settings) -> list[Middleware]:
    """Return what takes address and scheme of a client from the proxies that are trusted.

    It is here rather than in the server, so that it holds with any.
    """
    if not settings.trusted_proxies:
        return []
    networks = [ip_network(network) for network in settings.trusted_proxies]
    # As a socket for both has the addresses of IPv4.
    mapped = [
        f"::ffff:{network.network_address}/{96 + network.prefixlen}"
        for network in networks
        if network.version == 4
    ]
    trusted = [*settings.trusted_proxies, *mapped]
    # uvicorn has ASGI's types written in another way.
    return [Middleware(cast(Any, ProxyHeadersMiddleware), trusted_hosts=trusted)]


def _cross_origin(settings: Settings) -> list[Middleware]:
    if not settings.allowed_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "POST"],
            allow_headers=[
                *("content-type", TOKEN_HEADER, PROJECT_HEADER, SOFT_HEADER, REQUEST_ID),
                *(SESSION_USER_HEADER, SESSION_SCOPE_HEADER, TIMEOUT_HEADER),
                *(IMAGE_HEADER, SIZE_HEADER, DIGEST_HEADER, LAST_EVENT_ID),
                *(TRACE_HEADERS if settings.tracing else ()),
            ],
            expose_headers=[REQUEST_ID, SESSION_EXPIRES_IN],
            allow_credentials=True,
        )
    ]


def _no_such_route(prefix: str) -> Callable[[Request, Any], Response]:
    def answer(request: Request, error: HTTPException) -> Response:
        code = Code.METHOD_NOT_SUPPORTED if error.status_code == 405 else Code.NOT_FOUND
        what = f"{request.method} {request.url.path[:100]}"
        message = f"There is nothing at {what}; calls go to POST {prefix}/rpc."
        allow = (error.headers or {}).get("Allow", "")
        return error_response(BffError(code, message), request_id_of(request.scope), allow)

    return answer
