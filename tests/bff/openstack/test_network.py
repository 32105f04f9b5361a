"""Authorities, client certificates and proxies, over real TLS and through a real proxy."""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvloop
from aiohttp import web
from cryptography.hazmat.primitives import serialization

from bff.errors import BffError
from bff.openstack.exchange import Operation
from bff.openstack.network import Network
from bff.openstack.service import Service
from bff.openstack.transport import Timeouts, new_client
from tests.bff.conftest import Bff, Start, bff_with
from tests.conftest import Serve
from tests.fakes.openstack import FakeOpenStack, image
from tests.tls import PEM, Authority

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
PROXY_PASSWORD = "proxy-password"
SECONDS = 30


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


# --- The files


def _files(folder: Path) -> dict[str, Path]:
    ours, others = Authority(folder), Authority(folder, "others")
    cert, key = ours.certificate("bff")
    _, another_key = others.certificate("another")
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    sealed = serialization.BestAvailableEncryption(b"passphrase")
    made = {
        "empty": b"",
        "text": b"no certificate",
        "sealed": loaded.private_bytes(PEM, serialization.PrivateFormat.PKCS8, sealed),
        "whole": cert.read_bytes() + key.read_bytes(),
    }
    for name, content in made.items():
        (folder / name).write_bytes(content)
    there = {name: folder / name for name in (*made, "missing")}
    return {"cert": cert, "key": key, "another_key": another_key, "folder": folder, **there}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"ca_file": "empty"}, "BFF_CA_FILE: .* must hold certificates in PEM format"),
        ({"ca_file": "text"}, "BFF_CA_FILE: .* must hold certificates"),
        ({"ca_file": "key"}, "BFF_CA_FILE: .* must hold certificates"),
        ({"ca_file": "folder"}, "BFF_CA_FILE: .* cannot be read"),
        ({"ca_file": "missing"}, r"BFF_CA_FILE: .* cannot be read \(No such file"),
        ({"client_cert": "text"}, "BFF_CLIENT_CERT: .* must hold certificates"),
        ({"client_cert": "missing"}, "BFF_CLIENT_CERT: .* cannot be read"),
        ({"client_cert": "cert"}, "BFF_CLIENT_CERT: .* must hold the key of the certificate"),
        ({"client_cert": "cert", "client_key": "another_key"}, "BFF_CLIENT_KEY: .* the key of"),
        ({"client_cert": "cert", "client_key": "text"}, "BFF_CLIENT_KEY: .* the key of"),
        ({"client_cert": "cert", "client_key": "folder"}, "BFF_CLIENT_KEY: .* cannot be read"),
        ({"client_cert": "cert", "client_key": "sealed"}, "BFF_CLIENT_KEY: is encrypted"),
        ({"client_key": "key"}, "set BFF_CLIENT_CERT too"),
    ],
)
def test_a_wrong_file_is_told_by_its_variable(
    given: dict[str, str], says: str, tmp_path: Path
) -> None:
    files = _files(tmp_path)
    with pytest.raises(ValueError, match=says):
        Network.of(**{name: files[which] for name, which in given.items()})  # type: ignore[arg-type]


def test_a_certificate_may_hold_its_own_key(tmp_path: Path) -> None:
    assert isinstance(Network.of(client_cert=_files(tmp_path)["whole"]).tls, ssl.SSLContext)


# --- What a service shows, and wants to see


@asynccontextmanager
async def answering(tls: ssl.SSLContext) -> AsyncIterator[str]:
    """Serve over TLS from a thread's blocking sockets; yields the address."""

    def talk(client: socket.socket) -> None:
        with suppress(OSError), tls.wrap_socket(client, server_side=True) as connection:
            connection.recv(65_536)
            connection.sendall(OK + b"right")
            # Until the client has read it, or closed.
            connection.recv(1)

    def run() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                talk(client)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        served = asyncio.create_task(asyncio.to_thread(run))
        try:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            await served


async def asked(url: str, network: Network) -> bytes:
    async with new_client() as client:
        glance = Service("Glance", client, Timeouts(connect=30, answer=30), network=network)
        reply = await glance.call("POST", url, Operation("create"), ok=frozenset({200}))
        return reply.body


