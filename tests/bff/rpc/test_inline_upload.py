"""Data that comes with a call: how much of it, and where more of it goes."""

from __future__ import annotations

import base64

from schemas.image import EXAMPLE_ID
from tests.bff.conftest import Start
from tests.fakes.openstack import FakeOpenStack


async def test_more_than_the_limit_is_refused_and_the_route_for_it_is_named(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(max_inline_upload=4)
    params = {"imageId": EXAMPLE_ID, "file": base64.b64encode(b"12345").decode()}
    token = openstack.new_token()
    answer = await bff.call("compute.image.uploadImage", params, X_Auth_Token=token)
    assert answer["error"]["data"]["code"] == "PAYLOAD_TOO_LARGE"
    assert "POST /polaris-bff/upload-image" in answer["error"]["message"]
    assert not any(call.endswith("/file") for call in openstack.calls)
