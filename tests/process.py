"""Processes of a test's own, that end with it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import canary

ROOT = Path(__file__).parent.parent
SECONDS = 60


@contextmanager
def running(*words: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``python -m WORDS`` in the checkout; kills it, with its group, if it still runs.

    What it writes is searched for secrets.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        written = process.communicate(timeout=SECONDS)
    check_written(process, "\n".join(filter(None, written)))


def check_written(process: subprocess.Popen[str], text: str) -> None:
    """Fail where a process has written a secret; ``make run`` prints a token, in a call to copy."""
    if "devcloud.run" not in list(process.args):  # type: ignore[arg-type]
        canary.check("what the process wrote", text)


def finished(*words: str, **variables: str) -> tuple[int, str]:
    """Run ``python -m WORDS`` to its end; returns its status and what it wrote to stderr."""
    with running(*words, **variables) as process:
        _, errors = process.communicate(timeout=SECONDS)
        return process.returncode, errors


def line_of(process: subprocess.Popen[str], *, containing: str, of: str = "stdout") -> str:
    """Return the process's next line that contains a text; fails when it ends first."""
    stream = getattr(process, of)
    read = []
    for line in stream:
        read.append(line)
        check_written(process, line)
        if containing in line:
            return str(line).rstrip("\n")
    raise AssertionError(f"no line with {containing!r} in {''.join(read)}")


def with_polaris(folder: Path) -> dict[str, str]:
    """Return the variables of a shell that finds ``polaris``, and a home without a session."""
    (folder / "bin").mkdir()
    (folder / "home").mkdir()
    polaris = folder / "bin" / "polaris"
    polaris.write_text(f"#!{sys.executable}\nfrom polaris_bff.cli import main\n\nmain()\n")
    polaris.chmod(0o700)
    return {
        "HOME": str(folder / "home"),
        "PATH": f"{polaris.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "clients/python/src"),
    }


async def ready(process: subprocess.Popen[str]) -> str:
    """Return the origin of a ``bff serve`` as soon as it takes calls."""
    line = await asyncio.to_thread(line_of, process, containing="ready ")
    assert line.startswith("ready http://127.0.0.1:")
    assert line.endswith("/polaris-bff/")
    return line.removeprefix("ready ").removesuffix("/polaris-bff/")
