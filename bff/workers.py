"""Several processes that serve one port: they start together, or not at all, and end together."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable
from time import monotonic

import click
import uvicorn
from starlette.applications import Starlette
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from bff import asgi
from bff.errors import requires
from bff.server.stop import Server, Times
from bff.settings import Settings

READY_SECONDS = 60.0
JOIN_SECONDS = 0.1
FACTORY = "bff.workers:create"

requires("uvicorn", Process, "_server")


def create() -> Starlette:
    """Return the application of a worker, which stops when the process that started it is gone."""
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    return asgi.create()


def times_of(settings: Settings) -> Times:
    """Return how long a stop may take."""
    return Times(
        settings.drain_seconds, settings.shutdown_timeout, settings.upload_shutdown_timeout
    )


class Worker(Process):
    """A process that serves, and stops as ``bff.server.stop`` has it."""

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve; this is where the process begins."""
        # Before uvicorn's thread, which answers the parent's questions about it.
        self._server = Server(self.config, times_of(Settings()), in_worker=True)
        super().target(sockets)


class Workers(Multiprocess):
    """Says when every worker is ready, and what keeps one from it; carries signals to all.

    Args:
        ready: Called once, when all take calls.
        replaced: Called with the pid of each worker that has ended and was replaced.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        sock: socket.socket,
        ready: Callable[[], None],
        replaced: Callable[[int | None], None],
    ) -> None:
        super().__init__(config, [sock])
        self._ready = ready
        self._replaced = replaced
        self._told = False

    def init_processes(self) -> None:
        """Start the workers.

        Raises:
            click.exceptions.Exit: one is not ready in time; none is left then.
        """
        self.processes.extend(self._started() for _ in range(self.processes_num))
        for process in self.processes:
            if not self._is_ready(process):
                self._give_up(process)
        if not self.should_exit.is_set():
            self._ready()

    def keep_subprocess_alive(self) -> None:
        """Start a worker again that has ended.

        Raises:
            click.exceptions.Exit: it cannot start any more.
        """
        seconds = self.config.timeout_worker_healthcheck
        for index, process in enumerate(self.processes):
            if not self.should_exit.is_set() and not process.is_alive(seconds):
                self.processes[index] = self._instead_of(process)

    def terminate_all(self) -> None:
        """Stop; whoever connects from now on is refused rather than left to wait for a reset."""
        self._close()
        super().terminate_all()
        self._told = True

    def join_all(self) -> None:
        """Wait for every worker; another signal meanwhile is passed on."""
        for process in self.processes:
            while process.process.is_alive():
                process.process.join(JOIN_SECONDS)
                self.handle_signals()

    def handle_int(self) -> None:
        """Stop; a second time, do not wait for the balancer, and then not even for calls."""
        self._stop_or(signal.SIGINT, signal.SIGINT)

    def handle_term(self) -> None:
        """Stop; a second time, do not wait for the balancer."""
        self._stop_or(signal.SIGTERM, signal.SIGUSR1)

    def handle_hup(self) -> None:
        """Have each worker, one after the other, read its keys and certificates again."""
        for process in self.processes:
            if self._is_ready(process):
                _tell(process, signal.SIGHUP)

    def handle_ttin(self) -> None:
        """Start one more worker."""
        self.processes_num += 1
        self.processes.append(self._started())

    def _stop_or(self, came: signal.Signals, hurry: signal.Signals) -> None:
        if self._told:
            for process in self.processes:
                _tell(process, hurry)
        elif self.should_exit.is_set():
            # The workers must hear of the stop before; ``join_all`` comes back to it.
            self.signal_queue.append(came)
        self.should_exit.set()

    def _instead_of(self, ended: Process) -> Process:
        # One that hangs is not alive either.
        ended.kill()
        ended.join()
        if ended.exitcode == STARTUP_FAILURE:
            self._give_up(ended)
        new = self._started()
        self._replaced(ended.pid)
        _echo_error(f"Worker {ended.pid} {_exit_reason(ended)}; worker {new.pid} takes its place.")
        return new

    def _started(self) -> Process:
        worker = Worker(self.config, self.sockets)
        worker.start()
        return worker

    def _is_ready(self, process: Process) -> bool:
        deadline = monotonic() + READY_SECONDS
        while not process.wait_until_ready(1):
            self.handle_signals()
            if self.should_exit.is_set():
                return True
            if monotonic() > deadline or not process.process.is_alive():
                return False
        return True

    def _give_up(self, failed: Process) -> None:
        reason = _exit_reason(failed)
        self._close()
        for process in self.processes:
            process.kill()
            process.join()
        _echo_error(f"Worker {failed.pid} {reason} before it was ready. Fix that, and start again.")
        raise click.exceptions.Exit(1)

    def _close(self) -> None:
        for sock in self.sockets:
            sock.close()


def _exit_reason(process: Process) -> str:
    status = process.exitcode
    if status is None:
        return f"took more than {READY_SECONDS:g} seconds (is the machine overloaded?)"
    if status < 0:
        return f"was ended by {signal.Signals(-status).name} (out of memory?)"
    return f"ended with status {status} (its reason is above)"


def _tell(process: Process, sig: signal.Signals) -> None:
    if process.pid is not None and process.process.is_alive():
        os.kill(process.pid, sig)


def _echo_error(message: str) -> None:
    click.echo(message, err=True)


def _stop_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        # Waits on multiprocessing's pipe, whose other end only the parent holds: it closes even if
        # the parent was killed, or had ended before this began. PR_SET_PDEATHSIG misses that,
        # and is about the parent's thread.
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
