"""How the costs grow: with a batch, a list, and the number of connections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.speed import plot
from bench.speed.cases import BARE, MINI, OURS, Case, batch, get, images, only
from bench.speed.measure import Effort, Measured, measure
from bench.speed.servers import Server

EFFORT = Effort(rounds=1, seconds=3, warm_up=3)


@dataclass(frozen=True)
class Curve:
    """Cases in a row, and what is drawn of each."""

    name: str
    title: str
    x: str
    y: str
    cases: Mapping[int, Case]
    value: Callable[[Measured], float]


def curves() -> list[Curve]:
    """Return what is drawn."""
    return [
        Curve(
            "batch",
            "Processor time of a call in a batch",
            "calls in a batch",
            "ms/call",
            {size: only(batch(size), OURS, MINI) for size in (1, 5, 20, 50, 100)},
            lambda row: row.cpu_per_call,
        ),
        Curve(
            "images",
            "Processor time of a list",
            "images in a list",
            "ms/request",
            {limit: only(images(limit), OURS, MINI, BARE) for limit in (1, 25, 100, 400, 1000)},
            lambda row: row.cpu.median,
        ),
        Curve(
            "connections",
            "Processor time of getImageById over many connections",
            "connections",
            "ms/request",
            {
                count: only(get(), OURS, MINI, BARE, connections=count)
                for count in (1, 8, 32, 128, 512, 1000)
            },
            lambda row: row.cpu.median,
        ),
    ]


@dataclass(frozen=True)
class Drawn:
    """A curve's figures."""

    curve: Curve
    rows: Mapping[int, list[Measured]]

    def svg(self) -> str:
        """Return its chart."""
        series: dict[str, list[tuple[float, float]]] = {}
        for x, rows in self.rows.items():
            for row in rows:
                series.setdefault(row.server, []).append((x, self.curve.value(row)))
        return plot.chart(self.curve.title, self.curve.x, self.curve.y, series)


def drawn(curve: Curve, upstream: Server, folder: Path) -> Drawn:
    """Measure a curve."""
    rows = {x: measure(case, upstream, EFFORT, folder) for x, case in curve.cases.items()}
    return Drawn(curve, rows)
