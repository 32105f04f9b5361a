"""``python -m bench.scripts``: a script's calls, one by one and by the Python client's ``map``.

A stand-in for Keystone and Glance (``bench.stand_in``) answers as soon as a real Glance would. Both
figures come from one run, in turns, and their ratio is what counts; memory is this process's own.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.load import SETTINGS, started
from polaris_bff import Client

LIST = "compute.image.listImages"
# In seconds; a real Glance 33 answers a GET in 4 to 6 ms.
GLANCE = 0.005
ROUNDS = 3
PAGE = resource.getpagesize()


def memory() -> float:
    """Return what this process has in memory, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * PAGE / 1024**2


def one_by_one(client: Client, count: int) -> float:
    """Return how many calls a second are made, each in a request of its own."""
    started_at = time.perf_counter()
    for _ in range(count):
        client.compute.image.list_images(limit=1)
    return count / (time.perf_counter() - started_at)


def mapped(client: Client, count: int, concurrency: int) -> tuple[float, list[float]]:
    """Return how many calls a second ``map`` makes, and the memory at each tenth of them."""
    inputs: Iterator[dict[str, int]] = ({"limit": 1} for _ in range(count))
    memories = []
    started_at = time.perf_counter()
    outcomes = client.map(LIST, inputs, concurrency=concurrency)
    for number, outcome in enumerate(outcomes, 1):
        outcome.result()
        if number % (count // 10) == 0:
            memories.append(memory())
    return count / (time.perf_counter() - started_at), memories


def measure(client: Client, count: int, concurrency: int) -> None:
    """Print both figures of each round, their ratio, and the memory."""
    one_by_one(client, 20)
    print("| round | one by one, calls/s | map, calls/s | times | MiB at a tenth, at the end |")
    print("| --- | --- | --- | --- | --- |")
    ratios = []
    for number in range(1, ROUNDS + 1):
        single = one_by_one(client, count // 40)
        many, memories = mapped(client, count, concurrency)
        ratios.append(many / single)
        print(
            f"| {number} | {single:.0f} | {many:.0f} | {ratios[-1]:.1f}"
            f" | {memories[0]:.1f}, {memories[-1]:.1f} |",
            flush=True,
        )
    print(f"\nmap, {count} calls: {statistics.median(ratios):.1f} times as many calls a second.")


def configure(upstream: str) -> None:
    """Say how long the stand-in takes."""
    body = json.dumps({"mode": "answer", "seconds": GLANCE}).encode()
    request = urllib.request.Request(f"{upstream}/mode", data=body, method="POST")
    urllib.request.urlopen(request, timeout=10).close()


def main(words: Sequence[str] | None = None) -> None:
    """Start what it takes, and measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=4)
    given = parser.parse_args(words)
    with started("bench.stand_in") as line:
        upstream = json.loads(line)
        configure(upstream)
        addresses = {"BFF_AUTH_URL": f"{upstream}/v3", "BFF_GLANCE_URL": upstream}
        with (
            started("bff", "serve", "--port", "0", **addresses, **SETTINGS) as ready,
            Client(ready.removeprefix("ready "), token="script") as client,
        ):
            measure(client, given.calls, given.concurrency)


if __name__ == "__main__":
    main()
