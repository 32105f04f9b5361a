"""What a request's line and head must be: the host, what is expected, and the address as sent."""

from __future__ import annotations

import pytest

from tests.bff.conftest import Bff
from tests.bff.server.test_protocol import connected, rest

BODY = b'{"jsonrpc":"2.0","id":1,"method":"auth.getCurrentUserSession"}'


async def answer(
    bff: Bff, *headers: bytes, path: bytes = b"/polaris-bff/rpc", version: bytes = b"1.1"
) -> bytes:
    """Return the answer to a call with these headers besides those that it needs."""
    head = [
        b"POST %s HTTP/%s" % (path, version),
        b"Connection: close",
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(BODY),
        *headers,
    ]
    async with connected(bff) as (reader, writer):
        writer.write(b"\r\n".join([*head, b"", BODY]))
        return await rest(reader)


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [b"Host: a", b"Host: b"],
        [b"Host: a", b"host: a"],
        *(
            [b"Host: " + bad]
            for bad in (b"a b", b"a,b", b"a/b", b"u@a", b"a:b", b"a:1:2", b"::1", b"[a", b"[::1]x")
        ),
        [b"Host: http://a"],
        [b"Host: a?b"],
        [b"Host: a%2"],
        [b"Host: \xff"],
    ],
)
@pytest.mark.parametrize("offer", [[], [b"Connection: Upgrade", b"Upgrade: h2c"]])
async def test_a_request_without_one_good_host_is_refused(
    hosts: list[bytes], offer: list[bytes], bff: Bff
) -> None:
    told = await answer(bff, *hosts, *offer)
    assert told.startswith(b"HTTP/1.1 400 ")
    assert b"Host" in told
    assert b"result" not in told


@pytest.mark.parametrize(
    "host", [b"", b"a", b"A.example:80", b"a:", b"127.0.0.1:8080", b"[::1]:80", b"a_b", b"%61"]
)
async def test_a_host_is_a_name_or_an_address_with_or_without_a_port(host: bytes, bff: Bff) -> None:
    assert b'"result":' in await answer(bff, b"Host: " + host)


async def test_http_1_0_needs_no_host_but_may_not_have_two(bff: Bff) -> None:
    assert b'"result":' in await answer(bff, version=b"1.0")
    told = await answer(bff, b"Host: a", b"Host: b", version=b"1.0")
    assert told.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(("version", "interim"), [(b"1.0", 0), (b"1.1", 1)])
async def test_an_interim_answer_goes_only_to_who_knows_them(
    version: bytes, interim: int, bff: Bff
) -> None:
    told = await answer(bff, b"Host: a", b"Expect: 100-continue", version=version)
    assert told.count(b"HTTP/1.1 100 ") == interim
    assert b'"result":' in told


@pytest.mark.parametrize(
    "path",
    [
        b"/polaris-bff%2frpc",
        b"/polaris-bff%2Frpc",
        b"%2Fpolaris-bff/rpc",
        b"/polaris-bff/rpc%2f",
        b"/polaris-bff%252frpc",
        b"/polaris-bff%5crpc",
        b"/polaris-bff/rpc%00",
        b"/polaris-bff/rpc%3f",
        b"/polaris-bff/rpc%ff",
        b"/polaris-bff/x/..%2frpc",
        b"/x/%2e%2e/polaris-bff/rpc",
        b"//polaris-bff/rpc",
    ],
)
async def test_another_address_is_not_the_one_that_it_looks_like(path: bytes, bff: Bff) -> None:
    told = await answer(bff, b"Host: a", path=path)
    assert told.split(b" ")[1] in (b"404", b"400")


@pytest.mark.parametrize("path", [b"/polaris-bff/%72pc", b"/polaris%2dbff/rpc?x=%2f"])
async def test_what_is_encoded_without_need_means_the_same(path: bytes, bff: Bff) -> None:
    assert b'"result":' in await answer(bff, b"Host: a", path=path)


@pytest.mark.parametrize("route", ["openrpc.json", "upload-image", "upload-progress/x", "", "x.js"])
async def test_no_route_takes_an_encoded_slash(route: str, bff: Bff) -> None:
    async with connected(bff) as (reader, writer):
        head = f"GET /polaris-bff%2F{route} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        assert (await rest(reader)).startswith(b"HTTP/1.1 404 ")
