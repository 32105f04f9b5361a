"""A surplus answer that is not whole costs nothing, and no new token gets into the log."""

from __future__ import annotations

import pytest

from tests.bff.conftest import Bff
from tests.faults.faults import altered
from tests.faults.services import PASSWORD, USERS, token_of
from tests.faults.stage import Fault, Stage, Wire

SECRET = b"gAAAA-a-new-token"
TOKEN = b"X-Subject-Token: " + SECRET
CREATED = b"HTTP/1.1 201 Created\r\n"


async def broken_off(wire: Wire, right: bytes) -> None:
    """End in the middle of a head that has brought the token already."""
    await wire.send(CREATED + TOKEN + b"\r\nContent-Le")
    wire.writer.close()


@pytest.mark.parametrize(
    "fault",
    [
        broken_off,
        altered(lambda _: CREATED + TOKEN * 600 + b"\r\nContent-Length: 0\r\n\r\n"),
        altered(lambda _: TOKEN + b"\r\n" + CREATED + b"Content-Length: 0\r\n\r\n"),
    ],
    ids=["broken off", "too long", "no status line"],
)
async def test_a_new_token_in_a_broken_answer_is_not_logged(
    bff: Bff, stage: Stage, fault: Fault, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.keystone.will(fault, lambda request: request.method == "POST")
    await bff.call("auth.createUserSession", {"user": "alice", "password": PASSWORD})
    logged = capsys.readouterr()
    assert SECRET.decode() not in logged.out + logged.err


RECEIPT = b"Openstack-Auth-Receipt: " + SECRET
ASKING = b'{"receipt": {"methods": ["password"]}, "required_auth_methods": [["password", "totp"]]}'


def refusing(receipt: bytes) -> Fault:
    """Ask for a second factor, with headers of a test's own."""
    length = b"\r\nContent-Length: %d\r\n\r\n" % len(ASKING)
    return altered(lambda _: b"HTTP/1.1 401 Unauthorized\r\n" + receipt + length + ASKING)


@pytest.mark.parametrize(
    ("receipt", "code"),
    [
        (RECEIPT, "UNAUTHORIZED"),
        (RECEIPT + b"\xc3\xb6\xff", "UNAUTHORIZED"),
        (RECEIPT + b"\r\nSet-Cookie: a=b", "UNAUTHORIZED"),
        (RECEIPT + b"\r\n" + RECEIPT, "UNAUTHORIZED"),
        (RECEIPT + b"x" * 7000, "UNAUTHORIZED"),
        (RECEIPT + b"x" * 100_000, "BAD_GATEWAY"),
        (RECEIPT + b"\r\n folded", "UNAUTHORIZED"),
        (RECEIPT + b"\x00", "BAD_GATEWAY"),
    ],
    ids=["right", "bytes", "split", "twice", "long", "endless", "folded", "null"],
)
async def test_a_receipt_gets_neither_into_the_answer_nor_into_the_log(
    bff: Bff, stage: Stage, receipt: bytes, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.keystone.will(refusing(receipt), lambda request: request.method == "POST")
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "auth.createUserSession",
        "params": {"user": "alice", "password": PASSWORD},
    }
    response = await bff.request("POST", bff.url, json=body)
    answer = await response.json()
    assert answer["error"]["data"]["code"] == code
    cookies = response.headers.getall("Set-Cookie", [])
    assert all(cookie.startswith("__Host-polaris-bff-receipt=gAAAA") for cookie in cookies)
    logged = capsys.readouterr()
    shown = f"{answer}{response.headers}{logged.out}{logged.err}"
    assert SECRET.decode() not in shown


async def test_a_surplus_answer_that_is_not_whole_does_not_cost_the_right_one(
    bff: Bff, stage: Stage
) -> None:
    stage.glance.will(altered(lambda right: right + right[:-5]))
    listed = await bff.call("compute.image.listImages", x_auth_token=token_of("alice"))
    assert {image["owner"] for image in listed["result"]} == {USERS["alice"]}
