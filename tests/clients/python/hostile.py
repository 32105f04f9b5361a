"""A server that answers what no BFF would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

# What it answers to the calls of a request; ``None`` ends the connection.
Answer = bytes | None | Callable[[list[dict[str, Any]]], bytes | None]


def http(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """Return a whole answer."""
    lines = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def results(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what an honest server answers to calls: their parameters."""
    return [{"jsonrpc": "2.0", "result": call["params"], "id": call["id"]} for call in calls]


def answer(document: Any) -> bytes:
    """Return an answer with a JSON document."""
    return http(json.dumps(document).encode())


class Hostile:
    """Listens on loopback; ``answers`` says what comes next, the last one for good."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[tuple[dict[str, str], list[dict[str, Any]]]] = []
        self.url = ""
        # What uploads are answered.
        self.upload: bytes | None = None
        # Whether each answer is the last one of its connection.
        self.ends = False

    async def start(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/polaris-bff"

    async def stop(self) -> None:
        """End, with all connections."""
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")) and await self._one(
                head, reader, writer
            ):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _one(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        lines = head.decode().split("\r\n")[1:-2]
        headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if b"upload-image" in head.partition(b"\r\n")[0]:
            return await self._write(writer, self.upload)
        parsed = json.loads(body)
        calls = parsed if isinstance(parsed, list) else [parsed]
        self.requests.append((headers, calls))
        give = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await self._write(writer, give(calls) if callable(give) else give)

    async def _write(self, writer: asyncio.StreamWriter, given: bytes | None) -> bool:
        if given is not None:
            writer.write(given)
            await writer.drain()
        return given is not None and not self.ends
