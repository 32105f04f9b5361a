"""The series that Prometheus can be asked for, by the table of the code, each with its labels."""

from __future__ import annotations

from bff.server.metrics import METRICS

HISTOGRAMS = {name for name, metric in METRICS.items() if metric.kind == "histogram"}
SERIES: dict[str, set[str]] = {
    name: set(metric.labels) for name, metric in METRICS.items() if name not in HISTOGRAMS
}
# A histogram is three series.
SERIES |= {
    f"{name}_{part}": set(METRICS[name].labels) | ({"le"} if part == "bucket" else set())
    for name in HISTOGRAMS
    for part in ("bucket", "sum", "count")
}
# What Prometheus adds.
TARGET = {"job", "instance"}
