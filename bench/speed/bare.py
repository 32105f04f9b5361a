"""``python -m bench.speed.bare PORT UPSTREAM``: the least that a Python server in between can cost.

An ASGI function that forwards by aiohttp, on the uvicorn, uvloop and httptools that the BFF has. It
checks nothing, and hands on nothing but the body and its type.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import aiohttp
import uvicorn
import uvloop
from yarl import URL

Message = MutableMapping[str, Any]


class Forward:
    """Forwards each GET to the same path of ``upstream``."""

    def __init__(self, upstream: str, client: aiohttp.ClientSession) -> None:
        self._upstream, self._client = upstream, client

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],  # noqa: ARG002
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer one request (ASGI)."""
        target = f"{scope['raw_path'].decode()}?{scope['query_string'].decode()}".rstrip("?")
        token = dict(scope["headers"]).get(b"x-auth-token", b"").decode()
        url = URL(self._upstream + target, encoded=True)
        async with self._client.get(url, headers={"X-Auth-Token": token}) as answer:
            body = await answer.read()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def main() -> None:
    """Serve until the process is ended."""
    port, upstream = sys.argv[1:]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        config = uvicorn.Config(
            Forward(upstream, client),
            port=int(port),
            http="httptools",
            lifespan="off",
            access_log=False,
            log_level="warning",
        )
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    uvloop.run(main())
