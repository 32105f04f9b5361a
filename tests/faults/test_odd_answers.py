"""Whatever Keystone and Glance answer is survived, or told as theirs; it is never a bug of ours.

Each right answer of the stage is walked through: each of its members and each of its headers is
left out, and replaced by values that nobody would expect there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.bff.conftest import Bff, Start
from tests.faults.faults import altered, says, with_header
from tests.faults.services import PASSWORD, USERS, image_id_of, token_of
from tests.faults.stage import Condition, Fault, Stage

# As JSON texts, since some cannot be made by Python's own.
ODD = (
    *("null", "true", "0", "-1", "1.5", "1e999", "1" + "0" * 5000),
    *("[]", "{}", "[null]", '[{"a": 0}]'),
    *('""', '" "', r'"\u0000"', r'"\ud800"', r'"\r\nX: y"', '"../.."', '"' + "x" * 9000 + '"'),
    *('"http://[::1"', '"http://h:99999"', '"ftp://h/"', '"//h"', '"http://u:p@"', '"http://h/?a"'),
    *('"2026-01-01T00:00:00"', '"0001-01-01T00:00:00+23:59"', '"9999-12-31T23:59:59-23:59"'),
)
ODD_BODIES = (
    *(b"", b" ", b"\xff\xfe", b"null", b"[]", b"5", b'""', b"{", b"{}", b"NaN", b"\xef\xbb\xbf{}"),
    *(b"[" * 100_000, b'{"a":' * 5000 + b"1" + b"}" * 5000, b"<html>502</html>"),
)
ODD_HEADERS = (b"", b" ", b"\xff\xfe", b"\xc3\xa9", b"\x01", b"a" * 2000, b"-1", b"1e999", b"a b")
HEADERS = ("X-Openstack-Request-Id", "X-Subject-Token", "Content-Type", "Retry-After", "Location")


@dataclass(frozen=True)
class Ask:
    """A call, and the answer that is walked through."""

    procedure: str
    params: Any = None
    service: str = "glance"
    method: str = "GET"
    path: str = "/v2/images"
    token: str = token_of("alice")
    more: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.procedure}-{self.method} {self.path}"

    def asks(self) -> Condition:
        """Return what tells the request apart."""
        return lambda request: (
            request.method == self.method and request.path.partition("?")[0] == self.path
        )


IMAGE = {"imageId": image_id_of("alice")}
AT_IMAGE = f"/v2/images/{IMAGE['imageId']}"
MEMBER = {**IMAGE, "memberId": USERS["bob"]}
TOKENS = "/v3/auth/tokens"
SIGN_IN = {"user": "alice", "password": PASSWORD}
TAGS = {"op": "add", "path": "/tags/-", "value": "x"}

ASKS = (
    Ask("auth.getCurrentUserSession", service="keystone", path=TOKENS),
    Ask("compute.image.listImages", service="keystone", path=TOKENS),
    Ask("auth.listProjects", service="keystone", path="/v3/auth/projects"),
    Ask("auth.createUserSession", SIGN_IN, "keystone", "POST", TOKENS, token=""),
    Ask(
        *("compute.image.listImages", None, "keystone", "POST", TOKENS),
        more={"X-Project-Id": USERS["alice"]},
        token=token_of("alice") + "-unscoped",
    ),
    Ask("compute.image.listImages"),
    Ask("compute.image.listImagesWithPagination"),
    Ask("compute.image.getImageById", IMAGE, path=AT_IMAGE),
    Ask("compute.image.createImage", {"name": "x"}, method="POST"),
    Ask("compute.image.updateImage", {**IMAGE, "operations": [TAGS]}, path=AT_IMAGE),
    Ask(
        *("compute.image.updateImageVisibility", {**IMAGE, "visibility": "private"}),
        method="PATCH",
        path=AT_IMAGE,
    ),
    Ask("compute.image.uploadImage", {**IMAGE, "file": "aGVsbG8="}, path=AT_IMAGE),
    Ask("compute.image.listImageMembers", IMAGE, path=f"{AT_IMAGE}/members"),
    Ask("compute.image.getImageMember", MEMBER, path=f"{AT_IMAGE}/members/{USERS['bob']}"),
)


def places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the way to each member of a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in inner:
        yield (*at, key)
        if isinstance(member, dict | list):
            yield from places(member, (*at, key))


def replaced(value: Any, place: tuple[str | int, ...], odd: str | None) -> bytes:
    """Return JSON with another text in one place, or without what is there."""
    copy = json.loads(json.dumps(value))
    parent = copy
    for step in place[:-1]:
        parent = parent[step]
    if odd is None:
        del parent[place[-1]]
        return json.dumps(copy).encode()
    parent[place[-1]] = "(here)"
    return json.dumps(copy).replace('"(here)"', odd).encode()


def with_body(body: bytes) -> Fault:
    """Return a fault: the right head around another body."""

    def change(right: bytes) -> bytes:
        lines = right.partition(b"\r\n\r\n")[0].split(b"\r\n")
        kept = [line for line in lines if not line.lower().startswith(b"content-length:")]
        return b"\r\n".join([*kept, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body

    return altered(change)


async def right_body(bff: Bff, stage: Stage, ask: Ask) -> Any:
    """Return what is answered when nothing is wrong."""
    bodies: list[bytes] = []

    def keep(right: bytes) -> bytes:
        bodies.append(right.partition(b"\r\n\r\n")[2])
        return right

    getattr(stage, ask.service).will(altered(keep), ask.asks())
    await outcome(bff, ask)
    return json.loads(bodies[0])


async def outcome(bff: Bff, ask: Ask) -> str:
    """Make the call; returns ``ok`` or the error's code."""
    headers = {**ask.more, **({"x-auth-token": ask.token} if ask.token else {})}
    body = {"jsonrpc": "2.0", "id": 1, "method": ask.procedure, "params": ask.params}
    response = await bff.request("POST", bff.url, json=body, headers=headers)
    if response.status != 200:
        return f"HTTP {response.status}"
    answered = json.loads(await response.text(), parse_int=float)
    return "ok" if "result" in answered else str(answered["error"]["data"]["code"])


