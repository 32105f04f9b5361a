"""Whose image it is comes first, then its state: every procedure, state, visibility and caller.

What is expected of a cell follows from the few rules in ``expected``; the images are real ones.
"""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.error import HTTPError

import pytest

from bff.openstack.glance.images import PATCH_TYPE
from tests.bff.conftest import Bff
from tests.bff.upload.conftest import OCTETS, Uploader
from tests.cloud.conftest import Cloud, User
from tests.cloud.shelf import CONTENT, Shelf

DATA = base64.b64encode(CONTENT).decode()

VISIBILITIES = ("private", "shared", "community", "public")
NO_DATA = ("queued", "uploading")
STATES = (*NO_DATA, "active", "deactivated", "protected", "hidden", "deleted")
# The projects with which shared images are shared, by what they decided.
MEMBERS = ("accepted", "pending", "rejected")
# Who may not change the image. A reader works in the owner's project; a stranger sees no image
# that is shared with others.
ONLOOKERS = ("reader", *MEMBERS, "stranger")
CHANGERS = ("owner", "administrator")

OK = "OK"
ANOTHER_PROJECTS, ROLES = (
    "it is another project's",
    "The image is this project's own: the session's roles",
)

# As a bulk procedure has them.
STATUSES = {"BAD_REQUEST": "400", "FORBIDDEN": "403", "NOT_FOUND": "404", "CONFLICT": "409"}

# What a dry run says of these is what then becomes of them.
DRY_RUNS = ("shareImages", "tagImages", "untagImages", "updateImages")
HARMLESS = (
    *("getImageById", "updateImage", "updateImageVisibility", "listImageMembers"),
    *("createImageMember", "getImageMember", "updateImageMember", "deleteImageMember"),
    *("deactivateImage", "reactivateImage", "deactivateImages", "activateImages"),
    *DRY_RUNS,
)
# What an image is after these: each of the two who may do them begins with another one.
MAKES = {
    "uploadImage": "active",
    "the upload route": "active",
    "deleteImage": "deleted",
    "deleteImages": "deleted",
}
ORDER = {
    "owner": ("uploadImage", "the upload route", "deleteImages", "deleteImage"),
    "administrator": ("the upload route", "uploadImage", "deleteImage", "deleteImages"),
}


@dataclass(frozen=True)
class Cell:
    """One call: what, by whom, on which kind of image."""

    procedure: str
    who: str
    state: str
    visibility: str

    def sees(self) -> bool:
        """Return whether Glance shows the image to the caller."""
        at_home = self.who in ("owner", "reader", "administrator")
        shown = self.visibility in ("community", "public")
        return at_home or shown or (self.visibility == "shared" and self.who in MEMBERS)


Outcome = tuple[str, str]
DONE: Outcome = (OK, "")


def expected(cell: Cell) -> Outcome:
    """Return the code of a cell, and words that its message has."""
    if cell.state == "deleted" or not cell.sees():
        return "NOT_FOUND", ""
    if cell.procedure == "getImageById":
        return DONE
    if cell.procedure in ("listImageMembers", "getImageMember", "updateImageMember"):
        return of_a_member(cell)
    if cell.who in CHANGERS:
        return of_a_state(cell)
    return "FORBIDDEN", ROLES if cell.who == "reader" else ANOTHER_PROJECTS


def of_a_member(cell: Cell) -> Outcome:
    """Return what is expected of a call about members that is not the owner's alone."""
    if cell.visibility != "shared":
        code = "NOT_FOUND" if cell.procedure == "getImageMember" else "FORBIDDEN"
        return code, f"is {cell.visibility}"
    decides = cell.who in (*MEMBERS, "administrator")
    if cell.procedure == "updateImageMember" and not decides:
        return "FORBIDDEN", "Only the member"
    return DONE


def of_a_state(cell: Cell) -> Outcome:
    """Return what is expected of a change by whoever may make it: the image's state decides."""
    no_data = ("CONFLICT", f"it is {cell.state}") if cell.state in NO_DATA else DONE
    filled = DONE if cell.state == "queued" else ("CONFLICT", "")
    protected = ("FORBIDDEN", "set its property protected to false first")
    delete = protected if cell.state == "protected" else DONE
    publish = cell.visibility == "public" and cell.who == "owner"
    share_first = f"is {cell.visibility}: set its visibility to shared first"
    shared = cell.visibility == "shared"
    return {
        **dict.fromkeys(("updateImage", "updateImages", "tagImages", "untagImages"), DONE),
        "updateImageVisibility": ("FORBIDDEN", "publicize_image") if publish else DONE,
        **dict.fromkeys(
            ("createImageMember", "shareImages"),
            DONE if shared else ("BAD_REQUEST", share_first),
        ),
        "deleteImageMember": DONE if shared else ("FORBIDDEN", share_first),
        "uploadImage": filled,
        "the upload route": filled,
        "deactivateImage": no_data,
        "reactivateImage": no_data,
        "deactivateImages": no_data,
        "activateImages": no_data,
        "deleteImage": delete,
        "deleteImages": delete,
    }[cell.procedure]


