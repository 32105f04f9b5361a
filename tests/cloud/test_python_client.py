"""The Python client against the real services: signing in, uploads, states and pages."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from polaris_bff import AsyncClient, BffError, Client, OpenStack, Password
from polaris_bff.openstack import SERVICE_TYPE
from tests.bff.conftest import Bff
from tests.cloud.conftest import Cloud

CONTENT = os.urandom(1024 * 1024) * 3
RAW: Any = {"disk_format": "raw", "container_format": "bare"}
# openstacksdk warns of InfluxDB, which nobody asked for.
pytestmark = pytest.mark.filterwarnings("ignore:Support for InfluxDB")


@pytest.fixture
def project(cloud: Cloud) -> str:
    """Return a project of alice's in which nothing is yet."""
    return cloud.new_project("alice")


@pytest.fixture
def url(bff: Bff) -> str:
    return f"{bff.origin}/polaris-bff"


@pytest.fixture
def no_openstack(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Leave nothing of the environment, and no clouds.yaml but a test's own."""
    for name in [name for name in os.environ if name.startswith("OS_") or name == "BFF_URL"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", os.devnull)
    return monkeypatch


async def used(url: str | None, **options: Any) -> str:
    """Return the name of the project in which a client works; both kinds are tried."""
    async with AsyncClient(url, **options) as client:
        assert await client.compute.image.list_images(visibility="private") == []
        session = await client.auth.get_current_user_session()
    same = await asyncio.to_thread(_session, url, options)
    assert session is not None
    assert session["project"] is not None
    assert session["project"] == same["project"]
    return session["project"]["name"]


def _session(url: str | None, options: Any) -> Any:
    with Client(url, **options) as client:
        return client.auth.get_current_user_session()


async def test_variables_sign_in(
    url: str, cloud: Cloud, project: str, no_openstack: pytest.MonkeyPatch
) -> None:
    for name, value in cloud.variables("alice", project).items():
        no_openstack.setenv(name, value)
    async with AsyncClient(url) as client:
        found = await client.find_project(project)
    assert found["id"] == cloud.projects[project]
    no_openstack.setenv("BFF_URL", url)
    assert await used(None, auth=OpenStack()) == project


async def test_a_clouds_yaml_signs_in_with_an_application_credential(
    url: str, cloud: Cloud, project: str, no_openstack: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = _application_credential(cloud, project)
    no_openstack.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
    (tmp_path / "clouds.yaml").write_text(
        f"""
clouds:
  mine:
    auth_type: v3applicationcredential
    auth:
      auth_url: {cloud.auth_url}
      application_credential_id: {made["id"]}
      application_credential_secret: {made["secret"]}
"""
    )
    async with AsyncClient(url, cloud="mine") as client:
        assert await client.compute.image.list_images(visibility="private") == []
    no_openstack.setenv("OS_CLOUD", "mine")
    async with AsyncClient(url) as client:
        assert await client.compute.image.list_images(visibility="private") == []


def _application_credential(cloud: Cloud, project: str) -> Any:
    keystone = cloud.keystone()
    user = keystone.get("/users?name=alice")["users"][0]["id"]
    token = cloud.new_token("alice", project)
    own = type(keystone)(cloud.auth_url, token)
    wanted = {"application_credential": {"name": project}}
    return own.post(f"/users/{user}/application_credentials", wanted)["application_credential"]


async def test_a_token_that_was_revoked_is_renewed(
    url: str, cloud: Cloud, project: str, no_openstack: pytest.MonkeyPatch
) -> None:
    for name, value in cloud.variables("alice", project).items():
        no_openstack.setenv(name, value)
    auth = OpenStack()
    async with AsyncClient(url, auth=auth) as client:
        await client.auth.terminate_user_session()
        assert [each["name"] for each in await client.auth.list_projects()]


async def test_the_catalog_says_where_the_bff_is(
    url: str, cloud: Cloud, project: str, no_openstack: pytest.MonkeyPatch
) -> None:
    keystone = cloud.keystone()
    made = keystone.post("/services", {"service": {"type": SERVICE_TYPE, "name": "polaris"}})
    service = made["service"]["id"]
    endpoint = {"service_id": service, "interface": "public", "url": url, "region_id": None}
    keystone.post("/endpoints", {"endpoint": endpoint})
    for name, value in cloud.variables("alice", project).items():
        no_openstack.setenv(name, value)
    try:
        assert await used(None) == project
    finally:
        keystone.call("DELETE", f"/services/{service}")


async def test_user_and_password_sign_in_at_the_bff(url: str, cloud: Cloud, project: str) -> None:
    auth = Password("alice", cloud.password("alice"), project=project)
    assert await used(url, auth=auth) == project


async def test_an_image_is_made_uploaded_waited_for_and_found(
    url: str, cloud: Cloud, project: str, tmp_path: Path
) -> None:
    path = tmp_path / "disk.img"
    path.write_bytes(CONTENT)
    async with AsyncClient(url, token=cloud.token("alice", project)) as client:
        image = await client.create_and_upload(path, name="mine", **RAW)
        assert image["status"] == "active"
        assert image["os_hash_value"] == hashlib.sha512(CONTENT).hexdigest()
        assert (await client.wait_for(image["id"]))["id"] == image["id"]
        assert (await client.find_image("mine"))["id"] == image["id"]
        await client.compute.image.delete_image(image_id=image["id"])
        with pytest.raises(BffError) as caught:
            await client.wait_for(image["id"])
    assert caught.value.code == "NOT_FOUND"


async def test_an_upload_that_glance_refuses_leaves_no_image(
    url: str, cloud: Cloud, project: str, tmp_path: Path
) -> None:
    path = tmp_path / "disk.qcow2"
    path.write_bytes(CONTENT)
    formats: Any = {"disk_format": "qcow2", "container_format": "bare"}
    async with AsyncClient(url, token=cloud.token("alice", project)) as client:
        with pytest.raises(BffError) as caught:
            await client.create_and_upload(path, name="no qcow2", **formats)
        assert await client.compute.image.list_images(visibility="private") == []
    assert caught.value.code == "UNSUPPORTED_MEDIA_TYPE"


async def test_every_page_is_read(url: str, cloud: Cloud, project: str) -> None:
    async with AsyncClient(url, token=cloud.token("alice", project)) as client:
        async with client.batch() as batch:
            names = [f"image {number}" for number in range(12)]
            made = [batch.compute.image.create_image(name=name, **RAW) for name in names]
        ids = {each.result()["id"] for each in made}
        found = [
            image
            async for image in client.images(page_size=5, visibility="private", sort="name:asc")
        ]
        assert {image["id"] for image in found} == ids
        deleted = await client.compute.image.delete_images(image_ids=sorted(ids))
    assert deleted["failed"] == []


async def test_a_hidden_image_is_found_by_its_name(url: str, cloud: Cloud, project: str) -> None:
    async with AsyncClient(url, token=cloud.token("alice", project)) as client:
        made = await client.compute.image.create_image(name="hidden: yes", os_hidden=True)
        assert (await client.find_image("hidden: yes"))["id"] == made["id"]
