"""Calls, batches and their limits, against the application in process."""

from __future__ import annotations

import asyncio
import uuid
from functools import partial
from operator import attrgetter
from typing import Any

import pytest

from polaris_bff import AsyncClient, BffError, Client
from polaris_bff.contract import PROCEDURES
from polaris_bff.version import USER_AGENT
from tests.clients.python.conftest import Bff, Caller, FakeOpenStack, New, Start
from tests.clients.python.hostile import Hostile, answer, results
from tests.fakes.openstack import PROJECTS, image


async def failure(call: Any) -> BffError:
    """Return the error of a call that must fail."""
    with pytest.raises(BffError) as caught:
        await call
    return caught.value


@pytest.mark.parametrize(
    "use",
    [
        lambda client: client.compute.image.list_images(name="mine", limit=10),
        lambda client: client.compute.image.listImages(name="mine", limit=10),
        lambda client: client.call("compute.image.listImages", name="mine", limit=10),
    ],
)
async def test_a_procedure_is_called_by_either_spelling(
    alice: Caller, openstack: FakeOpenStack, use: Any
) -> None:
    openstack.images = [image("mine")]
    assert [each["name"] for each in await alice.do(use)] == ["mine"]


@pytest.mark.parametrize("spelling", ["image_id", "imageId"])
async def test_a_parameter_of_a_call_by_name_has_either_spelling(
    alice: Caller, openstack: FakeOpenStack, spelling: str
) -> None:
    openstack.images = [image("mine")]
    given = {spelling: openstack.images[0]["id"]}
    found = await alice.call("compute.image.getImageById", **given)
    assert found["name"] == "mine"


@pytest.mark.parametrize("name", PROCEDURES)
async def test_each_method_sends_its_parameters_by_their_names_on_the_wire(
    new: New, hostile: Hostile, name: str
) -> None:
    hostile.answers = [lambda calls: answer(results(calls)[0])]
    names = PROCEDURES[name].parameters
    given = {python: f"the {python}" for python in names}
    wire = {names[python]: value for python, value in given.items()}
    client = new(hostile.url)
    assert await client.do(lambda it: attrgetter(name)(it)(**given)) == wire
    outcome = await client.batch(lambda batch: attrgetter(name)(batch)(**given))
    assert outcome.result() == wire
    assert {call["method"] for _, (call,) in hostile.requests} == {name}


async def test_an_image_is_created_with_properties_of_its_own(
    alice: Caller, openstack: FakeOpenStack
) -> None:
    made = await alice.do(
        lambda client: client.compute.image.create_image(
            name="mine", properties={"hw_video_model": "virtio"}
        )
    )
    assert (made["name"], made["hw_video_model"]) == ("mine", "virtio")


async def test_an_error_has_all_that_the_server_said(alice: Caller) -> None:
    missing = str(uuid.uuid4())
    error = await failure(alice.call("compute.image.getImageById", image_id=missing))
    assert (error.code, error.status) == ("NOT_FOUND", 404)
    assert missing in error.message
    assert error.request_id == error.data["requestId"]
    assert str(error) == f"{error.message} (NOT_FOUND)"


async def test_an_input_that_does_not_fit_has_its_issues(alice: Caller) -> None:
    error = await failure(alice.call("compute.image.getImageById", image_id="x"))
    assert error.code == "BAD_REQUEST"
    assert [issue["path"] for issue in error.issues] == [["imageId"]]


async def test_a_procedure_that_is_not_there_is_named_with_the_nearest_one(alice: Caller) -> None:
    error = await failure(alice.call("compute.image.listImage"))
    assert error.code == "NOT_FOUND"
    assert "compute.image.listImages" in error.message


async def test_what_is_no_json_is_refused_before_anything_is_sent(
    alice: Caller, openstack: FakeOpenStack
) -> None:
    with pytest.raises(TypeError):
        await alice.call("compute.image.listImages", name=object())
    assert not openstack.calls


async def test_a_request_says_who_sends_it_and_has_an_id(new: New, hostile: Hostile) -> None:
    hostile.answers = [lambda calls: answer(results(calls)[0])]
    client = new(hostile.url, token="token-1", project="p1", timeout=7.5)
    await client.call("auth.listProjects")
    ((headers, _),) = hostile.requests
    assert headers["user-agent"] == USER_AGENT
    assert headers["x-openstack-request-id"].startswith("req-")
    assert headers["x-auth-token"] == "token-1"
    assert headers["x-project-id"] == "p1"
    assert float(headers["x-request-timeout"]) == 7.5


async def test_each_call_of_a_batch_settles_on_its_own(
    alice: Caller, openstack: FakeOpenStack
) -> None:
    openstack.images = [image("mine")]

    def fill(batch: Any) -> Any:
        found = batch.compute.image.get_image_by_id(image_id=openstack.images[0]["id"])
        missing = batch.compute.image.get_image_by_id(image_id=str(uuid.uuid4()))
        named = batch.call("compute.image.listImages", limit=1)
        with pytest.raises(RuntimeError, match="not been sent"):
            found.result()
        return found, missing, named

    found, missing, named = await alice.batch(fill)
    assert found.result()["name"] == "mine"
    assert missing.error.code == "NOT_FOUND"
    with pytest.raises(BffError):
        missing.result()
    assert len(named.result()) == 1


async def test_a_batch_whose_block_fails_is_not_sent(
    alice: Caller, openstack: FakeOpenStack
) -> None:
    def fill(batch: Any) -> None:
        batch.compute.image.list_images()
        raise LookupError

    with pytest.raises(LookupError):
        await alice.batch(fill)
    assert not openstack.calls


async def test_an_empty_batch_sends_nothing(new: New, hostile: Hostile) -> None:
    await new(hostile.url).batch(len)
    assert hostile.requests == []