Change = Callable[[Authority, Authority], tuple[ssl.SSLContext, Network]]
TOO_LATE = datetime.now(UTC) - timedelta(hours=1)
TOO_EARLY = datetime.now(UTC) + timedelta(hours=1)


def with_certificate(signed_by: Authority, trusted: Authority) -> Network:
    cert, key = signed_by.certificate("bff")
    return Network.of(ca_file=trusted.file, client_cert=cert, client_key=key)


async def test_a_service_of_a_private_authority_is_trusted_by_setting(authority: Authority) -> None:
    async with answering(authority.server()) as url:
        assert await asked(url, Network.of(ca_file=authority.file)) == b"right"


async def test_a_certificate_is_shown_to_whoever_wants_to_see_one(authority: Authority) -> None:
    async with answering(authority.demanding()) as url:
        assert await asked(url, with_certificate(authority, authority)) == b"right"


async def test_a_new_certificate_is_shown_from_the_next_request_on(authority: Authority) -> None:
    """A kept connection, for which the old one was shown, is not used again."""
    shown: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        subject = dict(
            pair for pairs in writer.get_extra_info("peercert")["subject"] for pair in pairs
        )
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                shown.append(subject["commonName"])
                writer.write(OK + b"right")
        writer.close()

    def network(name: str) -> Network:
        cert, key = authority.certificate(name)
        return Network.of(ca_file=authority.file, client_cert=cert, client_key=key)

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=authority.demanding())
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with asyncio.timeout(SECONDS), server, new_client() as client:
        used = network("old")
        glance = Service("Glance", client, Timeouts(30, 30), network=used)
        for _ in range(2):
            await glance.call("GET", url, Operation("list"), ok=frozenset({200}))
        used.tls = network("new").tls
        await glance.call("GET", url, Operation("list"), ok=frozenset({200}))
    assert shown == ["old", "old", "new"]


