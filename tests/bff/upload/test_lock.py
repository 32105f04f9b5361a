"""Uploads of one image wait for each other, on the whole host."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bff.upload.lock import upload_lock
from tests.process import ROOT, SECONDS

PROJECT = "d" * 32
# Of this run: all processes of the host share the locks.
IMAGE = str(uuid.uuid4())
HOLDING = f"""
import asyncio
from bff.upload.lock import upload_lock

async def hold():
    async with upload_lock({PROJECT!r}, {IMAGE!r}) as locked:
        print(locked, flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


@contextmanager
def another_process() -> Iterator[subprocess.Popen[str]]:
    """Run a process that holds the lock; kills it."""
    words = [sys.executable, "-c", HOLDING]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "True\n"
            yield process
        finally:
            process.kill()


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bff.upload.lock.LOCK_TIMEOUT_SECONDS", SECONDS)


@pytest.mark.usefixtures("_patient")
async def test_an_upload_waits_for_the_one_before_it() -> None:
    order = []

    async def second() -> None:
        async with upload_lock(PROJECT, IMAGE.upper()) as locked:
            order.append(f"second {locked}")

    async with upload_lock(PROJECT, IMAGE) as locked:
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0)
        order.append(f"first {locked}")
    await waiting
    assert order == ["first True", "second True"]


async def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bff.upload.lock.LOCK_TIMEOUT_SECONDS", 0.01)
    async with upload_lock(PROJECT, IMAGE), upload_lock(PROJECT, IMAGE) as locked:
        assert not locked


@pytest.mark.usefixtures("_patient")
async def test_other_images_and_other_projects_do_not_wait() -> None:
    async with (
        upload_lock(PROJECT, IMAGE),
        upload_lock(PROJECT, str(uuid.uuid4())) as another_image,
        upload_lock("e" * 32, IMAGE) as another_project,
    ):
        assert another_image
        assert another_project


async def test_another_process_holds_the_lock_until_it_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with another_process() as process:
        monkeypatch.setattr("bff.upload.lock.LOCK_TIMEOUT_SECONDS", 0.01)
        async with upload_lock(PROJECT, IMAGE) as locked:
            assert not locked
        monkeypatch.setattr("bff.upload.lock.LOCK_TIMEOUT_SECONDS", SECONDS)
        process.kill()
        async with upload_lock(PROJECT, IMAGE) as locked:
            assert locked


async def test_where_there_are_no_such_addresses_nobody_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with upload_lock(PROJECT, IMAGE):
        monkeypatch.setattr("bff.upload.lock._NAMESPACE", "/no/such/folder/")
        async with upload_lock(PROJECT, IMAGE) as locked:
            assert locked
