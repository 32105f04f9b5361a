"""Uploads into a real Glance: stored whole, or the image waits for its data as before."""

from __future__ import annotations

import asyncio
import hashlib
import os
import select
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

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
from tests.cloud.test_sessions import is_alive, token_that_ends
from tests.conftest import Serve
from tests.devcloud import copy_of, glance_again, running_cloud
from tests.process import SECONDS, ready, running

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
async def half_sent(
    user: User, uploader: Uploader, image_id: str, way: str = "octets"
) -> AsyncIterator[Connection]:
    """Upload half of the file, until Glance has begun to store it."""
    body = WAYS[way](image_id, CONTENT)
    async with uploader.connection(len(body), *kind_and_query(way, image_id)) as connection:
        await connection.send(body[:HALF])
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


async def test_an_upload_that_broke_off_in_one_process_can_begin_again_at_once_in_another(
    alice: User, uploader: Uploader, cloud: Cloud, client: aiohttp.ClientSession
) -> None:
    with running("bff", "serve", "--port", "0", BFF_AUTH_URL=cloud.auth_url) as process:
        elsewhere = Uploader(Bff(await ready(process), client), alice.token)
        for where in (1, HALF, len(CONTENT) - 1) * 3:
            image_id = await queued(alice)
            query = f"?imageId={image_id}"
            async with elsewhere.connection(len(CONTENT), OCTETS, query) as connection:
                await connection.send(CONTENT[:where])
                connection.finish()
                await upload_again(uploader, "octets", image_id)
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
    variables = {"BFF_AUTH_URL": cloud.auth_url, "BFF_UPLOAD_SHUTDOWN_TIMEOUT": "0"}
    image_id = await queued(alice)
    with running("bff", "serve", "--port", "0", **variables) as process:
        dying = Uploader(Bff(await ready(process), client), alice.token)
        async with half_sent(alice, dying, image_id) as connection:
            process.send_signal(how)
            if how is signal.SIGTERM:
                assert (await connection.answer())[0] == 503
            await asyncio.to_thread(process.wait, SECONDS)
    assert await settled(alice, image_id) == "queued"
    await upload_again(uploader, "octets", image_id)
    assert await is_whole(alice, image_id)


# --- A Glance that ends, or has limits


