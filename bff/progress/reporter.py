"""What an upload reports to: counting is all that it costs."""

from __future__ import annotations

import time
import uuid
from typing import Any

from bff.progress.state import BEAT_SECONDS, UploadState
from bff.progress.store import KEEP_SECONDS, Key


class Reporter:
    """Counts the bytes of one upload."""

    def __init__(self, key: Key, total: int | None) -> None:
        self.key = key
        self.id = uuid.uuid4().hex
        self._started = time.time()
        self._total = total
        self._uploaded = 0
        self._ended: float | None = None
        self._error: dict[str, Any] | None = None
        self._written: UploadState | None = None

    def add_bytes(self, count: int) -> None:
        """Say that ``count`` more bytes have gone out to Glance."""
        self._uploaded += count

    @property
    def runs(self) -> bool:
        """Whether it is not over yet."""
        return self._ended is None

    def end(self, error: dict[str, Any] | None) -> None:
        """Say that it is over; ``error`` is as on the wire."""
        self._ended = time.time()
        self._error = error

    def unwritten_state(self, now: float) -> UploadState | None:
        """Return its state when that has to be written."""
        last = self._written
        changed = last is None or (last.uploaded, last.ended) != (self._uploaded, self._ended)
        if not changed and last is not None and now - last.seen < BEAT_SECONDS:
            return None
        return UploadState(
            self.id, self._started, now, self._uploaded, self._total, self._ended, self._error
        )

    def mark_written(self, state: UploadState) -> None:
        """Say that this state was written."""
        self._written = state

    def is_over(self, now: float) -> bool:
        """Return whether nothing is left to write, or nobody would read it any more."""
        ended = self._ended
        written = self._written is not None and self._written.ended == ended
        return ended is not None and (written or now - ended > KEEP_SECONDS)
