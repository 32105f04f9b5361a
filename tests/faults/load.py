"""Rows: too much is asked at once. Callers take turns, and who is refused is refused at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from tests.bff.conftest import Bff
from tests.bff.upload.conftest import OCTETS, Uploader
from tests.fakes.openstack import BREAK, PASSWORD, FakeOpenStack, image
from tests.faults.cases import RIGHT
from tests.faults.row import Outcome, Row, Scene, code

LIST = "compute.image.listImages"
OWN, BUSY = "TOO_MANY_REQUESTS", "SERVICE_UNAVAILABLE"


def batch(size: int, method: str = LIST, **params: Any) -> list[dict[str, Any]]:
    """Return a batch of the same call; of lists, which would be sent once, each has a limit."""
    call = {"jsonrpc": "2.0", "method": method}
    limits = [{"limit": number + 1} if method == LIST else {} for number in range(size)]
    return [{**call, "id": number, "params": params | limit} for number, limit in enumerate(limits)]


def tally(answers: Iterable[Any]) -> str:
    """Return how many ended how: ``1 ok, 2 TIMEOUT``."""
    counted = Counter(code(answered) for answered in answers)
    return ", ".join(f"{count} {name}" for name, count in sorted(counted.items()))


async def arrivals(openstack: FakeOpenStack, count: int) -> None:
    """Wait until so many requests more have reached Glance."""
    for _ in range(count):
        await openstack.arrived.acquire()


async def known(bff: Bff, openstack: FakeOpenStack, project: str = "demo") -> str:
    """Return a token of somebody who has called before."""
    made = openstack.new_token(project)
    await bff.call("auth.getCurrentUserSession", x_auth_token=made)
    return made


def begin(bff: Bff, token: str, size: int = 1, method: str = LIST, **params: Any) -> Any:
    """Begin a batch."""
    return asyncio.ensure_future(bff.json(batch(size, method, **params), x_auth_token=token))


async def end(openstack: FakeOpenStack, *tasks: Any) -> list[Any]:
    """Let Glance answer; returns all answers."""
    assert openstack.gate is not None
    openstack.gate.set()
    return [answered for task in tasks for answered in await task]


async def _beside_deletions(scene: Scene) -> Outcome:
    """A script deletes 16,000 images; a dashboard's call reaches Glance before all but 32."""
    openstack = scene.openstack
    bff = await scene.start_fake()
    script, person = await known(bff, openstack), await known(bff, openstack)
    openstack.gate = asyncio.Event()
    ids = [str(uuid4()) for _ in range(1000)]
    deleting = begin(bff, script, 16, "compute.image.deleteImages", imageIds=ids)
    await arrivals(openstack, 32)
    listing = begin(bff, person)
    await arrivals(openstack, 1)
    sent = sum(request.method == "DELETE" for request in openstack.requests)
    answers = await end(openstack, listing)
    deleting.cancel()
    return Outcome("under way", sent, others=tally(answers))


async def _beside_batches(scene: Scene) -> Outcome:
    """A script sends five batches at once; a dashboard's call is at Glance before their rest."""
    openstack = scene.openstack
    bff = await scene.start_fake(max_calls_per_caller=4)
    script, person = await known(bff, openstack), await known(bff, openstack)
    openstack.gate = asyncio.Event()
    batches = [begin(bff, script, 20) for _ in range(5)]
    await arrivals(openstack, 4)
    listing = begin(bff, person)
    await arrivals(openstack, 1)
    at_once = openstack.at_a_time - 1
    answers = await end(openstack, listing, *batches)
    return Outcome(tally(answers[1:]), at_once, others=tally(answers[:1]))


async def _hanging_glance(scene: Scene, asked: tuple[str, Any]) -> Outcome:
    """Every place at Glance is held; Keystone answers all the same."""
    openstack = scene.openstack
    bff = await scene.start_fake(max_glance_requests=4, max_keystone_requests=1)
    token = await known(bff, openstack)
    openstack.gate = asyncio.Event()
    listing = begin(bff, token, 8)
    await arrivals(openstack, 4)
    headers = (
        {} if asked[0] == "auth.createUserSession" else {"x_auth_token": openstack.new_token()}
    )
    other = await bff.call(*asked, **headers)
    held = openstack.at_a_time
    return Outcome(tally(await end(openstack, listing)), held, others=code(other))


