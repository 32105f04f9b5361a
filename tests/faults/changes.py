"""Rows: Glance fails while something is changed. A change is never sent twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.fakes.errors import glance_error
from tests.faults import faults
from tests.faults.cases import BAD, GONE, RIGHT, SLOW
from tests.faults.row import Outcome, Row, Scene, code
from tests.faults.services import token_of
from tests.faults.stage import Fault


@dataclass(frozen=True)
class Change:
    """A change, how it is seen at Glance, and what Glance has before and after it."""

    name: str
    procedure: str
    method: str
    params: dict[str, Any]
    before: str
    after: str


CREATE = Change("to make an image", "createImage", "POST", {"name": "new"}, "no image", "an image")
VISIBILITY = {"visibility": "community"}
PUBLISH = Change(
    "to change an image", "updateImageVisibility", "PATCH", VISIBILITY, "private", "community"
)
DELETE = Change("to delete an image", "deleteImage", "DELETE", {}, "an image", "no image")
CHANGES = (CREATE, PUBLISH, DELETE)


@dataclass(frozen=True)
class Trouble:
    """What happens to a change: ``undone``, Glance does nothing of it."""

    name: str
    fault: Fault
    expected: str
    undone: bool = False
    patience: float = 30


TROUBLES = (
    Trouble("does it and hangs up", faults.close, BAD),
    Trouble("does it and resets the connection", faults.reset, BAD),
    Trouble("does it and is silent", faults.stall, SLOW, patience=0.5),
    Trouble("does it and cuts the head short", faults.truncate_head, BAD),
    Trouble("does it and answers twice", faults.twice, RIGHT),
    Trouble("hangs up before it does anything", faults.close, BAD, undone=True),
    Trouble("is full", faults.says(b"", 503, Retry_After="7"), GONE, undone=True),
    Trouble("fails", faults.says(b"", 500), BAD, undone=True),
    Trouble("says that it conflicts", faults.says(glance_error(409), 409), "CONFLICT", undone=True),
    Trouble("forbids it", faults.says(glance_error(403), 403), "FORBIDDEN", undone=True),
)  # fmt: skip


def seen(change: Change, scene: Scene) -> str:
    """Return what stands at Glance."""
    images = list(scene.shelf.images.values())
    if change is PUBLISH:
        return str(images[0]["visibility"])
    return "an image" if images else "no image"


def row(change: Change, trouble: Trouble) -> Row:
    """Return the row of a change to which something happens."""

    async def play(scene: Scene) -> Outcome:
        bff = await scene.start(upstream_timeout=trouble.patience)
        shelf = scene.keep_images()
        params = dict(change.params)
        if change is not CREATE:
            params["imageId"] = shelf.add("alice", status="active", size=5)
        glance = scene.stage.glance
        glance.will(
            trouble.fault, lambda request: request.method == change.method, undone=trouble.undone
        )
        procedure = f"compute.image.{change.procedure}"
        answered = await bff.call(procedure, params, x_auth_token=token_of("alice"))
        sent = sum(
            # Why it was forbidden is found by a change that changes nothing.
            request.method == change.method and b'"remove"' not in request.body
            for request in glance.requests
        )
        return Outcome(code(answered), sent, seen(change, scene))

    stands = change.before if trouble.undone else change.after
    expected = Outcome(trouble.expected, 1, stands)
    return Row(f"Glance, told {change.name}, {trouble.name}", expected, play)


ROWS = tuple(row(change, trouble) for change in CHANGES for trouble in TROUBLES)
