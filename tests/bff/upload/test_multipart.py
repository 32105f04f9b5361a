"""Forms, honest and hostile: read byte for byte however they come, or refused at little cost."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bff.errors import BffError, Code
from bff.upload.multipart import FIELDS, MAX_FIELD_BYTES, MAX_OVERHEAD_BYTES, Form, boundary_of
from tests.bff.upload.conftest import BOUNDARY, Uploader, error_of, form, part

IMAGE_ID = b"a85abd86-55b3-4d5b-b0b4-5d0a6e6042fc"
ID = part("imageId", IMAGE_ID)


async def pieces(body: bytes, cuts: list[int]) -> AsyncIterator[bytes]:
    start = 0
    for end in [*sorted(cuts), len(body)]:
        if body[start:end]:
            yield body[start:end]
            start = end


async def to_the_end(read: Form) -> bytes:
    await read.until_file()
    return b"".join([chunk async for chunk in read.content()])


async def read(body: bytes, cuts: list[int], boundary: str = BOUNDARY) -> tuple[bytes, Any]:
    read = Form(pieces(body, cuts), boundary.encode())
    return await to_the_end(read), read.fields


NASTY = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"-", b"--", b"b", b"\r\n", b"\r\n--b", b"\r\n--bb", b"\0", b"x"]
    ),
    max_size=60,
).map(b"".join)
# What would end the part, which no writer of forms lets happen.
ENDS = (b"\r\n--b\r\n", b"\r\n--b--", b"\r\n--b ", b"\r\n--b\t")


@settings(max_examples=500)
@given(NASTY, st.lists(st.integers(0, 250), max_size=20), st.booleans())
def test_whatever_the_file_holds_it_comes_byte_for_byte(
    content: bytes, cuts: list[int], file_first: bool
) -> None:
    if any(end in b"\r\n" + content + b"\r\n--b" for end in ENDS):
        return
    file = part("file", content).replace(BOUNDARY.encode(), b"b", 1)
    name = ID.replace(BOUNDARY.encode(), b"b", 1)
    first, second = (file, name) if file_first else (name, file)
    body = first + b"\r\n" + second + b"\r\n--b--\r\n"
    got, fields = asyncio.run(read(body, [cut % (len(body) + 1) for cut in cuts], "b"))
    assert got == content
    assert fields == {"imageId": IMAGE_ID.decode()}


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, 500), st.binary(max_size=6)), min_size=1, max_size=6),
    st.lists(st.integers(0, 500), max_size=6),
)
def test_whatever_a_form_is_damaged_by_it_is_read_or_refused(
    damages: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    body = form(ID, part("file", b"\r\n--x" * 20))
    for where, put in damages:
        body = body[:where] + put + body[where + len(put) // 2 :]
    with suppress(BffError):
        asyncio.run(read(body, [cut % (len(body) + 1) for cut in cuts]))


@pytest.mark.parametrize(
    "filename", ["開発環境.img", "é.img", "a b;c=d.img", 'say \\"hi\\".img', ""]
)
async def test_a_files_name_may_be_any_that_a_browser_sends(filename: str) -> None:
    body = form(ID, part("file", b"x")).replace(b"disk.img", filename.encode())
    assert (await read(body, []))[0] == b"x"


async def test_a_byte_at_a_time_is_the_same() -> None:
    body = b"\r\n" + form(ID, part("file", b"\r\n--" + b"\r\n--x" * 20)) + b"an epilogue"
    content, fields = await read(body, list(range(len(body))))
    assert content == b"\r\n--" + b"\r\n--x" * 20
    assert fields == {"imageId": IMAGE_ID.decode()}


@pytest.mark.parametrize(
    "value",
    [
        *("multipart/form-data; boundary=abc", 'multipart/form-data; boundary="abc"'),
        *("multipart/form-data; charset=utf-8; boundary=abc", "Multipart/Form-Data;BOUNDARY=abc"),
    ],
)
def test_a_boundary_is_found_however_it_is_written(value: str) -> None:
    assert boundary_of(value) == b"abc"


@pytest.mark.parametrize(
    "boundary", ["", '""', "a" * 71, "a" * 300, '"a b "', '"a\\"b"', "é", "a\x7f", "a*b"]
)
def test_a_boundary_that_the_standard_forbids_is_refused(boundary: str) -> None:
    with pytest.raises(BffError, match="boundary") as caught:
        boundary_of(f"multipart/form-data; boundary={boundary}")
    assert caught.value.code is Code.BAD_REQUEST


async def test_the_files_size_is_known_where_it_is_the_last_part() -> None:
    body = form(ID, part("file", b"x" * 1000))
    for cuts in ([], [body.index(b"xxx")], [body.index(b"xxx") + 5], [10]):
        read = Form(pieces(body, cuts), BOUNDARY.encode())
        await read.until_file()
        assert read.size_in(len(body)) == 1000
        assert read.size_in(None) is None


def header(line: bytes) -> bytes:
    return part("file", b"x").replace(b"Content-Disposition", line + b"\r\nContent-Disposition")


def disposition(value: bytes) -> bytes:
    return f"--{BOUNDARY}\r\nContent-Disposition: ".encode() + value + b"\r\n\r\nx"


FILE = part("file", b"x" * 5000)
HOSTILE: dict[str, tuple[bytes, str]] = {
    "no form at all": (b"x" * 100_000, "Expected boundary"),
    "an empty body": (b"", "no closing|closing boundary"),
    "another boundary": (form(ID, FILE).replace(BOUNDARY.encode(), b"other"), "Expected boundary"),
    "only the closing boundary": (form(), "no part named 'file'"),
    "no file": (form(ID), "no part named 'file'"),
    "100 000 parts": (form(*[part("imageId", b"")] * 100_000), "two parts named 'imageId'"),
    "100 000 parts of no name": (
        form(*[part("x", b"")] * 100_000),
        "another name than file, imageId",
    ),
    "a header of a megabyte": (form(ID, header(b"X-Long: " + b"a" * 10**6)), "Maximum header size"),
    "a header's name of a megabyte": (
        form(ID, header(b"a" * 10**6 + b": x")),
        "Maximum header size",
    ),
    "a header without an end": (form(ID)[:-4] + b"\r\nX: " + b"a" * 10**6, "Maximum header size"),
    "100 000 headers": (
        form(ID, header(b"\r\n".join([b"X: y"] * 100_000))),
        "Maximum header count",
    ),
    "a megabyte before it": (b"\r\n" + b"a" * 10**6, "besides the file"),
    "a megabyte after it": (form(ID, FILE) + b"a" * 10**6, "besides the file"),
    "a field of a megabyte": (form(part("imageId", b"a" * 10**6), FILE), "longer than 255"),
    "a fourth part": (form(ID, part("project_id", b"x"), FILE, ID), "more than 3 parts"),
    "no id anywhere": (form(FILE), "imageId is missing"),
    "two files": (form(ID, FILE, FILE), "two parts named 'file'"),
    "two ids": (form(ID, ID, FILE), "two parts named 'imageId'"),
    "two ids around the file": (form(ID, FILE, ID), "two parts named 'imageId'"),
    "base64": (form(ID, header(b"Content-Transfer-Encoding: base64")), "Transfer-Encoding"),
    "LF only": (form(ID, FILE).replace(b"\r\n", b"\n"), "Did not find CR"),
    "CR only": (form(ID, FILE).replace(b"\r\n", b"\r"), "Did not find LF"),
    "a path for a name": (form(ID, FILE.replace(b"disk.img", b"../../x")), "holds a path"),
    "a path of Windows": (form(ID, FILE.replace(b"disk.img", b"..\\x")), "holds a path"),
    "NUL in a name": (form(ID, FILE.replace(b"disk.img", b"a\0b")), "control character"),
    "NUL in an id": (form(part("imageId", IMAGE_ID + b"\0"), FILE), "must be the UUID"),
    "NUL for a boundary's end": (form(ID, FILE).replace(b"--\r\n", b"\0\0"), "closing|malformed"),
    "a header twice": (form(ID, header(b"X: 1\r\nX: 2")), "two headers"),
    "a header without a name": (form(ID, header(b": x")), "0-length header"),
    "a header with spaces": (form(ID, header(b"X Y: x")), "invalid character 32 in header"),
    "no disposition": (f"--{BOUNDARY}\r\nX: y\r\n\r\nx".encode(), "no Content-Disposition"),
    "an attachment": (disposition(b'attachment; name="file"'), "no Content-Disposition"),
    "no name": (disposition(b"form-data"), "no Content-Disposition"),
    "another name": (disposition(b'form-data; name="image"'), "another name than file, imageId"),
    "another case": (disposition(b'form-data; name="File"'), "another name than file, imageId"),
    "a name in another encoding": (disposition(b"form-data; name*=utf-8''file"), "Disposition"),
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_a_hostile_form_is_a_bad_request(
    alice: Uploader, openstack: Any, queued: dict[str, Any], what: str
) -> None:
    openstack.images[0]["id"] = IMAGE_ID.decode()
    body, words = HOSTILE[what]
    status, answer = await alice.post(body)
    code, message = error_of(answer)
    assert (status, code) == (400, "BAD_REQUEST")
    assert any(word in message for word in words.split("|")), message
    await openstack.at_rest.wait()
    assert queued["status"] == "queued"


CHUNK = 256 * 1024
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "parts": (b"", form(part("imageId", b""))[: -len(BOUNDARY) - 8]),
    "headers": (f"--{BOUNDARY}\r\n".encode(), b"X: y\r\n"),
    "a header": (f"--{BOUNDARY}\r\nX: ".encode(), b"a"),
    "a field": (part("imageId", b""), b"a"),
    "a preamble": (b"\r\n", b"a"),
    "an epilogue": (form(ID, part("file", b"x")), b"\r\n"),
}


@pytest.mark.parametrize("what", ENDLESS)
async def test_what_never_ends_is_read_no_further_than_its_bound(what: str) -> None:
    begin, again = ENDLESS[what]
    chunk = (again * (CHUNK // len(again) + 1))[:CHUNK]
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        yield begin
        while True:
            given += 1
            yield chunk

    read = Form(endless(), BOUNDARY.encode())
    tracemalloc.start()
    try:
        with pytest.raises(BffError):
            await to_the_end(read)
        assert tracemalloc.get_traced_memory()[1] < 4 * CHUNK
    finally:
        tracemalloc.stop()
    assert given == 1


def test_the_bounds_leave_room_for_what_browsers_send() -> None:
    fields = [part(name, b"x" * MAX_FIELD_BYTES) for name in FIELDS]
    assert len(form(*fields, part("file", b""))) < MAX_OVERHEAD_BYTES // 4
