"""What Keystone and Glance do at random, from one seed."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.faults import faults
from tests.faults.services import Request
from tests.faults.stage import Fault, Stage

# How many of a hundred requests get each of them.
SHARE = 0.4
ANSWERS: tuple[Fault, ...] = (
    *(faults.close, faults.reset, faults.stall, faults.stall_in_the_middle, faults.drip),
    *(faults.truncate, faults.truncate_head, faults.twice, faults.one_and_a_half),
    *(faults.says(b"", 500), faults.says(b"", 503, Retry_After="1"), faults.says(b"", 429)),
    *(faults.says(b"<html>", 502), faults.says(b"", 504), faults.says(b"<html>")),
    *(faults.sends(b"SSH-2.0\r\n"), faults.swells, faults.with_header("Connection", b"close")),
)
# Before the service has done anything.
REFUSALS: tuple[Fault, ...] = (
    *(faults.close, faults.reset, faults.stall),
    *(faults.says(b"", 500), faults.says(b"", 503), faults.says(b"", 429)),
)


def plan(stage: Stage, seed: int) -> None:
    """Let both services have every trouble, as long as they run."""
    for name, service in (("keystone", stage.keystone), ("glance", stage.glance)):
        chance = random.Random(f"{seed}-{name}")
        for fault in REFUSALS:
            service.will(fault, _happens(chance, SHARE, "POST", "PATCH"), always=True, undone=True)
            # Uploads are few beside all else.
            service.will(fault, _happens(chance, 3 * SHARE, "PUT"), always=True, undone=True)
        for fault in ANSWERS:
            service.will(fault, _happens(chance, SHARE), always=True)


def _happens(chance: random.Random, percent: float, *methods: str) -> Callable[[Request], bool]:
    def happens(request: Request) -> bool:
        return (not methods or request.method in methods) and chance.random() < percent / 100

    return happens
