"""The hub: uploads report to it, watchers read from it. Best effort: it never stops an upload."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Self

import structlog
from cachetools import LRUCache, TTLCache

from bff import log_fields
from bff.errors import UPLOAD_AGAIN, BffError, Code, bug, stopping, to_wire
from bff.progress.reporter import Reporter
from bff.progress.state import STALE_SECONDS, UploadState
from bff.progress.store import KEEP_SECONDS, MAX_IMAGES, Key, MemoryStore, Store, StoreError
from bff.progress.watch import Watch
from bff.settings import Settings

# Five times a second is as smooth as a progress bar needs. Where nothing runs, once.
INTERVAL_SECONDS = 0.2
ROUNDS_WHEN_IDLE = 5
DRAIN_SECONDS = 1
# Glance takes one upload of an image; those beside it are refused within moments.
MAX_UPLOADS_PER_IMAGE = 4

log = structlog.get_logger("bff.progress")


class Hub:
    """The uploads and the watchers of this process; used as an async context manager.

    Args:
        max_watchers: The most watchers at a time; ``max_watchers_per_project`` of one project.
    """

    def __init__(self, store: Store, max_watchers: int, max_watchers_per_project: int) -> None:
        self._store = store
        self._max_watchers = max_watchers
        self._max_watchers_per_project = max_watchers_per_project
        self._running: set[Reporter] = set()
        self._ended: TTLCache[Key, list[str]] = TTLCache(MAX_IMAGES, KEEP_SECONDS)
        # Uploads to drop from the store, kept until it has done so: it may be unreachable for long.
        self._dropped: LRUCache[tuple[Key, str], None] = LRUCache(MAX_IMAGES)
        self._watches: dict[Key, set[Watch]] = {}
        self._in_project: Counter[str] = Counter()
        self._has_work = asyncio.Event()
        self._closing = asyncio.Event()
        self._an_upload_ended = asyncio.Event()
        self._round_lock = asyncio.Lock()
        self._rounds = 0
        self._is_down = False
        self._failed: float | None = None

    @classmethod
    def of(cls, settings: Settings) -> Hub:
        """Return the hub of these settings."""
        return cls(_store_of(settings), settings.max_watchers, settings.max_watchers_per_project)

    async def __aenter__(self) -> Self:
        # An unreachable store is logged at the start, not at the first upload.
        await self._read([])
        self._worker = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, *_: object) -> None:
        # It is not cancelled: redis-py may lose the cancellation while it connects.
        self._closing.set()
        self._has_work.set()
        try:
            await self._worker
            await self._uploads_end()
            await self._round([])
        finally:
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
            self._an_upload_ended.set()
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

    @property
    def watchers(self) -> int:
        """How many watch at the moment."""
        return self._in_project.total()

    async def _uploads_end(self) -> None:
        """Wait a moment for the uploads that the stop of the server has just cancelled."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while any(reporter.runs for reporter in self._running):
                    self._an_upload_ended.clear()
                    await self._an_upload_ended.wait()

    def _begin(self, reporter: Reporter) -> None:
        concurrent = sum(other.runs and other.key == reporter.key for other in self._running)
        if concurrent >= MAX_UPLOADS_PER_IMAGE:
            return
        ended = self._ended.pop(reporter.key, [])
        self._dropped.update({(reporter.key, upload_id): None for upload_id in ended})
        self._running.add(reporter)
        self._has_work.set()

    @contextmanager
    def _registered(self, watch: Watch) -> Iterator[None]:
        project_id = watch.key.project_id
        if self._in_project.total() >= self._max_watchers:
            raise BffError(
                Code.TOO_MANY_REQUESTS,
                f"This server shows progress to {self._max_watchers} watchers already"
                " (BFF_MAX_WATCHERS); try again later. Uploads are not affected.",
            )
        if self._in_project[project_id] >= self._max_watchers_per_project:
            raise BffError(
                Code.TOO_MANY_REQUESTS,
                f"This project has {self._max_watchers_per_project} watchers on this server already"
                " (BFF_MAX_WATCHERS_PER_PROJECT); close some. Uploads are not affected.",
            )
        self._in_project[project_id] += 1
        self._watches.setdefault(watch.key, set()).add(watch)
        self._has_work.set()
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
            await self._has_work.wait()
            try:
                await self._round(self._keys_to_read())
            except Exception:
                # A bug must not stop the updates of every stream of the process.
                log.exception("a round of upload progress failed")
            if not self._running and not self._watches:
                self._has_work.clear()
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
        # One round at a time: an older one would write again what a newer one dropped.
        async with self._round_lock:
            await self._write_and_read(keys)

    async def _write_and_read(self, keys: Collection[Key]) -> None:
        now = time.time()
        states = [(r, state) for r in self._running if (state := r.unwritten_state(now))]
        dropped = list(self._dropped)
        written = [(reporter.key, state) for reporter, state in states]
        if (keys or written or dropped) and await self._read(keys, written, dropped):
            for reporter, state in states:
                reporter.mark_written(state)
            for upload in dropped:
                self._dropped.pop(upload, None)
        self._running = {reporter for reporter in self._running if not reporter.is_over(now)}

    async def _read(
        self,
        keys: Collection[Key],
        written: Collection[tuple[Key, UploadState]] = (),
        dropped: Collection[tuple[Key, str]] = (),
    ) -> bool:
        """Let the watchers of some keys see what the store knows; return whether it answered."""
        found: Mapping[Key, list[UploadState]] = {}
        try:
            found = await self._store.exchange(written, dropped, keys)
        except StoreError as failure:
            self._store_failed(failure)
            return False
        finally:
            self._update_watches(keys, found)
        self._store_recovered()
        return True

    def _update_watches(
        self, keys: Collection[Key], found: Mapping[Key, list[UploadState]]
    ) -> None:
        now = time.time()
        if self._failed is not None and now - self._failed <= STALE_SECONDS:
            # No upload is stale yet: other processes, too, have to reconnect to the store first.
            now = 0.0
        for key in keys:
            for watch in self._watches.get(key, ()):
                watch.update(found.get(key, []), now)

    def _store_recovered(self) -> None:
        if self._is_down:
            self._is_down = False
            log.info("upload progress is shared again")

    def _store_failed(self, failure: StoreError) -> None:
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
    request_id = log_fields.current().get("request_id", "")
    if isinstance(failure, BffError):
        error = failure
    elif isinstance(failure, Exception):
        error = bug(request_id)
    else:
        # Cancelled by a stop: a client that disconnects raises a BffError.
        error = stopping(UPLOAD_AGAIN)
    return to_wire(error, path=None, request_id=request_id)
