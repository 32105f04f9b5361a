"""Figures as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bench.speed.cases import OURS
from bench.speed.measure import Measured

HEAD = """\
| case | server | requests/s | p50, ms | p99, ms | CPU, ms/request | CPU, times ours | memory, MiB \
| requests to the cloud |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |"""


def rows(measured: Sequence[Measured], title: str = "") -> str:
    """Return the rows of a case."""
    ours = next((row.cpu.median for row in measured if row.server == OURS), None)
    return "\n".join(
        f"| {title or row.case.title} | {row.server} | {row.per_second:.0f}{_wrong(row)}"
        f" | {row.p50:.1f} | {row.p99:.1f} | {row.cpu:.3f}"
        f" | {f'{row.cpu.median / ours:.2f}' if ours else ''} | {row.memory:.0f}"
        f" | {row.upstream:.1f} |"
        for row in measured
    )


def _wrong(row: Measured) -> str:
    return f" **({row.wrong} wrong or failed)**" if row.wrong else ""


def table(cases: Iterable[Sequence[Measured]]) -> str:
    """Return a whole table."""
    return "\n".join([HEAD, *map(rows, cases)])


def facts(pairs: Mapping[str, str]) -> str:
    """Return names and what they are."""
    return "\n".join(["| | |", "| --- | --- |", *(f"| {k} | {v} |" for k, v in pairs.items())])
