"""Uploads into a real Glance: stored whole, or the image waits for its data as before."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from devcloud.api import Api, sign_in
from tests.bff.conftest import Bff, bff_with
from tests.bff.upload.conftest import (
    OCTETS,
    WAYS,
    Connection,
    Uploader,
    error_of,
    form,
    kind_and_query,
    part,
)
from tests.cloud.conftest import Cloud, User
from tests.conftest import Serve
from tests.process import SECONDS, line_of, running

CONTENT = os.urandom(256 * 1024) * 12
HALF = len(CONTENT) // 2
DIGEST = hashlib.sha512(CONTENT).hexdigest()
RAW = {"container_format": "bare", "disk_format": "raw"}


@pytest.fixture
def uploader(alice: User) -> Uploader:
    return Uploader(alice.bff, alice.token)


async def queued(user: User, **more: Any) -> str:
    """Make an image that waits for its data; returns its id."""
    made = await user.do("createImage", name="an upload", **{**RAW, **more})
    assert made["status"] == "queued"
    return str(made["id"])


async def upload(uploader: Uploader, way: str, image_id: str, **headers: str) -> tuple[int, Any]:
    body = WAYS[way](image_id, CONTENT)
    return await uploader.post(body, *kind_and_query(way, image_id), **headers)


async def upload_again(uploader: Uploader, way: str, image_id: str) -> None:
    """Upload at once after an upload that broke off."""
    done = await upload(uploader, way, image_id)
    assert done == (200, {"success": True, "imageId": image_id})


async def is_whole(user: User, image_id: str) -> bool:
    image = await user.do("getImageById", imageId=image_id)
    found = image["status"], image["size"], image["os_hash_value"]
    return found == ("active", len(CONTENT), DIGEST)


async def settled(user: User, image_id: str) -> str:
    """Return the image's status as soon as Glance is no longer busy with it."""
    async with asyncio.timeout(SECONDS):
        status = "saving"
        while status == "saving":
            status = (await user.do("getImageById", imageId=image_id))["status"]
    return status


async def until(user: User, image_id: str, status: str) -> None:
    async with asyncio.timeout(SECONDS):
        while (await user.do("getImageById", imageId=image_id))["status"] != status:
            pass


@asynccontextmanager
async def half_sent(user: User, uploader: Uploader, image_id: str) -> AsyncIterator[Connection]:
    """Upload half of the file, until Glance has begun to store it."""
    async with uploader.connection(len(CONTENT), OCTETS, f"?imageId={image_id}") as connection:
        await connection.send(CONTENT[:HALF])
        await until(user, image_id, "saving")
        yield connection


@pytest.mark.parametrize("way", WAYS)
async def test_every_way_stores_the_file_with_its_digest(
    alice: User, uploader: Uploader, way: str
) -> None:
    image_id = await queued(alice)
    done = await upload(uploader, way, image_id, X_Upload_Sha512=DIGEST)
    assert done == (200, {"success": True, "imageId": image_id})
    assert await is_whole(alice, image_id)


@pytest.mark.parametrize("how", [Connection.finish, Connection.reset])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("where", [0, 0.01, 0.5, 0.99999])
async def test_a_client_that_breaks_off_leaves_an_image_that_takes_its_data_at_once(
    alice: User, uploader: Uploader, where: float, way: str, how: Callable[[Connection], None]
) -> None:
    image_id = await queued(alice)
    body = WAYS[way](image_id, CONTENT)
    async with uploader.connection(len(body), *kind_and_query(way, image_id)) as connection:
        await connection.send(body[: int(len(body) * where)])
        how(connection)
        assert await settled(alice, image_id) == "queued"
        await upload_again(uploader, way, image_id)
    assert await is_whole(alice, image_id)


