"""Rows: the server is stopped, or killed, while something is under way."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.bff.conftest import Bff
from tests.bff.upload.conftest import OCTETS, Uploader
from tests.faults.cases import RIGHT
from tests.faults.row import Outcome, Row, Scene, code
from tests.faults.services import Request, token_of
from tests.faults.stage import Wire
from tests.faults.uploads import FILE, NO_ONE, QUEUED, stands
from tests.process import SECONDS, ready, running

# Of calls and of uploads, in seconds.
GRACE = {"BFF_SHUTDOWN_TIMEOUT": "1", "BFF_UPLOAD_SHUTDOWN_TIMEOUT": "1"}
LIST = "compute.image.listImages"


@asynccontextmanager
async def _serving(scene: Scene) -> AsyncIterator[tuple[Bff, Any]]:
    variables = {"BFF_AUTH_URL": f"{scene.stage.keystone.url}/v3", **GRACE}
    with running("bff", "serve", "--port", "0", **variables) as process:
        async with aiohttp.ClientSession() as client, asyncio.timeout(SECONDS):
            yield Bff(await ready(process), client), process


def during_a_call(name: str, how: signal.Signals, expected: str) -> Row:
    """Return the row: Glance answers after the signal."""

    async def play(scene: Scene) -> Outcome:
        arrived, go = asyncio.Event(), asyncio.Event()

        async def hold(wire: Wire, right: bytes) -> None:
            arrived.set()
            await go.wait()
            await wire.send(right)

        scene.stage.glance.will(hold)
        async with _serving(scene) as (bff, process):
            call = asyncio.ensure_future(bff.call(LIST, x_auth_token=token_of("alice")))
            await arrived.wait()
            process.send_signal(how)
            go.set()
            try:
                told = code(await call)
            except aiohttp.ClientError:
                told = NO_ONE
        return Outcome(told, len(scene.stage.glance.requests))

    return Row(f"the server is {name} during a call", Outcome(expected, 1), play)


def during_an_upload(name: str, how: signal.Signals, expected: str) -> Row:
    """Return the row: half of a file is sent, and no more comes."""

    async def play(scene: Scene) -> Outcome:
        image_id = scene.keep_images().add("alice")
        arrived = asyncio.Event()

        def is_there(_request: Request) -> bool:
            arrived.set()
            return False

        scene.stage.glance.will(Wire.send, is_there)
        async with _serving(scene) as (bff, process):
            alice = Uploader(bff, token_of("alice"))
            query = f"?imageId={image_id}"
            async with alice.connection(len(FILE), OCTETS, query) as connection:
                await connection.send(FILE[: len(FILE) // 2])
                await arrived.wait()
                process.send_signal(how)
                try:
                    told = code((await connection.answer())[2])
                except (asyncio.IncompleteReadError, ConnectionError):
                    told = NO_ONE
        return Outcome(told, None, stands(scene, image_id))

    return Row(f"the server is {name} during an upload", Outcome(expected, None, QUEUED), play)


ROWS = (
    during_a_call("stopped", signal.SIGTERM, RIGHT),
    during_a_call("killed", signal.SIGKILL, NO_ONE),
    during_an_upload("stopped", signal.SIGTERM, "SERVICE_UNAVAILABLE"),
    during_an_upload("killed", signal.SIGKILL, NO_ONE),
)
