"""The one way out: what is sent, what an answer means, and what every failure becomes."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import aiohttp
import pytest
import yarl
from aioresponses import aioresponses

from bff import log_fields
from bff.errors import BffError, Code
from bff.openstack.exchange import Operation, Reply
from bff.openstack.failure import KEYSTONE_ERRORS, MAX_EXPLANATION, Target, translated
from bff.openstack.policy import Limits, Policy
from bff.openstack.service import RETRY_PAUSES, Service
from bff.openstack.transport import Timeouts, new_client
from schemas.headers import REQUEST_ID
from tests import zstd
from tests.fakes.errors import glance_error

URL = "http://glance.example/v2/images"
TOKEN = "gAAAAAB-a-token_that-is-secret=="
DOING = Operation("list images")
TARGET = Target("Glance", "GET", yarl.URL(URL))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
SILENCE = b"(says nothing and waits)"
NO_ANSWER = b""
BROKEN_OFF = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"


class RawServer:
    """Sends bytes as they are, one entry per request; any but ``OK`` ends the connection."""

    def __init__(self, answers: list[bytes]) -> None:
        self.answers = answers
        self.requests: list[bytes] = []
        self.url = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = OK
        try:
            while answer == OK:
                head = await reader.readuntil(b"\r\n\r\n")
                answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
                self.requests.append(head)
                if answer == SILENCE:
                    await reader.read()
                else:
                    writer.write(answer)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @property
    def methods(self) -> list[str]:
        return [head.split()[0].decode() for head in self.requests]


@asynccontextmanager
async def raw_server(*answers: bytes) -> AsyncIterator[RawServer]:
    server = RawServer(list(answers))
    listener = await asyncio.start_server(server.talk, "127.0.0.1", 0)
    async with listener:
        server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        yield server


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with new_client() as client:
        yield Service("Glance", client, Timeouts(connect=5, answer=5))


@pytest.fixture
def mocked() -> Iterator[aioresponses]:
    with aioresponses() as mock:
        yield mock


async def call(service: Service, method: str = "GET", url: str = URL, **more: Any) -> Reply:
    given = {"ok": frozenset({200}), "token": TOKEN, **more}
    return await service.call(method, url, DOING, **given)


async def refusal(service: Service, *args: Any, **more: Any) -> BffError:
    with pytest.raises(BffError) as caught:
        await call(service, *args, **more)
    return caught.value


# --- What is sent


async def test_a_request_goes_out_with_exactly_its_headers_and_the_url_as_it_stands(
    service: Service,
) -> None:
    path = "/v2/images?name=eq%3Aa%2Fb%20c&tag=%C3%A4"
    async with raw_server(OK) as server:
        await call(service, url=server.url + path, request_id="req-1", headers={"X-More": "1"})
    first, *lines = server.requests[0].decode().strip().split("\r\n")
    assert first == f"GET {path} HTTP/1.1"
    headers = dict(line.split(": ", 1) for line in lines)
    assert headers.pop("User-Agent")
    assert "gzip" in headers.pop("Accept-Encoding")
    assert headers == {
        "Host": server.url.removeprefix("http://"),
        "Accept": "application/json",
        "X-Openstack-Request-Id": "req-1",
        "X-More": "1",
        "X-Auth-Token": TOKEN,
    }


async def test_without_a_token_no_token_header_is_sent(service: Service) -> None:
    async with raw_server(OK) as server:
        await call(service, url=server.url, token=None)
    assert b"x-auth-token" not in server.requests[0].lower()


async def test_a_redirect_is_not_followed_so_the_token_goes_nowhere_else(service: Service) -> None:
    async with raw_server(OK) as elsewhere:
        moved = f"HTTP/1.1 302 Found\r\nLocation: {elsewhere.url}\r\nContent-Length: 0\r\n\r\n"
        async with raw_server(moved.encode()) as server:
            error = await refusal(service, url=server.url)
    assert error.code is Code.BAD_GATEWAY
    assert elsewhere.requests == []


async def test_a_cookie_that_a_service_sets_is_never_sent_back(service: Service) -> None:
    sets = OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: sid=1; Path=/\r\n\r\n")
    async with raw_server(sets) as server:
        await call(service, url=server.url)
        await call(service, url=server.url)
    assert len(server.requests) == 2
    assert b"cookie" not in b"".join(server.requests).lower()


# --- What comes back


async def test_an_expected_status_is_an_answer_with_its_headers_and_body(
    service: Service, mocked: aioresponses
) -> None:
    mocked.get(URL, status=403, body=b"[1]", headers={"X-A": "b"})
    reply = await call(service, ok=frozenset({200, 403}))
    assert (reply.status, reply.headers["x-a"], reply.json()) == (403, "b", [1])


async def test_the_services_request_id_is_bound_for_the_log(
    service: Service, mocked: aioresponses
) -> None:
    mocked.get(URL, headers={REQUEST_ID: "req-theirs"})
    await call(service)
    assert log_fields.current()["upstream_request_id"] == "req-theirs"


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff", b"NaN"])
def test_a_body_that_is_no_json_is_a_bad_gateway(body: bytes) -> None:
    with pytest.raises(BffError) as caught:
        Reply(200, {}, body).json()
    assert caught.value.code is Code.BAD_GATEWAY


def test_an_answers_body_does_not_show_in_its_repr() -> None:
    assert "secret" not in repr(Reply(200, {}, b"secret"))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, Code.BAD_REQUEST),
        (401, Code.UNAUTHORIZED),
        (403, Code.FORBIDDEN),
        (404, Code.NOT_FOUND),
        (408, Code.GATEWAY_TIMEOUT),
        (409, Code.CONFLICT),
        (410, Code.NOT_FOUND),
        (412, Code.PRECONDITION_FAILED),
        (413, Code.PAYLOAD_TOO_LARGE),
        (415, Code.UNSUPPORTED_MEDIA_TYPE),
        (429, Code.TOO_MANY_REQUESTS),
        (503, Code.SERVICE_UNAVAILABLE),
        (504, Code.GATEWAY_TIMEOUT),
        # What the contract does not name; 201 where 200 was documented is no better.
        *((status, Code.BAD_GATEWAY) for status in (201, 204, 301, 307, 402, 418, 500, 501, 502)),
    ],
)
async def test_a_status_becomes_its_code_and_the_message_says_who_refused_what(
    service: Service, mocked: aioresponses, status: int, code: Code
) -> None:
    mocked.get(URL, status=status, headers={REQUEST_ID: "req-theirs"}, body=glance_error(status))
    error = await refusal(service)
    assert error.code is code
    assert error.message.startswith("Glance refused to list images: ")
    assert error.data == {"upstreamRequestId": "req-theirs"}


async def test_what_is_missing_is_named_in_the_intents_own_words(
    service: Service, mocked: aioresponses
) -> None:
    mocked.get(URL, status=404, payload={"message": "No image found with ID"})
    with pytest.raises(BffError) as caught:
        await service.call("GET", URL, Operation("get it", "Image not found: it."), ok=frozenset())
    assert (caught.value.code, caught.value.message) == (Code.NOT_FOUND, "Image not found: it.")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("9" * 400, 999_999_999),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        *((garbage, None) for garbage in ("", "soon", "-1", "1.5", "1e3", "Wed, 99 Oct 2015")),
        ("1 Jan 99999999999999999999 00:00:00 GMT", None),
        ("1 Jan 2026 00:00:00 +" + "9" * 40, None),
        ("1 Jan 2026 99999999999999999999:00:00 GMT", None),
    ],
)
async def test_retry_after_is_told_in_seconds_and_garbage_is_left_out(
    service: Service, mocked: aioresponses, value: str, seconds: int | None
) -> None:
    mocked.get(URL, status=503, headers={"Retry-After": value})
    error = await refusal(service)
    assert error.code is Code.SERVICE_UNAVAILABLE
    assert error.data.get("retryAfter") == seconds


async def test_retry_after_may_be_a_date_to_come(
    service: Service, mocked: aioresponses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bff.openstack.failure.time", lambda: 1_800_000_000.0)
    then = format_datetime(datetime.fromtimestamp(1_800_000_090, UTC), usegmt=True)
    mocked.get(URL, status=429, headers={"Retry-After": then})
    assert (await refusal(service)).data == {"retryAfter": 90}


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Not <b>allowed</b>.<br /><br />\n\n\n", "Not allowed ."),
        ("a &amp; b &#39;c&#39;", "a & b 'c'"),
        ("x" * 10_000, "x" * MAX_EXPLANATION),
        ("<" * 10_000 + " end", "<" * MAX_EXPLANATION),
    ],
)
async def test_the_services_explanation_is_in_the_message_without_its_html_and_not_too_long(
    service: Service, mocked: aioresponses, message: str, shown: str
) -> None:
    mocked.get(URL, status=400, payload={"message": message, "code": "400 Bad Request"})
    assert (await refusal(service)).message == f"Glance refused to list images: {shown}"


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html><b>Forbidden</b></html>", b"\xff\xfe", b"[]", b"5", b"null", b"{}"),
        *(b'{"message": null}', b'{"message": 5}', b'{"message": {"a": [1]}}', b'{"message": ""}'),
        *(b'{"message": "<br />"}', rb'{"message": "\ud800"}'),
        b'{"message": ' + b"[" * 1000 + b"]" * 1000 + b"}",
        b"[" * 100_000,
    ],
    ids=lambda body: body[:24],
)
async def test_an_error_body_that_explains_nothing_leaves_our_own_words(
    service: Service, mocked: aioresponses, body: bytes
) -> None:
    mocked.get(URL, status=403, body=body)
    error = await refusal(service)
    assert error.message == "Glance refused to list images: this session may not do that."


async def test_a_code_without_words_of_ours_names_the_status(
    service: Service, mocked: aioresponses
) -> None:
    mocked.get(URL, status=409)
    assert (await refusal(service)).message.endswith(": the answer was 409.")


@pytest.mark.parametrize("before", [0, 490, 500 - len(TOKEN) + 1])
async def test_a_token_that_the_service_echoes_is_taken_out_even_where_the_words_are_cut(
    service: Service, mocked: aioresponses, before: int
) -> None:
    mocked.get(URL, status=400, payload={"message": "x" * before + f"{TOKEN} is odd"})
    message = (await refusal(service)).message
    assert TOKEN[:6] not in message
    assert "…" in message


async def test_a_service_that_quotes_foreign_secrets_is_not_quoted(
    service: Service, mocked: aioresponses
) -> None:
    keystone = Service("Keystone", service.client, service.timeouts, KEYSTONE_ERRORS)
    mocked.get(URL, status=400, payload={"message": "Could not find token: another"})
    error = await refusal(keystone)
    assert error.message == "Keystone refused to list images: the answer was 400."


# --- What fails


def family(kind: type[BaseException]) -> set[type[BaseException]]:
    return {kind}.union(*(family(child) for child in kind.__subclasses__()))


OF_AIOHTTP: set[type[BaseException]] = {
    k for k in family(aiohttp.ClientError) if k.__module__.startswith("aiohttp.")
}
# Read from their names: an exception that a later aiohttp adds must be judged here first.
UNREACHABLE: set[type[BaseException]] = {
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientConnectorError,
    aiohttp.ClientConnectorDNSError,
    aiohttp.ClientConnectorSSLError,
    aiohttp.ClientConnectorCertificateError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ClientProxyConnectionError,
    aiohttp.ClientSSLError,
    aiohttp.client_exceptions.UnixClientConnectorError,
    OSError,
    ConnectionResetError,
    ConnectionRefusedError,
    BrokenPipeError,
    socket.gaierror,
    ssl.SSLError,
    ssl.CertificateError,
}
UNDER_PROXY = "cannot be reached: the proxy in front of it"
TOLD_APART: dict[type[BaseException], str] = {
    aiohttp.ClientConnectorDNSError: "has an address whose name does not resolve",
    aiohttp.ClientConnectorSSLError: "cannot be reached over TLS",
    aiohttp.ClientProxyConnectionError: f"{UNDER_PROXY} does not answer",
    aiohttp.ClientHttpProxyError: f"{UNDER_PROXY} refused",
    aiohttp.ClientConnectorCertificateError: "has a certificate that cannot be trusted",
}
SILENT: set[type[BaseException]] = {
    aiohttp.ServerTimeoutError,
    aiohttp.SocketTimeoutError,
    asyncio.TimeoutError,
}


FAILURES = sorted(OF_AIOHTTP | UNREACHABLE | SILENT, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", FAILURES)
def test_every_failure_of_a_connection_becomes_a_code_and_is_not_quoted(
    kind: type[BaseException],
) -> None:
    # Not through their own constructors and texts, each of which wants something else.
    told: Any = type(
        kind.__name__, (kind,), {"__str__": lambda _: f"quoted {TOKEN}", "status": 407}
    )
    failure = told.__new__(told)
    expected = (
        (Code.SERVICE_UNAVAILABLE, TOLD_APART.get(kind, "cannot be reached"))
        if kind in UNREACHABLE
        else (Code.GATEWAY_TIMEOUT, "did not answer in time")
        if kind in SILENT
        else (Code.BAD_GATEWAY, "broke off its answer")
    )
    with pytest.raises(BffError) as caught, translated(TARGET, "list images"):
        raise failure
    message = f"Could not list images: Glance {expected[1]}; try again later."
    assert (caught.value.code, caught.value.message) == (expected[0], message)
    assert caught.value.__cause__ is failure


def test_the_walk_misses_no_exception_that_aiohttp_makes_public() -> None:
    public: set[type[BaseException]] = {
        value
        for value in vars(aiohttp).values()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    # None of these leaves a request: multipart, web sockets, and the end of a stream.
    elsewhere = {"EofStream", "WSMessageTypeError", "WebSocketError"}
    elsewhere |= {"BadContentDispositionHeader", "BadContentDispositionParam"}
    assert {kind.__name__ for kind in public - OF_AIOHTTP} == elsewhere


@pytest.mark.parametrize("kind", [asyncio.CancelledError, KeyError, BffError, ValueError])
def test_what_is_no_failure_of_the_connection_passes_untouched(kind: type[BaseException]) -> None:
    failure = kind.__new__(kind)
    with pytest.raises(kind) as caught, translated(TARGET, "list images"):
        raise failure
    assert caught.value is failure


@pytest.fixture
def refused_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_port_where_nobody_listens_is_service_unavailable(
    service: Service, refused_url: str, method: str
) -> None:
    error = await refusal(service, method, refused_url)
    assert error.code is Code.SERVICE_UNAVAILABLE
    assert error.message == "Could not list images: Glance cannot be reached; try again later."


@pytest.mark.parametrize(
    "answer",
    [
        NO_ANSWER,
        BROKEN_OFF,
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 20_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    ],
    ids=lambda answer: answer[-24:],
)
async def test_an_answer_that_breaks_off_or_is_no_http_is_a_bad_gateway(
    service: Service, answer: bytes
) -> None:
    async with raw_server(answer) as server:
        error = await refusal(service, "POST", server.url)
    assert error.code is Code.BAD_GATEWAY
    assert error.message == "Could not list images: Glance broke off its answer; try again later."
    assert error.data == {}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_service_that_stays_silent_is_a_gateway_timeout_and_asked_once(
    service: Service, method: str
) -> None:
    hasty = Service("Glance", service.client, Timeouts(connect=5, answer=0.05))
    async with raw_server(SILENCE) as server:
        error = await refusal(hasty, method, server.url)
    assert error.code is Code.GATEWAY_TIMEOUT
    assert server.methods == [method]


async def test_an_answer_that_stalls_in_mid_body_is_a_gateway_timeout(service: Service) -> None:
    hasty = Service("Glance", service.client, Timeouts(connect=5, answer=0.05))

    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(BROKEN_OFF)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(stall, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        error = await refusal(hasty, url=f"http://127.0.0.1:{port}")
    assert error.code is Code.GATEWAY_TIMEOUT


def policy() -> Policy:
    """Return a policy that lets one request through and has none wait."""
    return Policy("Glance", Limits(requests=1, patience=0))


async def test_who_waits_for_others_all_the_time_is_told_so(service: Service) -> None:
    full = policy()
    async with raw_server(OK) as server, full.admit("another", "list images"):
        error = await refusal(replace(service, policy=full), url=server.url)
    assert error.code is Code.SERVICE_UNAVAILABLE
    assert "requests to Glance under way" in error.message
    assert server.requests == []


async def test_a_slot_is_free_again_however_its_request_ended(service: Service) -> None:
    one = replace(service, policy=policy())
    async with raw_server(NO_ANSWER, OK) as server:
        await refusal(one, "POST", server.url)
        assert (await call(one, url=server.url)).json() == {}
    assert one.policy.slots.in_use == 0


@pytest.mark.parametrize("failed", [NO_ANSWER, BROKEN_OFF])
async def test_a_read_whose_connection_failed_is_tried_again(
    service: Service, failed: bytes
) -> None:
    async with raw_server(failed, OK) as server:
        assert (await call(service, url=server.url)).json() == {}
    assert server.methods == ["GET"] * 2


async def test_a_read_is_tried_a_few_times_and_then_given_up(service: Service) -> None:
    async with raw_server(NO_ANSWER) as server:
        error = await refusal(service, url=server.url)
    assert error.code is Code.BAD_GATEWAY
    assert server.methods == ["GET"] * (len(RETRY_PAUSES) + 1)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("failed", [NO_ANSWER, BROKEN_OFF])
async def test_a_write_is_sent_once_even_when_a_kept_connection_failed(
    service: Service, method: str, failed: bytes
) -> None:
    async with raw_server(OK, failed) as server:
        await call(service, url=server.url)
        error = await refusal(service, method, server.url, body=b"")
    assert error.code is Code.BAD_GATEWAY
    assert server.methods == ["GET", method]


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_a_read_that_was_answered_is_not_tried_again(service: Service, status: int) -> None:
    answer = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()
    async with raw_server(answer) as server:
        await refusal(service, url=server.url)
    assert server.methods == ["GET"]


async def test_a_cancelled_call_closes_its_connection(service: Service) -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        await reader.read()
        left.set()
        writer.close()

    async with await asyncio.start_server(wait, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        running = asyncio.create_task(call(service, url=f"http://127.0.0.1:{port}"))
        await arrived.wait()
        running.cancel()
        await left.wait()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_an_answer_without_end_is_given_up_and_not_asked_for_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bff.openstack.service.MAX_ANSWER", 1000)
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b" " * 2000
    async with raw_server(endless) as server:
        with pytest.raises(BffError, match="more than 1000 bytes") as caught:
            await service.call("GET", server.url, DOING, ok=frozenset({200}))
    assert caught.value.code is Code.BAD_GATEWAY
    assert server.methods == ["GET"]


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_a_small_answer_that_unpacks_into_a_large_one_is_given_up(
    service: Service, monkeypatch: pytest.MonkeyPatch, coding: str
) -> None:
    monkeypatch.setattr("bff.openstack.service.MAX_ANSWER", 100_000)
    packed = {"gzip": gzip, "zstd": zstd}[coding].compress(b" " * 10_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(packed)}\r\n\r\n"
    async with raw_server(head.encode() + packed) as server:
        with pytest.raises(BffError, match="more than 100000 bytes"):
            await service.call("GET", server.url, DOING, ok=frozenset({200}))
