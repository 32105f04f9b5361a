"""An answer never reaches another caller, whatever comes over a connection that is kept."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.bff.conftest import Bff
from tests.faults.faults import (
    and_later,
    one_and_a_half,
    says,
    sends,
    stall,
    twice,
    with_header,
)
from tests.faults.services import USERS, answer, image, image_id_of, member, token_body, token_of
from tests.faults.stage import Fault, Stage, Wire

LIST = "compute.image.listImages"


async def owners(bff: Bff, user: str) -> set[str]:
    """Return whose images a user is shown."""
    listed = await bff.call(LIST, x_auth_token=token_of(user))
    return {image["owner"] for image in listed["result"]}


async def session(bff: Bff, user: str) -> str:
    """Return the name of the user for whom Keystone's answer makes the caller."""
    answered = await bff.call("auth.getCurrentUserSession", x_auth_token=token_of(user))
    return str(answered["result"]["user"]["name"])


@pytest.mark.parametrize("fault", [twice, one_and_a_half])
async def test_surplus_bytes_behind_a_body_end_the_connection(
    bff: Bff, stage: Stage, fault: Fault
) -> None:
    stage.glance.will(fault)
    assert await owners(bff, "alice") == {USERS["alice"]}
    for _ in range(7):
        assert await owners(bff, "bob") == {USERS["bob"]}
    assert stage.glance.connections == 2


async def test_a_surplus_answer_that_comes_later_ends_the_connection(
    bff: Bff, stage: Stage
) -> None:
    go, sent = asyncio.Event(), asyncio.Event()
    stage.glance.will(and_later(go, sent))
    assert await owners(bff, "alice") == {USERS["alice"]}
    go.set()
    await sent.wait()
    for _ in range(7):
        assert await owners(bff, "bob") == {USERS["bob"]}
    assert stage.glance.connections == 2


async def test_a_surplus_answer_that_comes_beside_the_next_request_is_not_its_answer(
    bff: Bff, stage: Stage
) -> None:
    """It is at the socket before the BFF's loop has looked."""

    async def surplus_at_once(wire: Wire, right: bytes) -> None:
        # From the loop that the BFF runs in, too: its own reader comes after whoever is ready.
        await wire.send(right)
        wire.writer.write(right)

    stage.glance.will(surplus_at_once, always=True)
    for _ in range(10):
        alices, bobs = await asyncio.gather(owners(bff, "alice"), owners(bff, "bob"))
        assert (alices, bobs) == ({USERS["alice"]}, {USERS["bob"]})


async def test_an_answer_to_another_request_is_thrown_away_with_its_connection(
    bff: Bff, stage: Stage
) -> None:
    """The second line of defence: Glance says to which request its answer belongs."""
    late: list[bytes] = []

    async def keep(wire: Wire, right: bytes) -> None:
        late.append(right)
        await wire.send(right)

    async def send_the_one_before(wire: Wire, right: bytes) -> None:
        await wire.send(late[0])
        await wire.until_gone()

    stage.glance.will(keep)
    stage.glance.will(send_the_one_before)
    assert await owners(bff, "alice") == {USERS["alice"]}
    assert await owners(bff, "bob") == {USERS["bob"]}
    assert stage.glance.connections == 2
    # A change may have been made: it is not sent again, and nobody is told another's answer.
    stage.glance.will(send_the_one_before)
    failed = await bff.call(
        "compute.image.createImage", {"name": "x"}, x_auth_token=token_of("bob")
    )
    assert failed["error"]["data"]["code"] == "BAD_GATEWAY"
    assert "answered another request" in failed["error"]["message"]


async def test_keystones_answer_about_another_token_is_thrown_away(bff: Bff, stage: Stage) -> None:
    """Keystone has ids of its own, and says whose token it looked at."""
    alices: list[bytes] = []

    async def keep(wire: Wire, right: bytes) -> None:
        alices.append(right)
        await wire.send(right)

    async def send_alices(wire: Wire, right: bytes) -> None:
        await wire.send(alices[0])

    about_tokens = lambda request: request.path == "/v3/auth/tokens"  # noqa: E731
    stage.keystone.will(keep, about_tokens)
    assert await session(bff, "alice") == "alice"
    stage.keystone.will(send_alices, about_tokens)
    assert await session(bff, "bob") == "bob"


ABOUT_AN_IMAGE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("GET", "compute.image.getImageById", {}),
    ("PATCH", "compute.image.updateImageVisibility", {"visibility": "private"}),
    ("GET", "compute.image.getImageMember", {"memberId": USERS["bob"]}),
    ("POST", "compute.image.createImageMember", {"member": USERS["bob"]}),
)


@pytest.mark.parametrize(("verb", "method", "more"), ABOUT_AN_IMAGE, ids=str)
async def test_an_answer_about_another_image_is_thrown_away_with_its_connection(
    bff: Bff, stage: Stage, verb: str, method: str, more: dict[str, Any]
) -> None:
    """A service behind a proxy may not tell to which request its answer belongs."""
    asked, other = image_id_of("alice", 1), image_id_of("alice", 2)
    answers = {**member(other), **image("alice", other)}
    stage.glance.will(says(json.dumps(answers).encode()), lambda request: request.method == verb)
    params = {"imageId": asked, **more}
    failed = await bff.call(method, params, x_auth_token=token_of("alice"))
    assert failed["error"]["data"]["code"] == "BAD_GATEWAY"
    assert "answered another request" in failed["error"]["message"]
    assert await owners(bff, "bob") == {USERS["bob"]}
    assert stage.glance.connections == 2


