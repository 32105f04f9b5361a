"""A failure upstream is told with the cause that holds, and the log says how it was found."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.bff.conftest import Bff, Start
from tests.faults.faults import reset, says, sends, stall, truncate
from tests.faults.services import answer, image_id_of, token_of
from tests.faults.stage import Fault, Stage, Wire

HELD = 20
LIST = "compute.image.listImages"
TOKEN = token_of("alice")


async def error(bff: Bff, method: str = LIST, params: Any = None) -> tuple[str, str]:
    """Return the code and the message of a call that fails."""
    failed = (await bff.call(method, params, x_auth_token=TOKEN))["error"]
    return failed["data"]["code"], failed["message"]


def upstream_lines(logged: list[Any]) -> list[Any]:
    """Return the log lines about requests upstream."""
    return [line for line in logged if line["event"].startswith("an upstream request")]


@pytest.fixture
def closed_port() -> str:
    """Return an address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
async def self_signed(tmp_path: Path) -> AsyncIterator[str]:
    """Return the address of a service whose certificate nobody has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "glance.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "both.pem"
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(certificate.public_bytes(pem) + key.private_bytes(pem, *plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_closed_port_is_told_as_one(
    start: Start, closed_port: str, logged: list[Any]
) -> None:
    code, message = await error(await start(glance_url=closed_port))
    assert code == "SERVICE_UNAVAILABLE"
    assert "Glance cannot be reached" in message
    lines = upstream_lines(logged)
    assert {line["request"] for line in lines} == {f"GET {closed_port}/v2/images"}
    assert all(line["cause"].startswith("ClientConnectorError: ") for line in lines)
    assert all("Connect" in line["cause"] for line in lines)


async def test_a_name_that_does_not_resolve_is_told_as_one(start: Start, logged: list[Any]) -> None:
    code, message = await error(await start(glance_url="http://glance.invalid"))
    assert code == "SERVICE_UNAVAILABLE"
    assert "Glance has an address whose name does not resolve" in message
    assert "ClientConnectorDNSError: " in upstream_lines(logged)[0]["cause"]


async def test_a_certificate_that_nobody_signed_is_told_as_one(
    start: Start, self_signed: str, logged: list[Any]
) -> None:
    code, message = await error(await start(glance_url=self_signed))
    assert code == "SERVICE_UNAVAILABLE"
    assert "Glance has a certificate that cannot be trusted" in message
    cause = upstream_lines(logged)[0]["cause"]
    assert cause.startswith("ClientConnectorCertificateError: ")
    assert "self-signed" in cause.replace("self signed", "self-signed")


async def test_plain_http_where_tls_is_expected_is_told_as_such(
    start: Start, stage: Stage, logged: list[Any]
) -> None:
    address = stage.glance.url.replace("http:", "https:")
    code, message = await error(await start(glance_url=address, upstream_timeout=0.5))
    assert code in ("SERVICE_UNAVAILABLE", "GATEWAY_TIMEOUT")
    assert "Glance" in message
    assert upstream_lines(logged)[0]["request"] == f"GET {address}/v2/images"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (300, "it answered 300, a redirect, and redirects are not followed"),
        (302, "it answered 302, a redirect, and redirects are not followed"),
        (308, "it answered 308, a redirect, and redirects are not followed"),
        (500, "it answered 500, which means that it failed"),
        (502, "it answered 502, which means that it failed"),
        (503, "it answered 503, which means that it is not available"),
        (504, "it answered 504, which means that something behind it was silent"),
    ],
)
async def test_the_status_is_in_the_message_and_in_the_log(
    bff: Bff, stage: Stage, logged: list[Any], status: int, words: str
) -> None:
    stage.glance.will(says(b"", status, Location="http://elsewhere/"))
    _, message = await error(bff)
    assert message.startswith(f"Glance refused to list images: {words}")
    (line,) = upstream_lines(logged)
    expected = ("warning", status, f"GET {stage.glance.url}/v2/images")
    assert (line["log_level"], line["status"], line["request"]) == expected
    (call,) = (line for line in logged if line["event"] == "call")
    assert call["upstream_status"] == status


FOREIGN = {
    "html": (b"<html>404 Not Found</html>", "text/html"),
    "text": (b"404: Not Found", "text/plain"),
    "empty": (b"", "text/plain"),
    "another JSON": (b'{"detail": "Not Found"}', "application/json"),
    "a JSON text": (b'"message"', "application/json"),
}


@pytest.mark.parametrize("kind", FOREIGN)
async def test_a_404_that_is_not_glances_own_is_no_missing_image(
    bff: Bff, stage: Stage, kind: str
) -> None:
    body, media_type = FOREIGN[kind]
    raw = answer(body, 404).replace(b"application/json", media_type.encode())
    stage.glance.will(sends(raw), always=True)
    for method, params in (
        ("compute.image.getImageById", {"imageId": image_id_of("alice")}),
        ("compute.image.deleteImage", {"imageId": image_id_of("alice")}),
        ("compute.image.listImageMembers", {"imageId": image_id_of("alice")}),
        (LIST, None),
    ):
        code, message = await error(bff, method, params)
        assert code == "BAD_GATEWAY"
        assert "the answer 404 is not Glance's own" in message


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("kind", FOREIGN)
async def test_a_refusal_that_is_not_keystones_own_ends_no_session(
    bff: Bff, stage: Stage, kind: str, status: int
) -> None:
    body, media_type = FOREIGN[kind]
    raw = answer(body, status).replace(b"application/json", media_type.encode())
    about_tokens = lambda request: request.path == "/v3/auth/tokens"  # noqa: E731
    stage.keystone.will(sends(raw), about_tokens, always=True)
    for method in ("auth.getCurrentUserSession", "auth.terminateUserSession", LIST):
        code, message = await error(bff, method)
        assert code == "BAD_GATEWAY"
        assert f"the answer {status} is not Keystone's own" in message


@pytest.mark.parametrize("fault", [stall, reset, truncate], ids=lambda fault: fault.__name__)
async def test_a_failed_change_is_not_sent_again_and_says_what_happened(
    bff: Bff, stage: Stage, logged: list[Any], fault: Fault
) -> None:
    stage.glance.will(fault, lambda request: request.method == "POST")
    code, _ = await error(bff, "compute.image.createImage", {"name": "x"})
    assert code == ("GATEWAY_TIMEOUT" if fault is stall else "BAD_GATEWAY")
    assert [request.method for request in stage.glance.requests] == ["POST"]
    (line,) = upstream_lines(logged)
    assert (line["service"], line["doing"]) == ("Glance", "create the image")
    assert TOKEN not in str(line)


async def test_a_hanging_glance_holds_up_nobody_at_keystone(start: Start, stage: Stage) -> None:
    bff = await start(
        batch_concurrency=HELD,
        max_calls_per_caller=HELD + 1,
        max_requests_per_caller=HELD,
        max_glance_requests=HELD,
    )
    arrived, free = asyncio.Semaphore(0), asyncio.Event()

    async def hold(wire: Wire, right: bytes) -> None:
        arrived.release()
        await free.wait()
        await wire.send(right)

    stage.glance.will(hold, always=True)
    call = {"jsonrpc": "2.0", "method": LIST}
    calls = [{**call, "id": n, "params": {"limit": n + 1}} for n in range(HELD)]
    waiting = asyncio.ensure_future(bff.json(calls, x_auth_token=TOKEN))
    for _ in calls:
        await arrived.acquire()
    projects = await bff.call("auth.listProjects", x_auth_token=TOKEN)
    assert projects["result"][0]["name"] == "of alice"
    free.set()
    assert all("result" in answered for answered in await waiting)
