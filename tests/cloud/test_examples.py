"""Every example of docs/procedures.md, run against the real services.

The loop is over the registry: a new procedure is covered by itself, and needs a line here only
when its example takes more than a private image with data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import procedures
from bff.contract.model import Described, contract
from bff.rpc.registry import Registry
from devcloud.images import MIB, qcow2
from schemas.auth import EXAMPLE_PASSWORD, EXAMPLE_PROJECT
from schemas.image import EXAMPLE_ID
from schemas.member import EXAMPLE_MEMBER
from tests.bff.conftest import Bff
from tests.cloud.conftest import Cloud

CONTRACT = contract(Registry(procedures.ALL))
# The image that the examples speak of is the one that createImage's example makes.
(IMAGE,) = (
    described.example
    for described in CONTRACT.procedures
    if described.procedure.name == "compute.image.createImage"
)
JSON_PATCH = "application/openstack-images-v2.1-json-patch"


@dataclass
class Stage:
    """A project of alice's own with one image, and what a call is sent with."""

    cloud: Cloud
    bff: Bff
    project: str
    user: str = "alice"

    def __post_init__(self) -> None:
        self.glance = self.cloud.glance("alice", self.project)
        self.headers = {"X-Auth-Token": self.cloud.token("alice", self.project)}
        self.image_id = self.add_image()

    def add_image(self) -> str:
        image_id = str(self.glance.post("/v2/images", IMAGE)["id"])
        path = f"/v2/images/{image_id}/file"
        self.glance.put(path, qcow2(MIB), content_type="application/octet-stream")
        return image_id

    def real(self, value: Any) -> Any:
        """Return an example with what exists here in the place of what does not."""
        if isinstance(value, dict):
            return {key: self.real(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.real(part) for part in value]
        real = {
            EXAMPLE_ID: self.image_id,
            EXAMPLE_MEMBER: self.cloud.projects["partner"],
            EXAMPLE_PROJECT: self.cloud.projects["demo"],
            EXAMPLE_PASSWORD: self.cloud.password(self.user),
            "alice": self.user,
        }
        return real.get(value, value) if isinstance(value, str) else value

    async def with_a_cookie(self) -> None:
        params = {"user": "alice", "password": self.cloud.password("alice"), "projectName": "demo"}
        body = {"jsonrpc": "2.0", "id": 1, "method": "auth.createUserSession", "params": params}
        response = await self.bff.request("POST", self.bff.url, json=body)
        (morsel,) = SimpleCookie(response.headers["Set-Cookie"]).values()
        self.headers = {"Cookie": f"{morsel.key}={morsel.value}", "Origin": self.bff.origin}

    async def with_a_new_user(self) -> None:
        self.user = self.cloud.new_user(self.project, "member")

    async def as_admin(self) -> None:
        self.headers = {"X-Auth-Token": self.cloud.token("admin", "admin")}

    async def with_more_images_than_a_page(self) -> None:
        for _ in range(10):
            self.add_image()

    async def with_an_image_that_waits_for_its_data(self) -> None:
        waiting = {**IMAGE, "disk_format": "raw"}
        self.image_id = str(self.glance.post("/v2/images", waiting)["id"])

    async def with_a_deactivated_image(self) -> None:
        self.glance.post(f"/v2/images/{self.image_id}/actions/deactivate")

    async def with_a_shared_image(self) -> None:
        step = {"op": "replace", "path": "/visibility", "value": "shared"}
        self.glance.patch(f"/v2/images/{self.image_id}", [step], content_type=JSON_PATCH)

    async def with_a_member(self) -> None:
        await self.with_a_shared_image()
        member = {"member": self.cloud.projects["partner"]}
        self.glance.post(f"/v2/images/{self.image_id}/members", member)

    async def as_the_member(self) -> None:
        await self.with_a_member()
        self.headers = {"X-Auth-Token": self.cloud.token("bob", "partner")}


NEEDS: dict[str, Callable[[Stage], Any]] = {
    "auth.createUserSession": Stage.with_a_cookie,
    "auth.changePassword": Stage.with_a_new_user,
    "auth.getCurrentUserSession": Stage.with_a_cookie,
    "auth.listProjects": Stage.with_a_cookie,
    "auth.setCurrentScope": Stage.with_a_cookie,
    "auth.terminateUserSession": Stage.with_a_cookie,
    "compute.image.listImagesWithPagination": Stage.with_more_images_than_a_page,
    "compute.image.uploadImage": Stage.with_an_image_that_waits_for_its_data,
    "compute.image.updateImageVisibility": Stage.as_admin,
    "compute.image.reactivateImage": Stage.with_a_deactivated_image,
    "compute.image.activateImages": Stage.with_a_deactivated_image,
    "compute.image.listImageMembers": Stage.with_a_member,
    "compute.image.getImageMember": Stage.with_a_member,
    "compute.image.createImageMember": Stage.with_a_shared_image,
    "compute.image.updateImageMember": Stage.as_the_member,
    "compute.image.deleteImageMember": Stage.with_a_member,
    "compute.image.shareImages": Stage.with_a_shared_image,
}


@pytest.fixture(scope="session")
def project(cloud: Cloud) -> str:
    """Return a project in which nothing is but what these tests make."""
    return cloud.new_project("alice")


def missing(example: Any, answer: Any, place: str = "answer") -> list[str]:
    """Return the places that an example shows and an answer does not have."""
    if isinstance(example, dict) and isinstance(answer, dict):
        absent = [f"{place}.{key}" for key in example if key not in answer]
        common = example.keys() & answer.keys()
        return absent + [m for k in common for m in missing(example[k], answer[k], f"{place}.{k}")]
    if isinstance(example, list) and isinstance(answer, list):
        return missing(example[0], answer[0], f"{place}[0]") if answer else [f"{place}[0]"]
    return [place] if isinstance(example, dict | list) else []


def test_nothing_is_prepared_for_a_procedure_that_is_not_there() -> None:
    assert NEEDS.keys() <= {procedure.name for procedure in procedures.ALL}


@pytest.mark.parametrize(
    "described", CONTRACT.procedures, ids=[d.procedure.name for d in CONTRACT.procedures]
)
async def test_an_example_is_answered_as_the_page_shows(
    described: Described, cloud: Cloud, bff: Bff, project: str
) -> None:
    stage = Stage(cloud, bff, project)
    name = described.procedure.name
    if name in NEEDS:
        await NEEDS[name](stage)
    got = await bff.call(name, stage.real(described.example), **stage.headers)
    assert "result" in got, got
    answer = got["result"]
    schema = {**described.result_schema, "components": {"schemas": dict(CONTRACT.schemas)}}
    Draft202012Validator(schema).validate(answer)
    assert missing(described.answer, answer) == []
    if described.procedure.example_overrides:
        assert answer.items() >= described.procedure.example_overrides.items()
    if said_whole(described.answer):
        assert answer == stage.real(described.answer)


def said_whole(example: Any) -> bool:
    """Return whether an example leaves nothing to the services, such as a time."""
    parts = example if isinstance(example, dict) else {}
    return example is True or not parts.keys().isdisjoint({"successful", "success"})
