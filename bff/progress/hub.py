"""The hub: uploads report to it, watchers read from it. Best effort: it never stops an upload."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Self

import structlog
from cachetools import TTLCache
from starlette.requests import ClientDisconnect

from bff.errors import BffError, Code, bug, to_wire
from bff.progress.state import (
    BEAT_SECONDS,
    STALE_SECONDS,
    Upload,
    View,
    followed_next,
    view_of,
)
from bff.progress.store import KEEP_SECONDS, MOST_IMAGES, Key, MemoryStore, Store, StoreError
from bff.settings import Settings

# Five times a second is as smooth as a progress bar needs. Where nothing runs, once.
INTERVAL_SECONDS = 0.2
ROUNDS_WHEN_IDLE = 5
# Glance takes one upload of an image; those beside it are refused within moments.
MOST_UPLOADS_OF_AN_IMAGE = 4

log = structlog.get_logger("bff.progress")


class Reporter:
    """What one upload reports to."""

    def __init__(self, key: Key, total: int | None) -> None:
        self.key = key
        self.id = uuid.uuid4().hex
        self._started = time.time()
        self._total = total
        self._uploaded = 0
        self._ended: float | None = None
        self._error: dict[str, Any] | None = None
        self._written: Upload | None = None

    def taken(self, count: int) -> None:
        """Say that Glance has taken ``count`` more bytes."""
        self._uploaded += count

    def end(self, error: dict[str, Any] | None) -> None:
        """Say that it is over; ``error`` is as on the wire."""
        self._ended = time.time()
        self._error = error

    def news(self, now: float) -> Upload | None:
        """Return its state when that has to be written."""
        last = self._written
        changed = last is None or (last.uploaded, last.ended) != (self._uploaded, self._ended)
        if not changed and last is not None and now - last.seen < BEAT_SECONDS:
            return None
        return Upload(
            self.id, self._started, now, self._uploaded, self._total, self._ended, self._error
        )

    def wrote(self, news: Upload) -> None:
        """Say that this state was written."""
        self._written = news

    def is_over(self, now: float) -> bool:
        """Return whether nothing is left to write, or nobody would read it any more."""
        ended = self._ended
        written = self._written is not None and self._written.ended == ended
        return ended is not None and (written or now - ended > KEEP_SECONDS)


class Watch:
    """What one watcher sees of one image's uploads."""

    def __init__(self, key: Key, after: str | None) -> None:
        self.key = key
        self._after = after
        self._followed: Upload | None = None
        self._view: View | None = None
        self._changed = asyncio.Event()
        self._stopped = False

    @property
    def view(self) -> View:
        """What there is to see now."""
        return self._view or view_of(None)

    @property
    def runs(self) -> bool:
        """Whether an upload is under way."""
        return self.view.event == "progress"

    def update(self, uploads: Collection[Upload], now: float) -> None:
        """Take in what the store knows now."""
        known = [upload for upload in uploads if upload.id != self._after]
        self._followed = followed_next(known, self._followed, now)
        view = view_of(self._followed)
        if view != self._view:
            self._view = view
            self._changed.set()

    def stop(self) -> None:
        """End the iteration, whatever the upload does."""
        self._stopped = True
        self._changed.set()

    async def views(self) -> AsyncIterator[View]:
        """Yield the state at once, then each new one; the newest only, when it is read slowly."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._stopped:
                return
            yield (view := self.view)
            if view.final is not None:
                return


class Hub:
    """The uploads and the watchers of this process; used as an async context manager.

    Args:
        most_watches: The most watchers at a time; ``most_in_project`` of one project.
    """

    def __init__(self, store: Store, most_watches: int, most_in_project: int) -> None:
        self._store = store
        self._most_watches = most_watches
        self._most_in_project = most_in_project
        self._running: set[Reporter] = set()
        self._ended: TTLCache[Key, list[str]] = TTLCache(MOST_IMAGES, KEEP_SECONDS)
        self._dropped: list[tuple[Key, str]] = []
        self._watches: dict[Key, set[Watch]] = {}
        self._in_project: Counter[str] = Counter()
        self._wanted = asyncio.Event()
        self._closing = asyncio.Event()
        self._one_round = asyncio.Lock()
        self._rounds = 0
        self._is_down = False
        self._failed: float | None = None

    @classmethod
    def of(cls, settings: Settings) -> Hub:
        """Return the hub of these settings."""
        return cls(_store_of(settings), settings.max_watchers, settings.max_watchers_per_project)

    async def __aenter__(self) -> Self:
        # A store that is not there is known at the start, not at the first upload.
        await self._read([])
        self._worker = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, *_: object) -> None:
        # It is not cancelled: redis-py may lose the cancellation while it connects.
        self._closing.set()
        self._wanted.set()
        await self._worker
        await self._round([])
        await self._store.close()

    @asynccontextmanager
    async def upload(
        self, project_id: str, image_id: str, total: int | None
    ) -> AsyncIterator[Reporter]:
        """Let one upload be watched; how the block ends is what its watchers are told.

        Args:
            total: How many bytes there will be; ``None`` when nobody knows.
        """
        reporter = Reporter(_key(project_id, image_id), total)
        self._begin(reporter)
        try:
            yield reporter
        except BaseException as failure:
            reporter.end(_as_wire(failure))
            raise
        else:
            reporter.end(None)
        finally:
            if reporter in self._running:
                self._ended[reporter.key] = [*self._ended.get(reporter.key, []), reporter.id]

    @asynccontextmanager
    async def watch(
        self, project_id: str, image_id: str, after: str | None = None
    ) -> AsyncIterator[Watch]:
        """Watch the uploads of an image that are made in a project.

        Args:
            after: The id of an upload that is not to be shown.

        Raises:
            BffError: TOO_MANY_REQUESTS, there are too many watchers already.
        """
        watch = Watch(_key(project_id, image_id), after)
        with self._registered(watch):
            await self._read([watch.key])
            yield watch

    def _begin(self, reporter: Reporter) -> None:
        beside = sum(other.key == reporter.key for other in self._running)
        if beside >= MOST_UPLOADS_OF_AN_IMAGE:
            return
        ended = self._ended.pop(reporter.key, [])
        self._dropped += [(reporter.key, upload_id) for upload_id in ended]
        self._running.add(reporter)
        self._wanted.set()

    @contextmanager
    def _registered(self, watch: Watch) -> Iterator[None]:
        project_id = watch.key.project_id
        if self._in_project.total() >= self._most_watches:
            raise BffError(
                Code.TOO_MANY_REQUESTS,
                f"This server shows progress to {self._most_watches} watchers already"
                " (BFF_MAX_WATCHERS); try again later. Uploads are not affected.",
            )
        if self._in_project[project_id] >= self._most_in_project:
            raise BffError(
                Code.TOO_MANY_REQUESTS,
                f"This project has {self._most_in_project} watchers on this server already"
                " (BFF_MAX_WATCHERS_PER_PROJECT); close some. Uploads are not affected.",
            )
        self._in_project[project_id] += 1
        self._watches.setdefault(watch.key, set()).add(watch)
        self._wanted.set()
        try:
            yield
        finally:
            self._forget(watch)

    def _forget(self, watch: Watch) -> None:
        project_id, watches = watch.key.project_id, self._watches[watch.key]
        watches.remove(watch)
        if not watches:
            del self._watches[watch.key]
        self._in_project[project_id] -= 1
        if not self._in_project[project_id]:
            del self._in_project[project_id]

    async def _work(self) -> None:
        while not self._closing.is_set():
            await self._wanted.wait()
            try:
                await self._round(self._keys_to_read())
            except Exception:
                # A bug must not end what every stream of the process sees.
                log.exception("a round of upload progress failed")
            if not self._running and not self._watches:
                self._wanted.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL_SECONDS):
                    await self._closing.wait()

    def _keys_to_read(self) -> list[Key]:
        self._rounds += 1
        every = self._rounds % ROUNDS_WHEN_IDLE == 0
        return [
            key
            for key, watches in self._watches.items()
            if every or any(watch.runs for watch in watches)
        ]

    async def _round(self, keys: Collection[Key]) -> None:
        """Write what is new and read what is watched, in one go."""
        # A round that is overtaken would bring back what the next one dropped.
        async with self._one_round:
            await self._write_and_read(keys)

    async def _write_and_read(self, keys: Collection[Key]) -> None:
        now = time.time()
        news = [(reporter, news) for reporter in self._running if (news := reporter.news(now))]
        dropped, self._dropped = self._dropped, []
        written = [(reporter.key, state) for reporter, state in news]
        if (keys or written or dropped) and await self._read(keys, written, dropped):
            for reporter, state in news:
                reporter.wrote(state)
        self._running = {reporter for reporter in self._running if not reporter.is_over(now)}

    async def _read(
        self,
        keys: Collection[Key],
        written: Collection[tuple[Key, Upload]] = (),
        dropped: Collection[tuple[Key, str]] = (),
    ) -> bool:
        """Let the watchers of some keys see what the store knows; return whether it answered."""
        found: Mapping[Key, list[Upload]] = {}
        try:
            found = await self._store.exchange(written, dropped, keys)
        except StoreError as failure:
            self._not_reached(failure)
            return False
        finally:
            self._show(keys, found)
        self._reached()
        return True

    def _show(self, keys: Collection[Key], found: Mapping[Key, list[Upload]]) -> None:
        now = time.time()
        if self._failed is not None and now - self._failed <= STALE_SECONDS:
            # Silence means nothing yet: the others, too, have to find the store again.
            now = 0.0
        for key in keys:
            for watch in self._watches.get(key, ()):
                watch.update(found.get(key, []), now)

    def _reached(self) -> None:
        if self._is_down:
            self._is_down = False
            log.info("upload progress is shared again")

    def _not_reached(self, failure: StoreError) -> None:
        self._failed = time.time()
        if not self._is_down:
            self._is_down = True
            log.warning("upload progress cannot be shared; uploads go on", error=str(failure))


def _store_of(settings: Settings) -> Store:
    if settings.redis_url is None:
        return MemoryStore()
    from bff.progress.redis import RedisStore  # noqa: PLC0415  # an optional package

    return RedisStore(settings.redis_url.get_secret_value())


def _key(project_id: str, image_id: str) -> Key:
    return Key(project_id, image_id.lower())


def _as_wire(failure: BaseException) -> dict[str, Any]:
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    if isinstance(failure, BffError):
        error = failure
    elif isinstance(failure, Exception) and not isinstance(failure, ClientDisconnect):
        error = bug(request_id)
    else:
        error = BffError(Code.CLIENT_CLOSED_REQUEST, "The upload was broken off.")
    return to_wire(error, path=None, request_id=request_id)
