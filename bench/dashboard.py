"""``python -m bench.dashboard``: a dashboard's first page, by one batch or straight from the cloud.

The page is made of the session, a list of images, the members of those that are shared, and the
user's projects. A batch to the BFF gets them all; without it, one request after the other gets
them from Keystone and Glance, over connections that are kept, with the same token.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bench.speed.servers import Server, free_port, started
from bench.speed.wrk import Spread
from bench.uploads import a_cloud
from devcloud.api import Api, sign_in

PAGES = 20
# Each process of the cloud meets each connection, and asks once whose token it is.
WARM_UP = 10
# Of Keystone and Glance each: no cloud has one, and one can do one thing at a time.
PROCESSES = 4
IMAGES = 25
SHARED = 5
# In milliseconds.
AFAR = 20
SENT = re.compile(r"^bff_upstream_requests_total\{.*\} (\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Way:
    """How long a page takes, in milliseconds.

    Args:
        cpu: The processor time of all that takes part: Keystone, Glance, the BFF and who asks.
        requests: How many Keystone and Glance get.
        trips: How often the user's side waits for an answer.
    """

    name: str
    time: Spread
    cpu: float
    requests: float
    trips: int

    @property
    def from_afar(self) -> float:
        """The time for a user whose packets take ``AFAR`` there and back; it is computed."""
        return self.time.median + self.trips * AFAR


class Client:
    """A connection that is kept."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        self._base = parts.path.rstrip("/")
        self._headers = {"X-Auth-Token": token, "Accept": "application/json"}

    def ask(self, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """Return the answer.

        Raises:
            RuntimeError: it is no success.
        """
        method = "GET" if body is None else "POST"
        given = {**self._headers, **(headers or {}), "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body)
        self._connection.request(method, self._base + path, content, given)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {text[:200]!r}")
        return json.loads(text)


def straight(keystone: Client, glance: Client, token: str, shared: list[str]) -> None:
    """Get a page from the cloud."""
    keystone.ask("/auth/tokens", headers={"X-Subject-Token": token})
    assert len(glance.ask(f"/v2/images?limit={IMAGES}")["images"]) == IMAGES
    for image_id in shared:
        glance.ask(f"/v2/images/{image_id}/members")
    keystone.ask("/auth/projects")


def batch(shared: list[str]) -> list[dict[str, Any]]:
    """Return the same page's calls."""
    asked: list[tuple[str, dict[str, Any]]] = [
        ("auth.getCurrentUserSession", {}),
        ("compute.image.listImages", {"limit": IMAGES}),
        *(("compute.image.listImageMembers", {"imageId": image_id}) for image_id in shared),
        ("auth.listProjects", {}),
    ]
    return [
        {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        for number, (method, params) in enumerate(asked)
    ]


def through(bff: Client, calls: list[dict[str, Any]]) -> None:
    """Get a page from the BFF."""
    answers = bff.ask("/rpc", calls)
    failed = [answer for answer in answers if "result" not in answer]
    if failed or len(answers) != len(calls):
        raise RuntimeError(f"the batch failed: {failed}")


def measure(pages: int = PAGES) -> list[Way]:
    """Measure both, in turn; the first pages of each do not count."""
    folder = tempfile.TemporaryDirectory(dir="/var/tmp")
    with folder as name, a_cloud(Path(name), PROCESSES) as cloud:
        token = sign_in(cloud["auth_url"], "alice", "alice", "demo")
        shared = _fill(Api(cloud["glance_url"], token), cloud["projects"]["partner"])
        keystone = Client(cloud["auth_url"], token)
        glance = Client(cloud["glance_url"], token)
        with _a_bff(cloud["auth_url"], Path(name)) as (origin, sent):
            bff, calls = Client(f"{origin}/polaris-bff", token), batch(shared)

            def page() -> list[Cost]:
                return [
                    _cost(lambda: straight(keystone, glance, token, shared)),
                    _cost(lambda: through(bff, calls)),
                ]

            for _ in range(WARM_UP):
                page()
            before = sent()
            directly, batched = zip(*(page() for _ in range(pages)), strict=True)
            requests = (sent() - before) / pages
    return [
        _way("one by one, straight to Keystone and Glance", directly, len(calls), len(calls)),
        _way("one batch, through the BFF", batched, requests, 1),
    ]


def _way(name: str, costs: Sequence[Cost], requests: float, trips: int) -> Way:
    spread = Spread(tuple(cost.time for cost in costs))
    return Way(name, spread, mean(cost.cpu for cost in costs), requests, trips)


def _fill(glance: Api, partner: str) -> list[str]:
    """Make images until there are enough; returns those that are shared."""
    made = [
        str(glance.post("/v2/images", {"name": f"image {number}", "visibility": "shared"})["id"])
        for number in range(IMAGES)
    ]
    for image_id in made[:SHARED]:
        glance.post(f"/v2/images/{image_id}/members", {"member": partner})
    return made[:SHARED]


@contextmanager
def _a_bff(auth_url: str, folder: Path) -> Iterator[tuple[str, Callable[[], int]]]:
    """Run ``bff serve``; yields its address, and what tells how many requests it has sent."""
    port, metrics = str(free_port()), f"127.0.0.1:{free_port()}"
    words = [sys.executable, "-m", "bff", "serve", "--port", port]
    variables = {"BFF_AUTH_URL": auth_url, "BFF_METRICS_ADDRESS": metrics}

    def sent() -> int:
        with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=10) as answer:
            return sum(map(int, SENT.findall(answer.read().decode().replace(".0\n", "\n"))))

    with started(words, port, folder / "bff.log", variables) as server:
        yield server.origin, sent


class Cost(NamedTuple):
    """Of one page, in milliseconds."""

    time: float
    cpu: float


def _cost(work: Callable[[], None]) -> Cost:
    # The cloud and the BFF are children of this process.
    everything = Server(os.getpid(), "")
    used, begun = everything.cpu(), time.perf_counter()
    work()
    taken = time.perf_counter() - begun
    return Cost(taken * 1000, (everything.cpu() - used) * 1000)


def report(ways: list[Way], cores: int = os.cpu_count() or 1) -> str:
    """Return both in Markdown, and what bounds the batch."""
    rows = [
        f"| {way.name} | {way.time:.1f} | {way.from_afar:.0f} | {way.cpu:.0f} | {way.requests:g} |"
        for way in ways
    ]
    head = (
        f"| way | ms, median (min-max) | ms from {AFAR} ms away | processor time, ms"
        " | requests to the cloud |"
    )
    direct, batched = ways
    times = direct.time.median / batched.time.median
    afar = direct.from_afar / batched.from_afar
    least = batched.cpu / cores
    verdict = (
        f"The batch is {times:.1f} times as fast here, and {afar:.1f} times for a user {AFAR} ms"
        f" away (computed). Wanted: twice; **{'met' if times >= 2 else 'not met'}** here. All"
        " processes share this machine's processors: with"
        f" {cores}, the batch takes no less than {least:.0f} ms, so that it is at most"
        f" {direct.time.median / least:.1f} times as fast."
        f"{_twice_from(direct, batched)}"
    )
    return "\n".join([head, "| --- | --- | --- | --- | --- |", *rows, "", verdict])


def _twice_from(direct: Way, batched: Way) -> str:
    """Return from how far away the batch is twice as fast."""
    missing = 2 * batched.time.median - direct.time.median
    away = missing / (direct.trips - 2 * batched.trips)
    return f" It is twice as fast from {away:.1f} ms away (computed)." if away > 0 else ""


def main() -> None:
    """Measure and print."""
    print(report(measure()))


if __name__ == "__main__":
    main()
