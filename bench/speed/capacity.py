"""From milliseconds for a call to what a million calls a minute take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from bench.speed.cases import OURS
from bench.speed.measure import Measured

CALLS_A_SECOND = 1_000_000 / 60
# A processor that is busier than this makes callers wait: at 70 % a call takes three times as long
# as alone (queueing theory, M/M/1).
BUSY = 0.7
# What Glance takes for one image, in milliseconds, as the development cloud's does.
GLANCE_MS = 5.0
# Of other calls it takes Glance or Keystone much more.
CASES = frozenset({"get", "list25", "batch20", "batch100"})
GIGABIT = 1e9 / 8  # bytes
# Of one process, by default (BFF_MAX_GLANCE_REQUESTS).
SLOTS = 100


@dataclass(frozen=True)
class Capacity:
    """What a million calls a minute of one kind take."""

    title: str
    cores: float
    processes: int
    memory: float
    network: float
    upstream: float
    glance_cores: float
    in_flight: float

    @property
    def first(self) -> str:
        """What is short first, as it takes the most of what a rack's machines have."""
        return "Glance's cores" if self.glance_cores > self.cores else "the BFF's cores"


def capacity(row: Measured) -> Capacity:
    """Return what a million calls a minute take, of which each costs as in ``row``."""
    requests = CALLS_A_SECOND / row.case.calls
    cores = requests * row.cpu.median / 1000
    upstream = requests * row.upstream
    glance = upstream * GLANCE_MS / 1000
    processes = ceil(cores / BUSY)
    return Capacity(
        title=row.case.title,
        cores=cores,
        processes=processes,
        memory=processes * row.memory / 1024,
        network=requests * row.size / GIGABIT,
        upstream=upstream,
        glance_cores=glance,
        in_flight=glance / processes,
    )


def _rows(found: Iterable[Capacity]) -> Iterator[str]:
    for c in found:
        yield (
            f"| {c.title} | {c.cores:.0f} | {c.processes} | {c.memory:.1f} | {c.network:.1f}"
            f" | {c.upstream:.0f} | {c.glance_cores:.0f} | {c.in_flight:.1f} | {c.first} |"
        )


def table(measured: Sequence[Measured]) -> str:
    """Return the arithmetic in Markdown."""
    ours = (row for row in measured if row.server == OURS and row.case.name in CASES)
    head = (
        "| call | cores | processes | memory, GiB | network to callers, Gbit/s"
        " | requests/s to the cloud | Glance's cores | in flight | short first |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    return "\n".join([head, *_rows(map(capacity, ours))])
