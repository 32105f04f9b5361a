"""Where a file waits on the disk."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from bff.errors import BffError
from bff.upload.spool import Spools
from tests.process import SECONDS

OWNER = "project"


class SlowFile:
    """A file on a disk that takes its time, and then fails."""

    def __init__(self) -> None:
        self.go_on = Event()
        self.closed = asyncio.Event()
        self.history: list[str] = []

    def write(self, _data: bytes) -> int:
        self.go_on.wait()
        self.history.append("written")
        raise OSError(errno.EIO, "a worn disk")

    def close(self) -> None:
        self.history.append("closed")
        self.closed.set()


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowFile]:
    """Return the file that the next spool gets."""
    file = SlowFile()
    make: Callable[..., Any] = lambda **_: file  # noqa: E731
    monkeypatch.setattr("bff.upload.spool.TemporaryFile", make)
    yield file
    file.go_on.set()  # else its thread would keep the test run from ending


async def begun(spools: Spools) -> asyncio.Task[None]:
    """Return a task that stores a byte, with the thread at work."""

    async def store() -> None:
        async with spools.open(1, OWNER) as spool:
            await spool.write(b"x")

    storing = asyncio.create_task(store())
    await asyncio.sleep(0)
    return storing


async def cancel(task: asyncio.Task[None]) -> None:
    """Cancel a task and let it get as far as it gets."""
    task.cancel()
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_file_is_closed_only_when_nothing_is_being_written_to_it(
    tmp_path: Path, file: SlowFile
) -> None:
    storing = await begun(Spools(tmp_path, 100, 100))
    await cancel(storing)
    assert not storing.done()
    file.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await storing
    assert file.history == ["written", "closed"]


@pytest.mark.parametrize("times", [2, 3])
async def test_nor_does_any_number_of_cancellations_close_it_before(
    times: int, tmp_path: Path, file: SlowFile
) -> None:
    spools = Spools(tmp_path, 1, 1)
    storing = await begun(spools)
    for _ in range(times):
        await cancel(storing)
    assert storing.cancelled()
    assert file.history == []
    # What is still on the disk still counts.
    with pytest.raises(BffError, match="too large to be buffered"):
        await spools.open(1, OWNER).__aenter__()
    file.go_on.set()
    async with asyncio.timeout(SECONDS):
        await file.closed.wait()
    assert file.history == ["written", "closed"]
    async with spools.open(1, OWNER):
        pass


async def test_a_file_that_nobody_uses_is_closed_at_once(tmp_path: Path, file: SlowFile) -> None:
    async with Spools(tmp_path, 1, 1).open(1, OWNER):
        assert file.history == []
    assert file.history == ["closed"]
