"""``python -m bench.load``: what one caller's load costs another, and how soon a refusal comes.

A stand-in for Keystone and Glance (``bench.stand_in``) is slow, hangs or resets on command. Each
figure is beside the same call alone, in one run; load, services and client share one machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

LIST = "compute.image.listImages"
DELETE = "compute.image.deleteImages"
CALLS = 20
# Of the refusals below, in seconds.
DUE = 1.0
# What a script, a dashboard and a crowd would have: the queue's time is short, to be measured soon.
SETTINGS: Mapping[str, str] = {
    "BFF_QUEUE_TIMEOUT": str(DUE),
    "BFF_LOG_LEVEL": "error",
    "BFF_SIGN_INS_PER_USER": "0",
    "BFF_SIGN_INS_PER_ADDRESS": "0",
    "BFF_BREAKER_FAILURES": "1000",
    "BFF_CALL_TIMEOUT": "30",
}
# Beside crowds, whatever holds them back is as it is by default, but what would keep them out.
CROWDED: Mapping[str, str] = {
    "BFF_LOG_LEVEL": "error",
    "BFF_SIGN_INS_PER_USER": "0",
    "BFF_SIGN_INS_PER_ADDRESS": "0",
    "BFF_MAX_UPLOADS_PER_PROJECT": "100",
    # Who comes from where is what a request says.
    "BFF_TRUSTED_PROXIES": "127.0.0.1",
}
USERS = 400
SLOW = 2.0
GUESSES = 100
# What a Keystone takes to hash a password, in seconds.
HASHING = 0.35
UPLOADS = 50
# Of a slow upload, in bytes a second; of a fast one, none.
RATES: Mapping[str, str] = {"slow": "200k", "fast": "100G"}
FILE_SIZE = 64 * 1024 * 1024


@dataclass(frozen=True)
class Bff:
    """A BFF, what is behind it, and the client that calls both."""

    url: str
    upstream: str
    client: aiohttp.ClientSession

    async def glance(self, mode: str, seconds: float = 0.02, hashing: float = 0) -> None:
        """Say what Glance does from now on, and how long Keystone takes for a password."""
        asked = {"mode": mode, "seconds": seconds, "password_seconds": hashing}
        await self._post(f"{self.upstream}/mode", asked)

    async def requests(self) -> int:
        """Return how many requests Glance was sent since."""
        async with self.client.get(f"{self.upstream}/count") as answer:
            return int(await answer.text())

    async def call(self, user: str, method: str = LIST, **params: Any) -> Any:
        """Make one call with a user's token."""
        return await self.send(user, _call(method, params or {"limit": 1}))

    async def send(self, user: str, body: Any, address: str = "192.0.2.1") -> Any:
        """Send a call or a batch; ``address`` counts where proxies are believed."""
        credentials = {"X-Auth-Token": user} if user else {}
        return await self._post(f"{self.url}rpc", body, {"X-Forwarded-For": address, **credentials})

    async def _post(self, url: str, body: Any, headers: Mapping[str, str] | None = None) -> Any:
        async with self.client.post(url, json=body, headers=headers) as answer:
            text = await answer.text()
            return json.loads(text) if text else None


