"""The stop of a process: what its routes know of it, and how uvicorn carries it out.

In this order: the stop has begun, which a balancer hears of, and everything is still served; nobody
is accepted any more; calls end, and uploads, each within their own time; what still runs is cut.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from types import FrameType
from typing import Any

import structlog
import uvicorn

TICK_SECONDS = 0.1
# How long the last answers may take to be sent, to what was cut off.
END_SECONDS = 1
# How many may be made, and not be deleted, before garbage is looked for. Python's own 700 takes a
# fifth of the time of a batch; with 20,000, a server whose upstreams fail needs twice the memory.
OBJECTS_BEFORE_SEARCH = 3_000
# In bytes, for glibc (mallopt(3)): a larger buffer, as of a large list, goes back to the system
# when it is freed; of smaller ones, as the pieces of an upload, so many are kept. New pages cost
# more than it takes to fill them: a sixth of an upload's time.
MMAP_THRESHOLD = 1024 * 1024
TRIM_THRESHOLD = 4 * 1024 * 1024
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3

log = structlog.get_logger("bff.server.stop")


class Stop:
    """What the routes of a process know of its stop; in ``request.state.stop``.

    Args:
        begun: Whether it has begun: not ready any more, and each answer ends its connection.
    """

    def __init__(self) -> None:
        self.begun = False
        self.uploads: set[asyncio.Task[Any]] = set()

    @contextmanager
    def upload(self) -> Iterator[None]:
        """Give the task at hand the time of an upload rather than of a call."""
        task: Any = asyncio.current_task()
        self.uploads.add(task)
        try:
            yield
        finally:
            self.uploads.discard(task)


@dataclass(frozen=True)
class Times:
    """In seconds: how long everything is served on, and from there until calls and uploads are cut.

    Args:
        drain: How long a balancer may take to send nobody here any more.
    """

    drain: float
    calls: float
    uploads: float


class Server(uvicorn.Server):
    """uvicorn's server, with a stop that loses nothing that can end in time.

    SIGTERM or SIGINT begins it; another one ends the wait for the balancer, and then another SIGINT
    the one for calls and uploads. SIGHUP has the application read its keys and certificates again.

    Args:
        ready: Called once, when it listens.
        in_worker: Whether a parent sends the signals. A terminal and systemd send theirs to every
            process, so SIGINT is nothing to a worker before the parent's SIGTERM, and a second
            SIGTERM never; SIGUSR1 ends the wait for the balancer.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        times: Times,
        *,
        ready: Callable[[], None] = lambda: None,
        in_worker: bool = False,
    ) -> None:
        super().__init__(config)
        self._times = times
        self._ready = ready
        self._in_worker = in_worker
        self._first: int | None = None
        self._said = False
        self._drained_at = 0.0
        self._cut: set[asyncio.Task[Any]] = set()

    @property
    def _state(self) -> Mapping[str, Any]:
        """What the application's lifespan has made."""
        made: Mapping[str, Any] = self.lifespan.state
        return made

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and listen to the signals that uvicorn has no use for."""
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._state["reload"])
        loop.add_signal_handler(signal.SIGUSR1, self._end_drain)
        _settle_memory()
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take SIGTERM and SIGINT, between any two steps of the program."""
        if not self.started or self.should_exit:
            super().handle_exit(sig, frame)
        elif self._first is not None:
            if sig == signal.SIGINT or not self._in_worker:
                self._end_drain()
        elif sig != signal.SIGINT or not self._in_worker:
            self._first = sig
            self._drained_at = monotonic() + self._times.drain
            self._state["stop"].begun = True

    async def on_tick(self, counter: int) -> bool:
        """Look whether there is something to do; returns whether to shut down."""
        if self._first is not None and not self._said:
            # Not where the signal is taken: it may have come while another line was written.
            self._said = True
            log.info("the stop has begun", drain=self._times.drain)
        if self._first is not None and monotonic() >= self._drained_at:
            self._end_drain()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nobody any more, let end what runs, and end the application."""
        logging.getLogger("uvicorn.error").info("Shutting down")
        self._state["stop"].begun = True
        await self._close(sockets or [])
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._until_ended()
        if not self.force_exit:
            await self.lifespan.shutdown()

    def _end_drain(self) -> None:
        if self._first is not None and not self.should_exit:
            # Progress streams hear of the stop from here (see ``bff/progress/endpoint.py``).
            super().handle_exit(self._first, None)

    async def _close(self, sockets: list[socket.socket]) -> None:
        """Refuse whoever comes, but serve those whose connection the system has accepted already.

        To close the last descriptor of a listening socket resets what waits there.
        """
        last: list[socket.socket] = []
        # Where no descriptor is left, the stop goes on without it.
        with suppress(OSError):
            last.extend(sock.dup() for sock in sockets)
        for server in self.servers:
            server.close()
        for sock in sockets:
            sock.close()
        # uvloop closes at its next turn.
        await asyncio.sleep(0)
        most = self.config.backlog
        waiting = [client for sock in last for client in _accepted(sock, most)]
        for client in waiting:
            with suppress(OSError):
                await asyncio.get_running_loop().connect_accepted_socket(self._protocol, client)

    def _protocol(self) -> Any:
        config: Any = self.config
        return config.http_protocol_class(
            config=config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def _until_ended(self) -> None:
        """Wait for calls and uploads, and cut what takes longer than it may."""
        began, state, times = monotonic(), self.server_state, self._times
        while (state.connections or state.tasks) and not self.force_exit:
            past = monotonic() - began
            uploads = self._state["stop"].uploads & state.tasks
            if past >= times.calls:
                self._cut_off("calls", state.tasks - uploads)
            if past >= times.uploads:
                self._cut_off("uploads", uploads)
            if past >= max(times.calls, times.uploads):
                break
            await asyncio.sleep(TICK_SECONDS)
        if self._cut & state.tasks:
            await asyncio.wait(self._cut & state.tasks, timeout=END_SECONDS)

    def _cut_off(self, what: str, tasks: set[asyncio.Task[Any]]) -> None:
        # Once: what is cut makes its last answer.
        tasks = tasks - self._cut
        if tasks:
            log.warning("the stop cuts off what still runs", what=what, count=len(tasks))
        for task in tasks:
            task.cancel()
        self._cut |= tasks


def _settle_memory() -> None:
    """Leave what the start has made out of the search for garbage, and search less often.

    Hardly anything is garbage that counting references does not find; but what failed calls leave
    is, with what they have read.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BEFORE_SEARCH, 10, 10)
    # Other C libraries have no such function.
    if (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        mallopt(_M_MMAP_THRESHOLD, MMAP_THRESHOLD)
        mallopt(_M_TRIM_THRESHOLD, TRIM_THRESHOLD)


def _accepted(listener: socket.socket, most: int) -> Iterator[socket.socket]:
    """Accept whoever waits, and close; not for ever, where some never stop to come."""
    with listener:
        listener.setblocking(False)
        with suppress(OSError):
            for _ in range(most):
                client, _ = listener.accept()
                client.setblocking(False)
                yield client
