"""``python -m bench.profile``: where the time of a call goes, by library and by function.

Loads a server with a case of ``bench.speed`` while py-spy (https://github.com/benfred/py-spy)
looks at its stack some hundred times a second. Time in a library written in C or Rust counts for
the Python function that called it. The file that it leaves opens at https://www.speedscope.app.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.speed import cases
from bench.speed.cases import ALONE, BARE, OURS
from bench.speed.measure import Target
from bench.speed.servers import running

ROOT = Path(__file__).parents[1]
PACKAGES = re.compile(r"/site-packages/([^/]+?)(?:\.py$|/)")
STANDARD = sysconfig.get_path("stdlib")
PY_SPY = os.environ.get("PY_SPY", str(Path(sys.executable).parent / "py-spy"))
RATE = 250
WARM_UP = 2
# py-spy is to be done before the load is.
MARGIN = 2


@dataclass(frozen=True)
class Frame:
    """A function."""

    name: str
    file: str

    @property
    def room(self) -> str:
        """The library that it belongs to; of ours, the package."""
        if package := PACKAGES.search(self.file):
            return package[1]
        if self.file.startswith(STANDARD):
            return f"python: {Path(self.file).relative_to(STANDARD).parts[0].removesuffix('.py')}"
        if self.file.startswith(str(ROOT)):
            return ".".join(Path(self.file).relative_to(ROOT).parts[:2]).removesuffix(".py")
        return "python"

    def __str__(self) -> str:
        file = re.sub(r".*/site-packages/", "", self.file).removeprefix(f"{ROOT}/")
        return f"{file.removeprefix(f'{STANDARD}/')} {self.name}"


@dataclass(frozen=True)
class Samples:
    """The stacks that were seen, outermost frame first."""

    stacks: list[list[Frame]]

    def own(self, key: Callable[[Frame], str]) -> Counter[str]:
        """Count where the time was spent itself."""
        return Counter(key(stack[-1]) for stack in self.stacks)

    def inclusive(self, key: Callable[[Frame], str]) -> Counter[str]:
        """Count what was under way, with all that it called; not what always is."""
        found = Counter(name for stack in self.stacks for name in {key(f) for f in stack})
        return Counter({name: count for name, count in found.items() if count < len(self.stacks)})


def samples_of(profile: dict[str, Any]) -> Samples:
    """Read speedscope's format (https://www.speedscope.app/file-format-schema.json)."""
    frames = [Frame(f["name"], f.get("file") or "") for f in profile["shared"]["frames"]]
    return Samples(
        [
            [frames[number] for number in sample]
            for part in profile["profiles"]
            for sample in part["samples"]
            if sample
        ]
    )


def table(what: str, counts: Counter[str], total: int, cpu: float, rows: int) -> Iterator[str]:
    """Yield the largest ones; ``cpu`` is what a request takes, in milliseconds."""
    yield f"\n| {what} | share | ms/request |\n| --- | --- | --- |"
    for name, count in counts.most_common(rows):
        yield f"| {name} | {count / total:.1%} | {count / total * cpu:.3f} |"


def main() -> None:
    """Load, look and print."""
    known = cases.by_name()
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("--case", default="get", choices=known)
    parser.add_argument("--server", default=OURS, choices=(OURS, BARE, ALONE))
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--output", type=Path, help="the profile; dist/profile-CASE.json")
    arguments = parser.parse_args()
    output: Path = arguments.output or ROOT / "dist" / f"profile-{arguments.case}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    case = known[arguments.case]
    with (
        tempfile.TemporaryDirectory() as name,
        running(ALONE, "", Path(name)) as upstream,
        running(arguments.server, upstream.origin, Path(name)) as server,
    ):
        target = Target(case, arguments.server, server, upstream, Path(name))
        target.warm_up(WARM_UP)
        cpu = target.run(max(1, arguments.seconds // 2)).cpu
        with _watched(server.pid, arguments.seconds, output):
            target.run(arguments.seconds + MARGIN)
    _show(samples_of(json.loads(output.read_text())), cpu)
    print(f"\n{case.title}: {cpu:.3f} ms of processor time a request; {output}")


@contextmanager
def _watched(pid: int, seconds: int, output: Path) -> Iterator[None]:
    """Have py-spy look at a process.

    Raises:
        SystemExit: it may not, or is not there.
    """
    words = [PY_SPY, "record", "--pid", str(pid), "--rate", str(RATE), "--format", "speedscope"]
    words += ["--duration", str(seconds), "--full-filenames", "--output", str(output)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    yield
    said, _ = process.communicate(timeout=60)
    if process.returncode:
        raise SystemExit(f"py-spy failed; it may need root, or kernel.yama.ptrace_scope=0: {said}")


def _show(samples: Samples, cpu: float) -> None:
    total = len(samples.stacks)
    tables = (
        ("library, itself", samples.own(lambda f: f.room), 25),
        ("function, itself", samples.own(str), 40),
        ("function, with what it calls", samples.inclusive(str), 60),
    )
    for what, counts, rows in tables:
        print("\n".join(table(what, counts, total, cpu, rows)))


if __name__ == "__main__":
    main()
