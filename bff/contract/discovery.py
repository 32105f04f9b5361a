"""What this server can do, for anybody who asks: ``openrpc.json`` and ``rpc.discover``."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from bff.contract import openrpc
from bff.contract.model import contract
from bff.errors import BffError, Code
from bff.rpc.registry import Procedure, Registry, query
from bff.session.context import PublicContext
from schemas.base import NoInput
from schemas.json import Json

# JSON-RPC keeps this name space for itself, so the registry refuses it; OpenRPC gave the name.
DISCOVER = "rpc.discover"


class Discovery:
    """A registry's OpenRPC document, made once, when somebody first asks for it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @cached_property
    def document(self) -> bytes:
        """The document's text."""
        return orjson.dumps(openrpc.document(contract(self._registry)))

    @cached_property
    def _etag(self) -> str:
        return f'"{hashlib.sha256(self.document).hexdigest()[:32]}"'

    async def openrpc_json(self, request: Request) -> Response:
        """Answer the route; whoever has the document is told so (RFC 9110, section 13.1.2)."""
        headers = {"ETag": self._etag, "Cache-Control": "no-cache"}
        known = request.headers.get("if-none-match", "").split(",")
        if self._etag in {tag.strip().removeprefix("W/") for tag in known}:
            return Response(status_code=304, headers=headers)
        return Response(self.document, headers=headers, media_type="application/json")

    def procedure(self) -> Procedure:
        """Return the procedure that answers with the document."""

        async def discover(ctx: PublicContext, wanted: NoInput) -> Json[dict[str, Any]]:  # noqa: ARG001
            """Return what this server can do, as an OpenRPC document."""
            if ctx.caller.has_document:
                # Else a few bytes from anybody, in a batch, would be answered with megabytes.
                message = f"{DISCOVER} is answered once in a batch."
                raise BffError(Code.TOO_MANY_REQUESTS, message)
            ctx.caller.has_document = True
            return Json(self.document)

        return query(DISCOVER, discover, Code.TOO_MANY_REQUESTS)
