"""What tells a load balancer that the real Keystone and Glance work."""

from __future__ import annotations

import aiohttp

from tests.bff.conftest import Bff, bff_with
from tests.cloud.conftest import Cloud, User
from tests.conftest import Serve

READY = {"status": "ready", "keystone": "ok", "glance": "ok"}


async def test_the_services_answer_a_probe_without_a_token(
    cloud: Cloud, serve: Serve, client: aiohttp.ClientSession
) -> None:
    glance_url = cloud.description["glance_url"]
    bff = await bff_with(serve, client, auth_url=cloud.auth_url, glance_url=glance_url)
    async with client.get(f"{bff.origin}/readyz") as response:
        assert (response.status, await response.json()) == (200, READY)
    async with client.get(f"{glance_url}/versions") as response:
        assert response.status == 200
        assert "v2.9" in {version["id"] for version in (await response.json())["versions"]}


async def test_glance_is_found_in_the_catalog(bff: Bff, alice: User) -> None:
    await alice.do("listImages")
    response = await bff.request("GET", f"{bff.origin}/readyz")
    assert await response.json() == READY
