"""What the tests of deploy/ read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from bff.settings import PREFIX, Settings
from tests.process import ROOT

DEPLOY = ROOT / "deploy"
# Read by the BFF's next parts; each goes from here when it is a field of Settings.
_NAMED = (
    "METRICS_ADDRESS",
    "TRUSTED_PROXIES",
    "DRAIN_SECONDS",
    "UPLOAD_SHUTDOWN_TIMEOUT",
    "MAX_GLANCE_REQUESTS",
    "MAX_CALLS_PER_CALLER",
    "MAX_UPLOADS",
    "MAX_UPLOADS_PER_PROJECT",
    "MAX_WAITING",
    "QUEUE_TIMEOUT",
    "SIGN_INS_PER_USER",
    "SIGN_INS_PER_ADDRESS",
    "CA_FILE",
    "CLIENT_CERT",
    "CLIENT_KEY",
    "AUDIT_FILE",
    "TRACING",
    "MAX_KEYSTONE_REQUESTS",
    "BREAKER_FAILURES",
    "BREAKER_SECONDS",
    "MAX_SPOOL_BYTES_PER_PROJECT",
    "MAX_REQUESTS_PER_CALLER",
    "USE_PROXY",
)
SETTINGS = {PREFIX + name.upper() for name in (*Settings.model_fields, *_NAMED)}


def text(name: str) -> str:
    """Return a file of deploy/."""
    return (DEPLOY / name).read_text()


def documents(name: str) -> list[Any]:
    """Return the documents of a YAML file of deploy/."""
    return list(yaml.safe_load_all(text(name)))


def manifests() -> Iterator[Any]:
    """Return every manifest of Kubernetes."""
    for name in documents("kubernetes/kustomization.yaml")[0]["resources"]:
        yield from documents(f"kubernetes/{name}")


def manifest(kind: str) -> Any:
    """Return the one manifest of a kind."""
    [found] = [manifest for manifest in manifests() if manifest["kind"] == kind]
    return found


def variables(content: str) -> dict[str, str]:
    """Return the settings that lines of ``NAME=VALUE`` give, those behind a # too."""
    return dict(re.findall(r"^#?\s?(BFF_[A-Z_]+)=(.*)$", content, re.MULTILINE))


def seconds_to_stop(settings: dict[str, str]) -> float:
    """Return how long a stop takes at most with these settings."""

    def seconds(name: str, default: float) -> float:
        return float(settings.get(f"{PREFIX}{name}", default))

    calls, uploads = seconds("SHUTDOWN_TIMEOUT", 30), seconds("UPLOAD_SHUTDOWN_TIMEOUT", 30)
    return seconds("DRAIN_SECONDS", 0) + max(calls, uploads)


def dashboard() -> Any:
    """Return Grafana's dashboard."""
    return json.loads(text("grafana/dashboard.json"))