@pytest.fixture(params=ASKS, ids=str)
def ask(request: pytest.FixtureRequest) -> Ask:
    """Return each answer that is walked through."""
    asked: Ask = request.param
    return asked


@pytest.fixture
async def bff(start: Start, request: pytest.FixtureRequest) -> Bff:
    """Return a BFF that asks Keystone for each call, where an answer of Keystone's is odd."""
    glances = "ask" in request.fixturenames and request.getfixturevalue("ask").service == "glance"
    # One user signs in hundreds of times here.
    unguarded = {"sign_ins_per_user": 0, "sign_ins_per_address": 0}
    cached = {"token_cache_seconds": 60 if glances else 0}
    started: Bff = await start(upstream_timeout=5, **cached, **unguarded)
    return started


BUGS = ("INTERNAL_SERVER_ERROR", "HTTP 500")


async def test_no_odd_value_in_an_answer_shows_as_a_bug(bff: Bff, stage: Stage, ask: Ask) -> None:
    right = await right_body(bff, stage, ask)
    service = getattr(stage, ask.service)
    bodies = [replaced(right, place, odd) for place in places(right) for odd in (None, *ODD)]
    bugs = []
    for body in (*bodies, *ODD_BODIES):
        service.will(with_body(body), ask.asks())
        if await outcome(bff, ask) in BUGS:
            bugs.append(body[:300])
    assert bugs == []
    assert await outcome(bff, ask) in ("ok", "CONFLICT", "BAD_GATEWAY")


async def test_no_odd_header_of_an_answer_shows_as_a_bug(bff: Bff, stage: Stage, ask: Ask) -> None:
    service = getattr(stage, ask.service)
    bugs = []
    for name in HEADERS:
        for value in ODD_HEADERS:
            service.will(with_header(name, value), ask.asks())
            if await outcome(bff, ask) in BUGS:
                bugs.append((name, value))
    assert bugs == []


@pytest.mark.parametrize("status", [*range(200, 209), *range(300, 309), 400, 410, 499, 500, 599])
async def test_no_odd_status_of_an_answer_shows_as_a_bug(
    bff: Bff, stage: Stage, status: int
) -> None:
    for ask in ASKS:
        getattr(stage, ask.service).will(says(b'{"message": null}', status), ask.asks())
        assert await outcome(bff, ask) not in BUGS
