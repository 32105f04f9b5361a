"""``python -m bench.forms``: what hostile forms cost the BFF.

Sends forms that are long where a form should be short, and prints the answer, the processor time
and how far the memory has grown.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.uploads import Usage, a_bff, a_cloud
from devcloud.api import sign_in

BOUNDARY = "boundary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def part(name: str, content: bytes, headers: bytes = b"") -> bytes:
    """Return one part of a form, without the line break before the next; ``headers`` end in one."""
    filename = '; filename="disk.img"' if name == "file" else ""
    disposition = f'Content-Disposition: form-data; name="{name}"{filename}\r\n'
    return f"--{BOUNDARY}\r\n{disposition}".encode() + headers + b"\r\n" + content


def form(*parts: bytes) -> bytes:
    """Return a whole form."""
    return b"".join(p + b"\r\n" for p in parts) + f"--{BOUNDARY}--\r\n".encode()


MILLION = 10**6
ID = part("imageId", b"a85abd86-55b3-4d5b-b0b4-5d0a6e6042fc")
FILE = part("file", b"x" * 5000)
HOSTILE: Mapping[str, bytes] = {
    "no form at all": b"x" * MILLION,
    "100 000 parts": form(*[part("imageId", b"")] * 100_000),
    "100 000 parts of no name": form(*[part("x", b"")] * 100_000),
    "100 000 headers": form(ID, part("file", b"x", b"X: y\r\n" * 100_000)),
    "a header of a megabyte": form(ID, part("file", b"x", b"X-Long: " + b"a" * MILLION + b"\r\n")),
    "a header's name of a megabyte": form(ID, part("file", b"x", b"a" * MILLION + b": x\r\n")),
    "a header without an end": form(ID)[:-4] + b"\r\nX: " + b"a" * MILLION,
    "a field of a megabyte": form(part("imageId", b"a" * MILLION), FILE),
    "a megabyte before it": b"\r\n" + b"a" * MILLION,
    "a megabyte after it": form(ID, FILE) + b"a" * MILLION,
    "two files": form(ID, FILE, FILE),
}


def main() -> None:
    """Measure and print a table."""
    with (
        tempfile.TemporaryDirectory() as name,
        a_cloud(Path(name)) as cloud,
        a_bff(cloud["auth_url"], Path(name)) as (pid, origin),
    ):
        token = sign_in(cloud["auth_url"], "alice", "alice", "demo")
        url = f"{origin}upload-image"
        _status(url, token, b"")  # whatever the first request of a process costs
        print("\n| hostile form | status | CPU of the BFF (s) | memory grown (MiB) |")
        print("| --- | --- | --- | --- |")
        for what, body in HOSTILE.items():
            usage = Usage(pid)
            status = _status(url, token, body)
            print(f"| {what} | {status} | {usage.cpu():.2f} | {usage.grown():.1f} |", flush=True)


def _status(url: str, token: str, body: bytes) -> str:
    headers = ["-H", f"x-auth-token: {token}", "-H", f"content-type: {FORM}", "-H", "Expect:"]
    words = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *headers]
    words += ["--data-binary", "@-", url]
    return subprocess.run(words, input=body, capture_output=True, check=False).stdout.decode()


if __name__ == "__main__":
    main()