async def test_a_batch_is_split_at_the_limit_that_the_server_names(
    new: New, start: Start, openstack: FakeOpenStack
) -> None:
    bff: Bff = await start(max_batch=7)
    openstack.images = [image(f"image {number}") for number in range(30)]
    client = new(f"{bff.origin}/polaris-bff", token=openstack.new_token())
    ids = [each["id"] for each in openstack.images]
    outcomes = await client.batch(
        lambda batch: [batch.compute.image.get_image_by_id(image_id=each) for each in ids]
    )
    assert [outcome.result()["id"] for outcome in outcomes] == ids


@pytest.mark.parametrize(
    ("code", "number"), [("BAD_REQUEST", -32600), ("PAYLOAD_TOO_LARGE", -32013)]
)
async def test_a_batch_that_is_too_much_is_halved_until_it_is_not(
    new: New, hostile: Hostile, code: str, number: int
) -> None:
    def at_most_three(calls: list[Any]) -> bytes:
        if len(calls) > 3:
            error = {"code": number, "message": "too much", "data": {"code": code}}
            return answer({"jsonrpc": "2.0", "id": None, "error": error})
        return answer(results(calls) if len(calls) > 1 else results(calls)[0])

    hostile.answers = [at_most_three]
    outcomes = await new(hostile.url).batch(
        lambda batch: [batch.call("compute.image.deleteImage", n=number) for number in range(20)]
    )
    assert [outcome.result() for outcome in outcomes] == [{"n": number} for number in range(20)]


async def test_calls_run_in_the_project_of_the_client(
    new: New, bff: Bff, openstack: FakeOpenStack
) -> None:
    client = new(
        f"{bff.origin}/polaris-bff",
        token=openstack.new_token(project=None),
        project=PROJECTS["partner"],
    )
    assert await client.call("compute.image.listImages") == []


def test_a_mistyped_parameter_is_refused_by_python() -> None:
    with Client("http://127.0.0.1:1/") as client, pytest.raises(TypeError, match="limt"):
        client.compute.image.list_images(limt=1)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "url",
    ["polaris", "ftp://host/", "http://user:hunter2@host/", "http://host/?a=b", "http:///x", ""],
)
def test_an_address_that_is_none_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFF_URL", "nowhere")
    with pytest.raises(ValueError, match="url must") as caught:
        Client(url)
    assert "hunter2" not in str(caught.value)


def test_the_address_may_be_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFF_URL", "https://cloud.example/polaris-bff/")
    with Client() as client:
        assert repr(client) == "<Client https://cloud.example/polaris-bff>"


async def test_without_any_address_the_error_says_what_to_do(
    new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BFF_URL", raising=False)
    error = await failure(new(None).call("auth.listProjects"))
    assert "BFF_URL" in error.message


async def test_a_client_of_several_threads_answers_each_its_own(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.images = [image(f"image {number}") for number in range(20)]
    with Client(f"{bff.origin}/polaris-bff", token=openstack.new_token()) as client:
        get = client.compute.image.get_image_by_id
        ids = [each["id"] for each in openstack.images]
        found = await asyncio.gather(
            *(asyncio.to_thread(partial(get, image_id=each)) for each in ids)
        )
    assert [each["id"] for each in found] == ids


async def test_cancelling_a_call_cancels_what_runs_for_it(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    openstack.gate = asyncio.Event()
    async with AsyncClient(f"{bff.origin}/polaris-bff", token=openstack.new_token()) as client:
        call = asyncio.create_task(client.compute.image.list_images())
        await openstack.arrived.acquire()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(openstack.cancelled.acquire(), 60)


TOKEN = "token-5f0c1c1e-0000-4000-8000-000000000000"


@pytest.mark.parametrize("given", [f"{TOKEN}\r\nx: y", f"{TOKEN} x", f"\xe9{TOKEN}", "", " "])
async def test_a_token_that_is_none_is_not_sent_and_not_told(
    new: New, hostile: Hostile, given: str
) -> None:
    error = await failure(new(hostile.url, token=given).call("auth.listProjects"))
    assert error.code == "UNAUTHORIZED"
    assert TOKEN not in repr(error)
    assert hostile.requests == []


async def test_a_token_from_a_file_may_have_its_lines_end(new: New, hostile: Hostile) -> None:
    hostile.answers = [lambda calls: answer(results(calls)[0])]
    await new(hostile.url, token=f"{TOKEN}\n").call("auth.listProjects")
    assert hostile.requests[0][0]["x-auth-token"] == TOKEN


@pytest.mark.parametrize(
    "options", [{"project": "a\nb"}, {"timeout": 0}, {"timeout": float("inf")}]
)
def test_an_option_that_is_none_is_refused(options: Any) -> None:
    with pytest.raises(ValueError, match="must be"):
        Client("http://127.0.0.1:1/", **options)


async def test_queries_that_read_too_much_together_are_sent_alone(
    new: New, hostile: Hostile
) -> None:
    def one_at_a_time(calls: list[Any]) -> bytes:
        if len(calls) == 1:
            return answer(results(calls)[0])
        error = {"code": 1, "message": "", "data": {"code": "PAYLOAD_TOO_LARGE"}}
        return answer([{"id": call["id"], "error": error} for call in calls])

    hostile.answers = [one_at_a_time]
    first, second, changing = await new(hostile.url).batch(
        lambda batch: [
            batch.call("compute.image.listImages", n=1),
            batch.call("compute.image.listImages", n=2),
            batch.call("compute.image.deleteImage", n=3),
        ]
    )
    assert (first.result(), second.result()) == ({"n": 1}, {"n": 2})
    assert changing.error.code == "PAYLOAD_TOO_LARGE"
