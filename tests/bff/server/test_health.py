"""What a load balancer asks: whether the process is alive, and whether it can serve."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from bff.server import health
from bff.server.health import Health, Upstream
from tests.bff.conftest import Bff, Start
from tests.fakes.openstack import PASSWORD, FakeOpenStack
from tests.process import SECONDS

OK, KEYSTONE, GLANCE = {"status": "ok"}, "GET /v3", "GET /versions"
NOBODY = "http://127.0.0.1:1"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Probe:
    """Counts how often it is asked, and answers when ``gate`` is open."""

    def __init__(self, answer: bool | None = True) -> None:
        self.answer = answer
        self.count = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> bool | None:
        self.count += 1
        await self.gate.wait()
        return self.answer


async def get(bff: Bff, path: str, **headers: str) -> tuple[int, Any]:
    response = await bff.request("GET", f"{bff.origin}{path}", headers=headers)
    return response.status, await response.json()


async def readiness(bff: Bff) -> tuple[int, Any]:
    return await get(bff, "/readyz")


@pytest.fixture(params=["", "/polaris-bff"])
def base(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_process_is_alive_whatever_its_services_do(start: Start, base: str) -> None:
    bff = await start(auth_url=NOBODY, glance_url=NOBODY)
    assert await get(bff, f"{base}/healthz") == (200, OK)


async def test_alive_asks_nobody(bff: Bff, openstack: FakeOpenStack) -> None:
    await get(bff, "/healthz")
    assert not openstack.requests


async def test_ready_before_the_first_call_where_the_catalog_names_glance(
    bff: Bff, openstack: FakeOpenStack, base: str
) -> None:
    answer = {"status": "ready", "keystone": "ok", "glance": "unknown"}
    assert await get(bff, f"{base}/readyz") == (200, answer)
    assert openstack.calls == {KEYSTONE: 1}


async def test_glance_is_asked_where_the_last_tokens_catalog_has_it(
    bff: Bff, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Otherwise the call would have shown that it works.
    monkeypatch.setattr(health, "ANSWER_SECONDS", 0)
    await bff.call("compute.image.listImages", X_Auth_Token=openstack.new_token())
    answer = {"status": "ready", "keystone": "ok", "glance": "ok"}
    assert await readiness(bff) == (200, answer)
    assert openstack.calls[GLANCE] == 1


@pytest.mark.parametrize(
    ("address", "asked"),
    [("", GLANCE), ("/", GLANCE), ("/v2", GLANCE), ("/v2.16/", GLANCE), ("/i", "GET /i/versions")],
)
async def test_glance_is_asked_where_the_settings_have_it(
    address: str, asked: str, start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(glance_url=f"{openstack.url}{address}")
    assert (await readiness(bff))[1]["glance"] == "ok"
    assert openstack.calls[asked] == 1


async def test_a_probe_has_no_token_and_no_cookie(start: Start, openstack: FakeOpenStack) -> None:
    bff = await start(glance_url=openstack.url)
    sent = {"X-Auth-Token": "canary", "Cookie": "__Host-polaris-bff=canary"}
    assert (await get(bff, "/readyz", **sent))[0] == 200
    assert len(openstack.requests) == 2
    assert not [r for r in openstack.requests if "canary" in str(r.headers.values())]


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"auth_url": NOBODY}, {"keystone": "failing", "glance": "ok"}),
        ({"glance_url": NOBODY}, {"keystone": "ok", "glance": "failing"}),
        ({"glance_url": "https://127.0.0.1:1/"}, {"keystone": "ok", "glance": "failing"}),
    ],
)
async def test_a_service_that_is_down_is_named(
    change: dict[str, str], answer: dict[str, str], start: Start, openstack: FakeOpenStack
) -> None:
    settings = {"glance_url": openstack.url, "auth_url": f"{openstack.url}/v3", **change}
    assert await readiness(await start(**settings)) == (503, {"status": "not ready", **answer})


@pytest.mark.parametrize(
    ("status", "state"), [(300, "ok"), (401, "ok"), (404, "ok"), (429, "ok"), (500, "failing")]
)
async def test_a_service_that_refuses_works(
    status: int, state: str, bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.refused[KEYSTONE] = status
    assert (await readiness(bff))[1]["keystone"] == state


async def test_a_service_that_hangs_is_failing(
    bff: Bff, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PROBE_SECONDS", 0.01)
    openstack.held[KEYSTONE] = asyncio.Event()
    assert (await readiness(bff))[1]["keystone"] == "failing"


async def test_who_polls_makes_one_probe(bff: Bff, openstack: FakeOpenStack) -> None:
    gate = openstack.held[KEYSTONE] = asyncio.Event()
    polling = [asyncio.create_task(readiness(bff)) for _ in range(20)]
    await openstack.arrived.acquire()
    gate.set()
    assert {answer[0] for answer in await asyncio.gather(*polling)} == {200}
    assert openstack.calls == {KEYSTONE: 1}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/healthz", "/polaris-bff/readyz"])
async def test_it_is_asked_with_get_or_head(method: str, path: str, bff: Bff) -> None:
    refused = await bff.request(method, f"{bff.origin}{path}")
    assert refused.status == 405
    assert set(refused.headers["Allow"].split(", ")) == {"GET", "HEAD"}
    async with bff.client.head(f"{bff.origin}{path}") as head:
        assert (head.status, await head.read()) == (200, b"")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_nothing_is_kept_set_or_logged(path: str, bff: Bff, logged: list[Any]) -> None:
    response = await bff.request("GET", f"{bff.origin}{path}")
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers
    assert not [line for line in logged if line["log_level"] != "debug"]


@pytest.mark.parametrize("path", ["/healthz/", "/readyz/x", "/healthz%2f", "/Healthz", "//healthz"])
async def test_another_address_is_none(path: str, bff: Bff) -> None:
    assert (await get(bff, path))[0] == 404


async def test_secrets_of_calls_are_in_no_answer(bff: Bff, openstack: FakeOpenStack) -> None:
    who = {"user": "alice", "password": PASSWORD, "projectName": "demo"}
    assert "result" in await bff.call("auth.createUserSession", who)
    token = openstack.new_token()
    await bff.call("compute.image.listImages", X_Auth_Token=token)
    told = [await get(bff, path) for path in ("/healthz", "/readyz")]
    assert told == [(200, OK), (200, {"status": "ready", "keystone": "ok", "glance": "ok"})]
    assert token not in json.dumps(told)


def known(probe: Probe, *notes: str) -> tuple[Upstream, Clock]:
    clock = Clock()
    upstream = Upstream(probe, clock)
    for status in notes:
        upstream.note(status)
    return upstream, clock


@pytest.mark.parametrize("status", ["200", "204", "300", "401", "404", "409", "429"])
async def test_what_answers_calls_is_not_probed(status: str) -> None:
    probe = Probe(answer=False)
    upstream, clock = known(probe, status, "timeout")
    clock.now += 9.9
    assert await upstream.state() == "ok"
    assert probe.count == 0
    clock.now += 0.1
    assert await upstream.state() == "failing"
    assert probe.count == 1


@pytest.mark.parametrize("status", ["timeout", "unreachable", "broken", "502", "503", "504"])
async def test_what_fails_calls_is_not_probed_either(status: str) -> None:
    probe = Probe()
    upstream, clock = known(probe, status)
    clock.now += 4.9
    assert await upstream.state() == "failing"
    assert probe.count == 0
    clock.now += 0.1
    assert await upstream.state() == "ok"


@pytest.mark.parametrize("status", ["500", "501", "ended", "", "²", "canary"])
async def test_what_may_be_a_requests_own_fault_shows_nothing(status: str) -> None:
    upstream, _ = known(Probe(), status)
    assert upstream.known == "unknown"


@pytest.mark.parametrize(("answer", "state"), [(True, "ok"), (False, "failing")])
async def test_a_probe_holds_for_five_seconds(answer: bool, state: str) -> None:
    probe = Probe(answer)
    upstream, clock = known(probe)
    assert await upstream.state() == state
    clock.now += 4.9
    assert await upstream.state() == state
    assert probe.count == 1
    clock.now += 0.1
    assert await upstream.state() == state
    assert probe.count == 2


async def test_a_probe_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PROBE_SECONDS", 0)
    probe = Probe()
    probe.gate.clear()
    upstream, _ = known(probe)
    async with asyncio.timeout(SECONDS):
        assert await upstream.state() == "failing"


async def test_a_failure_that_a_call_sees_does_not_undo_what_a_probe_found() -> None:
    upstream, _ = known(Probe())
    await upstream.state()
    upstream.note("timeout")
    assert await upstream.state() == "ok"


async def test_who_goes_away_leaves_the_probe_to_the_others() -> None:
    probe = Probe()
    probe.gate.clear()
    upstream, _ = known(probe)
    first, second = (asyncio.create_task(upstream.state()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    probe.gate.set()
    assert await second == "ok"
    assert probe.count == 1


async def test_a_stop_is_told_at_once_and_asks_nobody() -> None:
    probe, stopping = Probe(), False
    working = Health(known(probe, "200")[0], known(probe)[0], lambda: stopping)
    status, body = await working.readiness()
    assert (status, body["status"]) == (200, "ready")
    stopping = True
    probe.count = 0
    assert await working.readiness() == (
        503,
        {"status": "stopping", "keystone": "ok", "glance": "ok"},
    )
    unknown = Health(known(probe)[0], known(probe, "503")[0], lambda: stopping)
    answer = {"status": "stopping", "keystone": "unknown", "glance": "failing"}
    assert await unknown.readiness() == (503, answer)
    assert probe.count == 0


async def test_the_root_is_served_beside_any_prefix(start: Start) -> None:
    bff = await start(prefix="/a/b")
    paths = ("/healthz", "/a/b/healthz", "/b/healthz", "/polaris-bff/healthz")
    assert [(await get(bff, path))[0] for path in paths] == [200, 200, 404, 404]
