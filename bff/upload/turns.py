"""Which images this process is uploading to just now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_SECONDS = 1


class Turns:
    """Lets an upload that comes right after another one of the same image wait for its end.

    An upload that was cut is not over at once: Glance may not even have begun to look at it, and
    shows the image as `queued` until it does.
    """

    def __init__(self) -> None:
        self._under_way: dict[str, list[asyncio.Event]] = {}

    @contextmanager
    def taken(self, image_id: str) -> Iterator[None]:
        """Upload inside."""
        over = asyncio.Event()
        ours = self._under_way.setdefault(image_id, [])
        ours.append(over)
        try:
            yield
        finally:
            over.set()
            ours.remove(over)
            if not ours:
                self._under_way.pop(image_id, None)

    async def others_end(self, image_id: str) -> None:
        """Wait a moment for the uploads that are under way, if there are any."""
        waiting = [asyncio.create_task(over.wait()) for over in self._under_way.get(image_id, ())]
        if waiting:
            await asyncio.wait(waiting, timeout=PATIENCE_SECONDS)
        for task in waiting:
            task.cancel()
