"""``python -m bench.search``: the first page of a search among ten thousand images, and all of it.

The images are written into Glance's database: to make them would take an hour.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.dashboard import Client
from bench.speed.wrk import Spread
from bench.uploads import a_bff, a_cloud
from devcloud.api import sign_in

IMAGES = 10_000
RUNS = 15
PAGE = "compute.image.listImagesWithPagination"
OLDEST = datetime(2026, 1, 1, tzinfo=UTC)
# What is asked for; the oldest image comes last.
ASKED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("nothing, for comparison", {}),
    ("a common word", {"search": "server"}),
    ("a word that the last image has", {"search": "needle"}),
    ("a word that no image has", {"search": "nowhere"}),
    ("the same, sorted by name", {"search": "nowhere", "sort": "name:asc"}),
    (
        "a day in the middle, by another order",
        {
            "created_at": ["gte:2026-01-04T00:00:00Z", "lt:2026-01-05T00:00:00Z"],
            "sort": "name:desc",
        },
    ),
)


def fill(database: Path, owner: str, count: int = IMAGES) -> None:
    """Write images into Glance's database, each a minute younger, with properties and tags."""
    ids = [str(uuid.uuid4()) for _ in range(count)]
    moments = [f"{OLDEST + timedelta(minutes=number):%F %T}.000000" for number in range(count)]
    names = ["needle", *(f"server image {number:05}" for number in range(1, count))]
    more = (
        "INSERT INTO image_properties (image_id, name, value, created_at, deleted)"
        " VALUES (?, 'os_' || ?2, ?2, ?3, 0)",
        "INSERT INTO image_tags (image_id, value, created_at, deleted) VALUES (?, ?, ?, 0)",
    )
    with closing(sqlite3.connect(database, timeout=30)) as opened, opened:
        opened.executemany(
            "INSERT INTO images (id, name, owner, created_at, updated_at, deleted, status,"
            " visibility, min_disk, min_ram, size, disk_format, container_format)"
            f" VALUES (?, ?, '{owner}', ?3, ?3, 0, 'active', 'private', 0, 0, 1, 'raw', 'bare')",
            zip(ids, names, moments, strict=True),
        )
        for statement in more:
            for word in ("distro", "version", "type"):
                rows = [(one, word, moment) for one, moment in zip(ids, moments, strict=True)]
                opened.executemany(statement, rows)


def page(bff: Client, **params: Any) -> dict[str, Any]:
    """Return one page."""
    call = {"jsonrpc": "2.0", "id": 1, "method": PAGE, "params": params}
    result: dict[str, Any] = bff.ask("/rpc", call)["result"]
    return result


def whole(bff: Client, **params: Any) -> int:
    """Read a search to its end; returns how many pages it took."""
    answer, pages = page(bff, **params), 1
    while "next" in answer:
        answer, pages = page(bff, next=answer["next"]), pages + 1
    return pages


@contextmanager
def _a_bff(folder: Path) -> Iterator[Client]:
    with a_cloud(folder, processes=1) as cloud:
        fill(folder / "cloud" / "glance.sqlite", cloud["projects"]["demo"])
        token = sign_in(cloud["auth_url"], "alice", "alice", "demo")
        with a_bff(cloud["auth_url"], folder) as (_, address):
            yield Client(address, token)


def main() -> None:
    """Measure and print, in Markdown."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name, _a_bff(Path(name)) as bff:
        page(bff)
        print(f"| first page among {IMAGES} images | images | ms, median (min-max) |")
        print("| --- | --- | --- |")
        for what, params in ASKED:
            found = len(page(bff, **params)["images"])
            print(f"| {what} | {found} | {_times(bff, params):.0f} |", flush=True)
        begun = time.perf_counter()
        pages = whole(bff, search="nowhere")
        print(f"\nTo the end: {pages} pages, {time.perf_counter() - begun:.1f} s.")


def _times(bff: Client, params: dict[str, Any]) -> Spread:
    def once() -> float:
        begun = time.perf_counter()
        page(bff, **params)
        return (time.perf_counter() - begun) * 1000

    return Spread(tuple(once() for _ in range(RUNS)))


if __name__ == "__main__":
    main()
