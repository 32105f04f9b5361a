"""``bff check``: what it finds right and wrong, against services that are there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from bff.check import Check
from bff.check_services import Line
from bff.cli import app
from bff.settings import Settings
from tests.fakes.openstack import PASSWORD, FakeOpenStack
from tests.tls import DAY, Authority

NOBODY = "http://127.0.0.1:1/v3"
ALICE = {"OS_USERNAME": "alice", "OS_PASSWORD": PASSWORD, "OS_PROJECT_NAME": "demo"}


async def found(environment: dict[str, str] | None = None, **settings: Any) -> list[Line]:
    check = Check(Settings(**settings), environment or {})
    return [line async for line in check.lines()]


def of(lines: list[Line], what: str) -> list[tuple[str, str]]:
    return [(line.level, line.says) for line in lines if line.what == what]


def level_of(lines: list[Line], what: str) -> str:
    (line,) = [line for line in lines if line.what == what]
    return line.level


async def bff(*words: str, **variables: str) -> Result:
    given = {"BFF_SECRET_KEYS": "", **variables}
    return await asyncio.to_thread(CliRunner().invoke, app, words, env=given)


# --- The command


async def test_a_cloud_that_works_is_said_to(openstack: FakeOpenStack) -> None:
    key = Fernet.generate_key().decode()
    variables = {"BFF_AUTH_URL": f"{openstack.url}/v3", "BFF_SECRET_KEYS": key, **ALICE}
    done = await bff("check", **variables, OS_AUTH_URL=f"{openstack.url}/v3/", BFF_MAX_BODDY="1")
    assert done.exit_code == 0, done.output
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert [(level, what) for level, what, _ in lines] == [
        ("warn", "settings"),
        ("ok", "keys"),
        ("ok", "spool"),
        ("ok", "Keystone"),
        ("ok", "clock"),
        ("ok", "Keystone"),
        ("ok", "Glance"),
        ("ok", "Redis"),
    ]
    assert "is BFF_MAX_BODY meant?" in lines[0][2]
    assert f"version 3 is at {openstack.url}/v3" in done.stdout
    # The token that it made has ended, and nothing of it was said.
    assert openstack.calls["DELETE /v3/auth/tokens"] == 1
    assert openstack.tokens == {}
    assert PASSWORD not in done.output
    assert key not in done.output
    assert "token-" not in done.output


async def test_what_fails_ends_with_1_and_says_what_to_do() -> None:
    done = await bff("check", BFF_AUTH_URL=NOBODY)
    assert done.exit_code == 1
    (keystone,) = [line for line in done.stdout.splitlines() if "FAIL  Keystone" in line]
    assert "127.0.0.1:1/v3: Keystone cannot be reached ([Errno 111]" in keystone
    assert "see the address in the settings, the firewall, and whether it runs" in keystone
    assert "event" not in done.output


async def test_a_wrong_setting_ends_with_1() -> None:
    done = await bff("check", BFF_AUTH_URL=NOBODY, BFF_MAX_BATCH="many", BFF_CA_FILE="/nowhere")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["FAIL", "settings", "BFF_CA_FILE:"],
        ["FAIL", "settings", "BFF_MAX_BATCH:"],
    ]


async def test_a_start_names_unknown_variables_and_goes_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = await bff("serve", "--port", port, BFF_AUTH_URL=NOBODY, BFF_AUTHURL="my-secret")
    first, *_, last = done.stderr.splitlines()
    assert first == "BFF_AUTHURL is no setting, and does nothing; is BFF_AUTH_URL meant?"
    assert "Cannot listen" in last
    assert "my-secret" not in done.output


async def test_the_version_is_told() -> None:
    done = await bff("--version")
    assert (done.exit_code, done.stdout) == (0, "polaris-bff 0.1.0\n")


# --- Keystone and Glance


async def test_without_a_sign_in_glances_address_is_not_known(openstack: FakeOpenStack) -> None:
    lines = await found(auth_url=f"{openstack.url}/v3")
    ((level, says),) = of(lines, "Glance")
    assert level == "warn"
    assert "set OS_TOKEN, or OS_USERNAME" in says


async def test_a_token_finds_glance_and_stays_valid(openstack: FakeOpenStack) -> None:
    token = openstack.new_token()
    lines = await found({"OS_TOKEN": token}, auth_url=f"{openstack.url}/v3")
    assert level_of(lines, "Glance") == "ok"
    assert token in openstack.tokens
    assert token not in str(lines)


async def test_a_wrong_password_is_told_without_it(openstack: FakeOpenStack) -> None:
    lines = await found({**ALICE, "OS_PASSWORD": "my-secret"}, auth_url=f"{openstack.url}/v3")
    ((level, says),) = of(lines, "Glance")
    assert level == "FAIL"
    assert "Wrong user, password or domain" in says
    assert "my-secret" not in str(lines)


@pytest.mark.parametrize("other", ["https://other.example/v3", "http://127.0.0.1:1/v3"])
async def test_a_password_goes_to_no_other_cloud(other: str, openstack: FakeOpenStack) -> None:
    lines = await found({**ALICE, "OS_AUTH_URL": other}, auth_url=f"{openstack.url}/v3")
    assert level_of(lines, "Glance") == "warn"
    assert openstack.calls["POST /v3/auth/tokens"] == 0


async def test_an_address_that_is_no_glances_is_told(openstack: FakeOpenStack) -> None:
    address = f"{openstack.url}/v3"
    lines = await found(auth_url=address, glance_url=f"{openstack.url}/elsewhere")
    ((level, says),) = of(lines, "Glance")
    assert level == "FAIL"
    assert "answered 404, which no Glance does there" in says


async def test_an_address_that_is_no_keystones_is_told(openstack: FakeOpenStack) -> None:
    lines = await found(auth_url=f"{openstack.url}/v2/images", glance_url=openstack.url)
    (_, (level, says)) = of(lines, "Keystone")
    assert level == "FAIL"
    assert "There is no Keystone with version 3 at" in says


async def test_what_an_address_holds_of_a_password_is_not_shown() -> None:
    lines = await found(
        auth_url="http://u:my-secret@127.0.0.1:1/v3", glance_url="http://127.0.0.1:1"
    )
    assert level_of(lines, "Keystone") == "FAIL"
    assert "my-secret" not in str(lines)


@asynccontextmanager
async def dated(date: str | None) -> AsyncIterator[str]:
    """Serve answers that say when they were made."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n{date or ''}"
        writer.write(f"{head}\r\n\r\n{{}}".encode() if date else f"{head}\r\n{{}}".encode())
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("seconds", "level", "says"),
    [
        (0, "ok", "agree"),
        (30, "warn", "seconds ahead of this host's"),
        (-30, "warn", "seconds behind this host's"),
        (3600, "FAIL", "seconds ahead of this host's, so tokens end too early or too late"),
        (-3600, "FAIL", "set both right, as by NTP"),
    ],
)
async def test_clocks_that_differ_are_told(seconds: int, level: str, says: str) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    async with dated(f"Date: {date}") as url:
        (line,) = of(await found(auth_url=url, glance_url=url), "clock")
    assert line[0] == level
    assert says in line[1]


