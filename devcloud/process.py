"""Child processes that never outlive their parent."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from devcloud.environment import Environment

LAUNCHER = Path(__file__).with_name("launcher.py")
STOP_SECONDS = 5


def stop(child: subprocess.Popen[str]) -> None:
    """End a process; waits until it is gone."""
    child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def start(
    module: str,
    environment: Environment,
    variables: Mapping[str, str],
    log: Path,
    port: int,
    *,
    processes: int,
) -> subprocess.Popen[str]:
    """Start ``module``'s WSGI application in some processes and wait until it listens.

    Raises:
        RuntimeError: it did not start; the message names its log.
    """
    with log.open("a") as stderr:
        process = subprocess.Popen(
            [str(environment.python), str(LAUNCHER), module, str(port), str(processes)],
            env={**os.environ, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            # The terminal's ^C goes to the parent alone, which stops its children in order.
            start_new_session=True,
        )
    assert process.stdout is not None
    if not process.stdout.readline():
        process.wait(STOP_SECONDS)
        raise RuntimeError(f"{module} did not start; see {log}")
    return process


def run(command: list[str], log: Path) -> None:
    """Run a set-up command to its end.

    Raises:
        RuntimeError: it failed; the message names its log.
    """
    with log.open("a") as output:
        done = subprocess.run(command, stdout=output, stderr=output, check=False)
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed; see {log}")


def free_ports(preferred: Iterable[int]) -> list[int]:
    """Return one port for each that is preferred: that one, or another when it is in use.

    Chosen here and not by cheroot: it would forbid the next start to take the same port again.

    Raises:
        RuntimeError: there is none.
    """
    with contextlib.ExitStack() as probes:
        return [_free_port(port, probes) for port in preferred]


def _free_port(preferred: int, probes: contextlib.ExitStack) -> int:
    for port in (preferred, 0):
        probe = probes.enter_context(socket.socket())
        with contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise RuntimeError("there is no free port on the loopback interface")
