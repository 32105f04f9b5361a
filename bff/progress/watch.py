"""What a watcher reads from: the newest state, however slowly it is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection

from bff.progress.state import UploadState, View, followed_next, view_of
from bff.progress.store import Key


class Watch:
    """What one watcher sees of one image's uploads."""

    def __init__(self, key: Key, after: str | None) -> None:
        self.key = key
        self._after = after
        self._followed: UploadState | None = None
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

    def update(self, uploads: Collection[UploadState], now: float) -> None:
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
