"""Upload requests byte by byte, and the image that they are for."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import canary
from tests.bff.conftest import Bff
from tests.fakes.openstack import FakeOpenStack, image

BOUNDARY = "----WebKitFormBoundaryePkpFF7tjBAqx29L"
CONTENT = bytes(range(256)) * 2000 + b"\r\n--almost a boundary\r\n"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
OCTETS = "application/octet-stream"


def part(name: str, content: bytes, *more: str) -> bytes:
    """Return one part of a form, without what separates it from the next."""
    filename = '; filename="disk.img"' if name == "file" else ""
    lines = [f'Content-Disposition: form-data; name="{name}"{filename}', *more]
    head = "\r\n".join([f"--{BOUNDARY}", *lines, "", ""])
    return head.encode() + content


def form(*parts: bytes) -> bytes:
    """Return a whole form, as browsers send it."""
    return b"".join(p + b"\r\n" for p in parts) + f"--{BOUNDARY}--\r\n".encode()


def file_first(image_id: str, content: bytes = CONTENT) -> bytes:
    """Return the form of the specification's example."""
    return form(part("file", content), part("imageId", image_id.encode()))


def id_first(image_id: str, content: bytes = CONTENT) -> bytes:
    """Return the form whose file needs not wait."""
    return form(part("imageId", image_id.encode()), part("file", content))


def octets(_image_id: str, content: bytes = CONTENT) -> bytes:
    """Return the file itself."""
    return content


WAYS: dict[str, Callable[..., bytes]] = {
    "id first": id_first,
    "file first": file_first,
    "octets": octets,
}


def kind_and_query(way: str, image_id: str) -> tuple[str, str]:
    """Return the content type and the query that go with one of the ways."""
    return (OCTETS, f"?imageId={image_id}") if way == "octets" else (FORM, "")


class Connection:
    """A client that sends bytes as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *parts: bytes) -> None:
        for data in parts:
            self.writer.write(data)
            await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        """Return status, headers and JSON of the next answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        canary.check_answer(headers, body)
        return int(head[0].split()[1]), headers, json.loads(body) if body else None

    def finish(self) -> None:
        """Send FIN."""
        self.writer.close()

    def reset(self) -> None:
        """Send RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Uploader:
    """A user who uploads to one BFF."""

    def __init__(self, bff: Bff, token: str) -> None:
        self.bff = bff
        self.token = token
        self.url = f"{bff.origin}/polaris-bff/upload-image"

    async def post(
        self, body: Any, content_type: str = FORM, query: str = "", **headers: str
    ) -> tuple[int, Any]:
        """Send a whole body; returns status and JSON."""
        sent = {"Content-Type": content_type, "X-Auth-Token": self.token}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        # aiohttp warns of large bodies that are bytes.
        data = BytesIO(body) if isinstance(body, bytes) else body
        answer = await self.bff.request("POST", self.url + query, data=data, headers=sent)
        return answer.status, await answer.json()

    @asynccontextmanager
    async def connection(
        self, length: int | None, content_type: str = FORM, query: str = "", *more: str
    ) -> AsyncIterator[Connection]:
        """Open a connection and send the head of an upload; ``None``: the body is in chunks."""
        address = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        lines = [
            f"POST {address.path}{query} HTTP/1.1",
            f"Host: {address.netloc}",
            f"X-Auth-Token: {self.token}",
            f"Content-Type: {content_type}",
            size,
            *more,
        ]
        try:
            connection = Connection(reader, writer)
            await connection.send("\r\n".join([*lines, "", ""]).encode())
            yield connection
        finally:
            writer.transport.abort()


@pytest.fixture(autouse=True)
def _a_short_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """On loopback, an answer needs no longer to be found by a client that is still sending."""
    monkeypatch.setattr("bff.upload.body.LINGER_SECONDS", 0.1)


@pytest.fixture
def queued(openstack: FakeOpenStack) -> dict[str, Any]:
    """Return an image that waits for its data."""
    made = image(status="queued", size=None)
    openstack.images.append(made)
    return made


@pytest.fixture
def alice(bff: Bff, openstack: FakeOpenStack) -> Uploader:
    """Return a user of a BFF with the default settings."""
    return Uploader(bff, openstack.new_token())


StartUploads = Callable[..., Any]


@pytest.fixture
def start_uploads(start: Any, openstack: FakeOpenStack) -> StartUploads:
    """Return a function that starts a BFF with settings of a test's own, and a user of it."""

    async def start_uploads(**settings: Any) -> Uploader:
        return Uploader(await start(**settings), openstack.new_token())

    return start_uploads


def error_of(answer: Any) -> tuple[str, str]:
    """Return code and message of an error's JSON."""
    return answer["error"]["data"]["code"], answer["error"]["message"]
