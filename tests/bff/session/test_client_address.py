"""Where a request comes from: only a trusted proxy may say that it is elsewhere."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError
from starlette.types import Message

from bff.app import create_app
from bff.rpc.registry import Registry, query
from bff.session.address import address_group, canonical_address
from bff.session.context import PublicContext
from bff.settings import Settings, explain
from schemas.base import NoInput
from tests.bff.conftest import Bff, Start
from tests.bff.session.test_sessions import code, sign_in
from tests.fakes.openstack import FakeOpenStack
from tests.process import SECONDS, ready, running


async def address_of(ctx: PublicContext, params: NoInput) -> str:
    """Return the caller's address."""
    return ctx.caller.address


async def key_of(ctx: PublicContext, params: NoInput) -> str:
    """Return with whom the caller shares turns."""
    return ctx.caller.key


ADDRESS, KEY = query("test.address", address_of), query("test.key", key_of)
SPOOFED = [
    "198.51.100.7",
    "198.51.100.7, 127.0.0.1",
    "127.0.0.1",
    "unknown",
    "",
]


@pytest.mark.parametrize("forwarded", SPOOFED)
@pytest.mark.parametrize("trusted", ["", "10.0.0.0/8", "127.0.0.2", "::1"])
async def test_nobody_else_is_believed(start: Start, trusted: str, forwarded: str) -> None:
    bff = await start(ADDRESS, trusted_proxies=trusted)
    headers = {
        "X-Forwarded-For": forwarded,
        "X-Real-IP": forwarded,
        "Forwarded": f"for={forwarded}",
    }
    assert (await bff.call("test.address", **headers))["result"] == "127.0.0.1"


