"""``python -m bench.speed``: ours beside mini, bare and the stand-in alone, in one run."""

from __future__ import annotations

import argparse
import resource
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import dashboard
from bench.speed import cases, page, tables, targets, uploads
from bench.speed.cases import ALONE, MINI, SERVERS, Case, only
from bench.speed.curves import curves, drawn
from bench.speed.machine import machine
from bench.speed.measure import Effort, Measured, measure
from bench.speed.servers import MINI_FOLDER, Server, running

QUICK = Effort(rounds=2, seconds=2, warm_up=3)
WHOLE = Effort(rounds=3, seconds=5, warm_up=4)


def main() -> None:
    """Measure and print, or write the page."""
    known = cases.by_name()
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="briefly, and the most telling cases alone"
    )
    parser.add_argument("--case", action="append", choices=known, help="only this; repeatable")
    parser.add_argument("--servers", default=",".join(SERVERS), help="only these, by commas")
    parser.add_argument("--page", type=Path, help="measure all, and write the page to this folder")
    arguments = parser.parse_args()
    servers = arguments.servers.split(",")
    if MINI in servers and not (MINI_FOLDER / "node_modules").exists():
        parser.error("mini is not installed: `make bench` does it; or --servers ours,bare,alone")
    allow_connections()
    with tempfile.TemporaryDirectory() as name, running(ALONE, "", Path(name)) as upstream:
        effort = QUICK if arguments.quick else WHOLE
        if arguments.page:
            page.write(_whole(upstream, effort, Path(name)), arguments.page)
            return
        chosen = [known[name] for name in arguments.case or ()] or (
            cases.quick_cases() if arguments.quick else [*cases.main_cases(), *cases.ways()]
        )
        found = _all(chosen, upstream, effort, Path(name), servers)
        print("\n" + targets.table(targets.verdicts([row for case in found for row in case])))


def allow_connections() -> None:
    """Let this process and its children have as many connections as the system lets them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _all(
    chosen: Sequence[Case],
    upstream: Server,
    effort: Effort,
    folder: Path,
    servers: Sequence[str] = SERVERS,
) -> list[list[Measured]]:
    """Measure cases, and print each as it comes."""
    print(tables.HEAD, flush=True)
    found = []
    for case in chosen:
        asked = [server for server in case.servers if server in servers]
        found.append(measure(only(case, *asked), upstream, effort, folder))
        print(tables.rows(found[-1]), flush=True)
    return found


def _whole(upstream: Server, effort: Effort, folder: Path) -> page.Found:
    """Measure everything."""
    described = machine()
    # First what may fail for more reasons, before much time is spent.
    print("Uploads and a dashboard's first page", flush=True)
    sent, pages = uploads.measure(), dashboard.measure()
    main_rows = _all(cases.main_cases(), upstream, effort, folder)
    ways = _all(cases.ways(), upstream, effort, folder)
    figures = []
    for curve in curves():
        print(f"\n{curve.title}", flush=True)
        figures.append(drawn(curve, upstream, folder))
    found = page.Found(described, effort, main_rows, ways, figures, sent, pages)
    print(targets.table(targets.verdicts(found.rows, found.uploads.cpu)))
    return found


if __name__ == "__main__":
    main()
