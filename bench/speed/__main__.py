"""``python -m bench.speed``: ours beside mini, bare and the stand-in alone, in one run."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.speed import cases
from bench.speed.cases import ALONE, OURS, SERVERS, Case, only
from bench.speed.measure import Effort, Measured, measure
from bench.speed.servers import Server, running

QUICK = Effort(rounds=2, seconds=2, warm_up=1)
WHOLE = Effort(rounds=3, seconds=5, warm_up=2)
HEAD = """\
| case | server | requests/s | p50, ms | p99, ms | CPU, ms/request | CPU, times ours | memory, MiB |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the most telling cases, briefly")
    parser.add_argument("--case", action="append", help="only this one; may be repeated")
    parser.add_argument("--servers", default=",".join(SERVERS), help="only these, by commas")
    arguments = parser.parse_args()
    asked = set(arguments.servers.split(","))
    effort = QUICK if arguments.quick else WHOLE
    with tempfile.TemporaryDirectory() as name, an_upstream(Path(name)) as upstream:
        print(HEAD)
        for case in _chosen(arguments.case, arguments.quick):
            servers = [server for server in case.servers if server in asked]
            show(measure(only(case, *servers), upstream, effort, Path(name)))


def _chosen(names: list[str] | None, quick: bool) -> list[Case]:
    if names:
        known = cases.by_name()
        return [known[name] for name in names]
    return cases.quick_cases() if quick else [*cases.main_cases(), *cases.ways()]


@contextmanager
def an_upstream(folder: Path) -> Iterator[Server]:
    """Run the stand-in."""
    with running(ALONE, "", folder) as upstream:
        yield upstream


def show(measured: list[Measured]) -> None:
    """Print the rows of a case."""
    ours = next((row.cpu.median for row in measured if row.server == OURS), None)
    for row in measured:
        times = f"{row.cpu.median / ours:.2f}" if ours else ""
        wrong = f" ({row.wrong} WRONG)" if row.wrong else ""
        print(
            f"| {row.case.title} | {row.server} | {row.per_second:.0f}{wrong} | {row.p50:.1f}"
            f" | {row.p99:.1f} | {row.cpu:.3f} | {times} | {row.memory:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