@pytest.mark.parametrize("own", ["user", "project"])
async def test_a_new_token_of_another_user_or_scope_is_given_to_nobody(
    bff: Bff, stage: Stage, own: str
) -> None:
    body = token_body("bob", stage.glance.url)
    body["token"][own] = token_body("alice", stage.glance.url)["token"][own]
    stage.keystone.will(
        says(json.dumps(body).encode(), 201, X_Subject_Token=token_of("bob")),
        lambda request: request.method == "POST",
    )
    headers = {"x-auth-token": f"{token_of('alice')}-unscoped", "x-project-id": USERS["alice"]}
    failed = await bff.call(LIST, **headers)
    assert failed["error"]["data"]["code"] == "BAD_GATEWAY"
    listed = await bff.call(LIST, **headers)
    assert {image["owner"] for image in listed["result"]} == {USERS["alice"]}


@pytest.mark.parametrize("fault", [twice, one_and_a_half])
async def test_surplus_bytes_of_keystone_end_the_connection(
    bff: Bff, stage: Stage, fault: Fault
) -> None:
    stage.keystone.will(fault, lambda request: request.path == "/v3/auth/tokens")
    assert await session(bff, "alice") == "alice"
    assert await session(bff, "bob") == "bob"
    assert await owners(bff, "bob") == {USERS["bob"]}


@pytest.mark.parametrize(
    "unasked",
    [
        answer({"images": [], "first": "/v2/images"}),
        answer(b"", 408),
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"\r\n",
    ],
    ids=["an answer", "a time-out", "an interim answer", "a line end"],
)
async def test_what_comes_before_its_request_is_nobodys(
    bff: Bff, stage: Stage, unasked: bytes
) -> None:
    go, sent = asyncio.Event(), asyncio.Event()
    stage.glance.will(and_later(go, sent, unasked))
    assert await owners(bff, "alice") == {USERS["alice"]}
    go.set()
    await sent.wait()
    assert await owners(bff, "bob") == {USERS["bob"]}
    assert stage.glance.connections == 2


async def test_an_answer_at_the_beginning_of_a_connection_does_not_move_on_to_others(
    bff: Bff, stage: Stage
) -> None:
    stage.glance.greeting = answer({"images": [], "first": "/v2/images"})
    await bff.call(LIST, x_auth_token=token_of("alice"))
    stage.glance.greeting = b""
    for _ in range(3):
        assert await owners(bff, "bob") == {USERS["bob"]}


async def test_a_call_that_was_given_up_leaves_no_answer_to_the_next_one(
    bff: Bff, stage: Stage
) -> None:
    stage.glance.will(stall)
    failed = await bff.call(LIST, x_auth_token=token_of("alice"))
    assert failed["error"]["data"]["code"] == "GATEWAY_TIMEOUT"
    assert await owners(bff, "bob") == {USERS["bob"]}
    assert stage.glance.connections == 2


async def test_connections_are_kept_when_nothing_is_wrong(bff: Bff, stage: Stage) -> None:
    for user in ("alice", "bob") * 3:
        assert await owners(bff, user) == {USERS[user]}
    assert stage.glance.connections == 1


@pytest.mark.parametrize(
    "value",
    [
        b"req-\xff\xfe",
        b"req-\xc3\xa9",
        b"req-<script>",
        b"req-" + b"a" * 5000,
        b"\x01",
        b"",
        b"req-11111111-2222-4333-8444-555555555555, req-2",
    ],
)
async def test_an_odd_request_id_of_an_answer_costs_no_other_call_and_is_not_quoted(
    bff: Bff, stage: Stage, value: bytes
) -> None:
    missing = image_id_of("bob")
    stage.glance.will(
        with_header("X-Openstack-Request-Id", value),
        lambda request: request.path.endswith(missing),
    )
    first, second = await bff.json(
        [
            call(1, {"imageId": missing}),
            call(2, {"imageId": image_id_of("alice")}),
        ],
        x_auth_token=token_of("alice"),
    )
    assert first["error"]["data"]["code"] in ("NOT_FOUND", "BAD_GATEWAY")
    assert "upstreamRequestId" not in first["error"]["data"]
    assert second["result"]["owner"] == USERS["alice"]


async def test_what_follows_a_switch_of_protocols_reaches_nobody(bff: Bff, stage: Stage) -> None:
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
    stage.glance.will(sends(switch + answer({"images": [{"owner": USERS["alice"]}]})))
    failed = await bff.call(LIST, x_auth_token=token_of("alice"))
    assert failed["error"]["data"]["code"] == "BAD_GATEWAY"
    assert await owners(bff, "bob") == {USERS["bob"]}


def call(number: int, params: Any) -> dict[str, Any]:
    """Return one call of a batch."""
    method = "compute.image.getImageById"
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