async def test_an_older_variable_of_the_server_makes_no_difference(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    bff = await start(ADDRESS)
    answer = await bff.call("test.address", X_Forwarded_For="198.51.100.7")
    assert answer["result"] == "127.0.0.1"


async def test_nor_does_the_server_itself(
    client: aiohttp.ClientSession, openstack: FakeOpenStack
) -> None:
    variables = {"BFF_AUTH_URL": f"{openstack.url}/v3", "BFF_SIGN_INS_PER_ADDRESS": "1"}
    variables |= {"BFF_SIGN_INS_PER_USER": "0", "FORWARDED_ALLOW_IPS": "*"}
    with running("bff", "serve", "--port", "0", **variables) as process:
        bff = Bff(await ready(process), client)
        assert await wrong(bff, "198.51.100.7") == "UNAUTHORIZED"
        assert await wrong(bff, "198.51.100.8") == "TOO_MANY_REQUESTS"


async def wrong(bff: Bff, forwarded: str) -> str:
    """Try a wrong password with an X-Forwarded-For; returns the code of the answer."""
    params = {"user": "alice", "password": "a-guess"}
    answer = await bff.call("auth.createUserSession", params, X_Forwarded_For=forwarded)
    return str(code(answer))


async def behind(start: Start, *lines: str, trusted: str = "127.0.0.1,10.0.0.0/8") -> Any:
    """Return the caller's address when a trusted proxy sends these lines of X-Forwarded-For."""
    bff = await start(ADDRESS, trusted_proxies=trusted)
    body = b'{"jsonrpc":"2.0","id":1,"method":"test.address"}'
    headers = [("X-Forwarded-For", line) for line in lines]
    sent = [*headers, ("content-type", "application/json")]
    response = await bff.request("POST", bff.url, data=body, headers=sent)
    return (await response.json())["result"]


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        # What a client made up is on the left of what the proxy saw.
        ("203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("127.0.0.1, 198.51.100.7", "198.51.100.7"),
        ("203.0.113.9, 198.51.100.7, 10.1.2.3, 10.0.0.1", "198.51.100.7"),
        ("garbage, 198.51.100.7", "198.51.100.7"),
        (" 198.51.100.7 ", "198.51.100.7"),
        ("198.51.100.7:4711", "198.51.100.7"),
        ("198.51.100.7:none", "unknown"),
        ("198.51.100.7, 10.0.0.1:80", "198.51.100.7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("[2001:db8::7", "unknown"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("198.51.100.7, ::ffff:10.0.0.1", "198.51.100.7"),
        ("fe80::1%eth0", "fe80::1"),
        # Nothing on the left of what cannot be read is believed.
        ("198.51.100.7, garbage", "unknown"),
        ("198.51.100.7, unknown", "unknown"),
        ("198.51.100.7, 999.1.1.1", "unknown"),
        ("198.51.100.7, 010.0.0.1", "unknown"),
        ("198.51.100.7, 3325256711", "unknown"),
        ("198.51.100.7, 10.0.0.1.evil.example", "unknown"),
        ("198.51.100.7,", "127.0.0.1"),
        ("", "127.0.0.1"),
        (",", "127.0.0.1"),
        # All are proxies: the one that is farthest away.
        ("10.9.9.9, 10.0.0.1", "10.9.9.9"),
        ("203.0.113.9, " * 4000 + "198.51.100.7", "198.51.100.7"),
        ("198.51.100.7" + ", 10.0.0.1" * 5000, "198.51.100.7"),
        ("," * 60_000 + "198.51.100.7", "198.51.100.7"),
        ("198.51.100.7, " + "1" * 60_000, "unknown"),
        ("[::1]:" + "9" * 60_000, "::1"),
    ],
    ids=lambda text: text[:50],
)
async def test_the_right_most_that_is_no_proxy(start: Start, forwarded: str, address: str) -> None:
    assert await behind(start, forwarded) == address


async def test_several_lines_are_one(start: Start) -> None:
    assert await behind(start, "203.0.113.9", "198.51.100.7", "10.0.0.1") == "198.51.100.7"
    assert await behind(start, "198.51.100.7", "garbage") == "unknown"


async def test_ten_thousand_entries_are_too_many(start: Start) -> None:
    bff = await start(ADDRESS, trusted_proxies="127.0.0.1")
    reader, writer = await asyncio.open_connection("127.0.0.1", bff.origin.rpartition(":")[2])
    forwarded = "10.0.0.1, " * 10_000
    writer.write(f"POST / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {forwarded}\r\n\r\n".encode())
    async with asyncio.timeout(SECONDS):
        assert (await reader.readline()).startswith(b"HTTP/1.1 431 ")
    writer.close()


async def test_a_line_of_the_log_has_it(start: Start, logged: list[Any]) -> None:
    bff = await start(ADDRESS, trusted_proxies="127.0.0.1")
    await bff.call("test.address", X_Forwarded_For="198.51.100.7:1")
    assert [line["client"] for line in logged if line["event"] == "call"] == ["198.51.100.7"]


async def test_each_client_of_a_proxy_has_its_own_attempts(start: Start) -> None:
    bff = await start(trusted_proxies="127.0.0.1", sign_ins_per_user=0, sign_ins_per_address=1)
    assert await wrong(bff, "198.51.100.7") == "UNAUTHORIZED"
    assert await wrong(bff, "198.51.100.8") == "UNAUTHORIZED"
    # With whatever it says itself in front.
    assert await wrong(bff, "198.51.100.99, 198.51.100.7:5") == "TOO_MANY_REQUESTS"
    assert await wrong(bff, "garbage") == "UNAUTHORIZED"
    assert await wrong(bff, "other garbage") == "TOO_MANY_REQUESTS"


async def test_without_trust_made_up_addresses_are_one(start: Start) -> None:
    bff = await start(sign_ins_per_user=0, sign_ins_per_address=5)
    codes = [await wrong(bff, f"10.0.0.{n}") for n in range(8)]
    assert codes == ["UNAUTHORIZED"] * 5 + ["TOO_MANY_REQUESTS"] * 3


@pytest.mark.parametrize(
    ("trusted", "proto", "served"),
    [
        ("127.0.0.1", "https", True),
        ("127.0.0.1", "http", False),
        ("127.0.0.1", "HTTPS://evil", False),
        ("", "https", False),
        ("10.0.0.0/8", "https", False),
    ],
)
async def test_the_outer_scheme_is_believed_of_a_trusted_proxy_alone(
    start: Start, trusted: str, proto: str, served: bool
) -> None:
    bff = await start(trusted_proxies=trusted)
    _, cookie = await sign_in(bff)
    origin = bff.origin.replace("http:", "https:")
    headers = {"Cookie": cookie, "Origin": origin, "X-Forwarded-Proto": proto}
    answer = await bff.call("auth.listProjects", **headers)
    assert ("result" in answer) is served


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        (("::ffff:10.0.0.1", 1), "198.51.100.7"),
        (("10.0.0.1", 1), "198.51.100.7"),
        (("fd00::1", 1), "198.51.100.7"),
        (("::ffff:203.0.113.9", 1), "203.0.113.9"),
        (("", 0), "unknown"),
        (None, "unknown"),
    ],
)
async def test_any_server_of_asgi(peer: Any, address: str) -> None:
    """A socket for both versions of IP has IPv4 in IPv6; a Unix socket has no address."""
    settings = Settings(auth_url="http://127.0.0.1:1/v3", trusted_proxies="10.0.0.0/8,fd00::/8")
    app = create_app(settings, Registry([ADDRESS]))
    headers = [(b"x-forwarded-for", b"198.51.100.7"), (b"content-type", b"application/json")]
    sent: list[Message] = []
    bodies = [b'{"jsonrpc":"2.0","id":1,"method":"test.address"}']

    async def receive() -> Message:
        if not bodies:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": bodies.pop()}

    async def send(message: Message) -> None:
        sent.append(message)

    async with app.router.lifespan_context(app) as state:
        scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/polaris-bff/rpc"}
        scope |= {"headers": headers, "query_string": b"", "scheme": "http"}
        scope |= {"client": peer, "state": state}
        await app(scope, receive, send)
    assert f'"result":"{address}"'.encode() in sent[1]["body"]


