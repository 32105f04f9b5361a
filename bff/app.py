"""The application: routes, and what lives as long as the process. It decides nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypedDict

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bff import explorer
from bff.context import Cloud
from bff.cookies import SessionCookie
from bff.credentials import PROJECT_HEADER, TOKEN_HEADER
from bff.discovery import Discovery
from bff.endpoint import SOFT_HEADER, RpcEndpoint
from bff.errors import BffError, Code, code_of_status, to_wire
from bff.middleware import RequestId, request_id_of
from bff.openstack.http import REQUEST_ID, Client, Service, Timeouts, new_client
from bff.openstack.keystone import Keystone
from bff.progress.endpoint import LAST_EVENT_ID, ProgressEndpoint
from bff.progress.hub import Hub
from bff.registry import Registry
from bff.rpc import Rpc
from bff.sessions import Sessions
from bff.settings import Settings
from bff.upload import UploadEndpoint
from bff.upload.head import DIGEST_HEADER, IMAGE_HEADER, SIZE_HEADER


class State(TypedDict):
    """What the routes find in ``request.state``."""

    cloud: Cloud
    progress: Hub


def create_app(settings: Settings, registry: Registry) -> Starlette:
    """Return the ASGI application that serves ``registry``."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[State]:
        async with new_client() as client, Hub.of(settings) as progress:
            yield {"cloud": _cloud(settings, client), "progress": progress}

    discovery = Discovery(registry)
    rpc = Rpc(registry, settings, discovery.procedure())
    return Starlette(
        routes=[
            Route(f"{settings.prefix}/rpc", RpcEndpoint(rpc, settings.max_body)),
            Route(f"{settings.prefix}/upload-image", UploadEndpoint(settings)),
            Route(f"{settings.prefix}/openrpc.json", discovery.openrpc_json),
            Route(f"{settings.prefix}/upload-progress/{{image_id}}", ProgressEndpoint()),
            *(explorer.routes(settings.prefix) if settings.explorer else ()),
        ],
        middleware=[Middleware(RequestId), *_cross_origin(settings)],
        exception_handlers={HTTPException: _nothing_here(settings.prefix)},
        lifespan=lifespan,
    )


def _cloud(settings: Settings, client: Client) -> Cloud:
    timeouts = Timeouts(
        settings.connect_timeout,
        settings.upstream_timeout,
        idle=settings.upload_glance_timeout,
        stored=settings.upload_answer_timeout,
    )
    identity = Service("Keystone", client, timeouts, explains=False)
    keystone = Keystone(identity, str(settings.auth_url).rstrip("/"))
    return Cloud(
        settings,
        Sessions(keystone, settings.token_cache_seconds, settings.token_cache_size),
        SessionCookie.of(settings),
        Service("Glance", client, timeouts),
    )


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
                *(IMAGE_HEADER, SIZE_HEADER, DIGEST_HEADER, LAST_EVENT_ID),
            ],
            expose_headers=[REQUEST_ID],
            allow_credentials=True,
        )
    ]


def _nothing_here(prefix: str) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = error.headers if isinstance(error, HTTPException) else None
        code = Code.METHOD_NOT_SUPPORTED if status == 405 else code_of_status(status)
        what = f"{request.method} {request.url.path[:100]}"
        message = f"There is nothing at {what}; calls go to POST {prefix}/rpc."
        wire = to_wire(BffError(code, message), path=None, request_id=request_id_of(request.scope))
        return JSONResponse({"error": wire}, status, headers)

    return answer
