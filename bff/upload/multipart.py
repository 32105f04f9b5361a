"""A form with one file, read as it comes: RFC 7578, and no more of it than uploads need.

Everything but the file's own bytes is small, and bounded: boundary, preamble, headers, fields and
what follows the end.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from bff.errors import BffError, Code

FILE = "file"
IMAGE_ID = "imageId"
PROJECT_ID = "project_id"
FIELDS = (IMAGE_ID, PROJECT_ID)

MAX_PARTS = 1 + len(FIELDS)
MAX_HEADERS = 8
MAX_HEADER_BYTES = 1024
MAX_FIELD_BYTES = 255
# Of a body, in bytes, without the file.
MAX_OVERHEAD_BYTES = 16 * 1024
# RFC 2046, 5.1.1: at most 70 of these, and no space at the end.
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True)
class File:
    """The file part, before its bytes.

    Args:
        length: What its own Content-Length states.
        fields_before: The fields in front of it.
    """

    length: str | None
    fields_before: Mapping[str, str]


class Form:
    """The fields and the file of a multipart body.

    Args:
        body: The body's bytes; its end is the body's end.
    """

    def __init__(self, body: AsyncIterator[bytes], boundary: bytes) -> None:
        self.fields: dict[str, str] = {}
        self.file: File | None = None
        self._body = body
        self._closing_length = len(b"\r\n--" + boundary + b"--\r\n")
        self._ended = False
        self._parts = 0
        self._received = 0
        self._file_offset: int | None = None
        self._file_bytes = 0
        self._name = ""
        self._headers: dict[str, str] = {}
        self._header = [bytearray(), bytearray()]
        self._value = bytearray()
        self._ready: deque[bytes] = deque()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": lambda data, start, end: self._in_header(0, data[start:end]),
                "on_header_value": lambda data, start, end: self._in_header(1, data[start:end]),
                "on_header_end": self._header_ends,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._data,
                "on_part_end": self._part_ends,
                "on_end": self._form_ends,
            },
            max_header_count=MAX_HEADERS,
            max_header_size=MAX_HEADER_BYTES,
        )

    async def until_file(self) -> File:
        """Read up to the file, and the fields in front of it.

        Raises:
            BffError: BAD_REQUEST, there is no file, or this is no such form.
        """
        while self.file is None:
            if not await self._feed():
                raise _bad_form(f"there is no part named {FILE!r}")
        return self.file

    async def content(self) -> AsyncGenerator[bytes]:
        """Return the file's bytes; ends when the whole form was read and was right.

        Raises:
            BffError: BAD_REQUEST, the form ends too early or has another fault.
        """
        more = True
        while more:
            while self._ready:
                yield self._ready.popleft()
            more = await self._feed()

    def size_in(self, length: int | None) -> int | None:
        """Return the file's size in a body of so many bytes, if the file is the last part."""
        offset = self._received if self._file_offset is None else self._file_offset
        return None if length is None else max(0, length - offset - self._closing_length)

    async def _feed(self) -> bool:
        """Read the next bytes of the body; false at its end."""
        async for chunk in self._body:
            try:
                self._parser.write(chunk)
            except FormParserError as fault:
                raise _bad_form(f"its parts are malformed ({fault})") from None
            self._received += len(chunk)
            if self._received - self._file_bytes > MAX_OVERHEAD_BYTES:
                raise _bad_form(f"it has more than {MAX_OVERHEAD_BYTES} bytes besides the file")
            return True
        if not self._ended:
            raise _bad_form("it ends without its closing boundary")
        return False

    def _part_begins(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise _bad_form(f"it has more than {MAX_PARTS} parts")
        self._headers = {}
        self._value = bytearray()

    def _in_header(self, which: int, data: bytes) -> None:
        self._header[which] += data

    def _header_ends(self) -> None:
        # latin-1 keeps every byte: browsers send names in UTF-8, and these are only compared.
        name, value = (part.decode("latin-1") for part in self._header)
        self._header = [bytearray(), bytearray()]
        if _CONTROL.search(value):
            raise _bad_form("a part's header has a control character")
        if self._headers.setdefault(name.lower(), value) != value:
            raise _bad_form(f"a part has two headers {name[:MAX_FIELD_BYTES]!r}")

    def _headers_end(self) -> None:
        encoding = self._headers.get("content-transfer-encoding", "binary").strip().lower()
        if encoding not in ("binary", "8bit", "7bit"):
            raise _bad_form(
                "a Content-Transfer-Encoding is not supported; send the bytes as they are"
            )
        self._name = _name_of(self._headers.get("content-disposition", ""))
        if self._name in self.fields or (self._name == FILE and self.file is not None):
            raise _bad_form(f"it has two parts named {self._name!r}")
        if self._name == FILE:
            self.file = File(self._headers.get("content-length"), dict(self.fields))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._name == FILE:
            if self._file_offset is None:
                self._file_offset = self._received + start
            self._file_bytes += end - start
            self._ready.append(data[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > MAX_FIELD_BYTES:
            raise _bad_form(f"{self._name} is longer than {MAX_FIELD_BYTES} bytes")

    def _part_ends(self) -> None:
        if self._name != FILE:
            self.fields[self._name] = self._value.decode("utf-8", "replace")
        self._name = ""

    def _form_ends(self) -> None:
        self._ended = True


def boundary_of(content_type: str) -> bytes:
    """Return the boundary in a Content-Type.

    Raises:
        BffError: BAD_REQUEST, there is none, or one that RFC 2046 does not allow.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not _BOUNDARY.fullmatch(boundary):
        raise _bad_form("its boundary is missing, too long or malformed")
    return boundary


def _name_of(disposition: str) -> str:
    kind, options = parse_options_header(disposition)
    filename = options.get(b"filename", b"")
    if kind != b"form-data" or b"name" not in options:
        raise _bad_form("a part has no Content-Disposition: form-data with a name")
    if b"/" in filename or b"\\" in filename:
        raise _bad_form("a filename holds a path; send the name alone")
    name = options[b"name"].decode("latin-1")
    if name not in (FILE, *FIELDS):
        raise _bad_form(f"it has a part with another name than {', '.join((FILE, *FIELDS))}")
    return name


def _bad_form(what: str) -> BffError:
    return BffError(Code.BAD_REQUEST, f"The form cannot be read: {what}. Nothing was stored.")