@pytest.mark.parametrize(
    "value",
    [
        *("*", "localhost", "10.0.0.1/8", "10.0.0.0/33", "10.0.0", "10.0.0.1:80", "[::1]"),
        *("10.0.0.1;10.0.0.2", "10.0.0.1 10.0.0.2", "unix", "/run/nginx.sock", "1"),
    ],
)
def test_what_is_no_network_stops_the_start(value: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Settings(auth_url="http://127.0.0.1:1/v3", trusted_proxies=f"127.0.0.1,{value}")
    assert explain(raised.value).startswith("BFF_TRUSTED_PROXIES: ")
    assert "10.0.0.0/8" in explain(raised.value)


def test_networks_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFF_AUTH_URL", "http://127.0.0.1:1/v3")
    monkeypatch.setenv("BFF_TRUSTED_PROXIES", " 10.0.0.5 ,, FD00::/8,")
    assert Settings().trusted_proxies == ("10.0.0.5/32", "fd00::/8")


def test_groups() -> None:
    assert address_group(canonical_address("2001:db8:1:2:3:4:5:6")) == "2001:db8:1:2::/64"
    assert address_group(canonical_address("::ffff:192.0.2.1")) == "192.0.2.1"
    assert address_group(canonical_address(None)) == "unknown"


async def test_a_caller_shares_turns_by_its_token_once_that_is_known(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(KEY)
    token = openstack.new_token()
    at_home = "address:127.0.0.1"
    assert (await bff.call("test.key"))["result"] == at_home
    assert (await bff.call("test.key", X_Auth_Token=token))["result"] == at_home
    await bff.call("compute.image.listImages", X_Auth_Token=token)
    known = (await bff.call("test.key", X_Auth_Token=token))["result"]
    assert known.startswith("token:")
    assert token not in known
    other = openstack.new_token()
    await bff.call("compute.image.listImages", X_Auth_Token=other)
    assert (await bff.call("test.key", X_Auth_Token=other))["result"] not in (known, at_home)
    await bff.call("compute.image.listImages", X_Auth_Token="nonsense")
    assert (await bff.call("test.key", X_Auth_Token="nonsense"))["result"] == at_home


async def test_the_hosts_of_an_ipv6_network_share_turns(start: Start) -> None:
    bff = await start(KEY, trusted_proxies="127.0.0.1")
    answer = await bff.call("test.key", X_Forwarded_For="2001:db8::7")
    assert answer["result"] == "address:2001:db8::/64"
