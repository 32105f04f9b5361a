"""``python -m bench.install``: what it takes to install the Python client's command line.

Each round makes an empty environment and times ``pip install SOURCE[cli]`` in it, and nothing else.
The round before the first one fills pip's cache. Several sources, as the client of another commit,
take turns, so that one run compares them. A machine that has other things to do shows in the wall
clock and hardly in the processor's time, which the pip command and its children used.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

CLIENT = Path(__file__).parents[1] / "clients" / "python"
HELPS = 20


class Installation(NamedTuple):
    """What one installation took, in seconds, and what there is then."""

    wall: float
    cpu: float
    packages: int
    mebibytes: float
    # In milliseconds: the shortest of several, and the processor's median.
    help_wall: float
    help_cpu: float


def timed(words: Sequence[str]) -> tuple[float, float]:
    """Run a command; return its seconds of the wall clock, and of the processor."""
    started_at = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{words[0]} ended with {process.returncode}")
    return time.perf_counter() - started_at, used.ru_utime + used.ru_stime


def installed(source: Path, options: Sequence[str]) -> Installation:
    """Install a source's command line into an empty environment."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        (packages,) = Path(folder).glob("lib/python*/site-packages")
        before = set(packages.iterdir())
        pip = (f"{folder}/bin/pip", "install", "--quiet", *options, f"{source}[cli]")
        wall, cpu = timed(pip)
        new = set(packages.iterdir()) - before
        files = [file for each in new for file in (each, *each.rglob("*")) if file.is_file()]
        helps = [timed((f"{folder}/bin/polaris", "--help")) for _ in range(HELPS)]
        size = sum(file.stat().st_size for file in files) / 1024**2
    count = sum(each.name.endswith(".dist-info") for each in new)
    shortest = min(each for each, _ in helps) * 1000
    return Installation(
        wall, cpu, count, size, shortest, statistics.median(each for _, each in helps) * 1000
    )


def main(words: Sequence[str] | None = None) -> None:
    """Install in turns, and print what each source took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sources", nargs="*", type=Path, default=[CLIENT])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--wheels", help="A folder of wheels: no index is asked.")
    given = parser.parse_args(words)
    options = ("--no-index", "--find-links", given.wheels) if given.wheels else ()
    took: dict[Path, list[Installation]] = {source: [] for source in given.sources}
    for number in range(given.rounds + 1):
        for source, each in took.items():
            done = installed(source, options)
            if number:
                each.append(done)
    print(
        "| source | s, median and least | processor s | packages | MiB | --help ms, processor ms |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for source, each in took.items():
        walls, cpus = [one.wall for one in each], [one.cpu for one in each]
        last = each[-1]
        print(
            f"| {source} | {statistics.median(walls):.1f}, {min(walls):.1f}"
            f" | {statistics.median(cpus):.1f} | {last.packages} | {last.mebibytes:.0f}"
            f" | {min(one.help_wall for one in each):.0f}, {last.help_cpu:.0f} |"
        )


if __name__ == "__main__":
    main()
