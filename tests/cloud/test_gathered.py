"""Images of a batch are what they are one by one on a real Glance, whoever asks for them."""

from __future__ import annotations

from typing import Any

import pytest

from bff.openstack.glance.images import Images
from tests.cloud.conftest import Cloud, Sign, User
from tests.cloud.shelf import Shelf, unordered

SHOW = "compute.image.getImageById"
ODD: dict[str, str] = {
    "quotes": "\"'`\\",
    "brackets": ']}{"images":[{"id":"x"}]',
    "unicode": "Übung – 日本語",
    "escapes": "\u2028 </script> %2e%2e \\u0000",
    "ключ": "значение",
    "empty": "",
    "id_of_another": "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac",
    "long": "x" * 255,
}


def kinds(cloud: Cloud, owner: str, member: str) -> dict[str, str]:
    """Make an image of each kind in the owner's project; returns their ids."""
    administrator = cloud.glance("admin", "admin")
    shelf = Shelf(cloud.glance("alice", owner))
    bobs = Shelf(cloud.glance("bob", cloud.new_project("bob")))
    made = {
        "queued": shelf.queued(),
        "active": shelf.active(name="active", tags=["b", "a"]),
        "deactivated": shelf.deactivated(),
        "protected": shelf.queued(protected=True),
        "hidden": shelf.queued(os_hidden=True),
        "hidden and community": shelf.queued(os_hidden=True, visibility="community"),
        "community": shelf.queued(visibility="community"),
        "public": Shelf(administrator).queued(visibility="public"),
        "public and hidden": Shelf(administrator).queued(visibility="public", os_hidden=True),
        "odd": shelf.queued(name='a "name", ]}', tags=["té,g"], **ODD),
        "another project's": bobs.queued(),
        "another project's, community": bobs.queued(visibility="community"),
        "missing": Shelf.missing(),
        "missing too": Shelf.missing(),
        "shared with nobody": shelf.shared(),
        "hidden and shared": shelf.shared(member, os_hidden=True),
    }
    deleted = shelf.queued()
    cloud.glance("alice", owner).call("DELETE", f"/v2/images/{deleted}")
    for status in ("pending", "accepted", "rejected"):
        made[status] = shelf.shared(member)
        path = f"/v2/images/{made[status]}/members/{member}"
        if status != "pending":
            administrator.put(path, {"status": status})
    return {**made, "deleted": deleted}


def told(answer: Any) -> Any:
    """Return what an answer says, but for the ids of the requests."""
    if "result" in answer:
        return unordered(answer["result"])
    data = {key: value for key, value in answer["error"]["data"].items() if "equestId" not in key}
    return answer["error"] | {"data": data}


async def both_ways(user: User, image_ids: list[str]) -> tuple[list[Any], list[Any]]:
    """Return the answers to single calls, and those to one batch."""
    calls = [
        {"jsonrpc": "2.0", "id": one, "method": SHOW, "params": {"imageId": one}}
        for one in image_ids
    ]
    alone = [await user.bff.json(call, X_Auth_Token=user.token) for call in calls]
    together = await user.bff.json(calls, X_Auth_Token=user.token)
    return [told(answer) for answer in alone], [told(answer) for answer in together]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the images that are asked for one by one, as long as the test lasts."""
    asked: list[str] = []
    show = Images.show

    async def noted(images: Images, image_id: str) -> Any:
        asked.append(image_id)
        return await show(images, image_id)

    monkeypatch.setattr(Images, "show", noted)
    return asked


async def test_an_image_of_a_batch_is_what_it_is_alone(
    cloud: Cloud, user: Sign, alone: list[str]
) -> None:
    owner, partner, stranger = (cloud.new_project(who) for who in ("alice", "bob", "bob"))
    made = kinds(cloud, owner, cloud.projects[partner])
    callers = {
        "owner": user("alice", owner),
        "member": user("bob", partner),
        "stranger": user("bob", stranger),
        "administrator": user("admin", "admin"),
    }
    for who, caller in callers.items():
        alone.clear()
        single, batch = await both_ways(caller, list(made.values()))
        for kind, one, other in zip(made, single, batch, strict=True):
            assert one == other, (who, kind)
        by_itself = alone[len(made) :]
        errors = [
            one for one, answer in zip(made.values(), single, strict=True) if "id" not in answer
        ]
        assert sorted(by_itself) == sorted(errors), who
        assert {"missing", "deleted"} <= {kind for kind, one in made.items() if one in errors}
