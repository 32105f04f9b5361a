"""``GET {prefix}/upload-progress/{imageId}``: how far an upload is, as server-sent events.

Source: HTML Standard, 9.2, "Server-sent events".
"""

from __future__ import annotations

import re

import anyio
import orjson
import structlog
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse, SendTimeoutError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bff.errors import BffError, Code
from bff.ids import checked_image_id, checked_project_id
from bff.progress.hub import Hub
from bff.progress.state import View
from bff.progress.watch import Watch
from bff.server.error_response import error_response
from bff.server.middleware import request_id_of
from bff.session.context import ProjectContext
from bff.session.credentials import caller_of

LAST_EVENT_ID = "last-event-id"
HEARTBEAT_SECONDS = 15
# How long a client may not read what it is sent.
SEND_SECONDS = 30
# How often it is checked that the session still holds.
RECHECK_SECONDS = 60
# How long a stream may take to end in good order when the server stops.
GRACE_SECONDS = 5
RETRY_MILLISECONDS = 1000
# Empty means none: a page that has seen no upload yet sends that.
_UPLOAD_ID = r"([0-9a-f]{32})?"

# Errors of access: after these, the stream ends.
_ENDED = (Code.UNAUTHORIZED, Code.FORBIDDEN, Code.PRECONDITION_FAILED, Code.SESSION_CHANGED)

log = structlog.get_logger("bff.progress")


class ProgressEndpoint:
    """The ASGI application of the route."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; returns when the stream has ended."""
        request = Request(scope, receive)
        try:
            await _watch(request, send)
        except BffError as error:
            log.warning("refused", status=error.code.label, error=error.message)
            answer = error_response(error, request_id_of(scope), allow="GET, HEAD")
            await answer(scope, receive, send)
        except SendTimeoutError:
            log.warning("a watcher does not read what it is sent")


async def _watch(request: Request, send: Send) -> None:
    if request.method not in ("GET", "HEAD"):
        raise BffError(Code.METHOD_NOT_SUPPORTED, "Progress is watched with GET.")
    image_id = checked_image_id(request.path_params["image_id"], "The id in the path")
    after = request.query_params.get("after")
    if after is not None and not re.fullmatch(_UPLOAD_ID, after):
        raise BffError(Code.BAD_REQUEST, "?after= must be the id of an upload.")
    context = await _authorized_context(request)
    hub: Hub = request.state.progress
    async with hub.watch(context.project_id, image_id, after) as watch:
        await _response(request, watch)(request.scope, request.receive, send)
    log.info("watched", image=image_id, last=watch.view.event)


async def _authorized_context(request: Request) -> ProjectContext:
    # EventSource cannot set headers, so the project may be in the query.
    project_id = request.query_params.get("project_id")
    if project_id is not None:
        checked_project_id(project_id, "?project_id=")
    caller = caller_of(request, request.state.cloud, request_id_of(request.scope))
    if caller.credentials_error is not None:
        raise caller.credentials_error
    return await ProjectContext.enter(caller, project_id)


def _response(request: Request, watch: Watch) -> Response:
    if watch.view.final and watch.view.final == request.headers.get(LAST_EVENT_ID):
        # An EventSource comes back after the end of its stream; this tells it to stay away.
        return Response(status_code=204)
    stopping = anyio.Event()

    async def guard() -> None:
        allowed = True
        while allowed:
            with anyio.move_on_after(RECHECK_SECONDS):
                await stopping.wait()
                break
            allowed = await _may_watch(request)
        watch.stop()

    return EventSourceResponse(
        (_event(view) async for view in watch.views()),
        ping=HEARTBEAT_SECONDS,
        ping_message_factory=lambda: ServerSentEvent(comment="still here"),
        send_timeout=SEND_SECONDS,
        data_sender_callable=guard,
        shutdown_event=stopping,
        shutdown_grace_period=GRACE_SECONDS,
    )


async def _may_watch(request: Request) -> bool:
    try:
        await _authorized_context(request)
    except BffError as error:
        # A Keystone that cannot be reached for a moment ends nobody's session.
        return error.code not in _ENDED
    return True


def _event(view: View) -> ServerSentEvent:
    data = orjson.dumps(view.data).decode()
    return ServerSentEvent(data, event=view.event, id=view.final, retry=RETRY_MILLISECONDS)