@pytest.mark.parametrize("date", [None, "Date: yesterday", "Date: Thu, 99 Nov 2026 00:00:00 GMT"])
async def test_a_keystone_that_tells_no_time_is_no_failure(date: str | None) -> None:
    async with dated(date) as url:
        assert level_of(await found(auth_url=url, glance_url=url), "clock") == "warn"


@asynccontextmanager
async def over_tls(authority: Authority, until: datetime) -> AsyncIterator[str]:
    fake = FakeOpenStack()
    runner = web.AppRunner(fake.application())
    await runner.setup()
    tls = authority.server(until=until)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize(("days", "level"), [(60, "ok"), (1, "warn")])
async def test_a_services_certificate_is_told_with_its_end(
    days: int, level: str, tmp_path: Path
) -> None:
    authority, until = Authority(tmp_path), datetime.now(UTC) + days * DAY
    async with over_tls(authority, until) as url:
        lines = await found(auth_url=f"{url}/v3", glance_url=url, ca_file=authority.file)
        told = [line for line in lines if "its certificate is valid until" in line.says]
        assert [(line.level, line.what) for line in told] == [
            (level, "Keystone"),
            (level, "Glance"),
        ]
        assert f"{until:%Y-%m-%d %H:%M} UTC" in told[0].says
        assert level_of(lines, "authorities") == "ok"
        (untrusted,) = of(await found(auth_url=f"{url}/v3", glance_url=NOBODY), "Keystone")
    assert untrusted[0] == "FAIL"
    assert "unable to get local issuer certificate" in untrusted[1]
    assert "name the file of the authority that signed it in BFF_CA_FILE" in untrusted[1]


