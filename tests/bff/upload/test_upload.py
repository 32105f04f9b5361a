"""Uploads over real HTTP: every way in, every check, and what stops one."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bff.errors import BffError
from tests.bff.upload.conftest import (
    CONTENT,
    FORM,
    OCTETS,
    Uploader,
    error_of,
    file_first,
    form,
    id_first,
    part,
)
from tests.fakes.openstack import PASSWORD, FakeOpenStack

DIGEST = hashlib.sha512(CONTENT).hexdigest()


async def in_pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def stored(image: dict[str, Any]) -> tuple[str, int, str]:
    return image["status"], image["size"], image["os_hash_value"]


# --- Every way in

WAYS: dict[str, tuple[Any, str, str, dict[str, str]]] = {
    "the specification's example": (file_first, FORM, "", {}),
    "the id first": (id_first, FORM, "", {}),
    "the id in the query": (lambda _: form(part("file", CONTENT)), FORM, "?imageId={}", {}),
    "the id in a header": (lambda _: form(part("file", CONTENT)), FORM, "", {"X_Image_Id": "{}"}),
    "the id everywhere": (file_first, FORM, "?imageId={}", {"X_Image_Id": "{}"}),
    "the file itself": (lambda _: CONTENT, OCTETS, "?imageId={}", {}),
    "the file itself, the id in a header": (lambda _: CONTENT, OCTETS, "", {"X_Image_Id": "{}"}),
}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("way", WAYS)
async def test_every_way_in_stores_the_file_byte_for_byte(
    alice: Uploader, openstack: FakeOpenStack, queued: dict[str, Any], way: str, chunked: bool
) -> None:
    make, content_type, query, headers = WAYS[way]
    image_id = queued["id"]
    body = make(image_id)
    given = {name: value.format(image_id) for name, value in headers.items()}
    status, answer = await alice.post(
        in_pieces(body, 70_001) if chunked else body, content_type, query.format(image_id), **given
    )
    assert (status, answer) == (200, {"success": True, "imageId": image_id})
    assert stored(queued) == ("active", len(CONTENT), DIGEST)
    assert openstack.calls[f"PUT /v2/images/{image_id}/file"] == 1


async def test_the_project_may_be_named_in_the_form_the_query_or_the_header(
    start_uploads: Any, openstack: FakeOpenStack, queued: dict[str, Any]
) -> None:
    alice = await start_uploads()
    alice.token = openstack.new_token(None)
    partner = b"e" * 32
    body = form(
        part("project_id", partner), part("imageId", queued["id"].encode()), part("file", b"x")
    )
    for given in ({}, {"query": f"?project_id={partner.decode()}"}, {"X_Project_Id": "e" * 32}):
        queued["status"] = "queued"
        assert (await alice.post(body, **given))[0] == 200
    status, answer = await alice.post(id_first(queued["id"]))
    assert (status, error_of(answer)[0]) == (412, "PRECONDITION_FAILED")
    status, answer = await alice.post(body, query="?project_id=" + "d" * 32)
    assert (status, error_of(answer)[0]) == (400, "BAD_REQUEST")


async def test_a_digest_that_fits_is_compared_and_one_that_does_not_stores_nothing(
    alice: Uploader, openstack: FakeOpenStack, queued: dict[str, Any]
) -> None:
    for make in (id_first, file_first):
        body = make(queued["id"])
        status, answer = await alice.post(body, X_Upload_Sha512="0" * 128)
        assert status == 400
        assert f"its sha512 is {DIGEST}, not {'0' * 128}" in error_of(answer)[1]
        await openstack.at_rest.wait()
        assert queued["status"] == "queued"
    assert (await alice.post(body, X_Upload_Sha512=DIGEST.upper()))[0] == 200


@pytest.mark.parametrize("make", [id_first, file_first])
async def test_a_size_that_is_stated_is_sent_on_and_must_be_right(
    alice: Uploader, openstack: FakeOpenStack, queued: dict[str, Any], make: Any
) -> None:
    status, answer = await alice.post(make(queued["id"]), X_Openstack_Image_Size="7")
    assert (status, error_of(answer)[0]) == (400, "BAD_REQUEST")
    await openstack.at_rest.wait()
    assert queued["status"] == "queued"
    size = str(len(CONTENT))
    assert (await alice.post(make(queued["id"]), X_Openstack_Image_Size=size))[0] == 200
    assert openstack.requests[-2].headers["Content-Length"] == size


async def test_the_parts_own_length_counts_as_a_stated_size(
    alice: Uploader, openstack: FakeOpenStack, queued: dict[str, Any]
) -> None:
    for length, status in ((len(CONTENT) + 1, 400), ("x", 400), (len(CONTENT), 200)):
        file = part("file", CONTENT, f"Content-Length: {length}")
        body = form(part("imageId", queued["id"].encode()), file)
        assert (await alice.post(body))[0] == status
    assert openstack.requests[-2].headers["Content-Length"] == str(len(CONTENT))


# --- What is checked before the first byte


def refused(openstack: FakeOpenStack) -> bool:
    return not any(request.method == "PUT" for request in openstack.requests)


HEADS: dict[str, tuple[dict[str, Any], int, str]] = {
    "another content type": ({"content_type": "application/json"}, 415, "multipart/form-data"),
    "no content type": ({"content_type": ""}, 415, "multipart/form-data"),
    "no boundary": ({"content_type": "multipart/form-data"}, 400, "boundary"),
    "an encoded body": ({"Content_Encoding": "gzip"}, 415, "without a Content-Encoding"),
    "a part of a body": ({"Content_Range": "bytes 5-9/10"}, 400, "without a Content-Range"),
    "no UUID": ({"query": "?imageId=../x"}, 400, "must be the UUID"),
    "two ids": ({"query": "?imageId=a&imageId=b"}, 400, "different values"),
    "no id for octets": ({"content_type": OCTETS}, 400, "imageId is missing"),
    "no digest": ({"X_Upload_Sha512": "abc"}, 400, "SHA-512"),
    "no size": ({"X_Openstack_Image_Size": "-1"}, 400, "number of bytes"),
    "no project": ({"query": "?project_id=a/b"}, 400, "project_id"),
    "no project in the header": ({"X_Project_Id": "a/b"}, 400, "X-Project-Id"),
    "an unknown project": ({"X_Project_Id": "f" * 32}, 403, "no role there"),
    "an empty file": ({"X_Openstack_Image_Size": "0"}, 400, "is empty"),
    "no session": ({"X_Auth_Token": "dead"}, 401, "sign in"),
}


@pytest.mark.parametrize("what", HEADS)
async def test_a_head_that_is_wrong_is_refused_without_asking_for_the_body(
    alice: Uploader, openstack: FakeOpenStack, queued: dict[str, Any], what: str
) -> None:
    given, status, words = HEADS[what]
    sent = {"content_type": FORM, "query": "", **given}
    content_type, query = sent.pop("content_type"), sent.pop("query")
    alice.token = sent.pop("X_Auth_Token", alice.token)
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in sent.items()]
    async with alice.connection(10**12, content_type, query, "Expect: 100-continue", *lines) as on:
        answered, headers, answer = await on.answer()
    assert answered == status
    assert words in error_of(answer)[1]
    assert headers["connection"] == "close"
    assert refused(openstack)


async def test_a_body_that_is_encoded_for_the_way_is_refused(
    alice: Uploader, openstack: FakeOpenStack, queued: dict[str, Any]
) -> None:
    kind = f"{OCTETS}\r\nTransfer-Encoding: gzip"
    query = f"?imageId={queued['id']}"
    async with alice.connection(None, kind, query, "Expect: 100-continue") as connection:
        status, _, answer = await connection.answer()
    assert status == 415
    assert "no Transfer-Encoding but chunked" in error_of(answer)[1]
    assert refused(openstack)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("active", (409, "must be `queued`, and it is `active`")),
        ("saving", (409, "must be `queued`, and it is `saving`")),
        (None, (404, "Image not found")),
    ],
)
async def test_an_image_that_takes_no_data_costs_no_upload(
    alice: Uploader,
    openstack: FakeOpenStack,
    queued: dict[str, Any],
    state: str | None,
    expected: tuple[int, str],
) -> None:
    query = f"?imageId={queued['id']}"
    if state is None:
        openstack.images.clear()
    queued["status"] = state
    async with alice.connection(10**12, OCTETS, query, "Expect: 100-continue") as connection:
        answered, _, answer = await connection.answer()
    assert answered == expected[0]
    assert expected[1] in error_of(answer)[1]
    assert refused(openstack)


@pytest.mark.parametrize("make", [id_first, file_first])
async def test_an_image_that_only_the_form_names_is_checked_too(
    alice: Uploader, openstack: FakeOpenStack, queued: dict[str, Any], make: Any
) -> None:
    queued["status"] = "active"
    assert (await alice.post(make(queued["id"])))[0] == 409
    assert (await alice.post(make("a85abd86-55b3-4d5b-b0b4-5d0a6e6042fc")))[0] == 404
    assert (await alice.post(make("not-a-uuid")))[0] == 400
    assert (await alice.post(make(queued["id"]), query=f"?imageId={'0' * 8}"))[0] == 400
    assert refused(openstack)


IN_FRONT = {
    "another image": part("imageId", b"a85abd86-55b3-4d5b-b0b4-5d0a6e6042fc"),
    "another project": part("project_id", b"e" * 32),
}


@pytest.mark.parametrize("what", IN_FRONT)
async def test_a_field_that_contradicts_is_refused_before_the_file_is_asked_for(
    alice: Uploader, openstack: FakeOpenStack, queued: dict[str, Any], what: str
) -> None:
    begin = IN_FRONT[what] + b"\r\n" + part("file", b"x")
    async with alice.connection(10**9, FORM, f"?imageId={queued['id']}") as connection:
        await connection.send(begin)
        status, _, answer = await connection.answer()
    assert (status, error_of(answer)[0]) == (400, "BAD_REQUEST")
    assert "different values" in error_of(answer)[1]
    assert refused(openstack)


@pytest.mark.parametrize("what", IN_FRONT)
@pytest.mark.parametrize("piece", [10**6, 100])
async def test_a_field_behind_the_file_must_agree_however_the_bytes_come(
    alice: Uploader, openstack: FakeOpenStack, queued: dict[str, Any], what: str, piece: int
) -> None:
    """In one piece, the form's end is there before the file is sent on."""
    if what == "another image":
        body, query = form(part("file", b"x" * 300), IN_FRONT[what]), f"?imageId={queued['id']}"
    else:
        ours = part("imageId", queued["id"].encode())
        body, query = form(ours, part("file", b"x" * 300), IN_FRONT[what]), ""
    status, answer = await alice.post(in_pieces(body, piece), FORM, query)
    assert (status, error_of(answer)[0]) == (400, "BAD_REQUEST")
    assert "different values" in error_of(answer)[1]
    await openstack.at_rest.wait()
    assert queued["status"] == "queued"


