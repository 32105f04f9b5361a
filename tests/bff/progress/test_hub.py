"""The hub: what uploads report is what watchers see, in memory and through a real Redis."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from cachetools import LRUCache

from bff.errors import BffError, Code
from bff.progress import state
from bff.progress.hub import MAX_UPLOADS_PER_IMAGE, Hub
from bff.progress.state import STALE_SECONDS, UploadState, View
from bff.progress.store import KEEP_SECONDS, Key, MemoryStore, Store, StoreError
from tests.bff.progress.conftest import IMAGE, PROJECT, NewHub, fail
from tests.process import SECONDS

OTHERS = "e" * 32
KEY = Key(PROJECT, IMAGE)
REFUSED = BffError(Code.CONFLICT, "Another upload of this image is under way.")
GONE = BffError(Code.BAD_GATEWAY, "Glance broke off.")


async def until(views: AsyncIterator[View], event: str, uploaded: int | None = None) -> View:
    """Return the next view of an event; nothing may end before it."""
    async with asyncio.timeout(SECONDS):
        async for view in views:
            if view.event == event and uploaded in (None, view.data["uploaded"]):
                return view
            assert view.final is None, view
    raise AssertionError(f"the views ended without {event}")


async def looks(hub: Hub, project: str = PROJECT, after: str | None = None) -> View:
    """Return what somebody sees who comes now."""
    async with hub.watch(project, IMAGE, after) as watch:
        return watch.view


async def raising(problem: Exception) -> None:
    """Fail."""
    raise problem


async def written(hub: Hub) -> None:
    """Return when everything that was reported is in the store."""
    await hub._round([])


async def test_who_watches_from_the_beginning_sees_it_wait_move_and_end(new_hub: NewHub) -> None:
    ours, theirs = await new_hub(), await new_hub()
    async with theirs.watch(PROJECT, IMAGE) as watch:
        views = watch.views()
        nothing = {"uploaded": 0, "total": None, "percent": None}
        assert await anext(views) == View("waiting", nothing)
        async with ours.upload(PROJECT, IMAGE, 200) as reporter:
            reporter.add_bytes(40)
            half = {"uploaded": 40, "total": 200, "percent": 20.0}
            assert await until(views, "progress", 40) == View("progress", half)
            reporter.add_bytes(160)
            assert (await until(views, "progress", 200)).data["percent"] == 100
        end = await until(views, "complete")
        assert end.data == {"uploaded": 200, "total": 200, "percent": 100.0}
        with pytest.raises(StopAsyncIteration):
            await anext(views)


async def test_the_letters_of_an_id_may_be_large_or_small(hub: Hub) -> None:
    async with hub.upload(PROJECT, IMAGE.upper(), None), hub.watch(PROJECT, IMAGE) as watch:
        await until(watch.views(), "progress")


async def test_a_refusal_is_told_as_it_is_and_goes_on_its_way(hub: Hub) -> None:
    async with hub.watch(PROJECT, IMAGE) as watch:
        await fail(hub, GONE, 30)
        end = await until(watch.views(), "error")
    assert (end.data["uploaded"], end.data["total"]) == (30, 100)
    assert end.data["error"]["message"] == "Glance broke off."
    assert end.data["error"]["data"]["code"] == "BAD_GATEWAY"


async def test_a_hub_that_closes_waits_for_the_uploads_that_are_cancelled_beside_it(
    new_hub: NewHub, new_store: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bff.progress.hub.DRAIN_SECONDS", SECONDS)
    other = await new_hub()

    async def upload(hub: Hub) -> None:
        async with hub.upload(PROJECT, IMAGE, None):
            try:
                await asyncio.Event().wait()
            finally:
                # It takes longer to end than the hub's own work.
                await asyncio.wait([hub._worker])
                for _ in range(5):
                    await asyncio.sleep(0)

    async with asyncio.timeout(SECONDS / 2), Hub(new_store(), 1, 1) as closing:
        uploading = asyncio.create_task(upload(closing))
        await asyncio.sleep(0)
        uploading.cancel()
    async with asyncio.timeout(SECONDS), other.watch(PROJECT, IMAGE) as watch:
        end = await until(watch.views(), "error")
    assert end.data["error"]["data"]["code"] == "SERVICE_UNAVAILABLE"


class Recovering(MemoryStore):
    """A store that cannot be reached at first."""

    failures = 1

    async def exchange(self, *what: Any) -> Any:
        if self.failures:
            self.failures -= 1
            raise StoreError("not yet")
        return await super().exchange(*what)


@pytest.mark.parametrize("problem", [StoreError("not now"), ValueError("a bug")])
async def test_what_is_to_be_dropped_is_dropped_later_when_the_store_fails_just_then(
    problem: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    failing = asyncio.Event()

    async def exchange(*what: Any) -> Any:
        failing.set()
        raise problem

    async with Hub(store, 1, 1) as hub:
        await fail(hub, GONE)
        await written(hub)
        with monkeypatch.context() as broken:
            broken.setattr(store, "exchange", exchange)
            uploading = hub.upload(PROJECT, IMAGE, None)
            reporter = await uploading.__aenter__()
            async with asyncio.timeout(SECONDS):
                await failing.wait()
        await written(hub)
        left = (await store.exchange([], [], [KEY]))[KEY]
        assert [upload.id for upload in left] == [reporter.id]
        assert not hub._dropped
        await uploading.__aexit__(None, None, None)


async def test_what_is_to_be_dropped_is_bounded_while_the_store_is_away() -> None:
    store = Recovering()
    async with Hub(store, 1, 1) as hub:
        hub._dropped = LRUCache(2)
        for _ in range(5):
            await fail(hub, GONE)
        async with hub.upload(PROJECT, IMAGE, None):
            assert len(hub._dropped) == 2


async def test_a_hub_that_closes_lets_go_of_its_store_whatever_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Recovering()
    let_go = asyncio.Event()

    async def close() -> None:
        let_go.set()

    monkeypatch.setattr(store, "close", close)
    with pytest.raises(ValueError, match="a bug"):
        async with Hub(store, 1, 1) as hub:
            monkeypatch.setattr(hub, "_uploads_end", lambda: raising(ValueError("a bug")))
    assert let_go.is_set()


async def test_silence_after_an_outage_is_not_taken_for_the_end_of_an_upload() -> None:
    store = Recovering()
    now = time.time()
    silent = UploadState("a", now - 100, now - STALE_SECONDS - 1, 1, 2)
    await MemoryStore.exchange(store, [(KEY, silent)], [], [])
    async with Hub(store, 1, 1) as hub:
        assert store.failures == 0
        assert (await looks(hub)).event == "progress"
    async with Hub(store, 1, 1) as hub:
        assert (await looks(hub)).event == "waiting"


async def test_uploads_that_failed_at_once_do_not_hide_the_next_one(hub: Hub) -> None:
    for _ in range(MAX_UPLOADS_PER_IMAGE):
        await fail(hub, GONE)
    async with hub.upload(PROJECT, IMAGE, None):
        await written(hub)
        assert (await looks(hub)).event == "progress"


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (asyncio.CancelledError("secret"), "SERVICE_UNAVAILABLE"),
        (ValueError("secret"), "INTERNAL_SERVER_ERROR"),
    ],
)
async def test_whatever_else_ends_an_upload_is_told_without_its_text(
    failure: BaseException, code: str, hub: Hub
) -> None:
    await fail(hub, failure)
    async with hub.watch(PROJECT, IMAGE) as watch:
        end = await until(watch.views(), "error")
    assert end.data["error"]["data"]["code"] == code
    assert "secret" not in str(end)


async def test_a_watcher_of_another_project_does_not_learn_that_there_is_an_upload(
    hub: Hub,
) -> None:
    before = await looks(hub, OTHERS)
    async with hub.upload(PROJECT, IMAGE, 100) as reporter:
        reporter.add_bytes(1)
        await written(hub)
        assert (await looks(hub)).event == "progress"
        assert await looks(hub, OTHERS) == before
    await written(hub)
    assert (await looks(hub)).event == "complete"
    assert await looks(hub, OTHERS) == before


async def test_a_second_upload_that_is_refused_does_not_disturb_the_first(new_hub: NewHub) -> None:
    ours, theirs = await new_hub(), await new_hub()
    async with ours.watch(PROJECT, IMAGE) as watch:
        views = watch.views()
        async with ours.upload(PROJECT, IMAGE, 100) as reporter:
            reporter.add_bytes(10)
            await until(views, "progress", 10)
            await fail(theirs, REFUSED, 77)
            await written(theirs)
            assert (await looks(ours)).data["uploaded"] == 10
            reporter.add_bytes(1)
            await until(views, "progress", 11)
        await until(views, "complete", 11)
    assert (await looks(theirs)).event == "complete"


async def test_when_glance_takes_the_second_of_two_its_progress_is_shown(new_hub: NewHub) -> None:
    ours, theirs = await new_hub(), await new_hub()
    async with ours.watch(PROJECT, IMAGE) as watch:
        views = watch.views()
        loser, winner = ours.upload(PROJECT, IMAGE, 100), theirs.upload(PROJECT, IMAGE, 100)
        (await loser.__aenter__()).add_bytes(10)
        await until(views, "progress", 10)
        (await winner.__aenter__()).add_bytes(5)
        await written(theirs)
        assert watch.view.data["uploaded"] == 10
        assert not await loser.__aexit__(BffError, REFUSED, None)
        await until(views, "progress", 5)
        await winner.__aexit__(None, None, None)
        await until(views, "complete", 5)


async def test_a_retry_starts_afresh(new_hub: NewHub) -> None:
    ours, theirs = await new_hub(), await new_hub()
    await fail(ours, GONE, 60)
    await written(ours)
    first = await looks(theirs)
    assert first.event == "error"
    # The id of the failed one lets a page watch before its retry begins.
    assert (await looks(theirs, after=first.final)).event == "waiting"
    async with theirs.watch(PROJECT, IMAGE, first.final) as watch:
        async with theirs.upload(PROJECT, IMAGE, 100) as reporter:
            await written(theirs)
            assert (await looks(ours)).data["uploaded"] == 0
            reporter.add_bytes(100)
        await until(watch.views(), "complete", 100)


async def test_an_upload_that_is_not_heard_of_any_more_is_told_as_lost(
    hub: Hub, new_hub: NewHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = await new_hub()
    upload = gone.upload(PROJECT, IMAGE, 100)
    await upload.__aenter__()
    await written(gone)
    # As if its process were killed: nothing is written any more.
    gone._running.clear()
    async with hub.watch(PROJECT, IMAGE) as watch:
        views = watch.views()
        await until(views, "progress")
        monkeypatch.setattr(state, "STALE_SECONDS", 0)
        assert (await until(views, "error")).data["error"]["data"]["code"] == "TIMEOUT"
    assert (await looks(hub)).event == "waiting"


async def test_a_silent_upload_says_that_it_goes_on(
    hub: Hub, new_store: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_store()
    async with hub.upload(PROJECT, IMAGE, 100):
        await written(hub)
        (before,) = (await store.exchange([], [], [KEY]))[KEY]
        await written(hub)
        assert (await store.exchange([], [], [KEY]))[KEY] == [before]
        monkeypatch.setattr("bff.progress.reporter.BEAT_SECONDS", 0)
        await written(hub)
        (after,) = (await store.exchange([], [], [KEY]))[KEY]
        assert after.seen > before.seen
    await store.close()


async def test_the_number_of_watchers_is_limited_and_room_comes_back(new_hub: NewHub) -> None:
    hub = await new_hub(max_watchers=3, max_watchers_per_project=2)
    async with hub.watch(PROJECT, IMAGE), hub.watch(PROJECT, str(uuid.uuid4())):
        with pytest.raises(BffError, match="BFF_MAX_WATCHERS_PER_PROJECT") as refusal:
            await looks(hub)
        assert refusal.value.code is Code.TOO_MANY_REQUESTS
        async with hub.watch(OTHERS, IMAGE):
            with pytest.raises(BffError, match=r"\(BFF_MAX_WATCHERS\)") as refusal:
                await looks(hub, "f" * 32)
            assert refusal.value.code is Code.TOO_MANY_REQUESTS
        await looks(hub, "f" * 32)
    await looks(hub)
    assert not hub._watches
    assert not hub._in_project


async def test_many_uploads_of_one_image_leave_one_behind(
    hub: Hub, new_store: Callable[[], Store]
) -> None:
    for count in range(100):
        await fail(hub, GONE, count)
        await written(hub)
    store = new_store()
    (left,) = (await store.exchange([], [], [KEY]))[KEY]
    assert left.uploaded == 99
    assert not hub._running
    await store.close()


async def test_of_many_uploads_of_one_image_at_a_time_a_few_are_told(
    hub: Hub, new_store: Callable[[], Store]
) -> None:
    uploads = [hub.upload(PROJECT, IMAGE, None) for _ in range(20)]
    for upload in uploads:
        await upload.__aenter__()
    await written(hub)
    store = new_store()
    assert len((await store.exchange([], [], [KEY]))[KEY]) == MAX_UPLOADS_PER_IMAGE
    for upload in uploads:
        await upload.__aexit__(None, None, None)
    await store.close()


async def test_who_reads_slowly_gets_the_newest_state_only(hub: Hub) -> None:
    async with hub.watch(PROJECT, IMAGE) as watch:
        views = watch.views()
        await until(views, "waiting")
        async with hub.upload(PROJECT, IMAGE, 100) as reporter:
            for _ in range(10):
                reporter.add_bytes(1)
                await hub._round([KEY])
            assert (await anext(views)).data["uploaded"] == 10


async def test_an_end_that_comes_while_the_last_step_is_sent_is_not_missed(hub: Hub) -> None:
    async with hub.watch(PROJECT, IMAGE) as watch:
        views = watch.views()
        async with hub.upload(PROJECT, IMAGE, 100):
            await until(views, "progress")
        await hub._round([KEY])
        assert watch.view.event == "complete"
        assert [view.event async for view in views] == ["complete"]


async def test_a_watch_can_be_stopped(hub: Hub) -> None:
    async with hub.watch(PROJECT, IMAGE) as watch:
        views = watch.views()
        await until(views, "waiting")
        watch.stop()
        assert [view async for view in views] == []


async def test_a_bug_in_one_round_does_not_end_the_others(
    hub: Hub, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = asyncio.Event()
    keys_to_read = hub._keys_to_read

    def fails_once() -> Any:
        if failed.is_set():
            return keys_to_read()
        failed.set()
        raise ValueError

    monkeypatch.setattr(hub, "_keys_to_read", fails_once)
    async with hub.watch(PROJECT, IMAGE) as watch:
        await failed.wait()
        async with hub.upload(PROJECT, IMAGE, None):
            await until(watch.views(), "progress")
    assert [line["event"] for line in logged] == ["a round of upload progress failed"]


async def test_memory_forgets_an_end_after_a_while() -> None:
    now = 0.0
    store = MemoryStore(lambda: now)
    upload = state.UploadState("a", 1, 1, 1, 1, ended=1)
    await store.exchange([(KEY, upload)], [], [])
    now = KEEP_SECONDS - 1
    assert (await store.exchange([], [], [KEY]))[KEY] == [upload]
    now = KEEP_SECONDS + 1
    assert (await store.exchange([], [], [KEY]))[KEY] == []