TROUBLES: dict[str, tuple[Change, str]] = {
    "the system's authorities": (lambda a, _: (a.server(), Network.of()), "BFF_CA_FILE"),
    "another authority": (
        lambda a, b: (a.server(), Network.of(ca_file=b.file)),
        "name the file of the authority that signed it in BFF_CA_FILE",
    ),
    "another address": (
        lambda a, _: (a.server("127.0.0.2"), Network.of(ca_file=a.file)),
        "use a name that the certificate is for",
    ),
    "another name": (
        lambda a, _: (a.server("glance.example"), Network.of(ca_file=a.file)),
        "use a name that the certificate is for",
    ),
    "expired": (
        lambda a, _: (a.server(until=TOO_LATE), Network.of(ca_file=a.file)),
        "renew the service's certificate",
    ),
    "not valid yet": (
        lambda a, _: (a.server(since=TOO_EARLY), Network.of(ca_file=a.file)),
        "set the clocks of both hosts right",
    ),
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_certificate_that_cannot_be_trusted_is_told_with_what_to_do(
    trouble: str, authority: Authority, tmp_path: Path, logged: list[Any]
) -> None:
    change, advice = TROUBLES[trouble]
    tls, network = change(authority, Authority(tmp_path, "others"))
    async with answering(tls) as url:
        with pytest.raises(BffError, match="Glance has a certificate that cannot be trusted"):
            await asked(url, network)
    (line,) = logged
    assert "CERTIFICATE_VERIFY_FAILED" in line["cause"]
    assert advice in line["advice"]


@pytest.mark.parametrize("shown", ["none", "one of another authority"])
async def test_a_service_that_wants_another_certificate_is_told_with_what_to_do(
    shown: str, authority: Authority, tmp_path: Path, logged: list[Any]
) -> None:
    others = Authority(tmp_path, "others")
    network = Network.of(ca_file=authority.file)
    if shown != "none":
        network = with_certificate(others, authority)

    async with answering(authority.demanding()) as url:
        with pytest.raises(BffError):
            # On the loop that serves: asyncio's own drops the alert when the connection is reset.
            await asyncio.to_thread(uvloop.run, asked(url, network))
    (line,) = logged
    assert "BFF_CLIENT_CERT" in line["advice"]


# --- A proxy


@dataclass
class Proxy:
    """An HTTP proxy that carries CONNECT and absolute addresses; and keeps what it is asked."""

    refusal: bytes = b""
    heads: list[bytes] = field(default_factory=list)
    url: str = ""
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        return [head.split(b" HTTP/1.1")[0].decode() for head in self.heads]

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            await self._carry(reader, writer)
        writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        if self.refusal:
            writer.write(self.refusal)
            return
        method, target, _ = head.split(b"\r\n")[0].split()
        authority = target.removeprefix(b"http://").split(b"/")[0].decode()
        host, port = authority.rsplit(":", 1)
        to_read, to_write = await asyncio.open_connection(host, int(port))
        if method == b"CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            to_write.write(head)
        await asyncio.gather(_pump(reader, to_write), _pump(to_read, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def proxying(monkeypatch: pytest.MonkeyPatch, refusal: bytes = b"") -> AsyncIterator[Proxy]:
    """Run a proxy that the environment names."""
    proxy = Proxy(refusal)
    server = await asyncio.start_server(proxy.talk, "127.0.0.1", 0)
    proxy.url = f"http://bff:{PROXY_PASSWORD}@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    for name in ("no_proxy", "NO_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    yield proxy
    server.close()
    for writer in proxy.writers:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@pytest.fixture
async def private(authority: Authority) -> AsyncIterator[FakeOpenStack]:
    """Return the fake services over TLS, with a certificate of a private authority."""
    fake = FakeOpenStack()
    runner = web.AppRunner(fake.application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=authority.server()).start()
    fake.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


@pytest.fixture
def start_there(
    serve: Serve, client: aiohttp.ClientSession, private: FakeOpenStack, authority: Authority
) -> Start:
    """Return a function that starts a BFF in front of them."""
    settings = {"auth_url": f"{private.url}/v3", "ca_file": authority.file}
    return lambda **more: bff_with(serve, client, **settings, **more)


async def upload(bff: Bff, token: str, image_id: str) -> Any:
    url = f"{bff.origin}/polaris-bff/upload-image?imageId={image_id}"
    headers = {"X-Auth-Token": token, "Content-Type": "application/octet-stream"}
    return await (await bff.request("POST", url, data=b"data", headers=headers)).json()


async def list_and_upload(bff: Bff, fake: FakeOpenStack) -> None:
    queued = image(status="queued")
    fake.images[:] = [queued]
    token = fake.new_token()
    listed = await bff.call("compute.image.listImages", X_Auth_Token=token)
    assert [found["id"] for found in listed["result"]] == [queued["id"]]
    assert (await upload(bff, token, queued["id"]))["success"] is True


async def test_calls_and_uploads_pass_the_proxy(
    start_there: Start,
    private: FakeOpenStack,
    monkeypatch: pytest.MonkeyPatch,
    logged: list[Any],
) -> None:
    address = private.url.removeprefix("https://")
    async with proxying(monkeypatch) as proxy:
        await list_and_upload(await start_there(use_proxy=True), private)
        # One for the calls, which is used again, and the upload's own.
        assert proxy.lines == [f"CONNECT {address}"] * 2
        assert all(b"\r\nProxy-Authorization: Basic " in head for head in proxy.heads)
        tokens = [secret.encode() for secret in private.tokens]
        assert not any(token in head for token in tokens for head in proxy.heads)
        assert PROXY_PASSWORD not in str(logged)
        # Hosts that need none.
        for named in ("127.0.0.1", f"elsewhere, {address}", "*"):
            monkeypatch.setenv("NO_PROXY", named)
            await list_and_upload(await start_there(use_proxy=True), private)
        monkeypatch.delenv("NO_PROXY")
        # Without the setting.
        await list_and_upload(await start_there(), private)
        assert len(proxy.lines) == 2


async def test_without_tls_the_proxy_is_asked_for_whole_addresses(
    start: Start, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxying(monkeypatch) as proxy:
        await list_and_upload(await start(use_proxy=True), openstack)
        assert proxy.lines[0] == f"GET {openstack.url}/v3"
        assert f"PUT {openstack.url}/v2/images/{openstack.images[0]['id']}/file" in proxy.lines


REFUSALS = {
    "refused": b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
    "broken off": b"HTTP/1.1",
}


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_proxy_that_refuses_is_told_as_one(
    refusal: str, monkeypatch: pytest.MonkeyPatch, logged: list[Any]
) -> None:
    async with proxying(monkeypatch, REFUSALS[refusal]) as proxy:
        with pytest.raises(BffError) as caught:
            await asked("https://glance.example:9292", Network.of(use_proxy=True))
        assert proxy.lines == ["CONNECT glance.example:9292"]
    assert PROXY_PASSWORD not in str(logged)
    if refusal == "refused":
        assert "Glance cannot be reached: the proxy in front of it refused" in caught.value.message
        assert logged[0]["cause"] == "ClientHttpProxyError: the proxy answered 407"


async def test_a_proxy_that_is_not_there_is_told_as_one(
    monkeypatch: pytest.MonkeyPatch, logged: list[Any]
) -> None:
    async with proxying(monkeypatch) as proxy:
        pass
    with pytest.raises(BffError, match="the proxy in front of it does not answer"):
        await asked("https://glance.example", Network.of(use_proxy=True))
    assert PROXY_PASSWORD not in str(logged)
    assert proxy.lines == []


@pytest.mark.parametrize("scheme", ["HTTP", "HTTPS"])
@pytest.mark.parametrize(
    "value", ["socks5://u:secret@p:1", "http://", "http://p/secret", "http://[x"]
)
def test_what_is_no_http_proxy_is_told_without_its_password(
    scheme: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{scheme}_PROXY", value)
    with pytest.raises(ValueError, match=f"^{scheme}_PROXY: must be like http://") as refusal:
        Network.of(use_proxy=True)
    assert "secret" not in str(refusal.value)


def test_a_proxy_needs_no_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    assert Network.of(use_proxy=True).proxies["https"] == "http://proxy.example:3128"


@pytest.mark.parametrize("way", ["straight", "through a proxy"])
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
async def test_what_comes_unasked_over_tls_ends_the_connection(
    way: str, run: Callable[..., Any], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As without TLS: the answer to nobody's request is never the next one's."""
    tls = authority.server()
    unasked, served = threading.Event(), []

    def talk(listener: socket.socket) -> None:
        for body in (b"first", b"right"):
            client, _ = listener.accept()
            with client, tls.wrap_socket(client, server_side=True) as connection:
                connection.recv(65_536)
                connection.sendall(OK + body)
                served.append(body)
                if body == b"first":
                    unasked.wait(SECONDS)
                    connection.sendall(OK + b"wrong")
                # Until the client closes.
                with suppress(OSError):
                    connection.recv(1)

    async def two_calls(url: str, network: Network) -> list[bytes]:
        async with new_client() as client:
            glance = Service("Glance", client, Timeouts(30, 30), network=network)
            intent, ok = Operation("create"), frozenset({200})
            first = await glance.call("POST", url, intent, ok=ok)
            unasked.set()
            # This loop stands still until it is at the socket, and has read nothing of it.
            assert first.connection is not None
            arrived = select.poll()
            transport: Any = first.connection.transport
            arrived.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
            assert arrived.poll(1000 * SECONDS)
            return [first.body, (await glance.call("POST", url, intent, ok=ok)).body]

    use_proxy = way != "straight"
    async with proxying(monkeypatch) as proxy:
        network = Network.of(ca_file=authority.file, use_proxy=use_proxy)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(SECONDS)
            url = f"https://127.0.0.1:{listener.getsockname()[1]}"
            talking = asyncio.create_task(asyncio.to_thread(talk, listener))
            bodies = await asyncio.to_thread(lambda: run(two_calls(url, network)))
            await talking
        assert bodies == served == [b"first", b"right"]
        assert len(proxy.lines) == (2 if use_proxy else 0)