async def test_a_client_that_falls_silent_leaves_an_image_that_takes_its_data_at_once(
    alice: User, cloud: Cloud, serve: Serve, client: aiohttp.ClientSession
) -> None:
    bff = await bff_with(serve, client, auth_url=cloud.auth_url, upload_client_timeout=0.2)
    hasty = Uploader(bff, alice.token)
    for way, make in WAYS.items():
        image_id = await queued(alice)
        body = make(image_id, CONTENT)
        async with hasty.connection(len(body), *kind_and_query(way, image_id)) as connection:
            await connection.send(body[: len(body) // 2])
            assert (await connection.answer())[0] == 408
        await upload_again(hasty, way, image_id)
        assert await is_whole(alice, image_id)


async def test_a_missing_closing_boundary_stores_nothing_even_with_the_size_known(
    alice: User, uploader: Uploader
) -> None:
    image_id = await queued(alice)
    body = form(part("imageId", image_id.encode()), part("file", CONTENT))[:-8]
    status, answer = await uploader.post(body, X_Openstack_Image_Size=str(len(CONTENT)))
    assert (status, error_of(answer)[0]) == (400, "BAD_REQUEST")
    assert await settled(alice, image_id) == "queued"
    await upload_again(uploader, "id first", image_id)


@pytest.mark.parametrize("way", WAYS)
async def test_a_size_or_digest_that_is_wrong_stores_nothing(
    alice: User, uploader: Uploader, way: str
) -> None:
    image_id = await queued(alice)
    wrong = {"X_Openstack_Image_Size": str(len(CONTENT) + 1)}
    for given in (wrong, {"X_Upload_Sha512": "0" * 128}):
        status, answer = await upload(uploader, way, image_id, **given)
        assert (status, error_of(answer)[0]) == (400, "BAD_REQUEST")
        assert await settled(alice, image_id) == "queued"
    await upload_again(uploader, way, image_id)


@pytest.mark.parametrize("way", WAYS)
async def test_data_of_another_format_is_refused_in_glances_words(
    alice: User, uploader: Uploader, way: str
) -> None:
    image_id = await queued(alice, disk_format="qcow2")
    status, answer = await upload(uploader, way, image_id)
    code, message = error_of(answer)
    assert (status, code) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert "format" in message.lower()
    # This Glance cannot be given other data for the same image: it has kept the file.
    assert message.endswith("delete the image and upload to a new one.")
    assert await settled(alice, image_id) == "queued"
    as_raw = [{"op": "replace", "path": "/disk_format", "value": "raw"}]
    await alice.do("updateImage", imageId=image_id, operations=as_raw)
    status, answer = await upload(uploader, way, image_id)
    assert (status, error_of(answer)[0]) == (502, "BAD_GATEWAY")
    assert error_of(answer)[1].endswith("delete the image and upload to a new one.")


async def test_an_image_without_formats_says_what_is_missing(
    alice: User, uploader: Uploader
) -> None:
    image_id = str((await alice.do("createImage", name="no formats"))["id"])
    status, answer = await upload(uploader, "id first", image_id)
    assert status == 400
    assert "disk_format" in error_of(answer)[1]


@pytest.mark.parametrize("way", WAYS)
async def test_an_image_that_takes_no_data_or_is_not_there_is_named(
    alice: User, uploader: Uploader, bob: User, way: str
) -> None:
    image_id = await queued(alice)
    assert (await upload(uploader, way, image_id))[0] == 200
    status, answer = await upload(uploader, way, image_id)
    assert (status, error_of(answer)[0]) == (409, "CONFLICT")
    assert "must be `queued`" in error_of(answer)[1]
    foreign = await queued(bob)
    for missing in ("a85abd86-55b3-4413-a5b7-6cd8a6bd99ac", foreign):
        status, answer = await upload(uploader, way, missing)
        assert (status, error_of(answer)[0]) == (404, "NOT_FOUND")
    assert await settled(bob, foreign) == "queued"


async def test_a_second_upload_while_one_is_under_way_does_not_disturb_it(
    alice: User, uploader: Uploader
) -> None:
    image_id = await queued(alice)
    async with half_sent(alice, uploader, image_id) as connection:
        status, answer = await upload(uploader, "id first", image_id)
        assert (status, error_of(answer)[0]) == (409, "CONFLICT")
        assert "another upload of it is under way" in error_of(answer)[1]
        await connection.send(CONTENT[HALF:])
        assert (await connection.answer())[0] == 200
    assert await is_whole(alice, image_id)


async def test_an_image_that_is_deleted_during_its_upload_is_reported_as_gone(
    alice: User, uploader: Uploader
) -> None:
    image_id = await queued(alice)
    async with half_sent(alice, uploader, image_id) as connection:
        await alice.do("deleteImage", imageId=image_id)
        await connection.send(CONTENT[HALF:])
        status, _, answer = await connection.answer()
    assert (status, error_of(answer)[0]) == (404, "NOT_FOUND")
    assert "was deleted while its data was uploaded" in error_of(answer)[1]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_server_that_ends_in_mid_upload_leaves_an_image_that_takes_its_data_at_once(
    *,
    alice: User,
    uploader: Uploader,
    cloud: Cloud,
    client: aiohttp.ClientSession,
    how: signal.Signals,
) -> None:
    variables = {"BFF_AUTH_URL": cloud.auth_url, "BFF_SHUTDOWN_TIMEOUT": "0"}
    image_id = await queued(alice)
    with running("bff", "serve", "--port", "0", **variables) as process:
        line = await asyncio.to_thread(line_of, process, containing="ready ")
        origin = line.removeprefix("ready ").removesuffix("/polaris-bff/")
        dying = Uploader(Bff(origin, client), alice.token)
        async with half_sent(alice, dying, image_id) as connection:
            process.send_signal(how)
            if how is signal.SIGTERM:
                assert (await connection.answer())[0] == 503
            await asyncio.to_thread(process.wait, SECONDS)
    assert await settled(alice, image_id) == "queued"
    await upload_again(uploader, "octets", image_id)
    assert await is_whole(alice, image_id)


async def test_a_glance_that_is_killed_in_mid_upload_stores_nothing_and_the_error_says_what_helps(
    serve: Serve, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    with running("devcloud", "--dir", str(tmp_path)) as process:
        described = json.loads(await asyncio.to_thread(line_of, process, containing="{"))
        token = sign_in(described["auth_url"], "alice", "alice", "demo")
        bff = await bff_with(serve, client, auth_url=described["auth_url"])
        alice, uploader = User(bff, token), Uploader(bff, token)
        image_id = await queued(alice)
        async with half_sent(alice, uploader, image_id) as connection:
            kill_what_listens_at(described["glance_url"])
            async with asyncio.timeout(SECONDS):
                status, _, answer = await connection.answer()
        assert status in (502, 503)
        assert error_of(answer)[0] in ("BAD_GATEWAY", "SERVICE_UNAVAILABLE")
        process.terminate()
        await asyncio.to_thread(process.wait, SECONDS)
    with running("devcloud", "--dir", str(tmp_path)) as process:
        await asyncio.to_thread(line_of, process, containing="{")
        # Nobody was left to put it back: Glance itself forgets it in this state.
        shown = Api(described["glance_url"], token).get(f"/v2/images/{image_id}")
        assert shown["status"] == "saving"
        assert shown["size"] is None
        status, answer = await upload(uploader, "octets", image_id)
        assert (status, error_of(answer)[0]) == (409, "CONFLICT")
        process.terminate()


def kill_what_listens_at(url: str) -> None:
    port = url.rpartition(":")[2]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if port.encode() in words and b"glance.wsgi.api" in words:
            os.kill(int(folder.name), signal.SIGKILL)
