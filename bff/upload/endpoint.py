"""The ASGI application of the upload route: its answer, its log line, and the connection's end."""

from __future__ import annotations

import asyncio
import time

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bff.errors import UPLOAD_AGAIN, BffError, stopping
from bff.progress.hub import Hub
from bff.server.error_response import error_response
from bff.server.middleware import request_id_of
from bff.session.audit import AuditEntry
from bff.session.credentials import caller_of
from bff.session.services import Cloud
from bff.settings import Settings
from bff.upload.body import Body
from bff.upload.head import read_head
from bff.upload.spool import Spools
from bff.upload.upload import Upload

log = structlog.get_logger("bff.upload")


class UploadEndpoint:
    """Takes one file a request and stores it in Glance.

    Args:
        procedure: The procedure that does the same with small files; for the audit.
    """

    def __init__(self, settings: Settings, procedure: str = "") -> None:
        self._settings = settings
        self._procedure = procedure
        self._spools = Spools(
            settings.spool_dir, settings.max_spool_bytes, settings.max_spool_bytes_per_project
        )
        self._running: dict[int, Upload] = {}
        self._ended_bytes = 0

    @property
    def in_flight(self) -> int:
        """How many uploads are under way."""
        return len(self._running)

    @property
    def received_bytes(self) -> int:
        """The bytes of files that have come, in all uploads since the start."""
        return self._ended_bytes + sum(upload.count for upload in self._running.values())

    @property
    def spool_bytes(self) -> int:
        """The bytes that wait on disk."""
        return self._spools.used

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one upload; whatever goes wrong, nothing is stored by half."""
        with Request(scope).state.stop.upload():
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        settings, request = self._settings, Request(scope)
        cloud: Cloud = request.state.cloud
        hub: Hub = request.state.progress
        caller = caller_of(request, cloud, request_id_of(scope))
        body = Body(receive, settings.upload_client_timeout, cloud.timers)
        upload = Upload(caller, body, self._spools, hub, settings.max_upload_bytes)
        entry = AuditEntry.begin(caller, self._procedure)
        failure = None
        self._running[id(upload)] = upload
        try:
            await upload.run(read_head(request, settings.max_upload_bytes))
        except asyncio.CancelledError:
            # The server stops: there is time to answer that, but not to read the rest of the body.
            body.ended = True
            failure = stopping(UPLOAD_AGAIN)
        except Exception as problem:  # noqa: BLE001  # a bug of ours must be answered too
            failure = caller.to_client_error(problem, "an upload failed")
        finally:
            self._ended_bytes += self._running.pop(id(upload)).count
        _log(upload, failure, started)
        cloud.observer.upload_ended("OK" if failure is None else failure.code.label)
        entry.write(failure, images=upload.image_id and [upload.image_id], bytes=upload.count)
        answer: Response = JSONResponse({"success": True, "imageId": upload.image_id})
        if failure is not None:
            answer = error_response(failure, caller.request_id, allow="POST")
        answer.headers.update(caller.session_headers())
        await _closing_connection(answer, body)(scope, receive, send)


def _closing_connection(answer: Response, body: Body) -> ASGIApp:
    """Return the answer; where a part of the request may still be coming, the connection's last."""
    if body.ended:
        return answer
    answer.headers["Connection"] = "close"

    async def answer_and_close(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_wait(message: Message) -> None:
            last = message["type"] == "http.response.body"
            await send({**message, "more_body": True} if last else message)
            if last:
                await body.drain_briefly()
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        await answer(scope, receive, send_and_wait)

    return answer_and_close


def _log(upload: Upload, failure: BffError | None, started: float) -> None:
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    fields = {"image": upload.image_id, "bytes": upload.count, "ms": milliseconds}
    if failure is None:
        log.info("upload", status="ok", **fields)
        return
    level = log.error if failure.code.http_status >= 500 else log.warning
    level("upload", status=failure.code.label, error=failure.message, **fields)
