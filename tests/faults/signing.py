"""Rows: Keystone fails while somebody signs in or out, or works in another project."""

from __future__ import annotations

from typing import Any

from tests.bff.conftest import Bff
from tests.fakes.errors import keystone_error
from tests.faults import faults
from tests.faults.cases import BAD, GONE, RIGHT, SLOW
from tests.faults.row import Outcome, Row, Scene
from tests.faults.services import PASSWORD, USERS, Request, token_of
from tests.faults.stage import Fault

TOKENS = "/v3/auth/tokens"
# The token stays valid, and so whoever asked to sign out is told that they are not.
DENIED, NO = "UNAUTHORIZED", "FORBIDDEN"
OFTEN = "TOO_MANY_REQUESTS"
SILENT = 0.5
# name, fault, how a sign-in, a sign-out and a change of the project end
TROUBLES: tuple[tuple[str, Fault, str, str, str], ...] = (
    ("hangs up", faults.close, BAD, BAD, BAD),
    ("resets the connection", faults.reset, BAD, BAD, BAD),
    ("is silent", faults.stall, SLOW, SLOW, SLOW),
    ("cuts the head short", faults.truncate_head, BAD, BAD, BAD),
    ("fails", faults.says(b"", 500), BAD, BAD, BAD),
    ("is full", faults.says(b"", 503), GONE, GONE, GONE),
    ("is asked too often", faults.says(b"", 429), OFTEN, OFTEN, OFTEN),
    ("refuses with its own 401", faults.says(keystone_error(401), 401), DENIED, NO, NO),
    ("has a proxy with a password", faults.says(b"<html>", 401), BAD, BAD, BAD),
    ("answers a page", faults.says(b"<html></html>"), BAD, BAD, BAD),
    ("redirects", faults.says(b"", 302, Location="http://127.0.0.1:1/"), BAD, BAD, BAD),
)


async def _call(bff: Bff, method: str, params: Any = None, **headers: str) -> tuple[str, str]:
    """Return the code, and whether a cookie came with it."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    response = await bff.request("POST", bff.url, json=body, headers=headers)
    answered = await response.json()
    told = RIGHT if "result" in answered else str(answered["error"]["data"]["code"])
    cookie = response.headers.get("Set-Cookie", "Max-Age=0")
    return told, "" if "Max-Age=0" in cookie else "a cookie"


def _row(name: str, expected: Outcome, fault: Fault, method: str, *call: Any, **more: str) -> Row:
    def asks(request: Request) -> bool:
        return request.method == method and request.path == TOKENS

    async def play(scene: Scene) -> Outcome:
        bff = await scene.start(upstream_timeout=SILENT if fault is faults.stall else 30)
        scene.stage.keystone.will(fault, asks)
        told, cookie = await _call(bff, *call, **more)
        sent = sum(map(asks, scene.stage.keystone.requests))
        bob, _ = await _call(bff, "compute.image.listImages", **{"X-Auth-Token": token_of("bob")})
        return Outcome(f"{told} and {cookie}" if cookie else told, sent, others=bob)

    return Row(name, expected, play)


ALICE = {"user": "alice", "password": PASSWORD}
UNSCOPED = {"X-Auth-Token": f"{token_of('alice')}-unscoped", "X-Project-Id": USERS["alice"]}
MINE = {"X-Auth-Token": token_of("alice")}


def sign_in(name: str, fault: Fault, expected: str) -> Row:
    """Return the row: the password is not sent twice, and nobody is signed in."""
    call = ("auth.createUserSession", ALICE)
    outcome = Outcome(expected, 1, others=RIGHT)
    return _row(f"Keystone, at a sign-in, {name}", outcome, fault, "POST", *call)


def sign_out(name: str, fault: Fault, expected: str) -> Row:
    """Return the row: whether the token has ended is said as it is."""
    call = ("auth.terminateUserSession",)
    outcome = Outcome(expected, 1, others=RIGHT)
    return _row(f"Keystone, at a sign-out, {name}", outcome, fault, "DELETE", *call, **MINE)


def rescope(name: str, fault: Fault, expected: str) -> Row:
    """Return the row: nothing is done in the project that no token could be had for."""
    call = ("compute.image.listImages",)
    outcome = Outcome(expected, 1, others=RIGHT)
    name = f"Keystone, asked for another project's token, {name}"
    return _row(name, outcome, fault, "POST", *call, **UNSCOPED)


ROWS = tuple(
    made
    for name, fault, into, out, other in TROUBLES
    for made in (
        sign_in(name, fault, into),
        sign_out(name, fault, out),
        rescope(name, fault, other),
    )
)
