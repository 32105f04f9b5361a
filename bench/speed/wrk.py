"""Load by wrk (https://github.com/wg/wrk): how fast the answers come, and what each one costs."""

from __future__ import annotations

import re
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).parent / "load.lua"
RESULT = re.compile(r"^RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$", re.MULTILINE)
MILLION = 1_000_000


@dataclass(frozen=True)
class Request:
    """One request; every header of a load is the same for all of its requests."""

    method: str
    path: str
    body: str = ""


@dataclass(frozen=True)
class Load:
    """What wrk has seen: requests a second, their latency in milliseconds, bytes for each.

    Args:
        work: How many requests the server has worked for; of those under way at the end, half.
    """

    requests: int
    work: float
    per_second: float
    p50: float
    p99: float
    bytes_each: float
    failures: int


def parsed(output: str) -> Load:
    """Return what ``load.lua`` printed.

    Raises:
        ValueError: it printed no such line, or there was not one answer.
    """
    found = RESULT.search(output)
    if found is None or found[2] == "0":
        raise ValueError(f"wrk measured nothing: {output[-500:]}")
    sent, requests, duration, size, failures, median, last = map(int, found.groups())
    return Load(
        requests=requests,
        work=(sent + requests) / 2,
        per_second=requests / duration * MILLION,
        p50=median / 1000,
        p99=last / 1000,
        bytes_each=size / requests,
        failures=failures,
    )


def run(
    origin: str, requests: Path, headers: Sequence[str], connections: int, seconds: int
) -> Load:
    """Send the requests of a file (``written``) over and over, for so many whole seconds.

    Raises:
        ValueError: not one was answered.
    """
    words = [*("wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--timeout", "30s")]
    words += ["-s", str(SCRIPT), origin, "--", str(requests), *headers]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=seconds + 60)
    return parsed(done.stdout + done.stderr)


def written(requests: Sequence[Request], path: Path) -> Path:
    """Write requests for ``run``."""
    lines = (f"{r.method}\t{r.path}\t{r.body}\n" for r in requests)
    path.write_text("".join(lines))
    return path


@dataclass(frozen=True)
class Spread:
    """A figure that was measured several times."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    def __format__(self, spec: str) -> str:
        least, most = min(self.values), max(self.values)
        if len(self.values) == 1:
            return format(self.median, spec)
        return f"{self.median:{spec}} ({least:{spec}}-{most:{spec}})"
