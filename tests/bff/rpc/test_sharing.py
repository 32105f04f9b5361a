"""Calls of a batch that share their reads: how often Glance is asked, and what each is answered."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest

from bff.errors import BffError, Code
from bff.openstack.glance.gathered import _Step
from bff.rpc.registry import Registry, mutation, query
from bff.rpc.sharing import batch_of
from bff.session.context import ProjectContext
from procedures import ALL
from schemas.base import NoInput
from tests.bff.conftest import Bff, Start
from tests.fakes.openstack import BREAK, PROJECTS, SILENCE, FakeOpenStack, image
from tests.process import SECONDS

SHOW, LIST = "compute.image.getImageById", "compute.image.listImages"
LISTED = "GET /v2/images"
MISSING = "00000000-0000-4000-8000-000000000000"


def call(number: int, method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def shows(*image_ids: str, **more: Any) -> list[dict[str, Any]]:
    return [call(number, SHOW, imageId=one, **more) for number, one in enumerate(image_ids)]


def ids(openstack: FakeOpenStack) -> list[str]:
    return [one["id"] for one in openstack.images]


def alone(openstack: FakeOpenStack) -> list[str]:
    """Return the images that were asked for one by one, in order."""
    paths = [request.path for request in openstack.requests if request.method == "GET"]
    return [path.rpartition("/")[2] for path in paths if path.startswith("/v2/images/")]


def lists(openstack: FakeOpenStack) -> list[str]:
    return [request.query_string for request in openstack.requests if request.path == "/v2/images"]


def outcomes(answers: list[Any]) -> list[str]:
    """Return the id of each image, or the code of the error in its place."""
    return [
        one["result"]["id"] if "result" in one else one["error"]["data"]["code"] for one in answers
    ]


@pytest.fixture
def token(openstack: FakeOpenStack) -> str:
    openstack.images = [image(f"image {number}") for number in range(20)]
    return openstack.new_token()


@pytest.mark.parametrize(("count", "requests"), [(2, 1), (20, 1), (100, 1), (150, 2)])
async def test_images_of_a_batch_are_asked_for_together(
    count: int, requests: int, start: Start, openstack: FakeOpenStack, token: str
) -> None:
    bff = await start(max_batch=200)
    openstack.images = [image(f"image {number}") for number in range(count)]
    answers = await bff.json(shows(*ids(openstack)), X_Auth_Token=token)
    assert [answer["result"] for answer in answers] == openstack.images
    assert len(lists(openstack)) == requests
    assert alone(openstack) == []


async def test_the_list_asks_for_whatever_a_single_request_finds(
    bff: Bff, openstack: FakeOpenStack, token: str
) -> None:
    one, two = ids(openstack)[:2]
    await bff.json(shows(one, two), X_Auth_Token=token)
    (asked,) = lists(openstack)
    assert asked == f"id=in:{one},{two}&visibility=all&member_status=all&limit=2"


async def test_one_image_is_asked_for_as_ever(
    bff: Bff, openstack: FakeOpenStack, token: str
) -> None:
    (one, *_) = ids(openstack)
    await bff.json(shows(one), X_Auth_Token=token)
    await bff.json([*shows(one), call(1, LIST)], X_Auth_Token=token)
    await bff.json(shows(one)[0], X_Auth_Token=token)
    assert alone(openstack) == [one] * 3
    assert lists(openstack) == ["sort=created_at:desc&limit=1000"]


async def test_hidden_images_are_another_list_and_one_is_asked_for_alone(
    bff: Bff, openstack: FakeOpenStack, token: str
) -> None:
    openstack.images[3]["os_hidden"] = openstack.images[7]["os_hidden"] = True
    answers = await bff.json(shows(*ids(openstack)), X_Auth_Token=token)
    assert [answer["result"] for answer in answers] == openstack.images
    assert [asked.endswith("&os_hidden=true") for asked in lists(openstack)] == [False, True]
    assert alone(openstack) == []
    openstack.images[3]["os_hidden"] = False
    openstack.requests.clear()
    answers = await bff.json(shows(*ids(openstack)), X_Auth_Token=token)
    assert [answer["result"] for answer in answers] == openstack.images
    assert (len(lists(openstack)), alone(openstack)) == (1, [ids(openstack)[7]])


async def test_what_is_missing_is_answered_as_if_alone(
    bff: Bff, openstack: FakeOpenStack, token: str
) -> None:
    single = await bff.call(SHOW, {"imageId": MISSING}, X_Auth_Token=token)
    answers = await bff.json(shows(ids(openstack)[0], MISSING), X_Auth_Token=token)
    for error in (single["error"], answers[1]["error"]):
        del error["data"]["requestId"]
        error["data"].pop("upstreamRequestId", None)
    assert answers[1]["error"] == single["error"]
    assert outcomes(answers) == [ids(openstack)[0], "NOT_FOUND"]


async def test_small_pages_of_a_site_are_read_on(
    bff: Bff, openstack: FakeOpenStack, token: str
) -> None:
    openstack.page_size = 8
    answers = await bff.json(shows(*ids(openstack)), X_Auth_Token=token)
    assert outcomes(answers) == ids(openstack)
    assert (len(lists(openstack)), alone(openstack)) == (3, [])


ODD_IDS = (
    "A85ABD86-55b3-4413-a5b7-6cd8a6bd99ac",
    "in:a85abd86-55b3-4413-a5b7-6cd8a6bd99ac",
    "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac,b",
    "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac\n",
    "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac&os_hidden=true",
    '"a85abd86-55b3-4413-a5b7-6cd8a6bd99ac"',
    "%2e%2e",
    "",
    "٣85abd86-55b3-4413-a5b7-6cd8a6bd99ac",
)


@pytest.mark.parametrize("odd", ODD_IDS)
async def test_an_odd_id_is_in_no_list(
    odd: str, bff: Bff, openstack: FakeOpenStack, token: str
) -> None:
    single = await bff.call(SHOW, {"imageId": odd}, X_Auth_Token=token)
    one, two = ids(openstack)[:2]
    answers = await bff.json(shows(one, odd, two), X_Auth_Token=token)
    code = single["error"]["data"]["code"]
    assert code in ("BAD_REQUEST", "NOT_FOUND")
    assert outcomes(answers) == [one, code, two]
    (asked,) = lists(openstack)
    assert asked.startswith(f"id=in:{one},{two}&")


@pytest.mark.parametrize("fault", [{"x": 1}, {"project_id": 5}, {"project_id": ["x"]}])
async def test_a_call_that_is_refused_has_nothing_asked_for(
    fault: dict[str, Any], bff: Bff, openstack: FakeOpenStack, token: str
) -> None:
    one, two, three = ids(openstack)[:3]
    answers = await bff.json(
        [*shows(one, two), call(2, SHOW, imageId=three, **fault)], X_Auth_Token=token
    )
    assert outcomes(answers) == [one, two, "BAD_REQUEST"]
    assert three not in lists(openstack)[0]


async def test_two_projects_in_a_batch_have_a_list_each(
    bff: Bff, openstack: FakeOpenStack, token: str
) -> None:
    one, two, three, four = ids(openstack)[:4]
    partner = PROJECTS["partner"]
    calls = [*shows(one, two), *shows(three, four, project_id=partner)]
    answers = await bff.json(calls, X_Auth_Token=token)
    assert outcomes(answers) == [one, two, three, four]
    listed = [request for request in openstack.requests if request.path == "/v2/images"]
    tokens = [request.headers["X-Auth-Token"] for request in listed]
    projects = {openstack.tokens[each]["project"]: each for each in tokens}
    assert set(projects) == {"demo", "partner"}
    for request in listed:
        mine = request.headers["X-Auth-Token"] == token
        assert (one in request.query_string) is mine
        assert (three in request.query_string) is not mine


async def test_another_request_gets_nothing_of_it(
    bff: Bff, openstack: FakeOpenStack, token: str
) -> None:
    calls = [*shows(*ids(openstack)), call(50, LIST), call(51, LIST)]
    await bff.json(calls, X_Auth_Token=token)
    await bff.json(calls, X_Auth_Token=token)
    await bff.json(calls, X_Auth_Token=openstack.new_token())
    assert len(lists(openstack)) == 6


REPEATED: dict[str, tuple[str, dict[str, Any]]] = {
    "an image": (SHOW, {}),
    "a list": (LIST, {"status": "active", "tag": ["a", "b"]}),
    "a page": (f"{LIST}WithPagination", {"limit": 5}),
    "the members": ("compute.image.listImageMembers", {}),
    "a member": ("compute.image.getImageMember", {"memberId": PROJECTS["partner"]}),
}


@pytest.mark.parametrize("what", REPEATED)
async def test_the_same_read_is_sent_once(
    what: str, bff: Bff, openstack: FakeOpenStack, token: str
) -> None:
    method, params = REPEATED[what]
    image_id = ids(openstack)[0]
    if "tag" not in params and "limit" not in params:
        params = {"imageId": image_id, **params}
    member = {"imageId": image_id, "member": PROJECTS["partner"]}
    await bff.call("compute.image.createImageMember", member, X_Auth_Token=token)
    single = await bff.call(method, params, X_Auth_Token=token)
    openstack.requests.clear()
    reordered = dict(reversed(params.items()))
    calls = [call(n, method, **(params if n % 2 else reordered)) for n in range(40)]
    answers = await bff.json(
        [*calls, call(40, method, **params, project_id=None)], X_Auth_Token=token
    )
    assert [answer["result"] for answer in answers] == [single["result"]] * 41
    assert len(openstack.requests) == 1


async def test_reads_that_differ_are_sent_each(
    bff: Bff, openstack: FakeOpenStack, token: str
) -> None:
    calls = [
        call(n, LIST, **params) for n, params in enumerate(({}, {"limit": 1}, {}, {"limit": 2}))
    ]
    answers = await bff.json(calls, X_Auth_Token=token)
    assert [len(answer["result"]) for answer in answers] == [20, 1, 20, 2]
    assert len(lists(openstack)) == 3


@pytest.mark.parametrize("status", [BREAK, 500, 503, 429, 404, 403, 400, 200])
async def test_a_list_that_fails_costs_nobody_an_answer(
    status: int, bff: Bff, openstack: FakeOpenStack, token: str, logged: list[Any]
) -> None:
    openstack.trouble[""] = status
    answers = await bff.json(shows(*ids(openstack)[:5]), X_Auth_Token=token)
    assert outcomes(answers) == ids(openstack)[:5]
    assert sorted(alone(openstack)) == sorted(ids(openstack)[:5])
    lines = [line for line in logged if line["event"] == "call"]
    assert [line["status"] for line in lines] == ["ok"] * 5
    assert sorted(line["image"] for line in lines) == sorted(ids(openstack)[:5])
    assert not any("upstream_status" in line for line in lines)


async def test_a_list_that_is_slow_costs_nobody_an_answer(
    bff: Bff, openstack: FakeOpenStack, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bff.session.batch.GATHER_SHARE", 0.002)
    openstack.trouble[""] = SILENCE
    answers = await bff.json(shows(*ids(openstack)[:5]), X_Auth_Token=token)
    assert outcomes(answers) == ids(openstack)[:5]
    assert len(alone(openstack)) == 5


async def test_an_error_is_not_remembered(start: Start, openstack: FakeOpenStack) -> None:
    bff = await start(batch_concurrency=1)
    openstack.trouble[""] = 500
    calls = [call(number, LIST) for number in range(3)]
    answers = await bff.json(calls, X_Auth_Token=openstack.new_token())
    assert outcomes(answers) == ["BAD_GATEWAY"] * 3
    assert len(lists(openstack)) == 3


async def test_an_error_is_told_to_all_who_wait_for_it(
    bff: Bff, openstack: FakeOpenStack, token: str
) -> None:
    answers = await bff.json(shows(*[MISSING] * 5), X_Auth_Token=token)
    assert outcomes(answers) == ["NOT_FOUND"] * 5
    assert alone(openstack) == [MISSING]


async def test_a_read_behind_a_mutation_is_not_older_than_it(
    start: Start, openstack: FakeOpenStack, token: str
) -> None:
    bff = await start(batch_concurrency=1)
    one, two, three = ids(openstack)[:3]
    rename = [{"op": "replace", "path": "/name", "value": "new"}]
    calls = [
        *(call(0, SHOW, imageId=one), call(1, SHOW, imageId=one), call(2, LIST, limit=3)),
        call(3, "compute.image.updateImage", imageId=two, operations=rename),
        *(call(4, SHOW, imageId=two), call(5, SHOW, imageId=three), call(6, LIST, limit=3)),
        *(call(7, SHOW, imageId=one), call(8, SHOW, imageId=two)),
    ]
    answers = await bff.json(calls, X_Auth_Token=token)
    names = [answer["result"]["name"] for answer in answers if "name" in answer["result"]]
    assert names == ["image 0", "image 0", "new", "new", "image 2", "image 0", "new"]
    listed = [[one["name"] for one in answers[n]["result"]] for n in (2, 6)]
    assert listed == [["image 0", "image 1", "image 2"], ["image 0", "new", "image 2"]]
    # Before it the three, and behind it those that nobody had yet; the last one is alone.
    together = [asked for asked in lists(openstack) if asked.startswith("id=")]
    assert [asked.partition("&")[0].count(",") + 1 for asked in together] == [3, 2]
    assert alone(openstack) == [one]


async def test_a_read_that_begins_beside_a_mutation_is_not_older_than_its_beginning(
    start: Start, openstack: FakeOpenStack, token: str
) -> None:
    released = asyncio.Event()

    async def change(ctx: ProjectContext, params: NoInput) -> bool:
        """Change something, for as long as it takes."""
        await released.wait()
        return True

    async def release(ctx: ProjectContext, params: NoInput) -> bool:
        """Let the change end."""
        released.set()
        return True

    bff = await start(
        mutation("test.change", change), query("test.release", release), batch_concurrency=2
    )
    one, two = ids(openstack)[:2]
    calls = [call(0, SHOW, imageId=one), call(1, "test.change"), call(2, SHOW, imageId=two)]
    async with asyncio.timeout(SECONDS):
        await bff.json([*calls, call(3, "test.release")], X_Auth_Token=token)
    assert (len(lists(openstack)), alone(openstack)) == (1, [two])


async def test_the_reason_of_a_refusal_is_read_by_itself(
    bff: Bff, openstack: FakeOpenStack, token: str
) -> None:
    one, two = ids(openstack)[:2]
    openstack.images[0]["protected"] = True
    delete = call(9, "compute.image.deleteImage", imageId=one)
    answers = await bff.json([*shows(one, two), delete], X_Auth_Token=token)
    assert "protected" in answers[2]["error"]["message"]
    assert alone(openstack) == [one]


async def test_a_client_that_goes_away_ends_the_list(
    bff: Bff, openstack: FakeOpenStack, token: str, logged: list[Any]
) -> None:
    openstack.gate = asyncio.Event()
    asking = asyncio.create_task(bff.json(shows(*ids(openstack)), X_Auth_Token=token))
    async with asyncio.timeout(SECONDS):
        await openstack.arrived.acquire()
        asking.cancel()
        await openstack.cancelled.acquire()
    assert (len(lists(openstack)), alone(openstack)) == (1, [])
    assert {line["status"] for line in logged if line["event"] == "call"} == {
        "CLIENT_CLOSED_REQUEST"
    }


async def test_a_deadline_ends_the_list_and_every_call_says_so(
    bff: Bff, openstack: FakeOpenStack, token: str
) -> None:
    openstack.gate = asyncio.Event()
    calls = shows(*ids(openstack)[:3])
    answers = await bff.json(calls, X_Auth_Token=token, X_Request_Timeout="0.3")
    assert outcomes(answers) == ["TIMEOUT"] * 3
    async with asyncio.timeout(SECONDS):
        for _ in range(4):  # the list, and then each alone
            await openstack.cancelled.acquire()


async def test_each_call_counts_its_own_image(
    start: Start, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bff.rpc.jsonrpc.MAX_BATCH_BYTES", 100_000)
    bff = await start()
    openstack.images = [image(text="x" * 40_000) for _ in range(5)]
    answers = await bff.json(shows(*ids(openstack)), X_Auth_Token=openstack.new_token())
    told = outcomes(answers)
    assert told.count("PAYLOAD_TOO_LARGE") == 3
    assert len(lists(openstack)) == 1


@pytest.mark.parametrize("method", [SHOW, LIST])
async def test_each_call_counts_what_it_shares(
    method: str, start: Start, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bff.rpc.jsonrpc.MAX_BATCH_BYTES", 100_000)
    bff = await start()
    openstack.images = [image(text="x" * 40_000)]
    openstack.gate = asyncio.Event()
    params = {"imageId": ids(openstack)[0]} if method == SHOW else {}
    calls = [call(number, method, **params) for number in range(10)]
    asking = asyncio.create_task(bff.json(calls, X_Auth_Token=openstack.new_token()))
    async with asyncio.timeout(SECONDS):
        await openstack.arrived.acquire()
        openstack.gate.set()
        answers = await asking
    codes = ["error" in answer and answer["error"]["data"]["code"] for answer in answers]
    assert 1 <= codes.count(False) <= 2
    assert set(codes) == {False, "PAYLOAD_TOO_LARGE"}
    assert len(lists(openstack)) + len(alone(openstack)) == 1


async def test_a_list_that_is_too_large_is_given_up(
    bff: Bff, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bff.openstack.glance.gathered.Allowance.count", _too_much)
    openstack.images = [image() for _ in range(3)]
    answers = await bff.json(shows(*ids(openstack)), X_Auth_Token=openstack.new_token())
    assert outcomes(answers) == ids(openstack)
    assert len(alone(openstack)) == 3


async def test_a_list_goes_when_its_images_are_answered(
    bff: Bff, openstack: FakeOpenStack, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[weakref.ref[_Step]] = []

    def watched(*given: Any, **more: Any) -> Any:
        step = _Step(*given, **more)
        made.append(weakref.ref(step))
        return step

    monkeypatch.setattr("bff.openstack.glance.gathered._Step", watched)
    gc.disable()
    try:
        await bff.json(shows(*ids(openstack), MISSING, MISSING[:-1] + "1"), X_Auth_Token=token)
        # Without a search for garbage.
        assert [step() for step in made] == [None] * 2
    finally:
        gc.enable()


def _too_much(_allowance: object, _size: int) -> None:
    raise BffError(Code.PAYLOAD_TOO_LARGE, "too much")


REGISTRY = Registry(ALL)
NOTHING_SHARED: dict[str, list[tuple[str, Any]]] = {
    "no calls": [],
    "no such procedure": [("no.such", {})] * 2,
    "one image": [(SHOW, {"imageId": MISSING})],
    "two mutations": [("compute.image.deleteImage", {"imageId": MISSING})] * 2,
    "two questions about the session": [("auth.getCurrentUserSession", {})] * 2,
    "an image in two projects": [
        (SHOW, {"imageId": MISSING}),
        (SHOW, {"imageId": MISSING, "project_id": "x"}),
    ],
    "inputs that are none": [(SHOW, [1, 2]), (SHOW, 5), (SHOW, {"imageId": 5}), (SHOW, {})],
}


@pytest.mark.parametrize("what", NOTHING_SHARED)
def test_a_batch_that_shares_nothing_pays_for_nothing(what: str) -> None:
    asked = enumerate(NOTHING_SHARED[what])
    calls = ((number, REGISTRY.get(name), raw) for number, (name, raw) in asked)
    assert batch_of(calls, lambda: 60) is None


def test_an_input_that_is_too_deep_to_compare_is_shared_with_none() -> None:
    deep: Any = {}
    for _ in range(500):
        deep = {"a": deep}
    assert batch_of([(number, REGISTRY[LIST], deep) for number in range(2)], lambda: 60) is None
