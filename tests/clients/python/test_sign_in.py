"""Who is calling: tokens, sessions at the BFF, and keystoneauth."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from polaris_bff import OpenStack, Password, Token
from tests.clients.python.conftest import AT_ONCE, Bff, FakeOpenStack, New, Start
from tests.clients.python.hostile import Hostile, answer, results
from tests.clients.python.test_calls import failure
from tests.fakes.openstack import PASSWORD, image

LIST = "compute.image.listImages"


def password(**more: Any) -> Password:
    return Password("alice", PASSWORD, **{"project": "demo", **more})


async def sign_ins(openstack: FakeOpenStack) -> int:
    """Return how many times a password was sent to Keystone."""
    sent = [request for request in openstack.requests if request.method == "POST"]
    bodies = [await each.json() for each in sent if each.path == "/v3/auth/tokens"]
    return sum(body["auth"]["identity"]["methods"] == ["password"] for body in bodies)


async def test_a_session_is_begun_once_and_used(
    new: New, bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.images = [image("mine")]
    client = new(f"{bff.origin}/polaris-bff", auth=password())
    for _ in range(3):
        assert len(await client.call(LIST)) == 1
    session = await client.call("auth.getCurrentUserSession")
    assert session["project"]["name"] == "demo"
    assert await sign_ins(openstack) == 1


async def test_a_session_may_have_several_cookies(
    new: New, bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.token_length = 6000
    auth = password()
    client = new(f"{bff.origin}/polaris-bff", auth=auth)
    assert await client.call(LIST) == []
    assert len(auth.cookie.split("; ")) == len(auth.secrets()) == 3
    await client.call("auth.terminateUserSession")
    assert auth.cookie == ""


async def test_a_session_that_has_ended_is_begun_anew(
    new: New, bff: Bff, openstack: FakeOpenStack
) -> None:
    client = new(f"{bff.origin}/polaris-bff", auth=password())
    await client.call(LIST)
    openstack.tokens.clear()
    # A call finds that out, and the next one has Keystone asked again.
    await client.batch(lambda batch: [batch.call(LIST), batch.call("auth.listProjects")])
    assert await client.call(LIST) == []


async def test_a_session_is_begun_anew_before_it_ends(
    new: New, bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.lifetime = timedelta(seconds=50)
    client = new(f"{bff.origin}/polaris-bff", auth=password())
    await client.call(LIST)
    await client.call(LIST)
    assert await sign_ins(openstack) == 2


async def test_calls_that_begin_together_sign_in_once(
    new: New, bff: Bff, openstack: FakeOpenStack
) -> None:
    client = new(f"{bff.origin}/polaris-bff", auth=password())
    inputs: list[dict[str, Any]] = [{}] * 8
    outcomes = await client.all(lambda it: it.map(LIST, inputs, concurrency=4, batch=2))
    assert [each.result() for each in outcomes] == [[]] * 8
    assert await sign_ins(openstack) == 1


async def test_a_password_that_is_wrong_fails_once_and_is_not_told(
    new: New, bff: Bff, openstack: FakeOpenStack
) -> None:
    wrong = "wrong-password"
    auth = Password("alice", wrong, project="demo")
    client = new(f"{bff.origin}/polaris-bff", auth=auth)
    error = await failure(client.call(LIST))
    assert error.code == "UNAUTHORIZED"
    assert await sign_ins(openstack) == 1
    assert wrong not in f"{error!r} {auth!r} {client.client!r}"


async def test_another_scope_is_kept(new: New, bff: Bff) -> None:
    client = new(f"{bff.origin}/polaris-bff", auth=Password("alice", PASSWORD))
    assert (await failure(client.call(LIST))).code == "PRECONDITION_FAILED"
    project = await client.do(lambda it: it.find_project("demo"))
    await client.call("auth.setCurrentScope", type="project", project_id=project["id"])
    assert await client.call(LIST) == []


async def test_a_cookie_over_plain_http_is_kept_too(new: New, start: Start) -> None:
    bff: Bff = await start(cookie_secure=False)
    client = new(f"{bff.origin}/polaris-bff", auth=password())
    assert await client.call(LIST) == []


async def test_other_cookies_are_not_taken_for_the_session(new: New, hostile: Hostile) -> None:
    hostile.answers = [
        lambda calls: answer(results(calls)[0]).replace(
            b"\r\n\r\n", b"\r\nset-cookie: lb=1; Path=/\r\n\r\n", 1
        )
    ]
    error = await failure(new(hostile.url, auth=password()).call(LIST))
    assert (error.code, error.message) == ("BAD_RESPONSE", "The BFF signed in and set no cookie")


async def test_a_function_is_asked_for_another_token(
    new: New, bff: Bff, openstack: FakeOpenStack
) -> None:
    tokens = iter(["token-00000000-0000-4000-8000-000000000000", openstack.new_token()])
    client = new(f"{bff.origin}/polaris-bff", token=lambda: next(tokens))
    assert await client.call(LIST) == []


async def test_a_token_that_has_ended_is_told_and_not_shown(
    new: New, bff: Bff, openstack: FakeOpenStack, caplog: pytest.LogCaptureFixture
) -> None:
    token = "token-00000000-0000-4000-8000-000000000000"
    with caplog.at_level(logging.DEBUG):
        client = new(f"{bff.origin}/polaris-bff", token=token)
        error = await failure(client.call(LIST))
    assert error.code == "UNAUTHORIZED"
    assert token not in f"{error!r} {client.client!r} {Token(token)!r} {caplog.text}"


async def test_the_session_is_in_no_log(
    new: New, bff: Bff, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await new(f"{bff.origin}/polaris-bff", auth=password()).call(LIST)
    assert "polaris-bff=***" in caplog.text
    assert "gAAAA" not in caplog.text
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("name", ["polaris-bff.1", "__Host-polaris-bff.2", "polaris-bff-receipt"])
def test_neither_a_part_of_a_session_nor_a_receipt_is_in_the_log(
    caplog: pytest.LogCaptureFixture, name: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        cookie = f"{name}=gAAAA; Max-Age=300".encode()
        logging.getLogger("httpcore.http11").debug("headers: %r", [(b"set-cookie", cookie)])
    assert f"{name}=***; Max-Age=300" in caplog.text
    assert "gAAAA" not in caplog.text


def test_one_way_to_sign_in_is_enough(new: New) -> None:
    with pytest.raises(ValueError, match="one of"):
        new("http://127.0.0.1:1/", token="t", auth=password())


class Plugin:
    """A keystoneauth session as far as it is used."""

    def __init__(self, openstack: FakeOpenStack, endpoint: str | None = None) -> None:
        self.openstack = openstack
        self.endpoint = endpoint
        self.token = openstack.new_token()

    def get_token(self) -> str:
        return self.token

    def invalidate(self) -> None:
        self.token = self.openstack.new_token()

    def get_endpoint(self, service_type: str) -> str | None:
        assert service_type == "image-bff"
        return self.endpoint


async def test_keystoneauth_is_asked_for_another_token(
    new: New, bff: Bff, openstack: FakeOpenStack
) -> None:
    session = Plugin(openstack)
    client = new(f"{bff.origin}/polaris-bff", auth=OpenStack(session=session))
    assert await client.call(LIST) == []
    openstack.tokens.pop(session.token)
    assert (await client.call("auth.listProjects"))[0]["name"] == "demo"


@pytest.mark.parametrize("ending", ["", "/"])
async def test_the_catalog_says_where_the_bff_is(
    new: New, bff: Bff, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.delenv("BFF_URL", raising=False)
    session = Plugin(openstack, f"{bff.origin}/polaris-bff{ending}")
    assert await new(None, auth=OpenStack(session=session)).call(LIST) == []


@pytest.mark.parametrize(("endpoint", "code"), [(None, "NOT_FOUND"), ("ftp://x", "BAD_RESPONSE")])
async def test_a_catalog_without_the_bff_is_told(
    new: New,
    openstack: FakeOpenStack,
    monkeypatch: pytest.MonkeyPatch,
    endpoint: str | None,
    code: str,
) -> None:
    monkeypatch.delenv("BFF_URL", raising=False)
    auth = OpenStack(session=Plugin(openstack, endpoint))
    assert (await failure(new(None, auth=auth).call(LIST))).code == code


# openstacksdk warns of InfluxDB, which nobody asked for.
@pytest.mark.filterwarnings("ignore:Support for InfluxDB")
@pytest.mark.parametrize("name", ["OS_CLOUD", "OS_AUTH_URL"])
async def test_variables_of_openstack_are_believed_and_what_is_wrong_is_told(
    new: New, hostile: Hostile, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:1/v3" if name == "OS_AUTH_URL" else "no-cloud")
    error = await failure(new(hostile.url, retry=AT_ONCE).call(LIST))
    assert error.code == "UNAUTHORIZED"
    assert "not complete: " in error.message
    assert hostile.requests == []


async def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polaris_bff.openstack.find_spec", {}.get)
    with pytest.raises(RuntimeError, match=r"polaris-bff-client\[openstack\]"):
        OpenStack("mine")
