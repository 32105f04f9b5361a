"""Rows: a service fails while something is read."""

from __future__ import annotations

from typing import Any

from tests.bff.conftest import Bff
from tests.faults.cases import OF_ANY_SERVICE, OF_GLANCE, OF_KEYSTONE, Case
from tests.faults.row import Outcome, Row, Scene, code
from tests.faults.services import USERS, Request, image_id_of, token_of

HIT = image_id_of("alice", 1)
SPARED = image_id_of("alice", 2)


async def show(bff: Bff, *image_ids: str) -> list[str]:
    """Ask for images as alice, in one batch."""
    call = {"jsonrpc": "2.0", "method": "compute.image.getImageById"}
    batch = [{**call, "id": one, "params": {"imageId": one}} for one in image_ids]
    answers = await bff.json(batch, x_auth_token=token_of("alice"))
    return [code(answered) for answered in answers]


async def bobs(bff: Bff) -> str:
    """Return what the next caller is told: ``ok`` where it is theirs."""
    listed: Any = await bff.call("compute.image.listImages", x_auth_token=token_of("bob"))
    owners = {image["owner"] for image in listed.get("result", ())}
    return "ok" if owners == {USERS["bob"]} else str(listed)


def is_hit(request: Request) -> bool:
    """Return whether it is about the image alone whose answers are faulty."""
    return HIT in request.path.partition("?")[0]


def is_alices(request: Request) -> bool:
    """Return whether it is about alice's token."""
    return request.user == "alice"


def of_glance(case: Case) -> Row:
    """Return the row: one call of a batch gets the fault."""

    async def play(scene: Scene) -> Outcome:
        bff = await scene.start(upstream_timeout=case.patience)
        scene.stage.glance.will(case.fault, is_hit, always=True)
        hit, spared = await show(bff, HIT, SPARED)
        sent = sum(map(is_hit, scene.stage.glance.requests))
        others = {spared, await bobs(bff)}
        return Outcome(hit, sent, others=" ".join(others))

    expected = Outcome(case.expected, case.sent, others="ok")
    return Row(f"Glance, asked for an image in a batch, {case.name}", expected, play)


def of_keystone(case: Case) -> Row:
    """Return the row: one caller's token gets the fault."""

    async def play(scene: Scene) -> Outcome:
        bff = await scene.start(upstream_timeout=case.patience)
        scene.stage.keystone.will(case.fault, is_alices, always=True)
        (hit,) = await show(bff, HIT)
        sent = sum(map(is_alices, scene.stage.keystone.requests))
        return Outcome(hit, sent, others=await bobs(bff))

    expected = Outcome(case.expected, case.sent, others="ok")
    return Row(f"Keystone, asked about a token, {case.name}", expected, play)


ROWS = (
    *map(of_glance, (*OF_ANY_SERVICE, *OF_GLANCE)),
    *map(of_keystone, (*OF_ANY_SERVICE, *OF_KEYSTONE)),
)
