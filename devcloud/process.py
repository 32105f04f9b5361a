"""Child processes that never outlive their parent."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devcloud.environment import Environment

LAUNCHER = Path(__file__).with_name("launcher.py")
STOP_SECONDS = 5


@dataclass
class Service:
    """A running WSGI service: its address and its process."""

    url: str
    port: int
    process: subprocess.Popen[str]

    def stop(self) -> None:
        """End the process; waits until it is gone."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(
    module: str, environment: Environment, variables: Mapping[str, str], log: Path, port: int
) -> Service:
    """Start ``module``'s WSGI application and wait until it listens.

    Args:
        port: The port to prefer; another one is taken when it is in use.

    Raises:
        RuntimeError: it did not start; the message names its log.
    """
    with log.open("a") as stderr:
        process = subprocess.Popen(
            [str(environment.python), str(LAUNCHER), module, str(_free_port(port))],
            env={**os.environ, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            # The terminal's ^C goes to the parent alone, which stops its children in order.
            start_new_session=True,
        )
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line.isdigit():
        process.wait(STOP_SECONDS)
        raise RuntimeError(f"{module} did not start; see {log}")
    return Service(f"http://127.0.0.1:{line}", int(line), process)


def run(command: list[str], log: Path) -> None:
    """Run a set-up command to its end.

    Raises:
        RuntimeError: it failed; the message names its log.
    """
    with log.open("a") as output:
        done = subprocess.run(command, stdout=output, stderr=output, check=False)
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed; see {log}")


def _free_port(preferred: int) -> int:
    # Chosen here and not by cheroot: it would forbid the next start to take the same port again.
    for port in (preferred, 0):
        with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise RuntimeError("there is no free port on the loopback interface")
