"""Rows: an upload breaks, on either side. What is not whole is never called done, nor stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.bff.upload.conftest import (
    FORM,
    OCTETS,
    Connection,
    Uploader,
    file_first,
    form,
    id_first,
    part,
)
from tests.fakes.errors import glance_error
from tests.faults import faults
from tests.faults.cases import BAD, GONE, RIGHT, SLOW
from tests.faults.row import Outcome, Row, Scene, code
from tests.faults.services import Request, token_of
from tests.faults.shelf import data
from tests.faults.stage import Fault

FILE = bytes(range(256)) * 256
NO_ONE = "-"


def is_put(request: Request) -> bool:
    """Return whether it brings data."""
    return request.method == "PUT"


def stands(scene: Scene, image_id: str) -> str:
    """Return the image's state; `active` only where it has the whole file."""
    found = scene.shelf.images.get(image_id)
    if found is None:
        return "gone"
    is_whole = found["os_hash_value"] == data(FILE)["os_hash_value"] and found["size"] == len(FILE)
    return "the whole file" if is_whole else str(found["status"])


@dataclass(frozen=True)
class Fails:
    """What Glance does with the data: ``undone``, before it has read them."""

    name: str
    fault: Fault
    expected: str
    glance: str
    undone: bool = True
    settings: dict[str, Any] = field(default_factory=dict)


QUEUED, WHOLE = "queued", "the whole file"
SHORT = {"upload_answer_timeout": 0.5, "upload_glance_timeout": 0.5, "upstream_timeout": 0.5}
FAILS = (
    Fails("hangs up before the data", faults.close, BAD, QUEUED),
    Fails("resets the connection before the data", faults.reset, BAD, QUEUED),
    Fails("is silent and takes nothing", faults.stall, SLOW, QUEUED, settings=SHORT),
    Fails(
        "refuses it as too large", faults.says(glance_error(413), 413), "PAYLOAD_TOO_LARGE", QUEUED
    ),
    Fails(
        "refuses its format", faults.says(glance_error(415), 415), "UNSUPPORTED_MEDIA_TYPE", QUEUED
    ),
    Fails("says that it conflicts", faults.says(glance_error(409), 409), "CONFLICT", QUEUED),
    Fails(
        "does not take the token",
        faults.says(b"Authentication required", 401),
        "UNAUTHORIZED",
        QUEUED,
    ),
    Fails("is full", faults.says(b"", 503), GONE, QUEUED),
    Fails("fails", faults.says(b"", 500), BAD, QUEUED),
    Fails("redirects", faults.says(b"", 307, Location="http://127.0.0.1:1/"), BAD, QUEUED),
    Fails("agrees before it has the data", faults.says(b"", 204), BAD, QUEUED),
    Fails("is no HTTP", faults.sends(b"SSH-2.0\r\n"), BAD, QUEUED),
    Fails("stores it and hangs up", faults.close, BAD, WHOLE, undone=False),
    Fails("stores it and is silent", faults.stall, SLOW, WHOLE, undone=False, settings=SHORT),
    Fails("stores it and answers twice", faults.twice, RIGHT, WHOLE, undone=False),
    Fails("stores it and sends byte by byte", faults.drip, RIGHT, WHOLE, undone=False),
)


async def upload(scene: Scene, image_id: str, **settings: Any) -> Any:
    """Upload the file as alice; returns the answer's JSON."""
    alice = Uploader(await scene.start(**settings), token_of("alice"))
    return (await alice.post(FILE, OCTETS, f"?imageId={image_id}"))[1]


def fails(case: Fails) -> Row:
    """Return the row: Glance fails with the data."""

    async def play(scene: Scene) -> Outcome:
        image_id = scene.keep_images().add("alice")
        scene.stage.glance.will(case.fault, is_put, undone=case.undone)
        answered = await upload(scene, image_id, **case.settings)
        sent = sum(map(is_put, scene.stage.glance.requests))
        return Outcome(code(answered), sent, stands(scene, image_id))

    expected = Outcome(case.expected, 1, case.glance)
    return Row(f"Glance, sent a file, {case.name}", expected, play)


def keeps(name: str, expected: str, glance: str, change: Callable[[dict[str, Any]], Any]) -> Row:
    """Return the row: Glance says that all is well and keeps something else."""

    async def play(scene: Scene) -> Outcome:
        shelf = scene.keep_images()
        image_id = shelf.add("alice")

        def changed(request: Request) -> bytes:
            answer = shelf.answer(request)
            if is_put(request):
                change(shelf.images[image_id])
            return answer

        scene.stage.glance.right_answer = changed
        answered = await upload(scene, image_id)
        sent = sum(map(is_put, scene.stage.glance.requests))
        return Outcome(code(answered), sent, stands(scene, image_id))

    return Row(f"Glance, sent a file, {name}", Outcome(expected, 1, glance), play)


