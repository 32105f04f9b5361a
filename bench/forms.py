"""``python -m bench.forms``: what hostile forms cost the BFF.

Sends every form that the tests of ``bff/upload/multipart.py`` know as hostile, and prints the
answer, the processor time and how far the memory has grown.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from bench.uploads import Usage, a_bff, a_cloud
from devcloud.api import sign_in
from tests.bff.upload.conftest import FORM
from tests.bff.upload.test_multipart import HOSTILE


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
        for what, (body, _) in HOSTILE.items():
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
