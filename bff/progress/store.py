"""Where the state of uploads is kept: the interface, and this process's own memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from cachetools import TTLCache

from bff.progress.state import UploadState

# How long the end of an upload can still be seen.
KEEP_SECONDS = 60
MAX_IMAGES = 10_000


@dataclass(frozen=True)
class Key:
    """What an upload is known by: watchers in another project have another key."""

    project_id: str
    image_id: str


class StoreError(Exception):
    """The store cannot be reached; retry later."""


class Store(Protocol):
    """Keeps the uploads of each key until ``KEEP_SECONDS`` after the key's last change."""

    async def exchange(
        self,
        written: Collection[tuple[Key, UploadState]],
        dropped: Collection[tuple[Key, str]],
        read: Collection[Key],
    ) -> Mapping[Key, list[UploadState]]:
        """Write, drop by id and then read, at once; with nothing to do, see that it is there.

        Raises:
            StoreError: it is not known what of it was done; each part may be done again.
        """
        ...

    async def close(self) -> None:
        """Close the connections to the store."""
        ...


class MemoryStore:
    """For one process; the keys that were changed longest ago go first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._uploads: TTLCache[Key, dict[str, UploadState]] = TTLCache(
            MAX_IMAGES, KEEP_SECONDS, timer=clock
        )

    async def exchange(
        self,
        written: Collection[tuple[Key, UploadState]],
        dropped: Collection[tuple[Key, str]],
        read: Collection[Key],
    ) -> Mapping[Key, list[UploadState]]:
        """See ``Store.exchange``."""
        for key, upload in written:
            self._uploads[key] = {**self._uploads.get(key, {}), upload.id: upload}
        for key, upload_id in dropped:
            self._uploads.get(key, {}).pop(upload_id, None)
        return {key: list(self._uploads.get(key, {}).values()) for key in read}

    async def close(self) -> None:
        """See ``Store.close``."""
