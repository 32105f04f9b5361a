"""The alerts: each fires for what it is about, and for nothing else, as Prometheus itself says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.files import DEPLOY, documents
from tests.deploy.metrics import SERIES
from tests.deploy.proxies import promtool
from tests.process import ROOT

RULES: list[dict[str, Any]] = documents("prometheus/alerts.yaml")[0]["groups"][0]["rules"]
ALERTS = {rule["alert"]: rule for rule in RULES}


def test_prometheus_takes_the_rules() -> None:
    done = promtool("check", "rules", str(DEPLOY / "prometheus/alerts.yaml"))
    assert done.returncode == 0, done.stdout
    assert f"{len(RULES)} rules found" in done.stdout


def test_every_alert_says_what_it_is_and_where_to_read_on() -> None:
    assert len(ALERTS) == len(RULES)
    page = (ROOT / "docs/operations.md").read_text()
    headings = re.findall(r"^### (Bff\w+)$", page, re.MULTILINE)
    assert sorted(headings) == sorted(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "runbook"}
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"


def counter(before: int, per_minute: int) -> str:
    """Return a counter of an hour, minute by minute."""
    return f"{before}+{per_minute}x60"


def histogram(name: str, quick: int, slow: int, **labels: str) -> dict[str, str]:
    """Return durations of which so many in a minute take up to 1 s, or up to 10 s."""
    counts = {"1": quick, "10": quick + slow, "+Inf": quick + slow}
    return {
        series(f"{name}_bucket", **labels, le=le): counter(0, count) for le, count in counts.items()
    }


def series(name: str, **labels: str) -> str:
    """Return a series' name as Prometheus writes it, of the first instance."""
    assert set(labels) == SERIES.get(name, set())
    own = {"job": "polaris-bff", "instance": "a:9464"} | labels
    return name + "{" + ",".join(f'{key}="{value}"' for key, value in own.items()) + "}"


HEALTHY = {
    series("up"): "1x60",
    series("bff_info", version="1"): "1x60",
    series("bff_calls_total", procedure="p", code="OK"): counter(0, 600),
    series("bff_calls_total", procedure="p", code="NOT_FOUND"): counter(0, 300),
    series("bff_calls_total", procedure="p", code="BAD_GATEWAY"): counter(0, 3),
    **histogram("bff_call_seconds", 900, 3, procedure="p"),
    series("bff_calls_shed_total", reason="queue"): counter(7, 0),
    series("bff_upstream_requests_total", service="glance", status="200"): counter(0, 900),
    series("bff_upstream_requests_total", service="glance", status="503"): counter(0, 9),
    **histogram("bff_upstream_seconds", 900, 3, service="glance"),
    series("bff_upstream_shed_total", service="glance", reason="queue"): counter(7, 0),
    series("bff_upstream_breaker_open", service="glance"): "0x60",
    series("bff_sign_ins_total", outcome="ok"): counter(0, 60),
    series("bff_sign_ins_total", outcome="wrong"): counter(0, 20),
    series("bff_sign_ins_total", outcome="limited"): counter(0, 6),
    series("bff_sign_ins_total", outcome="failed"): counter(0, 1),
    series("bff_uploads_total", code="OK"): counter(0, 9),
    series("bff_uploads_total", code="CLIENT_CLOSED_REQUEST"): counter(0, 5),
    series("bff_spool_bytes"): "1000000000x60",
    series("bff_event_loop_lag_seconds"): "0.01x60",
    series("bff_worker_restarts_total"): counter(2, 0),
}
# What is different when an alert fires, and the labels that it has then.
ON_TARGET = {"job": "polaris-bff", "instance": "a:9464"}
INSTANCE = {"instance": "a:9464"}
GLANCE = {"service": "glance"}
FIRING: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "BffDown": ({series("up"): "0x60"}, ON_TARGET),
    "BffCallsFailing": (
        {series("bff_calls_total", procedure="p", code="GATEWAY_TIMEOUT"): counter(0, 100)},
        {},
    ),
    "BffBug": (
        {
            series("bff_calls_total", procedure="q", code="INTERNAL_SERVER_ERROR"): (
                "_x50 1x10"  # for the first time
            )
        },
        {"procedure": "q"},
    ),
    "BffCallsSlow": (histogram("bff_call_seconds", 900, 100, procedure="p"), {}),
    "BffCallsShed": (
        {series("bff_calls_shed_total", reason="queue"): counter(7, 60)},
        {"reason": "queue"},
    ),
    "BffUpstreamFailing": (
        {
            series("bff_upstream_requests_total", service="glance", status="timeout"): counter(
                0, 200
            )
        },
        GLANCE,
    ),
    "BffUpstreamSlow": (histogram("bff_upstream_seconds", 900, 100, service="glance"), GLANCE),
    "BffUpstreamShed": (
        {series("bff_upstream_shed_total", service="glance", reason="queue"): counter(7, 60)},
        GLANCE | {"reason": "queue"},
    ),
    "BffBreakerOpen": (
        {series("bff_upstream_breaker_open", service="glance"): "1x60"},
        GLANCE,
    ),
    "BffSignInsLimited": ({series("bff_sign_ins_total", outcome="limited"): counter(0, 90)}, {}),
    "BffSignInsFailing": ({series("bff_sign_ins_total", outcome="failed"): counter(0, 30)}, {}),
    "BffUploadsFailing": ({series("bff_uploads_total", code="BAD_GATEWAY"): counter(0, 3)}, {}),
    "BffSpoolFilling": ({series("bff_spool_bytes"): "7000000000x60"}, INSTANCE),
    "BffEventLoopLag": ({series("bff_event_loop_lag_seconds"): "0.5x60"}, INSTANCE),
    "BffWorkerRestarts": (
        {series("bff_worker_restarts_total"): "2x50 3x10"},
        INSTANCE,
    ),
    # Whoever has been asked for an hour.
    "BffVersionsDiffer": ({series("bff_info", version="2"): "1x60"}, {}),
}


