"""The table of faults: what a service does with one answer, and what the caller of it is told."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fakes.errors import glance_error, keystone_error
from tests.faults import faults
from tests.faults.stage import Fault

OK = b"HTTP/1.1 200 OK\r\n"
TWO_LENGTHS = OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
LENGTH_AND_CHUNKS = OK + b"Content-Length: 9\r\n" + CHUNKED + b"2\r\n{}\r\n0\r\n\r\n"
BROKEN_CHUNK = OK + CHUNKED + b"zz\r\n{}"
MANY_HEADERS = OK + b"X-A: a\r\n" * 1000 + b"Content-Length: 0\r\n\r\n"
SWITCH = b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
LATIN_1 = b"req-\xff\xfe"
ID = "X-Openstack-Request-Id"
BAD, GONE, SLOW = "BAD_GATEWAY", "SERVICE_UNAVAILABLE", "GATEWAY_TIMEOUT"
RIGHT = "ok"
SILENT = (faults.stall, faults.stall_in_the_middle, faults.never_ends)


@dataclass(frozen=True)
class Case:
    """One fault.

    Args:
        name: What the service does, in words.
        expected: How the call ends that gets it: ``ok``, or the error's code.
        sent: How many requests reach the service: a read is tried again where nothing was answered.
    """

    name: str
    fault: Fault
    expected: str
    sent: int = 1

    @property
    def patience(self) -> float:
        """How many seconds an answer may take: few where the fault is that none comes."""
        return 0.7 if self.fault in SILENT else 30

    def __str__(self) -> str:
        return self.name


# Whichever service it is. A read whose connection fails is tried again, so the fault is always on.
OF_ANY_SERVICE = (
    Case("hangs up without a word", faults.close, BAD, 3),
    Case("resets the connection", faults.reset, BAD, 3),
    Case("never answers", faults.stall, SLOW),
    Case("stops before the last byte", faults.stall_in_the_middle, SLOW),
    Case("sends byte by byte", faults.drip, RIGHT),
    Case("cuts the body short", faults.truncate, BAD, 3),
    Case("cuts the head short", faults.truncate_head, BAD, 3),
    Case("answers twice at once", faults.twice, RIGHT),
    Case("begins another answer", faults.one_and_a_half, RIGHT),
    Case("answers 65 MiB", faults.huge, BAD),
    Case("answers 64 KiB that become 65 MiB", faults.swells, BAD),
    Case("says 102 again and again", faults.never_ends, SLOW),
    Case("is no HTTP", faults.sends(b"SSH-2.0-OpenSSH_9.2\r\n"), BAD, 3),
    Case("has two lengths", faults.sends(TWO_LENGTHS), BAD, 3),
    Case("has a length and chunks that differ", faults.sends(LENGTH_AND_CHUNKS), BAD, 3),
    Case("has a broken chunk", faults.sends(BROKEN_CHUNK), BAD, 3),
    Case("has a head without an end", faults.sends(OK + b"X-A: " + b"a" * 70_000), BAD, 3),
    Case("has a thousand headers", faults.sends(MANY_HEADERS), BAD, 3),
    Case("switches protocols", faults.sends(SWITCH), BAD),
    Case("redirects", faults.says(b"", 302, Location="http://127.0.0.1:1/"), BAD),
    Case("redirects for good", faults.says(b"", 308, Location="//evil.example/"), BAD),
    Case("has several choices", faults.says(b"{}", 300), BAD),
    Case("fails", faults.says(b"", 500), BAD),
    Case("fails with a page", faults.says(b"<html>500</html>", 500), BAD),
    Case("asks to wait", faults.says(b"", 503, Retry_After="7"), GONE),
    Case("asks to wait for ever", faults.says(b"", 503, Retry_After="9" * 500), GONE),
    Case("is asked too often", faults.says(b"", 429), "TOO_MANY_REQUESTS"),
    Case("has a silent proxy", faults.says(b"", 504), SLOW),
    Case("has a proxy whose service is gone", faults.says(b"<html>502</html>", 502), BAD),
    Case("has a proxy that knows no such address", faults.says(b"<html>404</html>", 404), BAD),
    Case("answers nothing", faults.says(b""), BAD),
    Case("answers a page", faults.says(b"<html></html>"), BAD),
    Case("answers no UTF-8", faults.says(b"\xff\xfe"), BAD),
    Case("answers an array", faults.says(b"[]"), BAD),
    Case("answers half of a JSON", faults.says(b'{"token": {'), BAD),
    Case("answers a JSON of 100,000 levels", faults.says(b"[" * 100_000), BAD),
    Case("names itself in Latin-1", faults.with_header(ID, LATIN_1), RIGHT),
    Case("sets a cookie", faults.with_header("Set-Cookie", b"a=b; Path=/"), RIGHT),
    Case("closes after the answer", faults.with_header("Connection", b"close"), RIGHT),
)  # fmt: skip

OF_GLANCE = (
    Case("knows no such image", faults.says(glance_error(404), 404), "NOT_FOUND"),
    Case("does not take the token", faults.says(b"Authentication required", 401), "UNAUTHORIZED"),
    Case("forbids it", faults.says(glance_error(403), 403), "FORBIDDEN"),
    Case("says that it is in use", faults.says(glance_error(409), 409), "CONFLICT"),
    Case("has deleted it meanwhile", faults.says(glance_error(410), 410), "NOT_FOUND"),
    Case("accepts instead of answering", faults.says(b"", 204), BAD),
)

OF_KEYSTONE = (
    Case("does not know the token", faults.says(keystone_error(404), 404), "UNAUTHORIZED"),
    Case("does not take the token", faults.says(keystone_error(401), 401), "UNAUTHORIZED"),
    Case("forbids it", faults.says(keystone_error(403), 403), "FORBIDDEN"),
    Case("has a proxy with a password", faults.says(b"<html>401</html>", 401), BAD),
    Case("answers a token without a user", faults.says(b'{"token": {}}'), BAD),
    Case("answers another token", faults.with_header("X-Subject-Token", b"another"), BAD, 3),
)