def codes(result: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return what a bulk result says, but for its words: Glance has a policy for each request."""
    return result["successful"], [failure["code"] for failure in result["failed"]]


@dataclass
class Stage:
    """The callers' projects, and images made around the BFF."""

    cloud: Cloud
    projects: dict[str, str]
    users: dict[str, str]
    made: list[str] = field(default_factory=list)

    def token(self, who: str) -> str:
        return self.cloud.token(self.users[who], self.projects[who])

    def project_id(self, who: str) -> str:
        return self.cloud.projects[self.projects[who]]

    def image(self, state: str, visibility: str) -> str:
        """Make an image in a state, with members who have decided."""
        administrator = self.cloud.glance("admin", "admin")
        flags = {"os_hidden": state == "hidden", "protected": state == "protected"}
        shelf = Shelf(administrator)
        owner = self.project_id("owner")
        image_id = shelf.queued(name=state, visibility="shared", owner=owner, **flags)
        self.made.append(image_id)
        path = f"/v2/images/{image_id}"
        members = MEMBERS if visibility == "shared" else MEMBERS[:1]
        shelf.share(image_id, *map(self.project_id, members))
        for member in members:
            administrator.put(f"{path}/members/{self.project_id(member)}", {"status": member})
        if visibility != "shared":
            # Its members are kept.
            step = {"op": "replace", "path": "/visibility", "value": visibility}
            administrator.patch(path, [step], PATCH_TYPE)
        if state not in ("queued", "deleted"):
            where = "stage" if state == "uploading" else "file"
            administrator.put(f"{path}/{where}", CONTENT, OCTETS)
        if state == "deactivated":
            administrator.post(f"{path}/actions/deactivate")
        if state == "deleted":
            administrator.call("DELETE", path)
        return image_id

    def clear(self) -> None:
        """Delete every image that is left: other tests see those that are public."""
        administrator = self.cloud.glance("admin", "admin")
        for image_id in self.made:
            unprotected = [{"op": "replace", "path": "/protected", "value": False}]
            with suppress(HTTPError):
                administrator.patch(f"/v2/images/{image_id}", unprotected, PATCH_TYPE)
                administrator.call("DELETE", f"/v2/images/{image_id}")

    def as_it_is(self, image_id: str) -> Any:
        """Return all that Glance knows of an image; ``None`` when it was deleted."""
        administrator = self.cloud.glance("admin", "admin")
        try:
            image = administrator.get(f"/v2/images/{image_id}")
        except HTTPError:
            return None
        if image["visibility"] != "shared":
            return image
        return image, administrator.get(f"/v2/images/{image_id}/members")


@pytest.fixture(scope="module")
def stage(cloud: Cloud) -> Iterator[Stage]:
    """Return everybody at home, in projects in which nothing is yet."""
    home = cloud.new_project("alice")
    bobs = {who: cloud.new_project("bob") for who in (*MEMBERS, "stranger")}
    projects = {"owner": home, "reader": home, "administrator": "admin", **bobs}
    users = {"owner": "alice", "reader": cloud.new_user(home, "reader"), "administrator": "admin"}
    stage = Stage(cloud, projects, {**users, **dict.fromkeys(bobs, "bob")})
    for who in stage.users:
        stage.token(who)
    yield stage
    stage.clear()


@dataclass
class Try:
    """Makes the call of a cell and says what came of it."""

    stage: Stage
    bff: Bff
    new_member: str

    async def __call__(self, cell: Cell, image_id: str) -> tuple[str, str]:
        """Return code and message."""
        token = self.stage.token(cell.who)
        if cell.procedure == "the upload route":
            uploader = Uploader(self.bff, token)
            status, answer = await uploader.post(CONTENT, OCTETS, f"?imageId={image_id}")
            assert ("error" in answer) == (status != 200)
        else:
            params = self.params(cell, image_id)
            if cell.procedure in DRY_RUNS:
                dry = await User(self.bff, token).do(cell.procedure, **params, dryRun=True)
            answer = await User(self.bff, token).answer(cell.procedure, **params)
        if "error" in answer:
            return answer["error"]["data"]["code"], answer["error"]["message"]
        if cell.procedure in DRY_RUNS:
            assert codes(dry) == codes(answer["result"])
        if cell.procedure.endswith("Images") and (failed := answer["result"]["failed"]):
            assert failed[0]["error"] == STATUSES[failed[0]["code"]]
            return failed[0]["code"], failed[0]["message"]
        return OK, ""

    async def all(self, cells: list[Cell], image_id: str) -> list[str]:
        """Make calls one after the other; returns what is not as expected."""
        wrong = []
        state = cells[0].state
        for asked in cells:
            cell = replace(asked, state=state)
            code, words = expected(cell)
            found, message = await self(cell, image_id)
            if found != code or words not in message:
                wrong.append(f"{cell}: {code} {words!r} expected, {found}: {message}")
            if found == OK:
                state = MAKES.get(cell.procedure, state)
        return wrong

    def params(self, cell: Cell, image_id: str) -> dict[str, Any]:
        project_id = self.stage.project_id(cell.who if cell.who in MEMBERS else "accepted")
        decision = cell.who if cell.who in MEMBERS else "accepted"
        removed = self.new_member if cell.who in CHANGERS else project_id
        more: dict[str, dict[str, Any]] = {
            "updateImage": {"operations": [{"op": "add", "path": "/note", "value": cell.who}]},
            "updateImages": {"operations": [{"op": "add", "path": "/note", "value": "bulk"}]},
            "tagImages": {"tags": [cell.who]},
            "untagImages": {"tags": ["tag of nobody's"]},
            "shareImages": {"members": [self.new_member]},
            "updateImageVisibility": {"visibility": cell.visibility},
            "uploadImage": {"file": DATA},
            "createImageMember": {"member": self.new_member},
            "getImageMember": {"memberId": project_id},
            "updateImageMember": {"memberId": project_id, "status": decision},
            "deleteImageMember": {"memberId": removed},
        }
        if cell.procedure.endswith("Images"):
            return {"imageIds": [image_id], **more.get(cell.procedure, {})}
        return {"imageId": image_id, **more.get(cell.procedure, {})}


async def onlookers(attempt: Try, state: str, visibility: str, image_id: str) -> list[str]:
    """Let everybody who may not change an image try everything at once: it stays as it is."""
    before = await asyncio.to_thread(attempt.stage.as_it_is, image_id)
    rows = [
        [Cell(procedure, who, state, visibility) for procedure in (*HARMLESS, *MAKES)]
        for who in ONLOOKERS
        if visibility == "shared" or who not in ("pending", "rejected")
    ]
    # Of an upload that it refuses to a reader, a real Glance 33 puts a staged image back to queued.
    resetting = Cell("uploadImage", "reader", "uploading", visibility)
    rows[0] = [cell for cell in rows[0] if cell != resetting]
    wrong = await asyncio.gather(*(attempt.all(cells, image_id) for cells in rows))
    assert await asyncio.to_thread(attempt.stage.as_it_is, image_id) == before
    if state == resetting.state:
        another = await asyncio.to_thread(attempt.stage.image, state, visibility)
        wrong.append(await attempt.all([resetting], another))
    return [line for lines in wrong for line in lines]


async def everybody(attempt: Try, state: str, visibility: str) -> list[str]:
    """Let everybody try everything on images of one kind; returns what is not as expected."""
    images = [await asyncio.to_thread(attempt.stage.image, state, visibility) for _ in CHANGERS]
    wrong = await onlookers(attempt, state, visibility, images[0])
    for who, image_id in zip(CHANGERS, images, strict=True):
        procedures = (*HARMLESS, *ORDER[who])
        cells = [Cell(procedure, who, state, visibility) for procedure in procedures]
        wrong += await attempt.all(cells, image_id)
    return wrong


@pytest.mark.parametrize("visibility", VISIBILITIES)
async def test_whose_image_it_is_comes_first_and_then_its_state(
    visibility: str, stage: Stage, bff: Bff
) -> None:
    attempt = Try(stage, bff, uuid.uuid4().hex)
    wrong = [line for state in STATES for line in await everybody(attempt, state, visibility)]
    assert wrong == []