def case(name: str, changes: dict[str, str], expected: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a test of promtool: whether an alert fires at the end of the hour."""
    return {
        "interval": "1m",
        "input_series": [
            {"series": key, "values": values} for key, values in (HEALTHY | changes).items()
        ],
        "alert_rule_test": [{"eval_time": "1h", "alertname": name, "exp_alerts": expected}],
    }


def run_cases(folder: Path, *cases: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    content = {"rule_files": [str(DEPLOY / "prometheus/alerts.yaml")], "tests": list(cases)}
    path = folder / "tests.yaml"
    path.write_text(yaml.safe_dump(content))
    return promtool("test", "rules", str(path))


def test_no_alert_fires_while_all_is_well(tmp_path: Path) -> None:
    done = run_cases(tmp_path, *(case(name, {}, []) for name in ALERTS))
    assert done.returncode == 0, done.stdout


def test_each_alert_fires_for_what_it_is_about(tmp_path: Path) -> None:
    assert set(FIRING) == set(ALERTS)
    cases = []
    for name, (changes, labels) in FIRING.items():
        rule = ALERTS[name]
        expected = {
            "exp_labels": rule["labels"] | labels,
            "exp_annotations": rule["annotations"],
        }
        cases.append(case(name, changes, [expected]))
    done = run_cases(tmp_path, *cases)
    assert done.returncode == 0, done.stdout


def test_nobody_to_ask_is_an_alert_too(tmp_path: Path) -> None:
    rule = ALERTS["BffDown"]
    alone = case("BffDown", {}, [])
    alone["input_series"] = [{"series": "up{job='another'}", "values": "1x60"}]
    alone["alert_rule_test"][0]["exp_alerts"] = [
        {
            "exp_labels": rule["labels"] | {"job": "polaris-bff"},
            "exp_annotations": rule["annotations"],
        }
    ]
    done = run_cases(tmp_path, alone)
    assert done.returncode == 0, done.stdout
