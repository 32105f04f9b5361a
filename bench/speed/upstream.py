"""``python -m bench.speed.upstream PORT``: a Keystone and a Glance that cost next to nothing.

Answers are made beforehand; only ids are put into them. Every token is valid, every image is
there. ``GET /count`` says how many requests there were. It checks nothing and trusts whoever calls:
for measurements on one machine alone. Sources: Identity API v3, Image API v2.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qs, unquote

import uvloop

from bench.stand_in import PROJECT

# Of an answer of the sizes that a real cloud gives: 25 images are 33 kB, 1000 are 1.3 MB.
PLACEHOLDER = "00000000-0000-4000-8000-000000000000"
REQUEST_ID = "req-7f3c1a52-5a0e-4c6b-9a53-0d5d6a0f7b11"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
SUBJECT = re.compile(rb"\r\nx-subject-token: *([^\r]+)", re.IGNORECASE)
LAST_CHUNK = b"0\r\n\r\n"
IDS = re.compile(r"[?&]id=in(?::|%3A)([^&]*)", re.IGNORECASE)
KEPT = 1000


def image(image_id: str) -> dict[str, Any]:
    """Return an image as Glance shows it, with the properties that a cloud's own images have."""
    return {
        "hw_disk_bus": "scsi",
        "hw_scsi_model": "virtio-scsi",
        "hw_qemu_guest_agent": "yes",
        "hw_rng_model": "virtio",
        "hw_machine_type": "q35",
        "os_type": "linux",
        "os_distro": "ubuntu",
        "os_version": "24.04",
        "os_admin_user": "ubuntu",
        "architecture": "x86_64",
        "image_build_date": "2026-10-31",
        "image_original_user": "ubuntu",
        "image_source": "https://images.example.org/releases/noble/release-20261031/noble.img",
        "image_description": "Ubuntu 24.04 LTS (Noble Numbat) server, with cloud-init",
        "provided_until": "none",
        "replace_frequency": "monthly",
        "name": "Ubuntu 24.04 LTS",
        "disk_format": "raw",
        "container_format": "bare",
        "visibility": "public",
        "size": 3758096384,
        "virtual_size": 3758096384,
        "status": "active",
        "checksum": "9e2f1d6ac9d3fe3bd4bfcd2d6ac2e0d5",
        "protected": False,
        "min_ram": 512,
        "min_disk": 4,
        "owner": PROJECT["id"],
        "os_hidden": False,
        "os_hash_algo": "sha512",
        "os_hash_value": "4f" * 64,
        "id": image_id,
        "created_at": "2026-10-31T06:12:25Z",
        "updated_at": "2026-10-31T06:19:02Z",
        "tags": ["lts", "supported"],
        "self": f"/v2/images/{image_id}",
        "file": f"/v2/images/{image_id}/file",
        "schema": "/v2/schemas/image",
    }


_PIECES = json.dumps(image(PLACEHOLDER)).encode().split(PLACEHOLDER.encode())


def image_bytes(image_id: bytes) -> bytes:
    """Return the JSON of an image."""
    return image_id.join(_PIECES)


def page(ids: list[bytes]) -> bytes:
    """Return a page of images, the last one."""
    images = b", ".join(map(image_bytes, ids))
    end = b'], "first": "/v2/images", "schema": "/v2/schemas/images"}'
    return b'{"images": [' + images + end