@pytest.mark.parametrize(("days", "level"), [(60, "ok"), (1, "warn"), (-1, "FAIL")])
async def test_our_own_certificate_is_told_with_its_end(
    days: int, level: str, tmp_path: Path
) -> None:
    cert, key = Authority(tmp_path).certificate("bff", until=datetime.now(UTC) + days * DAY)
    where = {"auth_url": NOBODY, "glance_url": NOBODY}
    lines = await found(None, **where, client_cert=cert, client_key=key)
    assert level_of(lines, "BFF_CLIENT_CERT") == level
    assert "CN=bff is shown; " in str(lines)


async def test_a_wrong_certificate_is_told_and_nobody_is_asked(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.touch()
    lines = await found(auth_url=NOBODY, ca_file=wrong)
    assert lines[-1].what == "network"
    assert lines[-1].says.startswith("BFF_CA_FILE: ")


async def test_the_proxies_are_told_without_their_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://u:my-secret@127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "glance.example")
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    lines = await found(auth_url="http://keystone.example/v3", glance_url=NOBODY, use_proxy=True)
    assert of(lines, "proxy") == [
        ("ok", "http goes through http://127.0.0.1:1, except to 'glance.example'")
    ]
    assert "the proxy in front of it does not answer" in of(lines, "Keystone")[0][1]
    assert "my-secret" not in str(lines)


# --- Redis, the spool, what production needs


WHERE: dict[str, Any] = {"auth_url": NOBODY, "glance_url": NOBODY}


async def test_a_redis_that_quotes_the_password_is_not_quoted() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = await reader.read(65_536)
        assert b"my-secret" in said
        writer.write(b"-ERR unknown command 'AUTH', with args beginning with: 'my-secret'\r\n" * 9)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        lines = await found(**WHERE, redis_url=f"redis://:my-secret@127.0.0.1:{port}/0")
    assert level_of(lines, "Redis") == "FAIL"
    assert "my-secret" not in str(lines)


async def test_a_redis_that_is_not_there_is_told() -> None:
    lines = await found(**WHERE, redis_url="redis://:my-secret@127.0.0.1:1/0")
    assert of(lines, "Redis") == [
        ("FAIL", "does not answer (ConnectionError): see BFF_REDIS_URL, and whether it runs")
    ]


async def test_a_spool_that_will_not_do_is_told(tmp_path: Path) -> None:
    assert level_of(await found(**WHERE, spool_dir=tmp_path, max_spool_bytes=0), "spool") == "ok"
    ((level, says),) = of(await found(**WHERE, spool_dir=tmp_path, max_spool_bytes=2**60), "spool")
    assert level == "warn"
    assert "less than BFF_MAX_SPOOL_BYTES allows" in says
    ((level, says),) = of(await found(**WHERE, spool_dir="/dev/shm"), "spool")
    assert level == "warn"
    assert "set BFF_SPOOL_DIR to a disk" in says


async def test_a_spool_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: (tmp_path / "none" / "file").open())
    ((level, says),) = of(await found(**WHERE, spool_dir=tmp_path), "spool")
    assert level == "FAIL"
    assert "takes no file (No such file or directory); choose another BFF_SPOOL_DIR" in says


async def test_what_production_needs_is_told(tmp_path: Path) -> None:
    lines = await found(**WHERE, cookie_secure=False)
    assert level_of(lines, "keys") == level_of(lines, "cookie") == "warn"
    keys = tmp_path / "keys"
    keys.write_text(Fernet.generate_key().decode())
    for mode, levels in ((0o644, ["warn", "ok"]), (0o640, ["ok"])):
        keys.chmod(mode)
        named = {"BFF_SECRET_KEYS_FILE": str(keys)}
        lines = await found(named, **WHERE, secret_keys_file=str(keys))
        assert [level for level, _ in of(lines, "keys")] == levels
