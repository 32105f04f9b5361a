"""openrpc.json as the OpenRPC project's own tools read it, in Node."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import procedures
from tests.bff.conftest import Bff
from tests.fakes.openstack import FakeOpenStack, image
from tests.node import NODE
from tests.process import SECONDS

HERE = Path(__file__).parent


async def test_the_reference_validator_takes_the_document_and_a_generic_client_calls_from_it(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.images = [image("from Glance")]
    address = f"{bff.origin}/polaris-bff/openrpc.json"
    process = await asyncio.create_subprocess_exec(
        NODE,
        "check.mjs",
        address,
        openstack.new_token(),
        cwd=HERE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SECONDS):
            printed, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, errors.decode()
    said = json.loads(printed)
    assert said["methods"] == [procedure.name for procedure in procedures.ALL]
    assert [one["name"] for one in said["images"]] == ["from Glance"]
    assert said["error"]["code"] == -32004
    assert said["error"]["data"]["code"] == "NOT_FOUND"
    (listed,) = [r for r in openstack.requests if r.path == "/v2/images"]
    assert listed.query["sort"] == said["params"]["sort"]
