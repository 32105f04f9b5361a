"""Where a file waits on the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from bff.upload.spool import Spools


class SlowFile:
    """A file on a disk that takes its time."""

    def __init__(self) -> None:
        self.go_on = Event()
        self.history: list[str] = []

    def __enter__(self) -> SlowFile:
        return self

    def __exit__(self, *_args: object) -> None:
        self.history.append("closed")

    def write(self, data: bytes) -> int:
        self.go_on.wait()
        self.history.append("written")
        return len(data)


async def test_a_file_is_closed_only_when_nothing_is_being_written_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = SlowFile()
    make: Callable[..., Any] = lambda **_: file  # noqa: E731
    monkeypatch.setattr("bff.upload.spool.TemporaryFile", make)

    async def store() -> None:
        async with Spools(tmp_path, 100).open(1) as spool:
            await spool.write(b"x")

    storing = asyncio.create_task(store())
    await asyncio.sleep(0)
    storing.cancel()
    await asyncio.sleep(0)
    file.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await storing
    assert file.history == ["written", "closed"]
