"""A Glance that answers as it is told, and the adapter in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from bff.openstack.glance import Glance
from bff.openstack.service import Service
from bff.openstack.transport import Timeouts, new_client
from schemas.headers import REQUEST_ID
from tests.fakes.errors import glance_error

TOKEN = "gAAAAAB-the-token"
IMAGE_ID = "a85abd86-55b3-4d5b-b0b4-5d0a6e6042fc"
PROJECT_ID = "9f1c1f3a7d0e4c57a1b7c2d4e5f60718"


def page_of(first: int, count: int, marker: str | None = None) -> bytes:
    """Return a page of images that are numbered from ``first``."""
    images = b",".join(b'{"id":"%d"}' % number for number in range(first, first + count))
    # As Glance writes it; of all this only the marker is read.
    link = b',"next":"/v2/images?limit=1000&marker=%s"' % marker.encode() if marker else b""
    return b'{"images":[' + images + b'],"schema":"/v2/schemas/images"' + link + b"}"


@dataclass
class Upstream:
    """Gives the answers it was given, in order, and keeps what it was asked."""

    answers: list[tuple[int, bytes]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    requests: list[web.BaseRequest] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    def will_answer(self, *bodies: bytes, status: int = 200) -> None:
        self.answers += [(status, body) for body in bodies]

    async def handle(self, request: web.BaseRequest) -> web.Response:
        self.asked.append(f"{request.method} {request.raw_path}")
        self.requests.append(request)
        self.bodies.append(await request.read())
        status, body = self.answers.pop(0)
        body = body if status != 404 else glance_error(404)
        headers = {REQUEST_ID: "req-theirs"}
        return web.Response(
            status=status, body=body, headers=headers, content_type="application/json"
        )


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream()
    async with RawTestServer(upstream.handle) as server:
        upstream.url = str(server.make_url("")).rstrip("/")
        yield upstream
    assert upstream.answers == [], "fewer requests came than the test expects"


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with new_client() as client:
        yield Service("Glance", client, Timeouts(connect=5, answer=5))


@pytest.fixture
def glance(service: Service, upstream: Upstream) -> Glance:
    return Glance(service, upstream.url, TOKEN, "req-ours", PROJECT_ID)
