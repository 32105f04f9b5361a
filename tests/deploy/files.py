"""What the tests of deploy/ read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from bff.settings import PREFIX, Settings
from tests.process import ROOT

DEPLOY = ROOT / "deploy"
SETTINGS = {PREFIX + name.upper() for name in Settings.model_fields}


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


def seconds_to_stop(settings: dict[str, str]) -> float:
    """Return how long a stop takes at most with these settings."""

    def seconds(name: str, default: float) -> float:
        return float(settings.get(f"{PREFIX}{name}", default))

    calls, uploads = seconds("SHUTDOWN_TIMEOUT", 30), seconds("UPLOAD_SHUTDOWN_TIMEOUT", 30)
    return seconds("DRAIN_SECONDS", 0) + max(calls, uploads)


def dashboard() -> Any:
    """Return Grafana's dashboard."""
    return json.loads(text("grafana/dashboard.json"))