def hanging_glance(name: str, *asked: Any) -> Row:
    """Return the row: what needs Keystone alone is not touched."""

    async def play(scene: Scene) -> Outcome:
        return await _hanging_glance(scene, (asked[0], asked[1]))

    return Row(f"{name} while Glance hangs", Outcome("8 ok", 4, others=RIGHT), play)


async def _full_queue(scene: Scene) -> Outcome:
    """Nobody may wait: who comes is refused while the one call still runs."""
    openstack = scene.openstack
    bff = await scene.start_fake(max_calls=1, max_waiting=0, queue_timeout=3600)
    first, second = await known(bff, openstack), await known(bff, openstack)
    openstack.gate = asyncio.Event()
    running = begin(bff, first)
    await arrivals(openstack, 1)
    refused = await bff.call(LIST, x_auth_token=second)
    assert not running.done()
    assert refused["error"]["data"]["retryAfter"] == 1
    return Outcome(code(refused), 1, others=tally(await end(openstack, running)))


async def _own_queue(scene: Scene) -> Outcome:
    """The newest of the caller that has the most waiting makes room for another's."""
    openstack = scene.openstack
    bff = await scene.start_fake(max_calls=1, max_waiting=3, queue_timeout=3600)
    script, person = await known(bff, openstack), await known(bff, openstack)
    openstack.gate = asyncio.Event()
    running = begin(bff, script)
    await arrivals(openstack, 1)
    waiting = [asyncio.ensure_future(bff.call(LIST, x_auth_token=script)) for _ in range(4)]
    refusals = iter(asyncio.as_completed(waiting))
    refused = [await next(refusals)]
    listing = begin(bff, person)
    refused.append(await next(refusals))
    answers = await end(openstack, listing, running)
    await asyncio.wait(waiting)
    return Outcome(tally(refused), None, others=code(answers[0]))


async def _slow_glance(scene: Scene) -> Outcome:
    """400 calls to a slow Glance: those whose turn does not come are told so, and why."""
    openstack = scene.openstack
    bff = await scene.start_fake(max_glance_requests=2, max_waiting=0)
    callers = [await known(bff, openstack) for _ in range(6)]
    openstack.gate = asyncio.Event()
    running = [begin(bff, caller) for caller in callers[:2]]
    await arrivals(openstack, 2)
    refused = [await bff.call(LIST, x_auth_token=caller) for caller in callers[2:]]
    messages = {one["error"]["message"] for one in refused}
    assert messages == {"This server has too many requests to Glance under way: retry later."}
    return Outcome(tally(refused), 2, others=tally(await end(openstack, *running)))


async def _resetting_glance(scene: Scene) -> Outcome:
    """90 calls: 270 requests where each is tried three times, 100 with a budget of retries."""
    openstack = scene.openstack
    bff = await scene.start_fake(breaker_failures=1000)
    openstack.glance_status = BREAK
    answers = await begin(bff, await known(bff, openstack), 90)
    sent = openstack.calls["GET /v2/images"]
    some = "at most 10 of them again" if 90 < sent <= 100 else f"{sent} requests"
    return Outcome(f"{tally(answers)}, {some}")


async def _breaker(scene: Scene) -> Outcome:
    """After five failures nothing is sent; Keystone is as it was."""
    openstack = scene.openstack
    limits = {"breaker_failures": 5, "breaker_seconds": 3600, "batch_concurrency": 1}
    bff = await scene.start_fake(**limits)
    openstack.glance_status = 503
    token = await known(bff, openstack)
    answers = await begin(bff, token, 20)
    other = await bff.call("auth.listProjects", x_auth_token=token)
    return Outcome(tally(answers), openstack.calls["GET /v2/images"], others=code(other))


