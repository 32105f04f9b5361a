"""The servers that are compared, each a process of its own, and what such a process has used."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.speed.cases import ALONE, BARE, MINI, OURS

PYTHON = Path(sys.executable)
NODE = PYTHON.parent / "node"
# Where mini is installed; another folder where the checkout is not to be written to.
MINI_FOLDER = Path(os.environ.get("BENCH_MINI", Path(__file__).parents[1] / "peers" / "mini"))
MIB = 1024 * 1024
START_SECONDS = 30
STOP_SECONDS = 20
# A server rests that takes less of a processor than this for so many seconds.
IDLE, REST, REST_SECONDS = 0.05, 0.3, 10.0
# Load is to be measured, and not what holds load back: one caller may have it all.
LIMITS: Mapping[str, str] = {
    "BFF_MAX_CALLS": "5000",
    "BFF_MAX_CALLS_PER_CALLER": "5000",
    "BFF_MAX_REQUESTS_PER_CALLER": "5000",
    "BFF_MAX_GLANCE_REQUESTS": "5000",
    "BFF_MAX_KEYSTONE_REQUESTS": "5000",
    "BFF_MAX_WAITING": "10000",
    "BFF_QUEUE_TIMEOUT": "30",
    "BFF_SIGN_INS_PER_USER": "0",
    "BFF_SIGN_INS_PER_ADDRESS": "0",
}


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    pid: int
    origin: str

    def cpu(self) -> float:
        """Return the seconds of processor time that it and its children have used."""
        ticks = sum(sum(map(int, _stat(pid)[11:13])) for pid in self._processes())
        return ticks / os.sysconf("SC_CLK_TCK")

    def cpu_at_rest(self) -> float:
        """Return the same once nothing of an earlier load is under way any more."""
        deadline = time.monotonic() + REST_SECONDS
        used = self.cpu()
        while time.monotonic() < deadline:
            time.sleep(REST)
            before, used = used, self.cpu()
            if used - before <= IDLE * REST:
                break
        return used

    def memory(self) -> float:
        """Return the resident memory of it and its children, in MiB."""
        pages = (int(_stat(pid)[21]) for pid in self._processes())
        return sum(pages) * os.sysconf("SC_PAGE_SIZE") / MIB

    def _processes(self) -> list[int]:
        found = [self.pid]
        for pid in found:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
            found += map(int, children.split())
        return found


def _stat(pid: int) -> list[str]:
    """Return the fields of proc(5)'s stat, from the third on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(name: str, upstream: str, folder: Path, workers: int = 1) -> Iterator[Server]:
    """Run one of ``SERVERS`` in front of ``upstream``; its log is a file in ``folder``."""
    port = str(free_port())
    words = _words(name, port, upstream, workers)
    variables = {**LIMITS, "BFF_AUTH_URL": f"{upstream}/v3", "PORT": port, "GLANCE_URL": upstream}
    variables |= {"NODE_ENV": "production", "BFF_AUDIT_FILE": str(folder / "audit")}
    with started(words, port, folder / f"{name}.log", variables) as server:
        yield server


def _words(name: str, port: str, upstream: str, workers: int) -> list[str]:
    python = [str(PYTHON), "-m"]
    return {
        OURS: [*python, "bff", "serve", "--port", port, "--workers", str(workers)],
        MINI: [str(NODE), str(MINI_FOLDER / "server.ts")],
        BARE: [*python, "bench.speed.bare", port, upstream],
        ALONE: [*python, "bench.speed.upstream", port],
    }[name]


@contextmanager
def started(
    words: list[str], port: str, log: Path, variables: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run a program until the block ends.

    Raises:
        RuntimeError: it does not listen on its port.
    """
    with log.open("ab") as file:
        environment = {**os.environ, **(variables or {})}
        process = subprocess.Popen(words, stdout=file, stderr=file, env=environment)
    try:
        _await_port(process, int(port), log)
        yield Server(process.pid, f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{process.args!r} does not listen: {log.read_text()[-2000:]}")
