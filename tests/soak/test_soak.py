"""A short soak, as `make soak` runs a long one."""

from __future__ import annotations

import random
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.faults.services import PASSWORD
from tests.soak.soak import Server, report, soak, wrong_in

SECONDS = 15


async def test_all_is_right_or_an_honest_error_and_nothing_grows() -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    figures, server = await soak(SECONDS, seed)
    print("\n".join(report(figures, server)))
    assert figures.wrong == []
    assert figures.uploads["done"] > 0
    assert figures.errors.total() > 0


@pytest.mark.parametrize("name", ["rss", "fds", "tasks"])
def test_what_grows_is_noticed(name: str) -> None:
    server = Server(Mock(), "")
    flat = [100.0] * 40
    server.samples = {"rss": flat, "fds": flat, "tasks": flat}
    assert server.grown() == []
    server.samples = {**server.samples, name: [100.0 + 6 * number for number in range(40)]}
    assert server.grown() == [f"{name} grew from 187 to 307"]


def test_a_secret_or_a_traceback_in_the_servers_log_is_noticed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(f"first\npassword {PASSWORD}\nTraceback\nlast\n")
    assert wrong_in(log) == [
        "A secret is in the server's log, after: password ",
        "a traceback is in the server's log: Traceback\n",
    ]