async def _deadline(scene: Scene) -> Outcome:
    """What nobody waits for any more is cancelled down to Glance."""
    openstack = scene.openstack
    bff = await scene.start_fake()
    token = await known(bff, openstack)
    openstack.gate = asyncio.Event()
    answers = await bff.json(batch(3), x_auth_token=token, x_request_timeout="0.2")
    for _ in range(3):
        await openstack.cancelled.acquire()
    return Outcome(tally(answers), openstack.calls["GET /v2/images"])


async def _leaver(scene: Scene) -> Outcome:
    """A batch whose client has gone is cancelled down to Glance."""
    openstack = scene.openstack
    bff = await scene.start_fake()
    token = await known(bff, openstack)
    openstack.gate = asyncio.Event()
    running = begin(bff, token, 100)
    await arrivals(openstack, 16)
    running.cancel()
    for _ in range(16):
        await openstack.cancelled.acquire()
    openstack.gate.set()
    other = await bff.call(LIST, x_auth_token=token)
    return Outcome("-", openstack.calls["GET /v2/images"] - 1, others=code(other))


async def _uploads(scene: Scene, second: str, limit: str) -> Outcome:
    """One upload is held by Glance; another one finds no place and sends nothing."""
    openstack = scene.openstack
    bff = await scene.start_fake(**{limit: 1})
    openstack.images += [image(status="queued", owner=owner * 32, size=None) for owner in "de"]
    mine, other = (one["id"] for one in openstack.images)
    alice = Uploader(bff, await known(bff, openstack))
    sending = Uploader(bff, await known(bff, openstack, second))
    async with alice.connection(10, OCTETS, f"?imageId={mine}") as slow:
        await slow.send(b"01234")
        await openstack.arrived.acquire()
        _, told = await sending.post(b"data", OCTETS, f"?imageId={other}")
        await slow.send(b"56789")
        kept = (await slow.answer())[2]
    stored = openstack.images[1]["status"]
    return Outcome(code(told), None, stored, code(kept))


def uploads(name: str, expected: Outcome, second: str, limit: str) -> Row:
    """Return the row: a second upload while the first one goes on."""

    async def play(scene: Scene) -> Outcome:
        return await _uploads(scene, second, limit)

    return Row(name, expected, play)


SIGN_IN = ("auth.createUserSession", {"user": "alice", "password": PASSWORD})
ROWS = (
    Row(
        "a script deletes 16,000 images beside a dashboard",
        Outcome("under way", 32, others="1 ok"),
        _beside_deletions,
    ),
    Row(
        "a script sends 100 calls beside a dashboard",
        Outcome("100 ok", 4, others="1 ok"),
        _beside_batches,
    ),
    hanging_glance("a sign-in", *SIGN_IN),
    hanging_glance("a look at the session", "auth.getCurrentUserSession", None),
    hanging_glance("a list of projects", "auth.listProjects", None),
    Row("a call when the queue is full", Outcome(BUSY, 1, others="1 ok"), _full_queue),
    Row(
        "a script fills the queue beside a dashboard",
        Outcome(f"2 {OWN}", None, others=RIGHT),
        _own_queue,
    ),
    Row(
        "more calls than a slow Glance has places",
        Outcome(f"4 {BUSY}", 2, others="2 ok"),
        _slow_glance,
    ),
    Row(
        "90 calls to a Glance that resets everything",
        Outcome("90 BAD_GATEWAY, at most 10 of them again"),
        _resetting_glance,
    ),
    Row(
        "20 calls to a Glance that fails and fails",
        Outcome(f"20 {BUSY}", 5, others=RIGHT),
        _breaker,
    ),
    Row("3 calls whose client waits for 0.2 s", Outcome("3 TIMEOUT", 3), _deadline),
    Row("100 calls whose client leaves", Outcome("-", 16, others=RIGHT), _leaver),
    uploads(
        "a project's upload too many",
        Outcome(OWN, None, "queued", RIGHT),
        "demo",
        "max_uploads_per_project",
    ),
    uploads(
        "a server's upload too many", Outcome(BUSY, None, "queued", RIGHT), "partner", "max_uploads"
    ),
    uploads(
        "an upload beside another project's",
        Outcome(RIGHT, None, "active", RIGHT),
        "partner",
        "max_uploads_per_project",
    ),
)
