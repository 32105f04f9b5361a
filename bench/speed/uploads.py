"""Uploads of several sizes, by ``bench.uploads``, beside curl straight to the same Glance."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import uploads
from bench.speed import plot
from bench.uploads import MIB, WARM_UP, WAYS, Bench, Row, a_bff, a_cloud, a_file

SIZES = (64, 256, 1024, 2048)


@dataclass(frozen=True)
class Uploads:
    """The rows of each size in MiB."""

    rows: Mapping[int, Sequence[Row]]

    @property
    def cpu(self) -> float | None:
        """The seconds of processor time that the largest form took, as browsers send them."""
        largest = self.rows[max(self.rows)]
        return next(row.cpu for row in largest if row.way == WAYS[0])

    def table(self) -> str:
        """Return the largest one's rows in Markdown."""
        return "\n".join([uploads.HEAD, *map(str, self.rows[max(self.rows)])])

    def svg(self) -> str:
        """Return a chart of the processor time over the size."""
        series = {
            way: [(size, row.cpu or 0) for size, row in self._pairs() if row.way == way]
            for way in WAYS
        }
        return plot.chart("Processor time of an upload", "MiB", "s", series)

    def _pairs(self) -> list[tuple[int, Row]]:
        return [(size, row) for size, rows in self.rows.items() for row in rows]


def measure(folder: Path = Path("/var/tmp"), sizes: Sequence[int] = SIZES) -> Uploads:
    """Upload files through every way; it takes three times the largest in ``folder``."""
    with tempfile.TemporaryDirectory(dir=folder) as name, a_cloud(Path(name)) as cloud:
        small = a_file(Path(name) / "small", WARM_UP)
        with a_bff(cloud["auth_url"], Path(name)) as (pid, origin):
            warm = Bench(cloud, origin, pid, small)
            for way in WAYS:
                warm.through(way)
            rows = {}
            for size in sizes:
                bench = Bench(cloud, origin, pid, a_file(Path(name) / "large", size * MIB))
                rows[size] = [bench.direct(), *map(bench.through, WAYS)]
    return Uploads(rows)
