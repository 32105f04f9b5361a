"""Where to be, and how far from there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.speed.cases import BARE, MINI, OURS
from bench.speed.measure import Measured

MEMORY = 90
UPLOAD_CPU = 3.0


@dataclass(frozen=True)
class Target:
    """At most how many times the processor time of a peer's a case may take."""

    case: str
    peer: str
    most: float


TARGETS = (
    Target("get", MINI, 1 / 2),
    Target("get", BARE, 1.8),
    Target("list25", MINI, 1 / 3),
    Target("list1000", MINI, 1 / 10),
    Target("batch20", MINI, 1 / 4),
)


@dataclass(frozen=True)
class Verdict:
    """A figure and what it should be at most."""

    what: str
    unit: str
    wanted: float
    found: float

    @property
    def met(self) -> bool:
        """Whether it is there."""
        return self.found <= self.wanted

    def __str__(self) -> str:
        far = "met" if self.met else f"not met: {self.found / self.wanted:.1f} times as much"
        return f"| {self.what} | {self.wanted:.3g} {self.unit} | {self.found:.3g} | {far} |"


def verdicts(measured: Sequence[Measured], upload_cpu: float | None = None) -> Iterator[Verdict]:
    """Yield what can be told from these figures; ``upload_cpu`` is in seconds."""
    cpu = {(row.case.name, row.server): row for row in measured}
    for target in TARGETS:
        ours, peer = cpu.get((target.case, OURS)), cpu.get((target.case, target.peer))
        if ours and peer:
            what = f"{ours.case.title}: processor time"
            times = ours.cpu.median / peer.cpu.median
            yield Verdict(what, f"times that of {target.peer}", target.most, times)
    memory = [row.memory for row in measured if row.server == OURS and row.case.workers == 1]
    if memory:
        yield Verdict("memory of one process, the most of any case", "MiB", MEMORY, max(memory))
    if upload_cpu is not None:
        what = "upload of 2 GiB as a form: processor time"
        yield Verdict(what, "s", UPLOAD_CPU, upload_cpu)


def table(found: Iterator[Verdict]) -> str:
    """Return them in Markdown."""
    head = "| what | wanted, at most | measured | |\n| --- | --- | --- | --- |"
    return "\n".join([head, *map(str, found)])
