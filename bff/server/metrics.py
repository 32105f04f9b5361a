"""Metrics for Prometheus: what there is, and where it is counted.

No label holds anything that a client or a service chooses. The values of several processes are put
together by ``bff.server.exposition``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)

from bff.errors import Code

SIGN_IN = "auth.createUserSession"
OK = "OK"
UNKNOWN = "unknown"
OTHER = "other"
SERVICES = ("keystone", "glance")
# Of a request that got no answer; "ended": whoever had asked went away.
NO_ANSWER = frozenset({"timeout", "unreachable", "broken", "ended"})
_STATUS = re.compile(r"[1-5][0-9]{2}")
# In seconds: from what a cache answers to the deadlines.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True)
class Metric:
    """One metric.

    Args:
        kind: ``sum`` and ``max`` are gauges, and say how those of several processes become one.
    """

    kind: Literal["counter", "histogram", "sum", "max"]
    help: str
    labels: tuple[str, ...] = ()


METRICS: Mapping[str, Metric] = {
    "bff_info": Metric("max", "Always 1; its label is the version that runs.", ("version",)),
    "bff_calls_total": Metric(
        "counter",
        "Calls by procedure, and by OK or the code of their error, in soft mode too."
        " `unknown`: no such procedure, or a request that did not become a call.",
        ("procedure", "code"),
    ),
    "bff_call_seconds": Metric(
        "histogram", "How long calls took, in seconds, the wait for their turn too.", ("procedure",)
    ),
    "bff_calls_in_flight": Metric("sum", "Calls that have begun, those that wait too."),
    "bff_calls_waiting": Metric("sum", "Calls that wait for their turn."),
    "bff_calls_shed_total": Metric(
        "counter",
        "Calls that were refused for load: `caller`, the caller's own; `queue`, everybody's.",
        ("reason",),
    ),
    "bff_upstream_requests_total": Metric(
        "counter",
        "Requests to Keystone and Glance by HTTP status, or `timeout`, `unreachable`, `broken`;"
        " `ended`: whoever had asked went away.",
        ("service", "status"),
    ),
    "bff_upstream_seconds": Metric(
        "histogram",
        "How long Keystone and Glance took to answer, in seconds, uploads apart.",
        ("service",),
    ),
    "bff_upstream_in_flight": Metric("sum", "Requests under way, uploads apart.", ("service",)),
    "bff_upstream_waiting": Metric("sum", "Requests that wait for their turn.", ("service",)),
    "bff_upstream_shed_total": Metric(
        "counter",
        "Requests that were not sent: `caller` and `queue` for load, `breaker` since the service"
        " fails.",
        ("service", "reason"),
    ),
    "bff_upstream_retries_total": Metric("counter", "Requests that were sent again.", ("service",)),
    "bff_upstream_breaker_open": Metric(
        "sum", "Processes that send a service nothing, since it fails.", ("service",)
    ),
    "bff_sessions": Metric("sum", "Tokens that a process remembers as valid."),
    "bff_sign_ins_total": Metric(
        "counter",
        "Sign-ins: `ok`; `wrong`, refused for what was sent; `limited`, too many; `failed`, any"
        " other error.",
        ("outcome",),
    ),
    "bff_uploads_total": Metric("counter", "Uploads by OK or the code of their error.", ("code",)),
    "bff_upload_bytes_total": Metric("counter", "Bytes of files that came in uploads."),
    "bff_uploads_in_flight": Metric("sum", "Uploads under way."),
    "bff_spool_bytes": Metric("sum", "Bytes of uploads that wait on disk for their imageId."),
    "bff_progress_watchers": Metric("sum", "Open streams of upload progress."),
    "bff_event_loop_lag_seconds": Metric(
        "max", "The longest that an event loop was held up in the last half minute, in seconds."
    ),
    "bff_worker_restarts_total": Metric("counter", "Workers that ended and were replaced."),
}
# Series that are there from the start, at 0: a rate needs a value before the first event.
_AT_START: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "bff_calls_total": ((UNKNOWN, Code.PROCEDURE_NOT_FOUND.label),),
    "bff_calls_shed_total": (("caller",), ("queue",)),
    "bff_upstream_requests_total": tuple((service, "200") for service in SERVICES),
    "bff_upstream_shed_total": tuple(
        (service, reason) for service in SERVICES for reason in ("caller", "queue", "breaker")
    ),
    "bff_sign_ins_total": (("ok",), ("wrong",), ("limited",), ("failed",)),
    "bff_uploads_total": ((OK,),),
}
_SIGN_INS: Mapping[str, str] = {
    OK: "ok",
    **{code.label: "wrong" for code in (Code.BAD_REQUEST, Code.UNAUTHORIZED, Code.FORBIDDEN)},
    Code.TOO_MANY_REQUESTS.label: "limited",
}


class Metrics:
    """The metrics of one process; nothing here waits, and no method raises for a strange value.

    Args:
        procedures: The names that ``procedure`` may have as a label.
    """

    def __init__(self, version: str, procedures: Iterable[str]) -> None:
        # Series of their own in the text format, as many again; several processes have none.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.calls_in_flight = 0
        self._procedures = frozenset(procedures)
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        self._totals: dict[tuple[str, ...], float] = {}
        for name, metric in METRICS.items():
            self._add(name, metric)
        self._start(version)

    def call_began(self) -> None:
        """Count a call as under way, until ``call_ended``."""
        self.calls_in_flight += 1

    def call_ended(self, procedure: str, code: str, seconds: float) -> None:
        """Count a call.

        Args:
            code: ``OK``, or the label of its error's code.
        """
        self.calls_in_flight -= 1
        name = self._known(procedure)
        self._counters["bff_calls_total"].labels(name, code).inc()
        self._histograms["bff_call_seconds"].labels(name).observe(seconds)
        if name == SIGN_IN:
            self._counters["bff_sign_ins_total"].labels(_SIGN_INS.get(code, "failed")).inc()

    def call_refused(self, procedure: str, code: str) -> None:
        """Count what was refused before it became a call."""
        self._counters["bff_calls_total"].labels(self._known(procedure), code).inc()

    def upload_ended(self, code: str) -> None:
        """Count an upload; ``code`` as for calls."""
        self._counters["bff_uploads_total"].labels(code).inc()

    def upstream(self, service: str) -> Callable[[str, float | None], None]:
        """Return what counts a request to a service: by how it ended, and after how many seconds.

        ``None`` seconds are those of an upload, which lasts as long as its client takes.

        Args:
            service: One of ``SERVICES``.
        """
        requests = self._counters["bff_upstream_requests_total"]
        seconds_of = self._histograms["bff_upstream_seconds"].labels(service)

        def ended(status: str, seconds: float | None) -> None:
            requests.labels(service, _bounded(status)).inc()
            if seconds is not None:
                seconds_of.observe(seconds)

        return ended

    def set(self, name: str, labels: tuple[str, ...], value: float) -> None:
        """Set a gauge, or bring a counter up to a total that somebody else keeps."""
        if METRICS[name].kind == "counter":
            self._raise(name, labels, value)
        else:
            gauge = self._gauges[name]
            (gauge.labels(*labels) if labels else gauge).set(value)

    def _raise(self, name: str, labels: tuple[str, ...], total: float) -> None:
        key = (name, *labels)
        more = total - self._totals.get(key, 0.0)
        if more > 0:
            self._totals[key] = total
            counter = self._counters[name]
            (counter.labels(*labels) if labels else counter).inc(more)

    def _known(self, procedure: str) -> str:
        return procedure if procedure in self._procedures else UNKNOWN

    def _add(self, name: str, metric: Metric) -> None:
        if metric.kind == "counter":
            self._counters[name] = Counter(name, metric.help, metric.labels, registry=self.registry)
        elif metric.kind == "histogram":
            self._histograms[name] = Histogram(
                name, metric.help, metric.labels, buckets=BUCKETS, registry=self.registry
            )
        else:
            # What a process that has ended shows no more.
            mode: Literal["livesum", "livemax"] = "livesum" if metric.kind == "sum" else "livemax"
            self._gauges[name] = Gauge(
                name, metric.help, metric.labels, registry=self.registry, multiprocess_mode=mode
            )

    def _start(self, version: str) -> None:
        self.set("bff_info", (version,), 1)
        for name, series in _AT_START.items():
            for labels in series:
                self._counters[name].labels(*labels)
        for procedure in self._procedures:
            self._counters["bff_calls_total"].labels(procedure, OK)
            self._histograms["bff_call_seconds"].labels(procedure)
        for service in SERVICES:
            self._counters["bff_upstream_retries_total"].labels(service)
            self._histograms["bff_upstream_seconds"].labels(service)
            for gauge in ("in_flight", "waiting", "breaker_open"):
                self.set(f"bff_upstream_{gauge}", (service,), 0)


def _bounded(status: str) -> str:
    """Return a status as a label: what a service answers may be any three digits."""
    return status if status in NO_ANSWER or _STATUS.fullmatch(status) else OTHER
