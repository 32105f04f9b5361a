"""The metrics that polaris-bff has, each with its labels."""

from __future__ import annotations

# Written down once more here until the table of the code can be read instead.
METRICS: dict[str, set[str]] = {
    "bff_info": {"version"},
    "bff_calls_total": {"procedure", "code"},
    "bff_calls_in_flight": set(),
    "bff_calls_waiting": set(),
    "bff_calls_shed_total": {"reason"},
    "bff_upstream_requests_total": {"service", "status"},
    "bff_upstream_in_flight": {"service"},
    "bff_upstream_waiting": {"service"},
    "bff_upstream_shed_total": {"service", "reason"},
    "bff_upstream_retries_total": {"service"},
    "bff_upstream_breaker_open": {"service"},
    "bff_sessions": set(),
    "bff_sign_ins_total": {"outcome"},
    "bff_uploads_total": {"code"},
    "bff_upload_bytes_total": set(),
    "bff_uploads_in_flight": set(),
    "bff_spool_bytes": set(),
    "bff_progress_watchers": set(),
    "bff_event_loop_lag_seconds": set(),
    "bff_worker_restarts_total": set(),
}
HISTOGRAMS: dict[str, set[str]] = {
    "bff_call_seconds": {"procedure"},
    "bff_upstream_seconds": {"service"},
}
# What can be asked for: a histogram is three series.
SERIES = METRICS | {
    f"{name}_{part}": labels | ({"le"} if part == "bucket" else set())
    for name, labels in HISTOGRAMS.items()
    for part in ("bucket", "sum", "count")
}
# What Prometheus adds.
TARGET = {"job", "instance"}
