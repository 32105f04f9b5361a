"""Which names a real Glance takes for a property and can never change again."""

from __future__ import annotations

from urllib.error import HTTPError

import pytest

from bff.openstack.glance.images import PATCH_TYPE
from schemas.image import UNCHANGEABLE_PROPERTIES
from tests.cloud.conftest import Cloud, Sign, User

SPACES = (" lead", "trail ")


@pytest.fixture
def alice(cloud: Cloud, user: Sign) -> User:
    """Return alice in a new project."""
    return user("alice", cloud.new_project("alice"))


def test_what_is_refused_could_be_created_and_neither_changed_nor_removed(cloud: Cloud) -> None:
    glance = cloud.glance("alice", cloud.new_project("alice"))
    names = [*sorted(UNCHANGEABLE_PROPERTIES), *SPACES]
    path = f"/v2/images/{glance.post('/v2/images', dict.fromkeys(names, 'x'))['id']}"
    assert glance.get(path).keys() >= set(names)
    for name in names:
        with pytest.raises(HTTPError) as refused:
            glance.patch(path, [{"op": "remove", "path": f"/{name}"}], PATCH_TYPE)
        assert refused.value.code in (403, 409)
        refused.value.close()
    assert glance.get(path).keys() >= set(names)


@pytest.mark.parametrize("name", ["delete", "image_id", "__doc__", *SPACES])
async def test_they_are_refused_at_creation_and_in_a_patch(name: str, alice: User) -> None:
    assert (await alice.error("createImage", **{name: "x"}))[0] == "BAD_REQUEST"
    image_id = (await alice.do("createImage"))["id"]
    step = {"op": "add", "path": f"/{name}", "value": "x"}
    code, _ = await alice.error("updateImage", imageId=image_id, operations=[step])
    assert code == "BAD_REQUEST"


@pytest.mark.parametrize(
    "name", ["a/b", "/", "~", "~1", "a//b", ".", "-", "0", "_owner", "members"]
)
async def test_any_other_name_can_be_created_changed_and_removed(name: str, alice: User) -> None:
    image_id = (await alice.do("createImage", **{name: "x"}))["id"]
    path = "/" + name.replace("~", "~0").replace("/", "~1")
    change = {"op": "replace", "path": path, "value": "y"}
    changed = await alice.do("updateImage", imageId=image_id, operations=[change])
    assert changed[name] == "y"
    remove = {"op": "remove", "path": path}
    assert name not in await alice.do("updateImage", imageId=image_id, operations=[remove])