def numbered(count: int) -> list[bytes]:
    """Return so many ids."""
    return [f"00000000-0000-4000-8000-{number:012d}".encode() for number in range(count)]


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """Return a whole answer."""
    lines = [
        f"HTTP/1.1 {status}",
        f"x-openstack-request-id: {REQUEST_ID}",
        *headers,
        *([] if status.startswith("204") else ["content-type: application/json"]),
        *([] if status.startswith("204") else [f"content-length: {len(body)}"]),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


_OF_ONE = http(image_bytes(PLACEHOLDER.encode())).split(PLACEHOLDER.encode())
DELETED = http(b"", "204 No Content")


def token_body(origin: str, user: str, scoped: bool) -> bytes:
    """Return what Keystone says of a token."""
    domain = {"id": "default", "name": "Default"}
    endpoint = {"interface": "public", "region": "one", "region_id": "one", "url": origin}
    in_project = {
        "project": PROJECT,
        "roles": [{"id": "member", "name": "member"}],
        "catalog": [{"type": "image", "name": "glance", "id": "1", "endpoints": [endpoint]}],
    }
    expires = datetime.now(UTC) + timedelta(hours=12)
    token = {
        "methods": ["password"],
        "user": {"id": user, "name": user, "domain": domain},
        "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "issued_at": "2026-01-01T00:00:00.000000Z",
        "audit_ids": ["a"],
        **(in_project if scoped else {}),
    }
    return json.dumps({"token": token}).encode()


class Answers:
    """The answers of both services at ``origin``."""

    def __init__(self, origin: str) -> None:
        self._scoped = token_body(origin, "u" * 32, scoped=True)
        self._unscoped = token_body(origin, "u" * 32, scoped=False)
        self._numbers = itertools.count()
        self._requests = 0
        version = {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": origin}]}
        self._version = http(json.dumps({"version": version}).encode())
        self._projects = http(json.dumps({"projects": [PROJECT], "links": {}}).encode())
        self._pages: dict[str, bytes] = {}

    def answer(self, method: bytes, path: bytes, head: bytes, body: bytes) -> bytes:
        """Return the answer to one request."""
        self._requests += 1
        if path.startswith(b"/v2/images/"):
            return path[11:47].join(_OF_ONE) if method == b"GET" else DELETED
        if path.startswith(b"/v2/images"):
            return self._page(path.decode())
        if path.endswith(b"/auth/tokens"):
            return self._token(method, head, body)
        if path == b"/count":
            return http(b"%d" % self._requests)
        return self._projects if b"projects" in path else self._version

    def _token(self, method: bytes, head: bytes, body: bytes) -> bytes:
        if method == b"DELETE":
            return DELETED
        if method == b"POST":
            subject = f"X-Subject-Token: gAAAA{next(self._numbers):0178d}"
            scoped = b'"scope"' in body and b"unscoped" not in body
            return http(self._scoped if scoped else self._unscoped, "201 Created", subject)
        asked = SUBJECT.search(head)
        assert asked
        return http(self._scoped, "200 OK", f"X-Subject-Token: {asked[1].decode()}")

    def _page(self, target: str) -> bytes:
        if asked := IDS.search(target):
            ids = [] if "os_hidden=true" in target else unquote(asked[1]).encode().split(b",")
            return http(page(ids))
        if target not in self._pages:
            if len(self._pages) >= KEPT:
                self._pages.clear()
            limit = int(parse_qs(target.partition("?")[2]).get("limit", ["25"])[0])
            self._pages[target] = http(page(numbered(min(limit, 1000))))
        return self._pages[target]


class Connection(asyncio.Protocol):
    """One connection; requests may come in pieces, and several at once."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # uvloop's transports are no asyncio.Transport.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer whatever is whole."""
        self._received += data
        answers = [self._answers.answer(*request) for request in self._requests()]
        if answers:
            self._transport.write(b"".join(answers) if len(answers) > 1 else answers[0])

    def _requests(self) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
        """Yield method, path, head and body of each request that is whole."""
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            method, path, _ = head.split(b" ", 2)
            size = 0 if method == b"GET" else self._body_size(head, end + 4)
            if size is None or len(self._received) < end + 4 + size:
                return
            body = self._received[end + 4 : end + 4 + size]
            self._received = self._received[end + 4 + size :]
            yield method, path, head, body

    def _body_size(self, head: bytes, start: int) -> int | None:
        """Return how long a body is; None while that is not known."""
        if CHUNKED.search(head) is None:
            length = LENGTH.search(head)
            return int(length[1]) if length else 0
        if self._received.endswith(LAST_CHUNK):
            return len(self._received) - start
        # What has come of a file is not looked at again.
        self._received = self._received[:start] + self._received[start:][-len(LAST_CHUNK) :]
        return None


async def main() -> None:
    """Serve until the process is ended."""
    port = int(sys.argv[1])
    answers = Answers(f"http://127.0.0.1:{port}")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answers), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
