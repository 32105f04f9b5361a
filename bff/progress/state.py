"""What is known of uploads, and which of them a watcher of their image sees; no I/O."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from bff.errors import BffError, Code, to_wire

# A running upload is written again at least every BEAT_SECONDS. One that was not for
# STALE_SECONDS is lost: its process was killed, or cannot reach Redis any more.
BEAT_SECONDS = 5
STALE_SECONDS = 30


@dataclass(frozen=True)
class UploadState:
    """What is known of one upload at one moment; times are in seconds since the epoch.

    Args:
        seen: When its process last said this.
        uploaded: How many bytes have gone out to Glance.
        total: How many there will be; ``None`` when nobody knows.
        ended: When it ended.
        error: Why it failed, as errors are on the wire.
    """

    id: str
    started: float
    seen: float
    uploaded: int
    total: int | None
    ended: float | None = None
    error: dict[str, Any] | None = None

    def runs(self, now: float) -> bool:
        """Return whether its process said lately that it goes on."""
        return self.ended is None and now - self.seen <= STALE_SECONDS

    def as_of(self, now: float) -> UploadState:
        """Return this upload, or its failure when nothing was heard of it for too long."""
        if self.ended is not None or self.runs(now):
            return self
        message = (
            f"There was no update on this upload for {STALE_SECONDS} seconds: its server stopped,"
            " or cannot reach Redis. Check the image's status."
        )
        error = to_wire(BffError(Code.TIMEOUT, message), path=None, request_id="")
        return replace(self, ended=now, error=error)

    def lost_to(self, other: UploadState) -> bool:
        """Return whether Glance refused this upload because it took the other one."""
        if self.error is None or self.error["data"]["code"] != Code.CONFLICT.label:
            return False
        return other.error is None and (other.ended is None or other.ended > self.started)


@dataclass(frozen=True)
class View:
    """What a watcher is told: an event's name, its data, and the upload's id at the end."""

    event: str
    data: dict[str, Any]
    final: str | None = None


def view_of(upload: UploadState | None) -> View:
    """Return what a watcher is told of an upload; ``None`` means that there is none yet."""
    if upload is None:
        return View("waiting", _data(0, None))
    if upload.ended is None:
        return View("progress", _data(upload.uploaded, upload.total))
    if upload.error is None:
        return View("complete", _data(upload.uploaded, upload.uploaded), upload.id)
    data = _data(upload.uploaded, upload.total) | {"error": upload.error}
    return View("error", data, upload.id)


def followed_next(
    uploads: Collection[UploadState], followed: UploadState | None, now: float
) -> UploadState | None:
    """Return the upload that a watcher sees now, given the one that it saw before.

    A watcher stays with its upload to the end. Only when that was refused because Glance took
    another one of the same image does it go over to the other one.
    """
    if followed is None:
        return _current(uploads, now)
    others = [upload for upload in uploads if upload.id != followed.id]
    updates = [upload for upload in uploads if upload.id == followed.id]
    # Two reads may overtake each other, and a clock may be set back.
    latest = max([followed, *updates], key=lambda u: (u.ended is not None, u.seen)).as_of(now)
    other = _current(others, now)
    return other if other is not None and latest.lost_to(other) else latest


def _current(uploads: Collection[UploadState], now: float) -> UploadState | None:
    """Return the upload that somebody sees who comes now.

    It is the oldest that runs, else the last that ended. An upload that began before another one
    completed the image can only be refused: it is not shown.
    """
    ended = sorted((u for u in uploads if u.ended is not None), key=lambda u: u.ended or 0)
    completed = next((upload for upload in reversed(ended) if upload.error is None), None)
    after = completed.ended or 0 if completed else 0
    running = [u for u in uploads if u.started > after and u.runs(now)]
    if running:
        return min(running, key=lambda upload: upload.started)
    failed = [upload for upload in ended if upload.started > after and upload.error is not None]
    return failed[-1] if failed else completed


def _data(uploaded: int, total: int | None) -> dict[str, Any]:
    return {"uploaded": uploaded, "total": total, "percent": _percent(uploaded, total)}


def _percent(uploaded: int, total: int | None) -> float | None:
    """Return the share in percent, rounded down to a tenth: 100 is said of the last byte only."""
    if total is None:
        return None
    return min(100.0, uploaded * 1000 // total / 10) if total else 100.0
