"""``bff check`` in front of the real Keystone and Glance."""

from __future__ import annotations

from typing import Any

import pytest

from bff.check import Check
from bff.settings import Settings
from tests.devcloud import Cloud

pytestmark = pytest.mark.cloud


@pytest.mark.parametrize("way", ["password", "token", "address"])
async def test_a_cloud_that_works_is_said_to(cloud: Cloud, way: str) -> None:
    password = {"OS_USERNAME": "alice", "OS_PASSWORD": cloud.password("alice")}
    token = cloud.new_token("alice", "demo")
    given: dict[str, str] = {
        "password": {"OS_AUTH_URL": cloud.auth_url, "OS_PROJECT_NAME": "demo", **password},
        "token": {"OS_TOKEN": token},
        "address": {},
    }[way]
    more: dict[str, Any] = {"glance_url": cloud.glance().url} if way == "address" else {}
    check = Check(Settings(auth_url=cloud.auth_url, **more), given)
    lines = [line async for line in check.lines()]
    levels = [(line.level, line.what) for line in lines if line.what != "keys"]
    expected = ["spool", "Keystone", "clock", "Keystone", "Glance", "Redis"]
    assert levels == [("ok", what) for what in expected]
    assert cloud.password("alice") not in str(lines)
    assert token not in str(lines)
