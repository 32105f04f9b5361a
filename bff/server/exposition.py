"""``GET /metrics``, at an address of its own, so that it is not public by accident.

One process serves its own metrics. Of several, each writes into files of a folder, and the one that
started them serves all together (prometheus-client, "Multiprocess Mode").
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import TCPServer
from tempfile import TemporaryDirectory
from threading import Lock, Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from bff.server.metrics import METRICS

# Read by prometheus-client when it is first imported.
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
# How long somebody may take to ask, in seconds.
REQUEST_SECONDS = 10
_RESTARTS = "bff_worker_restarts_total"

Wsgi = Callable[..., Iterable[bytes]]


@contextmanager
def metrics_served(registry: CollectorRegistry, host: str, port: int) -> Iterator[None]:
    """Serve a registry inside the block, in threads: a busy event loop does not hold that up.

    Raises:
        OSError: nobody can listen there.
    """
    with _Server(host, port) as server:
        server.set_app(_only_metrics(make_wsgi_app(registry)))
        # It would wait half a second at the end.
        serving = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        serving.start()
        try:
            yield
        finally:
            server.shutdown()


def check_address(host: str, port: int) -> None:
    """Check that metrics can be served there.

    Raises:
        OSError: they cannot.
    """
    _Server(host, port).server_close()


class WorkersMetrics:
    """The metrics of several processes, put together; a collector of prometheus-client.

    Gauges of a process that has ended vanish, its counters stay.

    Args:
        folder: Where each process keeps its files.
    """

    def __init__(self, folder: Path) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self._folder = folder
        # Who asks while a file is moved would see its numbers twice, or not at all.
        self._lock = Lock()

    def collect(self) -> Iterable[Metric]:
        """Return everything as it is now."""
        with self._lock:
            for pid in self._pids():
                if not _exists(pid):
                    self._end(pid)
            collector: Any = MultiProcessCollector
            return list(collector(None, str(self._folder)).collect())

    def worker_replaced(self, pid: int | None) -> None:
        """Note that a worker has ended and another one takes its place."""
        with self._lock:
            if pid is not None:
                self._end(pid)
            self._add("counter", {_key_of(_RESTARTS): 1.0})

    def _pids(self) -> set[int]:
        names = (path.stem.rpartition("_")[2] for path in self._folder.iterdir())
        return {int(name) for name in names if name.isdecimal()}

    def _end(self, pid: int) -> None:
        ended: Any = mark_process_dead
        ended(pid, str(self._folder))
        for kind in ("counter", "histogram"):
            self._keep(kind, self._folder / f"{kind}_{pid}.db")

    def _keep(self, kind: str, file: Path) -> None:
        """Move what a process has counted into one file: reading all would take ever longer."""
        if file.exists():
            read: Any = MmapedDict.read_all_values_from_file
            self._add(kind, {key: value for key, value, *_ in read(str(file))})
            file.unlink()

    def _add(self, kind: str, values: dict[str, float]) -> None:
        opened: Any = MmapedDict
        total = opened(str(self._folder / f"{kind}_ended.db"))
        try:
            for key, value in values.items():
                total.write_value(key, total.read_value(key)[0] + value, 0.0)
        finally:
            total.close()


@contextmanager
def metrics_of_workers(host: str, port: int) -> Iterator[WorkersMetrics]:
    """Serve the metrics of the processes that are started inside the block.

    Raises:
        OSError: nobody can listen there.
    """
    with TemporaryDirectory(prefix="bff-metrics-") as folder:
        workers = WorkersMetrics(Path(folder))
        with metrics_served(workers.registry, host, port):
            os.environ[FOLDER_VARIABLE] = folder
            try:
                yield workers
            finally:
                del os.environ[FOLDER_VARIABLE]


class _Server(ThreadingWSGIServer):
    """Listens at an IPv4 or IPv6 address, or a name; says nothing of its requests."""

    def __init__(self, host: str, port: int) -> None:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        self.address_family = family
        super().__init__(address, _Handler)  # type: ignore[arg-type]

    def server_bind(self) -> None:
        """Listen, without http.server's look-up of this host's name, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Leave a connection that breaks or says nothing at that."""


class _Handler(WSGIRequestHandler):
    timeout = REQUEST_SECONDS

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its own name
        """Log nothing: somebody asks every few seconds."""


def _only_metrics(app: Wsgi) -> Wsgi:
    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            return app(environ, start_response)
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"The metrics are at /metrics.\n"]

    return answer


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's has its number by now
    return True


def _key_of(counter: str) -> str:
    return mmap_key(counter.removesuffix("_total"), counter, [], [], METRICS[counter].help)
