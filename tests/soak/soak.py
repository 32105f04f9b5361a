"""Mixed work on a real server while the services fail at random: all of it right, nothing grows."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import aiohttp

from tests import canary
from tests.faults.services import USERS
from tests.faults.shelf import Shelf
from tests.faults.stage import set_stage
from tests.process import ROOT
from tests.soak import trouble
from tests.soak.actors import KINDS, Actor, Figures, acts

MIB = 1024 * 1024
# What the last quarter may have more than the second: the memory of a Python process is never flat.
GROWTH = {"rss": 1.25, "fds": 1.25, "tasks": 1.25}
MORE = {"rss": 16.0, "fds": 40.0, "tasks": 40.0}
SETTINGS = {
    "BFF_UPSTREAM_TIMEOUT": "1",
    "BFF_UPLOAD_GLANCE_TIMEOUT": "1",
    "BFF_UPLOAD_ANSWER_TIMEOUT": "1",
    # Tokens are looked at again and again.
    "BFF_TOKEN_CACHE_SECONDS": "1",
    "BFF_SIGN_INS_PER_USER": "1000000",
    "BFF_SIGN_INS_PER_ADDRESS": "1000000",
    # Else everything is refused after a few failures of an upload: they come one after another.
    "BFF_BREAKER_SECONDS": "0.5",
    "BFF_LOG_LEVEL": "debug",
}


@dataclass
class Server:
    """The process, and what it holds, now and then.

    Args:
        samples: Resident memory in MiB, open files, tasks.
        logged: What its log should not have, known when it has ended.
    """

    process: asyncio.subprocess.Process
    origin: str
    samples: dict[str, list[float]] = field(
        default_factory=lambda: {"rss": [], "fds": [], "tasks": []}
    )
    logged: list[str] = field(default_factory=list)

    async def sample(self) -> None:
        """Look at what it holds."""
        proc = Path(f"/proc/{self.process.pid}")
        pages = int((proc / "statm").read_text().split()[1])
        self.samples["rss"].append(pages * os.sysconf("SC_PAGE_SIZE") / MIB)
        self.samples["fds"].append(sum(1 for _ in (proc / "fd").iterdir()))
        self.process.send_signal(signal.SIGUSR2)
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        self.samples["tasks"].append(float(line.split()[1]))

    def grown(self) -> list[str]:
        """Return what the last quarter has more of than the second."""
        found = []
        for name, samples in self.samples.items():
            quarter = len(samples) // 4
            before = statistics.median(samples[quarter : 2 * quarter])
            after = statistics.median(samples[-quarter:])
            if after > before * GROWTH[name] + MORE[name]:
                found.append(f"{name} grew from {before:.0f} to {after:.0f}")
        return found


@asynccontextmanager
async def serving(auth_url: str) -> AsyncIterator[Server]:
    """Run a server; its log is searched for secrets at the end."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.soak.server", "serve", "--port", "0"),
                cwd=ROOT,
                env={**os.environ, **SETTINGS, "BFF_AUTH_URL": auth_url},
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        try:
            assert process.stdout is not None
            line = (await process.stdout.readline()).decode()
            origin = line.removeprefix("ready ").strip().removesuffix("/polaris-bff/")
            server = Server(process, origin)
            yield server
            process.terminate()
            await asyncio.wait_for(process.wait(), 60)
            server.logged = wrong_in(log)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def wrong_in(log: Path) -> list[str]:
    """Return what is to be said of the secrets and the tracebacks in a log."""
    found = []
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if (secret := canary.leak("the server's log", line)) is not None:
                found.append(secret)
            if "Traceback" in line or '"exception"' in line:
                found.append(f"a traceback is in the server's log: {line[:300]}")
    return found


async def soak(seconds: float, seed: int) -> tuple[Figures, Server]:
    """Let everybody work for a while; what is wrong is in the figures."""
    figures, shelf = Figures(), Shelf()
    async with set_stage() as stage:
        stage.glance.right_answer = shelf.answer
        for service in (stage.glance, stage.keystone):
            service.requests = deque(maxlen=100)
        async with serving(f"{stage.keystone.url}/v3") as server:
            trouble.plan(stage, seed)
            await _work(server, shelf, figures, seed, seconds)
        figures.wrong += [*server.grown(), *server.logged]
        figures.check(server.process.returncode in (0, -signal.SIGTERM), "how the server ended")
    return figures, server


async def _work(server: Server, shelf: Shelf, figures: Figures, seed: int, seconds: float) -> None:
    until = monotonic() + seconds
    # The server closes a connection on which nothing came for five seconds: not in this moment.
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(keepalive_timeout=2),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(90),
    ) as client:
        working = [
            acts(
                Actor(
                    server.origin, client, shelf, figures, user, random.Random(f"{seed}-{number}")
                ),
                kind,
                until,
            )
            for number, (user, kind) in enumerate((user, kind) for user in USERS for kind in KINDS)
        ]
        await asyncio.gather(_samples(server, until, seconds), *working)


async def _samples(server: Server, until: float, seconds: float) -> None:
    pause = max(seconds / 200, 0.1)
    while monotonic() < until:
        await server.sample()
        await asyncio.sleep(pause)


def report(figures: Figures, server: Server) -> list[str]:
    """Return what was done, line by line."""
    seconds = sorted(figures.seconds)
    p50, p99 = (seconds[int(len(seconds) * share)] * 1000 for share in (0.5, 0.99))
    held = [
        f"{name}: first {samples[0]:.0f}, median of quarter 2 "
        f"{statistics.median(samples[len(samples) // 4 : len(samples) // 2]):.0f}, of quarter 4 "
        f"{statistics.median(samples[-(len(samples) // 4) :]):.0f}, last {samples[-1]:.0f}"
        for name, samples in server.samples.items()
    ]
    return [
        f"calls {figures.calls}, of them in {figures.batches} batches of 20",
        f"sign-ins {figures.sign_ins}, progress watchers {figures.watchers}",
        f"uploads {figures.uploads.total()}: {dict(figures.uploads.most_common())}",
        f"errors {figures.errors.total()}: {dict(figures.errors.most_common())}",
        f"HTTP requests of calls: p50 {p50:.1f} ms, p99 {p99:.1f} ms",
        *held,
        f"wrong: {len(figures.wrong)}",
        *figures.wrong[:20],
    ]