@pytest.fixture(scope="module")
def folder(seeded_cloud: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where a cloud of these tests' own keeps its state."""
    return copy_of(seeded_cloud, tmp_path_factory.mktemp("cloud"))


async def test_a_glance_that_ends_in_mid_upload_stores_nothing_and_what_helps_is_said(
    serve: Serve, client: aiohttp.ClientSession, folder: Path
) -> None:
    with running_cloud(folder) as cloud:
        alice = await alice_of(cloud, serve, client)
        uploader = Uploader(alice.bff, alice.token)
        image_ids = await stopped_in_mid_upload(alice, uploader, cloud)
        with glance_again(cloud):
            for way, image_id in image_ids.items():
                await upload_again(uploader, way, image_id)
                assert await is_whole(alice, image_id)
            image_id = await killed_in_mid_upload(alice, uploader, cloud)
        with glance_again(cloud):
            # Nobody was left to put it back: Glance itself forgets it in this state.
            await stuck(alice, image_id)
            status, answer = await upload(uploader, "octets", image_id)
            assert (status, error_of(answer)[0]) == (409, "CONFLICT")
            assert error_of(answer)[1].endswith("only deleting the image helps.")
            await alice.do("deleteImage", imageId=image_id)


async def stopped_in_mid_upload(alice: User, uploader: Uploader, cloud: Cloud) -> dict[str, str]:
    """Stop Glance during an upload of each way; returns their images."""
    image_ids = {way: await queued(alice) for way in ("octets", "id first")}
    async with AsyncExitStack() as stack:
        uploads = [
            await stack.enter_async_context(half_sent(alice, uploader, image_id, way))
            for way, image_id in image_ids.items()
        ]
        ended = asyncio.to_thread(end_glance, cloud, signal.SIGTERM)
        await asyncio.gather(ended, *(broken_off(upload) for upload in uploads))
    return image_ids


async def killed_in_mid_upload(alice: User, uploader: Uploader, cloud: Cloud) -> str:
    """Kill Glance during an upload; returns its image."""
    image_id = await queued(alice)
    async with half_sent(alice, uploader, image_id) as connection:
        end_glance(cloud, signal.SIGKILL)
        assert "if it stays `saving`, only deleting it helps" in await broken_off(connection)
    return image_id


async def test_what_is_too_large_for_glance_is_refused_in_its_words_and_a_stuck_image_is_named(
    serve: Serve, client: aiohttp.ClientSession, folder: Path
) -> None:
    # One file fits, two do not.
    limits = (f"image_size_cap={len(CONTENT)}", "user_storage_quota=4MB")
    with running_cloud(folder, *limits) as cloud:
        alice = await alice_of(cloud, serve, client, cloud.new_project("alice"))
        uploader = Uploader(alice.bff, alice.token)
        image_id = await queued(alice)
        for way in ("octets", "id first"):
            too_large = WAYS[way](image_id, CONTENT + b"!")
            answered = await uploader.post(too_large, *kind_and_query(way, image_id))
            assert "too large" in refused_as_too_large(*answered)
            assert await settled(alice, image_id) == "queued"
        await upload_again(uploader, "octets", image_id)
        second = await queued(alice)
        assert "quota" in refused_as_too_large(*await upload(uploader, "octets", second))
        assert await settled(alice, second) == "queued"
        # Glance 33 does not know how much will come, and loses the image.
        message = refused_as_too_large(*await upload(uploader, "id first", second))
        assert "quota" in message
        assert "Glance left the image in `saving`" in message
        await stuck(alice, second)
        await alice.do("deleteImage", imageId=second)


async def alice_of(
    cloud: Cloud, serve: Serve, client: aiohttp.ClientSession, project: str = "demo"
) -> User:
    """Return alice at a BFF of her own in front of a cloud."""
    bff = await bff_with(serve, client, auth_url=cloud.auth_url)
    return User(bff, cloud.token("alice", project))


async def broken_off(connection: Connection) -> str:
    """Return what is said when Glance has gone in mid upload."""
    async with asyncio.timeout(SECONDS):
        status, _, answer = await connection.answer()
    assert status in (502, 503)
    assert error_of(answer)[0] in ("BAD_GATEWAY", "SERVICE_UNAVAILABLE")
    return error_of(answer)[1]


def refused_as_too_large(status: int, answer: Any) -> str:
    assert (status, error_of(answer)[0]) == (413, "PAYLOAD_TOO_LARGE")
    return error_of(answer)[1]


async def stuck(user: User, image_id: str) -> None:
    """Check that the image is `saving`, and not a truncated one that is `active`."""
    shown = await user.do("getImageById", imageId=image_id)
    assert (shown["status"], shown["size"]) == ("saving", None)


def end_glance(cloud: Cloud, how: signal.Signals) -> None:
    """Send Glance a signal; waits until it has ended."""
    port = cloud.description["glance_url"].rpartition(":")[2]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if port.encode() in words and b"glance.wsgi.api" in words:
            ended = os.pidfd_open(int(folder.name))
            signal.pidfd_send_signal(ended, how)
            assert select.select([ended], [], [], SECONDS)[0]
            os.close(ended)


async def test_a_token_that_ends_in_mid_upload_is_told_as_that(cloud: Cloud, alice: User) -> None:
    image_id = await queued(alice)
    token = await asyncio.to_thread(token_that_ends, cloud, "+8")
    uploader = Uploader(alice.bff, token)
    async with half_sent(alice, uploader, image_id) as connection:
        async with asyncio.timeout(SECONDS):
            while await asyncio.to_thread(is_alive, cloud, token):
                pass
        await connection.send(CONTENT[HALF:])
        status, _, answer = await connection.answer()
    code, message = error_of(answer)
    assert (status, code) == (401, "UNAUTHORIZED")
    assert "session has ended" in message
    assert "browser" not in message
    assert f"{len(CONTENT)} bytes" in message
    # What the message says to look at: Glance has all of it.
    assert await settled(alice, image_id) == "active"
    assert await is_whole(alice, image_id)