def _call(method: str, params: Any, number: int = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


@dataclass
class Timed:
    """How long each of some calls took, in seconds, and how many of them failed."""

    taken: list[float] = field(default_factory=list)
    failed: int = 0


async def seconds(work: Callable[[], Awaitable[Any]], count: int = CALLS) -> Timed:
    """Make a call again and again, one after the other."""
    timed = Timed()
    for _ in range(count):
        started = time.perf_counter()
        answer = await work()
        timed.taken.append(time.perf_counter() - started)
        timed.failed += "error" in answer
    return timed


@asynccontextmanager
async def beside(load: Awaitable[Any], moment: float = 0.5) -> AsyncIterator[None]:
    """Have a load under way inside the block."""
    loading = asyncio.ensure_future(load)
    await asyncio.sleep(moment)
    try:
        yield
    finally:
        ended_early = loading.done()
        loading.cancel()
        ends = await asyncio.gather(loading, return_exceptions=True)
    if ended_early and isinstance(ends[0], Exception):
        raise ends[0]


HEAD = """\
| a call | alone, ms | beside the load, ms | longest, ms | times | failed |
| --- | --- | --- | --- | --- | --- |"""


def row(what: str, alone: Timed, loaded: Timed) -> None:
    """Print the medians and the longest, and how many times as long it takes beside the load."""
    before, after = statistics.median(alone.taken), statistics.median(loaded.taken)
    failed = f"{loaded.failed} of {len(loaded.taken)}" if loaded.failed else ""
    print(
        f"| {what} | {before * 1000:.0f} | {after * 1000:.0f} | {max(loaded.taken) * 1000:.0f}"
        f" | {after / before:.1f} | {failed} |",
        flush=True,
    )


async def measure(bff: Bff) -> None:
    """Print the tables."""
    await _resets(bff)
    print(HEAD)
    await bff.glance("answer")
    ids = [str(uuid.uuid4()) for _ in range(1000)]
    batch = [_call(DELETE, {"imageIds": ids}, number) for number in range(16)]
    alone = await seconds(lambda: bff.call("person"))
    async with beside(bff.send("script", batch)):
        loaded = await seconds(lambda: bff.call("person"))
    row("listImages beside 16 x deleteImages of 1000 ids", alone, loaded)
    signing = await seconds(lambda: _sign_in(bff))
    await bff.glance("hang")
    crowd = asyncio.gather(*(bff.call(f"crowd{n}") for n in range(400)))
    async with beside(crowd):
        row("sign-in beside a Glance that hangs", signing, await seconds(lambda: _sign_in(bff)))
    print()
    await bff.glance("answer")
    await _refusals(bff)


async def _sign_in(bff: Bff) -> Any:
    given = {"user": "alice", "password": "x", "domainName": "Default"}
    return await bff.send("", _call("auth.createUserSession", given))


async def _guess(bff: Bff, address: str) -> None:
    given = {"user": f"user at {address}", "password": "wrong", "domainName": "Default"}
    await bff.send("", _call("auth.createUserSession", given), address)


async def measure_crowds(bff: Bff) -> None:
    """Print what a crowd of others costs somebody, by kinds of crowds."""
    print("\nWanted: at most twice as long.\n\n" + HEAD)
    await _beside_calls(bff)
    await _beside_guesses(bff, "from one address", ["198.51.100.1"] * GUESSES)
    many = [f"198.51.100.{number}" for number in range(GUESSES)]
    await _beside_guesses(bff, "each from another address", many)
    for speed, rate in RATES.items():
        await _beside_uploads(bff, speed, rate)


async def _beside_calls(bff: Bff) -> None:
    others = [f"other{number}" for number in range(USERS)]
    await bff.glance("answer")
    for user in ("person", *others):
        await bff.call(user)
    await bff.glance("answer", SLOW)
    alone = await seconds(lambda: bff.call("person"), 3)
    signing = await seconds(lambda: _sign_in(bff))
    script = asyncio.gather(*(bff.call("script") for _ in range(USERS)))
    async with beside(script):
        loaded = await seconds(lambda: bff.call("person"), 2)
    row(f"listImages beside {USERS} calls of one script to a Glance of {SLOW:g} s", alone, loaded)
    async with beside(_endlessly(bff.call, others)):
        loaded = await seconds(lambda: bff.call("person"), 5)
        signing_in = await seconds(lambda: _sign_in(bff))
    what = f"beside {USERS} other users' calls to a Glance of {SLOW:g} s"
    row(f"listImages {what}", alone, loaded)
    row(f"sign-in {what}", signing, signing_in)


async def _beside_guesses(bff: Bff, origin: str, addresses: Sequence[str]) -> None:
    await bff.glance("answer", hashing=HASHING)
    alone = await seconds(lambda: bff.call("person"))
    signing = await seconds(lambda: _sign_in(bff), 5)
    async with beside(_endlessly(lambda address: _guess(bff, address), addresses)):
        loaded = await seconds(lambda: bff.call("person"))
        signing_in = await seconds(lambda: _sign_in(bff), 5)
    what = f"beside {GUESSES} sign-ins with wrong passwords, {origin}"
    row(f"listImages {what}", alone, loaded)
    row(f"sign-in of {HASHING:g} s {what}", signing, signing_in)


async def _beside_uploads(bff: Bff, speed: str, rate: str) -> None:
    await bff.glance("answer")
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(FILE_SIZE)
        alone = await seconds(lambda: bff.call("person"))
        uploads = _endlessly(lambda user: _upload(bff, user, file.name, rate), ["up"] * UPLOADS)
        async with beside(uploads, moment=2):
            loaded = await seconds(lambda: bff.call("person"))
    row(f"listImages beside {UPLOADS} {speed} uploads", alone, loaded)


async def _endlessly(work: Callable[[str], Awaitable[Any]], names: Sequence[str]) -> None:
    """Do something for each name at once, again and again."""

    async def again(name: str) -> None:
        while True:
            await work(name)

    await asyncio.gather(*map(again, names))


async def _upload(bff: Bff, user: str, file: str, rate: str) -> None:
    """Upload by curl, which takes no time of this process; raises where that fails."""
    url = f"{bff.url}upload-image?imageId={uuid.uuid4()}"
    words = ["-sS", "--fail", "--limit-rate", rate, "-X", "POST", "-T", file, "-H", "Expect:"]
    words += ["-H", f"x-auth-token: {user}", "-H", "content-type: application/octet-stream", url]
    process = await asyncio.create_subprocess_exec("curl", *words, stdout=subprocess.DEVNULL)
    try:
        if await process.wait():
            raise RuntimeError("an upload failed")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _refusals(bff: Bff) -> None:
    """Print how late refusals come that are due, of calls that find every slot of Glance taken."""
    users = [f"late{number}" for number in range(120)]
    for user in users:
        await bff.call(user)
    await bff.glance("hang")

    async def refused(user: str) -> tuple[float, str]:
        started = time.perf_counter()
        answer = await bff.call(user)
        return time.perf_counter() - started - DUE, answer["error"]["data"]["code"]

    holding = [asyncio.ensure_future(bff.call(user)) for user in users[:100]]
    while await bff.requests() < len(holding):  # noqa: ASYNC110  # another process counts
        await asyncio.sleep(DUE / 20)
    late = [await refused(user) for user in users[100:105]]
    late += await asyncio.gather(*(refused(user) for user in users[105:]))
    for call in holding:
        call.cancel()
    await asyncio.gather(*holding, return_exceptions=True)
    codes = ", ".join({code for _, code in late})
    times = sorted(seconds * 1000 for seconds, _ in late)
    median, longest = statistics.median(times), times[-1]
    print(f"{len(late)} calls to a Glance whose slots all hang were refused ({codes}), in the")
    print(f"median {median:.0f} ms after it was due ({DUE:g} s), at most {longest:.0f} ms.")


async def _resets(bff: Bff) -> None:
    await bff.glance("reset")
    # No two are the same, which would be sent once.
    batch = [_call(LIST, {"limit": number + 1}, number) for number in range(90)]
    answers = await bff.send("script", batch)
    count, failed = await bff.requests(), sum("error" in answer for answer in answers)
    print(f"90 calls to a Glance that resets: {failed} failed, {count} requests to Glance.\n")


@contextmanager
def started(*words: str, **variables: str) -> Iterator[str]:
    """Run a program of ours; yields what it prints first."""
    environment = {**os.environ, **variables}
    command = [sys.executable, "-m", *words]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
        ) as process,
    ):
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


async def main() -> None:
    """Start what it takes, and measure."""
    with started("bench.stand_in") as line:
        upstream = json.loads(line)
        addresses = {"BFF_AUTH_URL": f"{upstream}/v3", "BFF_GLANCE_URL": upstream}
        for settings, work in ((SETTINGS, measure), (CROWDED, measure_crowds)):
            with started("bff", "serve", "--port", "0", **addresses, **settings) as ready:
                connector = aiohttp.TCPConnector(limit=0)
                async with aiohttp.ClientSession(connector=connector) as client:
                    await work(Bff(ready.removeprefix("ready "), upstream, client))


if __name__ == "__main__":
    asyncio.run(main())
