"""Where a real Keystone is found, and tokens of application credentials with access rules."""

from __future__ import annotations

import aiohttp
import pytest

from devcloud.api import Api
from tests.bff.conftest import Bff, bff_with
from tests.cloud.conftest import Cloud
from tests.cloud.test_sessions import LIST, code
from tests.conftest import Serve
from tests.strict_cloud import PASSWORD, application_credential

SIGN_IN = "auth.createUserSession"
WRONG = "Wrong user, password or domain, or the user is disabled or locked."


async def sign_in(bff: Bff, name: str, password: str = PASSWORD) -> tuple[str, str]:
    """Return code and message of a sign-in; the first is empty when it was let in."""
    answer = await bff.call(SIGN_IN, {"user": name, "password": password})
    if "result" in answer:
        return "", answer["result"]["user"]["name"]
    error = answer["error"]
    assert password not in error["message"]
    assert error["data"]["upstreamRequestId"].startswith("req-")
    return error["data"]["code"], error["message"]


@pytest.mark.parametrize("end", ["", "/", "/v3", "/v3/"])
async def test_keystone_is_found_by_its_address_with_a_version_and_without(
    end: str, cloud: Cloud, serve: Serve, client: aiohttp.ClientSession
) -> None:
    address = cloud.auth_url.removesuffix("/v3") + end
    bff = await bff_with(serve, client, auth_url=address)
    assert await sign_in(bff, "alice", "alice") == ("", "alice")
    assert "result" in await bff.call(LIST, X_Auth_Token=cloud.token("alice", "demo"))


@pytest.mark.parametrize("end", ["/v2.0", "/v3/auth/tokens", "/identity", "/identity/v3"])
async def test_an_address_of_keystones_that_is_none_is_named(
    end: str, cloud: Cloud, serve: Serve, client: aiohttp.ClientSession
) -> None:
    address = cloud.auth_url.removesuffix("/v3") + end
    bff = await bff_with(serve, client, auth_url=address)
    answer = await bff.call(SIGN_IN, {"user": "alice", "password": "alice"})
    assert code(answer) == "BAD_GATEWAY"
    assert f"at {address} (BFF_AUTH_URL)" in answer["error"]["message"]


@pytest.mark.parametrize("end", ["", "/v3"])
async def test_glance_is_no_keystone(
    end: str, cloud: Cloud, serve: Serve, client: aiohttp.ClientSession
) -> None:
    address = cloud.description["glance_url"] + end
    bff = await bff_with(serve, client, auth_url=address)
    token = cloud.token("alice", "demo")
    answer = await bff.call("auth.getCurrentUserSession", X_Auth_Token=token)
    assert code(answer) == "BAD_GATEWAY"
    assert f"at {address} (BFF_AUTH_URL)" in answer["error"]["message"]


def token_with_rules(cloud: Cloud, rules: list[dict[str, str]] | None) -> str:
    """Return a token of a new application credential of alice's in demo."""
    more = {} if rules is None else {"access_rules": rules}
    made = application_credential(cloud, "alice", "demo", **more)
    given = {"id": made["id"], "secret": "a-secret"}
    identity = {"methods": ["application_credential"], "application_credential": given}
    _, headers = Api(cloud.auth_url).call("POST", "/auth/tokens", {"auth": {"identity": identity}})
    return str(headers["X-Subject-Token"])


IMAGES = {"service": "image", "method": "GET", "path": "/v2/images"}


END = {"service": "identity", "method": "DELETE", "path": "/v3/auth/tokens"}


@pytest.mark.parametrize("rules", [[IMAGES], [IMAGES, END], None])
async def test_an_application_credential_is_as_good_here_as_at_glance(
    rules: list[dict[str, str]] | None, cloud: Cloud, bff: Bff
) -> None:
    token = token_with_rules(cloud, rules)
    assert Api(cloud.description["glance_url"], token).get("/v2/images")["images"]
    images = await bff.call(LIST, X_Auth_Token=token)
    assert images["result"]
    session = await bff.call("auth.getCurrentUserSession", X_Auth_Token=token)
    assert session["result"]["project"]["name"] == "demo"
    ended = await bff.call("auth.terminateUserSession", X_Auth_Token=token)
    after = await bff.call(LIST, X_Auth_Token=token)
    if rules is None:
        assert ended["result"] is True
        assert code(after) == "UNAUTHORIZED"
    else:
        # Keystone knows no such token when it is to revoke one.
        assert code(ended) == "FORBIDDEN"
        assert "access rules" in ended["error"]["message"]
        assert "result" in after


async def test_what_the_access_rules_leave_out_is_refused(cloud: Cloud, bff: Bff) -> None:
    token = token_with_rules(cloud, [IMAGES])
    params = {"name": "not allowed"}
    answer = await bff.call("compute.image.createImage", params, X_Auth_Token=token)
    assert code(answer) in ("UNAUTHORIZED", "FORBIDDEN")
    assert "result" in await bff.call(LIST, X_Auth_Token=token)
