"""``docs/performance.md``: what one run has found, put into ``page.md``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from bench import dashboard
from bench.dashboard import Way
from bench.speed import capacity, tables, targets
from bench.speed.curves import Drawn
from bench.speed.measure import Effort, Measured
from bench.speed.uploads import Uploads

PAGE = Path(__file__).parent / "page.md"
FOLDER = "performance"


@dataclass(frozen=True)
class Found:
    """All figures of a run."""

    machine: Mapping[str, str]
    effort: Effort
    main: Sequence[list[Measured]]
    ways: Sequence[list[Measured]]
    curves: Sequence[Drawn]
    uploads: Uploads
    dashboard: list[Way]

    @property
    def rows(self) -> list[Measured]:
        """The rows of the large table."""
        return [row for case in self.main for row in case]


def write(found: Found, docs: Path) -> None:
    """Write the page and its charts."""
    folder = docs / FOLDER
    folder.mkdir(exist_ok=True)
    for drawn in found.curves:
        (folder / f"{drawn.curve.name}.svg").write_text(drawn.svg())
    (folder / "uploads.svg").write_text(found.uploads.svg())
    (docs / "performance.md").write_text(filled(found))


def filled(found: Found) -> str:
    """Return the page."""
    return Template(PAGE.read_text()).substitute(
        targets=targets.table(targets.verdicts(found.rows, found.uploads.cpu)),
        rounds=found.effort.rounds,
        seconds=found.effort.seconds,
        warm_up=found.effort.warm_up,
        calls=tables.table(found.main),
        ways=tables.table(found.ways),
        growth="\n\n".join(map(_growth, found.curves)),
        uploads=found.uploads.table(),
        dashboard=dashboard.report(found.dashboard),
        rate=f"{capacity.CALLS_A_SECOND:.0f}",
        busy=f"{capacity.BUSY:.0%}",
        idle=f"{1 - capacity.BUSY:.0%}",
        glance_ms=f"{capacity.GLANCE_MS:g}",
        slots=capacity.SLOTS,
        capacity=capacity.table(found.rows),
        machine=tables.facts(found.machine),
    )


def _growth(drawn: Drawn) -> str:
    curve = drawn.curve
    head = tables.HEAD.replace("| case |", f"| {curve.x} |", 1)
    rows = [tables.rows(rows, str(x)) for x, rows in drawn.rows.items()]
    return "\n".join([f"![{curve.title}]({FOLDER}/{curve.name}.svg)", "", head, *rows])
