"""Several processes that serve one port: they start together, or not at all, and end together."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable
from time import monotonic

import typer
import uvicorn
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from bff import asgi

READY_SECONDS = 60.0
FACTORY = "bff.workers:create"


def create() -> Starlette:
    """Return the application of a worker, which stops when the process that started it is gone."""
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    return asgi.create()


class Workers(Multiprocess):
    """Says when every worker is ready, and what keeps one from it.

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

    def init_processes(self) -> None:
        """Start the workers.

        Raises:
            typer.Exit: one is not ready in time; none is left then.
        """
        super().init_processes()
        for process in self.processes:
            if not self._is_ready(process):
                self._give_up(process)
        if not self.should_exit.is_set():
            self._ready()

    def keep_subprocess_alive(self) -> None:
        """Start a worker again that has ended.

        Raises:
            typer.Exit: it cannot start any more.
        """
        before = list(self.processes)
        super().keep_subprocess_alive()
        for old, new in zip(before, self.processes, strict=True):
            if old is not new:
                self._replaced(old.pid)
                _echo_error(
                    f"Worker {old.pid} {_exit_reason(old)}; worker {new.pid} takes its place."
                )
            elif self.should_exit.is_set() and not new.process.is_alive():
                self._give_up(new)

    def terminate_all(self) -> None:
        """Stop; whoever connects from now on is refused rather than left to wait for a reset."""
        self._close()
        super().terminate_all()

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
        raise typer.Exit(1)

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


def _echo_error(message: str) -> None:
    typer.echo(message, err=True)


def _stop_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        # Waits on multiprocessing's pipe, whose other end only the parent holds: it closes even if
        # the parent was killed, or had ended before this began. PR_SET_PDEATHSIG misses that,
        # and is about the parent's thread.
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
