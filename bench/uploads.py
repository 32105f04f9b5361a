"""``python -m bench.uploads``: large files through every way, beside curl straight to Glance.

It starts a Keystone, a Glance and the BFF of its own, and leaves nothing behind. Each way
uploads the same file; what Glance has is compared by its sha512.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devcloud.api import Api, sign_in

MIB = 1024 * 1024
BLOCK = 8 * MIB
WARM_UP = 4 * MIB
# Linux, proc(5): sets VmHWM, the peak of the resident memory, back to what it is now.
RESET_PEAK = "5"
HEAD = """\
| way | seconds | MiB/s | memory grown (MiB) | CPU of the BFF (s) | sha512 |
| --- | --- | --- | --- | --- | --- |"""
RAW = {"name": "bench", "container_format": "bare", "disk_format": "raw"}


@dataclass(frozen=True)
class Row:
    """What one upload took."""

    way: str
    seconds: float
    size: int
    whole: bool
    grown: float | None = None
    cpu: float | None = None

    def __str__(self) -> str:
        rate = self.size / MIB / self.seconds
        grown = "" if self.grown is None else f"{self.grown:.1f}"
        cpu = "" if self.cpu is None else f"{self.cpu:.1f}"
        equal = "equal" if self.whole else "DIFFERENT"
        return f"| {self.way} | {self.seconds:.1f} | {rate:.0f} | {grown} | {cpu} | {equal} |"


@dataclass
class Usage:
    """What a process has used since this was made."""

    pid: int
    memory_before: int = field(init=False)
    cpu_before: float = field(init=False)

    def __post_init__(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text(RESET_PEAK)
        self.memory_before, self.cpu_before = self._memory("VmRSS"), self._cpu()

    def grown(self) -> float:
        """Return by how many MiB the memory has grown, at its peak."""
        return (self._memory("VmHWM") - self.memory_before) / MIB

    def cpu(self) -> float:
        """Return the seconds of processor time, to a hundredth."""
        return self._cpu() - self.cpu_before

    def _memory(self, name: str) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))

    def _cpu(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Bench:
    """A cloud, a BFF in front of it, and a file to upload."""

    def __init__(self, cloud: dict[str, Any], origin: str, pid: int, file: Path) -> None:
        token = sign_in(cloud["auth_url"], "alice", "alice", "demo")
        self.glance = Api(cloud["glance_url"], token)
        self.route = f"{origin}upload-image"
        self.pid = pid
        self.file = file
        self.size = file.stat().st_size
        self.digest = _digest(file)

    def direct(self) -> Row:
        """Upload with curl, straight to Glance."""
        image_id = self._new_image()
        url = f"{self.glance.url}/v2/images/{image_id}/file"
        header = "content-type: application/octet-stream"
        seconds = self._curl("-X", "PUT", "-H", header, "-T", str(self.file), url)
        return Row("curl straight to Glance", seconds, self.size, self._is_whole(image_id))

    def through(self, way: str) -> Row:
        """Upload with curl, through the BFF."""
        image_id = self._new_image()
        usage = Usage(self.pid)
        seconds = self._curl(*self._arguments(way, image_id))
        grown = usage.grown()
        whole = self._is_whole(image_id)
        return Row(way, seconds, self.size, whole, grown, usage.cpu())

    def _arguments(self, way: str, image_id: str) -> list[str]:
        if way == WAYS[2]:
            header = "content-type: application/octet-stream"
            url = f"{self.route}?imageId={image_id}"
            return ["-X", "POST", "-H", header, "-T", str(self.file), url]
        parts = [f"imageId={image_id}", f"file=@{self.file}"]
        ordered = parts if way == WAYS[0] else parts[::-1]
        return [*(word for part in ordered for word in ("-F", part)), self.route]

    def _curl(self, *arguments: str) -> float:
        token = f"x-auth-token: {self.glance.token}"
        started = time.perf_counter()
        # No Expect header: curl would wait a second for an answer that not everybody gives.
        words = ["curl", "-sS", "--fail-with-body", "-H", token, "-H", "Expect:", *arguments]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - started
        if done.returncode:
            raise SystemExit(f"curl failed: {done.stderr}{done.stdout}")
        return seconds

    def _new_image(self) -> str:
        return str(self.glance.post("/v2/images", RAW)["id"])

    def _is_whole(self, image_id: str) -> bool:
        """Compare what Glance has, and remove it."""
        image = self.glance.get(f"/v2/images/{image_id}")
        self.glance.call("DELETE", f"/v2/images/{image_id}")
        found = image["status"], image["size"], image["os_hash_value"]
        return bool(found == ("active", self.size, self.digest))


WAYS = ("multipart, imageId first", "multipart, file first", "octet-stream")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.uploads", description=__doc__)
    parser.add_argument("--mib", type=int, default=2048, help="the size of the file, in MiB")
    parser.add_argument("--runs", type=int, default=1, help="how often each way is measured")
    parser.add_argument("--dir", type=Path, default=Path("/var/tmp"), help="where there is room")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.dir) as name, a_cloud(Path(name)) as cloud:
        small = a_file(Path(name) / "small", WARM_UP)
        large = a_file(Path(name) / "large", arguments.mib * MIB)
        with a_bff(cloud["auth_url"], arguments.dir) as (pid, origin):
            warm = Bench(cloud, origin, pid, small)
            for way in WAYS:
                warm.through(way)
            bench = Bench(cloud, origin, pid, large)
            print(f"{arguments.mib} MiB\n")
            print(HEAD)
            for _ in range(arguments.runs):
                print(bench.direct(), flush=True)
                for way in WAYS:
                    print(bench.through(way), flush=True)


@contextmanager
def a_cloud(folder: Path, processes: int = 1) -> Iterator[dict[str, Any]]:
    """Run a cloud, with some processes for each service; yields its description."""
    words = [sys.executable, "-m", "devcloud", "--dir", str(folder / "cloud")]
    words += ["--processes", str(processes)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


@contextmanager
def a_bff(auth_url: str, spool: Path) -> Iterator[tuple[int, str]]:
    """Run ``bff serve``, without its log; yields its process's id and its address."""
    words = [sys.executable, "-m", "bff", "serve", "--port", "0"]
    variables = {"BFF_AUTH_URL": auth_url, "BFF_SPOOL_DIR": str(spool), "BFF_LOG_LEVEL": "error"}
    environment = {**os.environ, **variables}
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
        ) as process,
    ):
        assert process.stdout is not None
        try:
            line = process.stdout.readline().strip()
            yield process.pid, line.removeprefix("ready ")
        finally:
            process.terminate()


def a_file(path: Path, size: int) -> Path:
    """Write a file of random bytes."""
    with path.open("wb") as file:
        for start in range(0, size, BLOCK):
            file.write(os.urandom(min(BLOCK, size - start)))
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()


if __name__ == "__main__":
    main()
