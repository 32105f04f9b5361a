"""Uploads of one image take turns, on the whole host."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bff.upload.turns import turn
from tests.process import ROOT, SECONDS

PROJECT = "d" * 32
# Of this run: all processes of the host take the same turns.
IMAGE = str(uuid.uuid4())
HOLDING = f"""
import asyncio
from bff.upload.turns import turn

async def hold():
    async with turn({PROJECT!r}, {IMAGE!r}) as alone:
        print(alone, flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


@contextmanager
def another_process() -> Iterator[subprocess.Popen[str]]:
    """Run a process whose turn it is; kills it."""
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
    monkeypatch.setattr("bff.upload.turns.PATIENCE_SECONDS", SECONDS)


@pytest.mark.usefixtures("_patient")
async def test_an_upload_waits_for_the_one_before_it() -> None:
    order = []

    async def second() -> None:
        async with turn(PROJECT, IMAGE.upper()) as alone:
            order.append(f"second {alone}")

    async with turn(PROJECT, IMAGE) as alone:
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0)
        order.append(f"first {alone}")
    await waiting
    assert order == ["first True", "second True"]


async def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bff.upload.turns.PATIENCE_SECONDS", 0.01)
    async with turn(PROJECT, IMAGE), turn(PROJECT, IMAGE) as alone:
        assert not alone


@pytest.mark.usefixtures("_patient")
async def test_other_images_and_other_projects_do_not_wait() -> None:
    async with (
        turn(PROJECT, IMAGE),
        turn(PROJECT, str(uuid.uuid4())) as another_image,
        turn("e" * 32, IMAGE) as another_project,
    ):
        assert another_image
        assert another_project


async def test_another_process_has_its_turn_until_it_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with another_process() as process:
        monkeypatch.setattr("bff.upload.turns.PATIENCE_SECONDS", 0.01)
        async with turn(PROJECT, IMAGE) as alone:
            assert not alone
        monkeypatch.setattr("bff.upload.turns.PATIENCE_SECONDS", SECONDS)
        process.kill()
        async with turn(PROJECT, IMAGE) as alone:
            assert alone


async def test_where_there_are_no_such_addresses_nobody_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with turn(PROJECT, IMAGE):
        monkeypatch.setattr("bff.upload.turns._NAMESPACE", "/no/such/folder/")
        async with turn(PROJECT, IMAGE) as alone:
            assert alone
