"""Rows: a client sends what is no call. Nothing of it goes anywhere."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

from tests.faults.cases import RIGHT
from tests.faults.reads import bobs
from tests.faults.row import Outcome, Row, Scene, code
from tests.faults.services import token_of

BAD = "BAD_REQUEST"
CALL = b'{"jsonrpc":"2.0","id":1,"method":"compute.image.listImages"}'
HEAD = b"POST /polaris-bff/rpc HTTP/1.1\r\nHost: bff\r\nContent-Type: application/json\r\n"


def body(name: str, expected: str, content: bytes, **headers: str) -> Row:
    """Return the row: a body that is no call, with alice's token."""

    async def play(scene: Scene) -> Outcome:
        bff = await scene.start(max_body=2048)
        response = await bff.post(content, **{"x_auth_token": token_of("alice"), **headers})
        answered = await response.json()
        sent = len(scene.stage.glance.requests)
        return Outcome(code(answered), sent, others=await bobs(bff))

    return Row(f"a client sends {name}", Outcome(expected, 0, others=RIGHT), play)


def raw(name: str, expected: str, content: bytes, *, ends: bool = False) -> Row:
    """Return the row: bytes on a connection; how the server answers is the status."""

    async def play(scene: Scene) -> Outcome:
        bff = await scene.start(call_timeout=0.3)
        address = urlsplit(bff.origin)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(content)
        if ends:
            writer.write_eof()
        answered = await reader.read()
        writer.close()
        line = answered.split(b"\r\n")[0].split(b" ")
        told = line[1].decode() if len(line) > 1 else "-"
        return Outcome(told, len(scene.stage.glance.requests), others=await bobs(bff))

    return Row(f"a client sends {name}", Outcome(expected, 0, others=RIGHT), play)


def batch(*calls: Any) -> bytes:
    """Return a batch as bytes."""
    return b"[" + b",".join(calls) + b"]"


ROWS = (
    body("no JSON", "PARSE_ERROR", b"{"),
    body("nothing", "PARSE_ERROR", b""),
    body("no UTF-8", "PARSE_ERROR", b'{"jsonrpc":"2.0","id":"\xff"}'),
    body("a JSON of 1000 levels", "PARSE_ERROR", b"[" * 1000),
    body("an empty batch", BAD, b"[]"),
    body("a batch of 101 calls", BAD, batch(*[b"1"] * 101)),
    body("a number", BAD, b"5"),
    body("a call without a method", BAD, b'{"jsonrpc":"2.0","id":1}'),
    body("a call of what is not there", "NOT_FOUND", CALL.replace(b"listImages", b"lostImages")),
    body("params that do not fit", BAD, CALL[:-1] + b',"params":{"limit":"x"}}'),
    body("more than a body may have", "PAYLOAD_TOO_LARGE", b" " * 4096),
    body("a form of another site", "UNSUPPORTED_MEDIA_TYPE", CALL, content_type="text/plain"),
    body("a body that is packed", "UNSUPPORTED_MEDIA_TYPE", CALL, content_encoding="br"),
    body("no token", "UNAUTHORIZED", CALL, x_auth_token="nobodys"),
    body("a project that is none", BAD, CALL, x_project_id="../etc"),
    body("a deadline that is none", BAD, CALL, x_request_timeout="soon"),
    raw("half a head and leaves", "-", HEAD, ends=True),
    raw("half a body and waits", "408", HEAD + b"Content-Length: 90\r\n\r\n{"),
    raw("half a body and leaves", "-", HEAD + b"Content-Length: 90\r\n\r\n{", ends=True),
    raw("no HTTP", "400", b"SSH-2.0-OpenSSH\r\n\r\n"),
    raw("two lengths", "400", HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}"),
    raw(
        "a length and chunks",
        "400",
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    raw("a broken chunk", "400", HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"),
    raw("no host", "400", b"POST /polaris-bff/rpc HTTP/1.1\r\n\r\n"),
)