KEEPS = (
    keeps("keeps less than it was sent", BAD, "active", lambda one: one.update(data(FILE[:-1]))),
    keeps(
        "says that it is still saving",
        BAD,
        "saving",
        lambda one: one.update(status="saving", size=None, os_hash_value=None),
    ),
    keeps(
        "kills it afterwards",
        BAD,
        "killed",
        lambda one: one.update(status="killed", size=None, os_hash_value=None),
    ),
)


def breaks_off(name: str, place: int, how: Callable[[Connection], None], kind: str = "file") -> Row:
    """Return the row: the client goes away at a byte."""

    async def play(scene: Scene) -> Outcome:
        image_id = scene.keep_images().add("alice")
        bff = await scene.start()
        alice = Uploader(bff, token_of("alice"))
        body = {"file": FILE, "form": id_first(image_id, FILE), "late": file_first(image_id, FILE)}
        query = f"?imageId={image_id}" if kind == "file" else ""
        content = body[kind]
        media = OCTETS if kind == "file" else FORM
        async with alice.connection(len(content), media, query) as connection:
            await connection.send(content[:place])
            how(connection)
        # The same image can be uploaded to at once, and then is whole.
        first = stands(scene, image_id)
        again = await alice.post(FILE, OCTETS, f"?imageId={image_id}")
        return Outcome(NO_ONE, None, first, code(again[1]))

    return Row(f"a client {name}", Outcome(NO_ONE, None, QUEUED, RIGHT), play)


BREAKS_OFF = (
    breaks_off("leaves after half a file", len(FILE) // 2, Connection.finish),
    breaks_off("resets after half a file", len(FILE) // 2, Connection.reset),
    breaks_off("leaves before a file's last byte", len(FILE) - 1, Connection.finish),
    breaks_off("resets before a file's first byte", 0, Connection.reset),
    breaks_off("leaves after half a form", len(FILE) // 2, Connection.finish, "form"),
    breaks_off("leaves before a form's last line", -9, Connection.finish, "form"),
    breaks_off("resets within a form whose image comes last", -9, Connection.reset, "late"),
)


def sends(
    name: str,
    expected: str,
    body: Callable[[str], bytes],
    media: str = OCTETS,
    settings: dict[str, Any] | None = None,
    **headers: str,
) -> Row:
    """Return the row: the client sends what is not right; nothing is stored."""

    async def play(scene: Scene) -> Outcome:
        image_id = scene.keep_images().add("alice")
        alice = Uploader(await scene.start(**(settings or {})), token_of("alice"))
        query = f"?imageId={image_id}" if media == OCTETS else ""
        _, answered = await alice.post(body(image_id), media, query, **headers)
        return Outcome(code(answered), None, stands(scene, image_id))

    return Row(f"a client sends {name}", Outcome(expected, None, QUEUED), play)


def whole(_image_id: str) -> bytes:
    """Return the file as it should be."""
    return FILE


SENDS = (
    sends("a file with another digest", "BAD_REQUEST", whole, x_upload_sha512="0" * 128),
    sends("a file of another size", "BAD_REQUEST", whole, x_openstack_image_size="5"),
    sends("an empty file", "BAD_REQUEST", lambda _: b""),
    sends("a file that is too large", "PAYLOAD_TOO_LARGE", whole, settings={"max_upload_bytes": 9}),
    sends("a form without an image", "BAD_REQUEST", lambda _: form(part("file", FILE)), FORM),
    sends(
        "a form without a file",
        "BAD_REQUEST",
        lambda one: form(part("imageId", one.encode())),
        FORM,
    ),
    sends("a form that does not end", "BAD_REQUEST", lambda one: id_first(one, FILE)[:-20], FORM),
    sends(
        "a form with two files",
        "BAD_REQUEST",
        lambda one: form(part("imageId", one.encode()), part("file", FILE), part("file", FILE)),
        FORM,
    ),
    sends("a form that is none", "BAD_REQUEST", lambda _: b"nothing of the kind", FORM),
    sends(
        "a file whose form has no room to wait",
        "PAYLOAD_TOO_LARGE",
        lambda one: file_first(one, FILE),
        FORM,
        {"max_spool_bytes": 9},
    ),
)


async def _silent(scene: Scene) -> Outcome:
    image_id = scene.keep_images().add("alice")
    alice = Uploader(await scene.start(upload_client_timeout=0.1), token_of("alice"))
    async with alice.connection(len(FILE), OCTETS, f"?imageId={image_id}") as connection:
        await connection.send(FILE[:100])
        answered = (await connection.answer())[2]
    return Outcome(code(answered), None, stands(scene, image_id))


async def _foreign(scene: Scene) -> Outcome:
    image_id = scene.keep_images().add("bob")
    answered = await upload(scene, image_id)
    return Outcome(
        code(answered), sum(map(is_put, scene.stage.glance.requests)), stands(scene, image_id)
    )


OTHERS = (
    Row("a client falls silent within a file", Outcome("TIMEOUT", None, QUEUED), _silent),
    Row("a client sends a file to another's image", Outcome("NOT_FOUND", 0, QUEUED), _foreign),
)
ROWS = (*map(fails, FAILS), *KEEPS, *BREAKS_OFF, *SENDS, *OTHERS)
