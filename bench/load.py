"""``python -m bench.load``: what one caller's load costs another, and how soon a refusal comes.

A stand-in for Keystone and Glance (``bench.stand_in``) is slow, hangs or resets on command. Each
figure is beside the same call alone, in one run.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Bff:
    """A BFF, what is behind it, and the client that calls both."""

    url: str
    upstream: str
    client: aiohttp.ClientSession

    async def glance(self, mode: str, seconds: float = 0.02) -> None:
        """Say what Glance does from now on."""
        await self._post(f"{self.upstream}/mode", {"mode": mode, "seconds": seconds})

    async def requests(self) -> int:
        """Return how many requests Glance was sent since."""
        async with self.client.get(f"{self.upstream}/count") as answer:
            return int(await answer.text())

    async def call(self, user: str, method: str = LIST, **params: Any) -> Any:
        """Make one call with a user's token."""
        return await self.send(user, _call(method, params or {"limit": 1}))

    async def send(self, user: str, body: Any) -> Any:
        """Send a call or a batch."""
        return await self._post(f"{self.url}rpc", body, {"X-Auth-Token": user} if user else {})

    async def _post(self, url: str, body: Any, headers: Mapping[str, str] | None = None) -> Any:
        async with self.client.post(url, json=body, headers=headers) as answer:
            text = await answer.text()
            return json.loads(text) if text else None


def _call(method: str, params: Any, number: int = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


async def seconds(work: Callable[[], Awaitable[Any]], count: int = CALLS) -> list[float]:
    """Return how long each of some calls took, one after the other."""
    taken = []
    for _ in range(count):
        started = time.perf_counter()
        await work()
        taken.append(time.perf_counter() - started)
    return taken


@asynccontextmanager
async def beside(load: Awaitable[Any], moment: float = 0.5) -> AsyncIterator[None]:
    """Have a load under way inside the block."""
    loading = asyncio.ensure_future(load)
    await asyncio.sleep(moment)
    try:
        yield
    finally:
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)


def row(what: str, alone: list[float], loaded: list[float]) -> None:
    """Print the medians and the longest, and how many times as long it takes beside the load."""
    before, after = statistics.median(alone), statistics.median(loaded)
    print(
        f"| {what} | {before * 1000:.0f} | {after * 1000:.0f} | {max(loaded) * 1000:.0f}"
        f" | {after / before:.1f} |",
        flush=True,
    )


async def measure(bff: Bff) -> None:
    """Print the tables."""
    await _resets(bff)
    print("| a call | alone, ms | beside the load, ms | longest, ms | times |")
    print("| --- | --- | --- | --- | --- |")
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
    answer = await bff.send("", _call("auth.createUserSession", given))
    assert "result" in answer, answer
    return answer


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
    await asyncio.sleep(DUE / 2)
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
    batch = [_call(LIST, {"limit": 1}, number) for number in range(90)]
    answers = await bff.send("script", batch)
    count, failed = await bff.requests(), sum("error" in answer for answer in answers)
    print(f"90 calls to a Glance that resets: {failed} failed, {count} requests to Glance.\n")


@contextmanager
def started(*words: str, **variables: str) -> Iterator[str]:
    """Run a program of ours; yields what it prints first."""
    environment = {**os.environ, **variables}
    command = [sys.executable, "-m", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
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
        with started("bff", "serve", "--port", "0", **addresses, **SETTINGS) as ready:
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(connector=connector) as client:
                await measure(Bff(ready.removeprefix("ready "), upstream, client))


if __name__ == "__main__":
    asyncio.run(main())
