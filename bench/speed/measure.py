"""Measuring a case: every server in turn, several times over."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.speed import wrk
from bench.speed.cases import ALONE, OURS, Case, sign_in
from bench.speed.servers import Server, running
from bench.speed.wrk import Load, Request, Spread

TOKEN = "X-Auth-Token: gAAAA" + "t" * 178
# By how much the mean length of the answers may differ from that of the right one.
TOLERANCE = 0.02
# In seconds.
PATIENCE = 30


@dataclass(frozen=True)
class Effort:
    """How often, how long, and how long beforehand; in whole seconds, as wrk has them."""

    rounds: int
    seconds: int
    warm_up: int


@dataclass(frozen=True)
class Measured:
    """What one server did in one case; latencies and processor time in milliseconds.

    Args:
        cpu: For each request, which may be a batch.
        memory: After the load, in MiB.
        size: The bytes of an answer.
        upstream: How many requests Keystone and Glance got for each one.
        wrong: How many answers were not the right one, or were none.
    """

    case: Case
    server: str
    per_second: Spread
    p50: Spread
    p99: Spread
    cpu: Spread
    memory: float
    size: int
    upstream: float
    wrong: int

    @property
    def cpu_per_call(self) -> float:
        """Milliseconds of processor time for each call of a batch."""
        return self.cpu.median / self.case.calls


@dataclass(frozen=True)
class Run:
    """One load on one server."""

    load: Load
    cpu: float
    upstream: float
    wrong: int


class Target:
    """A server, and the questions of a case to it."""

    def __init__(
        self, case: Case, name: str, server: Server, upstream: Server, folder: Path
    ) -> None:
        self.name, self._case, self._server, self._upstream = name, case, server, upstream
        requests = case.questions[name]()
        self._file = wrk.written(requests, folder / f"{case.name}-{name}.requests")
        self._headers = ["Content-Type: application/json", *_credentials(case, name, server)]
        self._expected = _length(server.origin, requests[0], self._headers, case)

    def warm_up(self, seconds: int) -> None:
        """Load the server, which may be too slow yet for a single answer.

        Node translates what it runs often; the stand-in is warm from the first case on.
        """
        if self.name != ALONE:
            with suppress(ValueError):
                self._run(seconds)

    def run(self, seconds: int) -> Run:
        """Load the server for a while; for longer, where that is too short for a single answer.

        Raises:
            ValueError: it answers nothing.
        """
        try:
            return self._run(seconds)
        except ValueError:
            if seconds > PATIENCE:
                raise
            return self.run(4 * seconds)

    def _run(self, seconds: int) -> Run:
        before, sent = self._server.cpu_at_rest(), _count(self._upstream)
        load = wrk.run(
            self._server.origin, self._file, self._headers, self._case.connections, seconds
        )
        cpu = (self._server.cpu() - before) / load.work * 1000
        sent = _count(self._upstream) - sent - 1
        strange = abs(load.bytes_each / self._expected - 1) > TOLERANCE
        wrong = load.requests if strange else load.failures
        return Run(load, cpu, sent / load.work, wrong)

    def measured(self, runs: Sequence[Run]) -> Measured:
        """Return all rounds together, and the memory as it is now."""

        def spread(value: Callable[[Run], float]) -> Spread:
            return Spread(tuple(map(value, runs)))

        return Measured(
            case=self._case,
            server=self.name,
            per_second=spread(lambda run: run.load.per_second),
            p50=spread(lambda run: run.load.p50),
            p99=spread(lambda run: run.load.p99),
            cpu=spread(lambda run: run.cpu),
            memory=self._server.memory(),
            size=self._expected,
            upstream=spread(lambda run: run.upstream).median,
            wrong=sum(run.wrong for run in runs),
        )


def measure(case: Case, upstream: Server, effort: Effort, folder: Path) -> list[Measured]:
    """Measure a case on all of its servers; each is started anew, so that its memory is its own."""
    with ExitStack() as stack:
        servers = {
            name: upstream
            if name == ALONE
            else stack.enter_context(running(name, upstream.origin, folder, case.workers))
            for name in case.servers
        }
        targets = [Target(case, name, server, upstream, folder) for name, server in servers.items()]
        for target in targets:
            target.warm_up(effort.warm_up)
        rounds = [[target.run(effort.seconds) for target in targets] for _ in range(effort.rounds)]
        return [
            target.measured([runs[number] for runs in rounds])
            for number, target in enumerate(targets)
        ]


def _credentials(case: Case, name: str, server: Server) -> list[str]:
    if name != OURS or case.session == "token":
        return [TOKEN]
    (request,) = sign_in().questions[OURS]()
    answer, _ = _asked(server.origin, request, ["Content-Type: application/json"])
    cookie = (answer.getheader("set-cookie") or "").partition(";")[0]
    return [f"Cookie: {cookie}", f"Origin: {server.origin}"]


def _length(origin: str, request: Request, headers: Sequence[str], case: Case) -> int:
    """Return how many bytes the right answer has, as wrk counts them.

    Raises:
        RuntimeError: the answer is a wrong one.
    """
    answer, body = _asked(origin, request, headers)
    if answer.status != 200 or body.count(case.mark) != case.marks:
        raise RuntimeError(f"{case.name}: {answer.status} {body[:500]!r} from {request}")
    head = sum(len(name) + len(value) + 4 for name, value in answer.getheaders())
    return head + len("HTTP/1.1 200 OK\r\n\r\n") + len(body)


def _count(upstream: Server) -> int:
    _, body = _asked(upstream.origin, Request("GET", "/count"), [])
    return int(body)


def _asked(
    origin: str, request: Request, headers: Sequence[str]
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(origin.removeprefix("http://"), timeout=30)
    given = dict(header.split(": ", 1) for header in headers)
    connection.request(request.method, request.path, request.body or None, given)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body
