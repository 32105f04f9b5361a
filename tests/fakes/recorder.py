"""A Glance that writes down the bytes it is sent and agrees to everything."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Recorded:
    """One request as it came over the wire."""

    line: bytes
    headers: dict[bytes, bytes]
    body: bytes


@dataclass
class Recorder:
    """What was asked, byte by byte: no HTTP library has normalised it."""

    requests: list[Recorded] = field(default_factory=list)
    url: str = ""
    _uploaded: dict[str, bytes] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """The request lines, without the version."""
        return [r.line.decode("latin-1").removesuffix(" HTTP/1.1") for r in self.requests]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await _read(reader)
                self.requests.append(request)
                status, answer = self._answer(request)
                body = b"" if answer is None else json.dumps(answer).encode()
                writer.write(
                    b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
                    % (status, len(body))
                    + body
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, request: Recorded) -> tuple[int, Any]:
        method, target, _ = request.line.decode("latin-1").split(" ")
        path = target.partition("?")[0]
        image_id = path.split("/")[3] if path.count("/") >= 3 else "new"
        if path == "/v2/images":
            page = {"images": [], "first": path, "schema": "/v2/schemas/images"}
            return (201, self._image("new")) if method == "POST" else (200, page)
        if method == "DELETE" or "/actions/" in path:
            return 204, None
        if path.endswith("/file"):
            self._uploaded[image_id] = request.body
            return 204, None
        if path.endswith("/members") and method == "GET":
            return 200, {"members": []}
        if "/members" in path:
            return 200, {"member_id": "m", "image_id": image_id, "status": "pending"}
        return 200, self._image(image_id)

    def _image(self, image_id: str) -> dict[str, Any]:
        image: dict[str, Any] = {"id": image_id, "name": None, "status": "queued", "tags": ["a"]}
        if (data := self._uploaded.get(image_id)) is not None:
            image |= {"status": "active", "size": len(data), "os_hash_algo": "sha512"}
            image["os_hash_value"] = hashlib.sha512(data).hexdigest()
        return image


async def _read(reader: asyncio.StreamReader) -> Recorded:
    line, *fields = (await reader.readuntil(b"\r\n\r\n")).rstrip(b"\r\n").split(b"\r\n")
    headers = dict(re.split(rb":\s*", one, maxsplit=1) for one in fields)
    headers = {name.lower(): value for name, value in headers.items()}
    if headers.get(b"transfer-encoding") == b"chunked":
        return Recorded(line, headers, await _chunks(reader))
    body = await reader.readexactly(int(headers.get(b"content-length", b"0")))
    return Recorded(line, headers, body)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body


@asynccontextmanager
async def recording() -> AsyncIterator[Recorder]:
    """Listen on a free loopback port."""
    recorder = Recorder()
    server = await asyncio.start_server(recorder._serve, "127.0.0.1", 0)
    recorder.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield recorder
    finally:
        server.close()
