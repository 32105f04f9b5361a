"""The command line: its commands, and the server as a process."""

from __future__ import annotations

import asyncio
import errno
import json
import signal
import socket
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bff.settings import Settings
from tests.bff.command import bff
from tests.bff.conftest import Bff
from tests.fakes.openstack import PASSWORD, FakeOpenStack
from tests.process import ROOT, SECONDS, finished, line_of, ready, running


@pytest.mark.parametrize(
    ("variables", "names"),
    [
        ({}, ["BFF_AUTH_URL"]),
        ({"BFF_AUTH_URL": "keystone", "BFF_MAX_BATCH": "many"}, ["BFF_AUTH_URL", "BFF_MAX_BATCH"]),
        ({"BFF_AUTH_URL": "http://k/v3", "BFF_SECRET_KEYS": "my-secret"}, ["BFF_SECRET_KEYS"]),
    ],
)
def test_a_wrong_setting_stops_the_start_by_name(
    variables: dict[str, str], names: list[str]
) -> None:
    done = bff("serve", "--port", "0", **variables)
    assert done.exit_code == 2
    assert "my-secret" not in done.stderr
    for name in names:
        assert f"{name}: " in done.stderr


def test_a_file_that_is_no_certificate_stops_the_start() -> None:
    done = bff("serve", "--port", "0", BFF_AUTH_URL="http://k/v3", BFF_CA_FILE=__file__)
    assert done.exit_code == 2
    assert f"BFF_CA_FILE: {__file__} must hold certificates in PEM format" in done.stderr


def test_a_port_in_use_stops_the_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        words = ["bff", "serve", "--port", port]
        status, errors = finished(*words, BFF_AUTH_URL="http://127.0.0.1:1/v3")
    assert status == 1
    assert f"Cannot listen on 127.0.0.1:{port}: another program listens there" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--port", "80000"], "'--port'"),
        (["--port", "-1"], "'--port'"),
        (["--port", "abc"], "'--port'"),
        (["--host", "192.0.2.1"], "this host has no such address"),
        (["--host", "2001:db8::1"], "this host has no such address"),
        (["--host", "no.such.name.invalid"], "the name does not resolve"),
    ],
)
def test_an_address_that_cannot_be_listened_on_stops_the_start(words: list[str], says: str) -> None:
    done = bff("serve", *words, BFF_AUTH_URL="http://127.0.0.1:1/v3")
    assert done.exit_code in (1, 2)
    assert says in done.stderr.splitlines()[-1]
    assert isinstance(done.exception, SystemExit)


def test_a_port_that_is_kept_for_others_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(sock: socket.socket, address: tuple[str, int]) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    # Who runs the tests may be allowed to.
    monkeypatch.setattr("bff.cli.socket.socket.bind", refuse)
    done = bff("serve", "--port", "80", BFF_AUTH_URL="http://127.0.0.1:1/v3")
    assert done.exit_code == 1
    assert "choose a --port above 1023" in done.stderr


def test_the_page_of_settings_is_up_to_date() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    assert bff("settings-table").stdout == page, "run `make docs`"


def test_the_page_of_procedures_is_up_to_date() -> None:
    page = (ROOT / "docs" / "procedures.md").read_text()
    assert bff("procedures-page").stdout == page, "run `make docs`"


def test_a_new_key_is_one_that_the_settings_take() -> None:
    key = bff("new-key").stdout.strip()
    settings = Settings(auth_url="http://k/v3", secret_keys=key)
    assert settings.fernet_keys == [key]


@pytest.mark.processes
async def test_it_serves_until_sigterm_and_lets_a_running_call_end(
    openstack: FakeOpenStack, client: aiohttp.ClientSession
) -> None:
    variables = {"BFF_AUTH_URL": f"{openstack.url}/v3"}
    with running("bff", "serve", "--port", "0", **variables) as process:
        served = Bff(await ready(process), client)
        token = openstack.new_token()
        assert (await served.call("compute.image.listImages", X_Auth_Token=token))["result"] == []
        await openstack.arrived.acquire()
        openstack.gate = asyncio.Event()
        last = asyncio.create_task(served.call("compute.image.listImages", X_Auth_Token=token))
        async with asyncio.timeout(SECONDS):
            await openstack.arrived.acquire()
            process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(line_of, process, containing="Shutting down", of="stderr")
            openstack.gate.set()
            assert (await last)["result"] == []
        assert await asyncio.to_thread(process.wait, SECONDS) in (0, -signal.SIGTERM)


async def test_every_worker_opens_the_cookie_that_another_one_sealed(
    openstack: FakeOpenStack, client: aiohttp.ClientSession
) -> None:
    variables = {"BFF_AUTH_URL": f"{openstack.url}/v3"}
    with running("bff", "serve", "--port", "0", "--workers", "2", **variables) as process:
        served = Bff(await ready(process), client)
        params = {"user": "a", "password": PASSWORD, "projectName": "demo"}
        sign_in = {"jsonrpc": "2.0", "id": 1, "method": "auth.createUserSession", "params": params}
        response = await served.request("POST", served.url, json=sign_in)
        (morsel,) = SimpleCookie(response.headers["Set-Cookie"]).values()
        cookie = f"{morsel.key}={morsel.value}"
        # Each on a connection of its own: the processes share the socket.
        for _ in range(20):
            session = await served.call(
                "auth.getCurrentUserSession",
                Cookie=cookie,
                Origin=served.origin,
                Connection="close",
            )
            assert session["result"]["user"]["name"] == "alice"


async def test_each_line_of_the_json_log_is_an_object_without_a_secret(
    openstack: FakeOpenStack, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    with running("bff", "serve", "--port", "0", BFF_AUTH_URL=f"{openstack.url}/v3") as process:
        served = Bff(await ready(process), client)
        token = openstack.new_token()
        await served.call("compute.image.listImages", X_Auth_Token=token)
        await served.call("compute.image.listImages", X_Auth_Token="dead-token")
        process.terminate()
        _, errors = await asyncio.to_thread(process.communicate, timeout=SECONDS)
    lines: list[dict[str, Any]] = [
        json.loads(line) for line in errors.splitlines() if line.startswith("{")
    ]
    calls = [line for line in lines if line["event"] == "call"]
    assert [call["status"] for call in calls] == ["ok", "UNAUTHORIZED"]
    assert all(call["procedure"] == "compute.image.listImages" for call in calls)
    assert token not in errors
    assert "dead-token" not in errors
