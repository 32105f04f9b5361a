"""What nginx and HAProxy pass on, change, keep to themselves, and never send twice."""

from __future__ import annotations

import asyncio
import gzip
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.deploy.proxies import KINDS, Proxy, free_port, running_proxy

pytestmark = pytest.mark.parametrize("kind", KINDS)
ANSWER = b'"answered"' * 1000
ROUTES = ("/polaris-bff/rpc", "/polaris-bff/upload-image")


class Server:
    """What stands in for a BFF here: it notes each request, answers some, and then hangs up."""

    def __init__(self, *, answers: float = math.inf) -> None:
        self.seen: list[web.Request] = []
        self.address = ""
        self._answers = answers

    async def handle(self, request: web.Request) -> web.Response:
        if request.path == "/readyz":
            return web.Response()
        await request.read()
        self.seen.append(request)
        if len(self.seen) > self._answers:
            assert request.transport
            request.transport.abort()
        packed = {"Content-Encoding": "gzip"} if "packed" in request.query else {}
        body = gzip.compress(ANSWER) if packed else ANSWER
        return web.Response(body=body, content_type="application/json", headers=packed)


@asynccontextmanager
async def served(server: Server) -> AsyncIterator[Server]:
    application = web.Application(client_max_size=2**30)
    application.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.address = f"127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


@asynccontextmanager
async def behind(kind: str, folder: Path, *servers: Server) -> AsyncIterator[Proxy]:
    """Run a proxy in front of servers; where one is missing, nobody listens."""
    async with AsyncExitStack() as stack:
        first, second = [
            (await stack.enter_async_context(served(servers[number]))).address
            if number < len(servers)
            else f"127.0.0.1:{free_port()}"
            for number in (0, 1)
        ]
        running = running_proxy(kind, folder, (second, first))
        proxy = await asyncio.to_thread(running.__enter__)
        try:
            yield proxy
        finally:
            running.__exit__(None, None, None)


async def test_what_a_client_claims_about_itself_is_replaced(
    kind: str, tmp_path: Path, client: aiohttp.ClientSession
) -> None:
    server = Server()
    claims = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=203.0.113.9;proto=http;host=evil.example",
    }
    async with behind(kind, tmp_path, server, server) as proxy:
        for route in (*ROUTES, "/polaris-bff/upload-progress/1", "/polaris-bff/"):
            url = proxy.origin + route
            async with client.post(url, headers=claims, ssl=proxy.ssl) as answer:
                assert answer.status == 200
            headers = server.seen.pop().headers
            host = proxy.origin.removeprefix("https://")
            told = [headers.getall(f"X-Forwarded-{name}") for name in ("For", "Proto", "Host")]
            assert told == [["127.0.0.1"], ["https"], [host]]
            assert headers["Host"] == host
            assert "Forwarded" not in headers


async def test_answers_are_compressed_by_the_bff_alone(
    kind: str, tmp_path: Path, client: aiohttp.ClientSession
) -> None:
    headers = {"Accept-Encoding": "gzip"}
    async with behind(kind, tmp_path, server := Server(), server) as proxy:
        for query, coding in (("", None), ("?packed", "gzip")):
            url = f"{proxy.origin}/polaris-bff/rpc{query}"
            async with client.post(url, headers=headers, ssl=proxy.ssl) as answer:
                assert answer.headers.get("Content-Encoding") == coding
                assert await answer.read() == ANSWER


@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/healthz", "/readyz", "/polaris-bff", "//metrics"]
)
async def test_nothing_but_the_bffs_own_addresses_is_passed_on(
    kind: str, tmp_path: Path, client: aiohttp.ClientSession, path: str
) -> None:
    server = Server()
    async with (
        behind(kind, tmp_path, server, server) as proxy,
        client.get(proxy.origin + path, ssl=proxy.ssl, allow_redirects=False) as answer,
    ):
        # nginx sends whoever forgot the last slash to it.
        assert answer.status in ({301, 404} if path == "/polaris-bff" else {404})
    assert server.seen == []


async def test_plain_http_is_sent_to_https(
    kind: str, tmp_path: Path, client: aiohttp.ClientSession
) -> None:
    server = Server()
    async with behind(kind, tmp_path, server, server) as proxy:
        url = f"http://127.0.0.1:{proxy.plain_port}/polaris-bff/?a=b"
        async with client.get(url, allow_redirects=False) as answer:
            assert answer.status == 308
            assert answer.headers["Location"].startswith("https://127.0.0.1")
            assert answer.headers["Location"].endswith("/polaris-bff/?a=b")
    assert server.seen == []


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("answered", [0, 1], ids=["a new connection", "a kept connection"])
async def test_a_post_that_was_sent_is_never_sent_again(
    kind: str, tmp_path: Path, client: aiohttp.ClientSession, route: str, answered: int
) -> None:
    servers = Server(answers=answered), Server(answers=answered)
    async with behind(kind, tmp_path, *servers) as proxy:

        async def post() -> int:
            url = proxy.origin + route
            async with client.post(url, data=b"{}", ssl=proxy.ssl) as answer:
                return answer.status

        assert [await post() for _ in range(2 * answered)] == 2 * answered * [200]
        try:
            assert await post() == 502
        except aiohttp.ServerDisconnectedError:
            # HAProxy's way with all but the first request of a client's connection.
            assert (kind, answered) == ("haproxy", 1)
    assert len(servers[0].seen) + len(servers[1].seen) == 2 * answered + 1


@pytest.mark.parametrize("route", ROUTES)
async def test_a_bff_that_is_not_there_costs_no_call(
    kind: str, tmp_path: Path, client: aiohttp.ClientSession, route: str
) -> None:
    server = Server()
    async with behind(kind, tmp_path, server) as proxy:
        for _ in range(6):
            async with client.post(proxy.origin + route, data=b"{}", ssl=proxy.ssl) as answer:
                assert answer.status == 200
    assert len(server.seen) == 6