async def test_another_upload_that_is_under_way_is_told_without_more_delay(
    alice: Uploader, queued: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bff.upload.lock.LOCK_TIMEOUT_SECONDS", 0.01)
    monkeypatch.setattr("bff.openstack.glance.data._PAUSES", (20,))
    query = f"?imageId={queued['id']}"
    async with alice.connection(10**6, OCTETS, query, "Expect: 100-continue") as connection:
        await connection.reader.readuntil(b"100 Continue\r\n\r\n")
        queued["status"] = "saving"
        async with asyncio.timeout(10):
            status, answer = await alice.post(CONTENT, OCTETS, query)
    assert (status, error_of(answer)[0]) == (409, "CONFLICT")


async def test_nobody_can_tell_by_waiting_that_another_project_uploads(
    alice: Uploader, openstack: FakeOpenStack, queued: dict[str, Any], monkeypatch: Any
) -> None:
    monkeypatch.setattr("bff.upload.lock.LOCK_TIMEOUT_SECONDS", 20)
    mallory = Uploader(alice.bff, openstack.new_token("partner"))
    query = f"?imageId={queued['id']}"
    async with alice.connection(10**6, OCTETS, query, "Expect: 100-continue") as connection:
        await connection.reader.readuntil(b"100 Continue\r\n\r\n")
        async with asyncio.timeout(10):
            status, _ = await mallory.post(CONTENT, OCTETS, query)
    assert status == 200  # this Glance does not ask whose an image is


async def test_a_client_that_waits_for_a_continue_gets_it_when_everything_is_right(
    alice: Uploader, queued: dict[str, Any]
) -> None:
    query = f"?imageId={queued['id']}"
    async with alice.connection(5, OCTETS, query, "Expect: 100-continue") as connection:
        assert (await connection.answer())[0] == 100
        await connection.send(b"12345")
        assert (await connection.answer())[0] == 200
    assert queued["size"] == 5


async def test_another_method_is_refused(alice: Uploader) -> None:
    answer = await alice.bff.request("GET", alice.url)
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert error_of(await answer.json())[0] == "METHOD_NOT_SUPPORTED"


async def test_a_form_that_another_site_makes_a_browser_send_is_refused(
    alice: Uploader, openstack: FakeOpenStack, queued: dict[str, Any]
) -> None:
    params = {"user": "a", "password": PASSWORD, "projectName": "demo"}
    signing = {"jsonrpc": "2.0", "id": 1, "method": "auth.createUserSession", "params": params}
    signed = await alice.bff.request("POST", alice.bff.url, json=signing)
    cookie = signed.headers["Set-Cookie"].partition(";")[0]

    async def send(**headers: str) -> int:
        sent = {"Content-Type": FORM, "Cookie": cookie, **headers}
        body = id_first(queued["id"])
        return (await alice.bff.request("POST", alice.url, data=body, headers=sent)).status

    assert await send(Origin="https://evil.example") == 403
    assert await send() == 403
    assert await send(**{"Sec-Fetch-Site": "cross-site"}) == 403
    assert refused(openstack)
    assert await send(**{"Sec-Fetch-Site": "same-origin"}) == 200


# --- Limits


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("make", [id_first, file_first, None])
async def test_a_file_over_the_limit_is_refused_declared_or_counted(
    start_uploads: Any,
    openstack: FakeOpenStack,
    queued: dict[str, Any],
    make: Any,
    declared: bool,
) -> None:
    alice = await start_uploads(max_upload_bytes=100_000)
    query = f"?imageId={queued['id']}" if make is None else ""
    body = CONTENT if make is None else make(queued["id"])
    content_type = OCTETS if make is None else FORM
    status, answer = await alice.post(
        body if declared else in_pieces(body, 65_536), content_type, query
    )
    assert status == 413
    assert "BFF_MAX_UPLOAD_BYTES" in error_of(answer)[1]
    await openstack.at_rest.wait()
    assert queued["status"] == "queued"
    small = b"x" * 100_000
    fits = small if make is None else make(queued["id"], small)
    assert (await alice.post(fits, content_type, query))[0] == 200


async def test_a_client_that_still_sends_is_read_for_a_moment_after_an_early_answer(
    alice: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be cut off in the middle of its sending otherwise, and may not see the answer."""
    monkeypatch.setattr("bff.upload.body.LINGER_SECONDS", 20)
    async with alice.connection(10**9, OCTETS, "?imageId=none") as connection:
        assert (await connection.answer())[0] == 400
        for _ in range(500):
            await connection.send(bytes(65_536))


@pytest.mark.parametrize("body", [b"", form(part("file", b""))])
async def test_an_empty_file_is_refused(
    alice: Uploader, openstack: FakeOpenStack, queued: dict[str, Any], body: bytes
) -> None:
    content_type = FORM if body else OCTETS
    for sent in (body, in_pieces(body, 10)):
        status, answer = await alice.post(sent, content_type, f"?imageId={queued['id']}")
        assert (status, "is empty" in error_of(answer)[1]) == (400, True)
        await openstack.at_rest.wait()
    assert queued["status"] == "queued"


# --- What stops one


@pytest.mark.parametrize("way", ["form", "octets"])
async def test_an_early_answer_of_glance_reaches_a_client_that_is_still_sending(
    alice: Uploader, openstack: FakeOpenStack, queued: dict[str, Any], way: str
) -> None:
    openstack.upload_status = 415
    kind = FORM if way == "form" else OCTETS
    async with alice.connection(10**12, kind, f"?imageId={queued['id']}") as connection:
        if way == "form":
            await connection.send(part("file", b""))

        async def send_on() -> None:
            while True:
                await connection.send(bytes(65_536))

        sending = asyncio.create_task(send_on())
        async with asyncio.timeout(10):
            status, headers, answer = await connection.answer()
            assert not sending.done()
            # The connection ends, so that nobody goes on sending for hours.
            with pytest.raises(ConnectionError):
                await sending
    assert (status, headers["connection"]) == (415, "close")
    code, message = error_of(answer)
    assert code == "UNSUPPORTED_MEDIA_TYPE"
    assert message.endswith(
        "for a reason. The image is `queued` as before, and takes another upload."
    )
    assert queued["status"] == "queued"


@pytest.mark.parametrize("length", [10**6, None])
@pytest.mark.parametrize("where", ["before the file", "within it"])
async def test_a_client_that_falls_silent_is_told_so_and_nothing_is_stored(
    start_uploads: Any,
    openstack: FakeOpenStack,
    queued: dict[str, Any],
    where: str,
    length: int | None,
) -> None:
    alice = await start_uploads(upload_client_timeout=0.2)
    async with alice.connection(length, FORM, f"?imageId={queued['id']}") as connection:
        if where == "within it":
            begin = part("file", CONTENT)
            await connection.send(begin if length else b"%x\r\n%s\r\n" % (len(begin), begin))
        async with asyncio.timeout(10):
            status, _, answer = await connection.answer()
    assert (status, error_of(answer)[0]) == (408, "TIMEOUT")
    await openstack.at_rest.wait()
    assert queued["status"] == "queued"


async def test_a_glance_that_takes_nothing_is_a_gateway_timeout(
    start_uploads: Any, openstack: FakeOpenStack, queued: dict[str, Any]
) -> None:
    alice = await start_uploads(upload_answer_timeout=0.2, upload_glance_timeout=0.2)
    query = f"?imageId={queued['id']}"
    async with alice.connection(10**9, OCTETS, query) as connection:
        # Held back from here on: the check before it is through when Glance is asked to take data.
        await openstack.arrived.acquire()
        openstack.gate = gate = asyncio.Event()
        sent = 0

        async def send_on() -> None:
            nonlocal sent
            while True:
                await connection.send(bytes(65_536))
                sent += 65_536

        sending = asyncio.create_task(send_on())
        await openstack.arrived.acquire()
        openstack.gate = None
        async with asyncio.timeout(20):
            status, _, answer = await connection.answer()
            # Glance's pace is the client's: what came is what fits into the sockets on the way.
            assert sent < 32 * 1024 * 1024
            gate.set()
            with pytest.raises(ConnectionError):
                await sending
    assert (status, error_of(answer)[0]) == (504, "GATEWAY_TIMEOUT")
    await openstack.at_rest.wait()
    assert queued["status"] == "queued"


async def test_a_token_that_ends_during_the_upload_is_looked_up_again_next_time(
    alice: Uploader, openstack: FakeOpenStack, queued: dict[str, Any]
) -> None:
    openstack.upload_status = 401
    assert (await alice.post(id_first(queued["id"])))[0] == 401
    assert openstack.calls["GET /v3/auth/tokens"] == 1
    openstack.upload_status = None
    assert (await alice.post(id_first(queued["id"])))[0] == 200
    assert openstack.calls["GET /v3/auth/tokens"] == 2


async def test_a_bug_of_ours_is_answered_without_its_text_and_stores_nothing(
    *,
    alice: Uploader,
    openstack: FakeOpenStack,
    queued: dict[str, Any],
    logged: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_args: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("bff.upload.upload.Upload._count", fail)
    for make in (id_first, file_first):
        status, answer = await alice.post(make(queued["id"]))
        assert (status, error_of(answer)[0]) == (500, "INTERNAL_SERVER_ERROR")
        assert "secret" not in str(answer)
        failed = [line for line in logged if line["event"] == "an upload failed"]
        assert str(failed[-1]["exc_info"]) == "secret"
        await openstack.at_rest.wait()
        assert queued["status"] == "queued"


# --- What is told


class Listener:
    """A hub that remembers what it hears."""

    def __init__(self) -> None:
        self.opened: list[tuple[str, str, int | None]] = []
        self.counts: list[int] = []
        self.ends: list[str] = []

    @asynccontextmanager
    async def upload(
        self, project_id: str, image_id: str, total: int | None
    ) -> AsyncIterator[Listener]:
        self.opened.append((project_id, image_id, total))
        try:
            yield self
        except BffError as error:
            self.ends.append(error.code.label)
            raise
        self.ends.append("complete")

    def add_bytes(self, count: int) -> None:
        self.counts.append(count)


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Listener:
    listener = Listener()
    monkeypatch.setattr("bff.progress.hub.Hub.upload", listener.upload)
    return listener


@pytest.mark.parametrize("way", WAYS)
async def test_whoever_listens_hears_of_every_byte_that_glance_took(
    listener: Listener, alice: Uploader, queued: dict[str, Any], way: str
) -> None:
    make, content_type, query, headers = WAYS[way]
    image_id = queued["id"]
    given = {name: value.format(image_id) for name, value in headers.items()}
    body = make(image_id)
    assert (await alice.post(body, content_type, query.format(image_id), **given))[0] == 200
    (opened,) = listener.opened
    assert opened[:2] == ("d" * 32, image_id)
    # Known, or told by the body's length; fields that come after the file are then counted in.
    assert opened[2] is not None
    assert len(CONTENT) <= opened[2] < len(CONTENT) + 500
    assert sum(listener.counts) == len(CONTENT)
    assert listener.ends == ["complete"]
    queued["status"] = "queued"
    chunked = in_pieces(body, 100_000)
    assert (await alice.post(chunked, content_type, query.format(image_id), **given))[0] == 200
    spooled = way == "the specification's example"
    assert listener.opened[1][2] == (len(CONTENT) if spooled else None)


async def test_whoever_listens_hears_why_an_upload_ended(
    listener: Listener, alice: Uploader, openstack: FakeOpenStack, queued: dict[str, Any]
) -> None:
    openstack.upload_status = 415
    await alice.post(id_first(queued["id"]))
    openstack.upload_status = None
    listener.counts.clear()
    await alice.post(id_first(queued["id"])[:-20])
    assert listener.ends == ["UNSUPPORTED_MEDIA_TYPE", "BAD_REQUEST"]
    assert sum(listener.counts) < len(CONTENT)
    await openstack.at_rest.wait()
    assert queued["status"] == "queued"


# --- What is logged


async def test_an_upload_is_one_line_that_says_how_it_went(
    alice: Uploader, queued: dict[str, Any], logged: list[Any]
) -> None:
    request_id = "req-208bf13b-0000-4000-8000-000000000000"
    await alice.post(id_first(queued["id"]), X_Openstack_Request_Id=request_id)
    await alice.post(file_first(queued["id"]))
    first, second = (line for line in logged if line["event"] == "upload")
    assert isinstance(first.pop("ms"), float)
    assert first.pop("upstream_request_id", None) is None
    assert first == {
        "event": "upload",
        "log_level": "info",
        "status": "ok",
        "image": queued["id"],
        "user": "u" * 32,
        "project": "d" * 32,
        "client": "127.0.0.1",
        "bytes": len(CONTENT),
        "request_id": request_id,
    }
    assert (second["log_level"], second["status"]) == ("warning", "CONFLICT")
    assert second["bytes"] == len(CONTENT)
    assert "must be `queued`" in second["error"]
    assert alice.token not in str(logged)
