"""On what was measured."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.speed.servers import MINI_FOLDER, NODE

PACKAGES = (
    *("uvicorn", "uvloop", "httptools", "starlette", "aiohttp", "pydantic", "orjson"),
    *("jsonrpcserver", "structlog"),
)
PEERS = ("fastify", "@trpc/server", "zod", "undici")
MODEL = re.compile(r"^model name\s*: (.*)$", re.MULTILINE)
VERSION = re.compile(r'"version": "([^"]+)"')


def machine() -> dict[str, str]:
    """Return what a reader needs to compare the figures with others."""
    model = MODEL.search(Path("/proc/cpuinfo").read_text())
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "commit": _said("git", "describe", "--always", "--dirty"),
        "processor": f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores",
        "kernel": f"{platform.system()} {platform.release()}",
        "load average before": ", ".join(f"{load:.2f}" for load in os.getloadavg()),
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "Node": _said(str(NODE), "--version"),
        "mini": ", ".join(f"{name} {_peer(name)}" for name in PEERS),
        "load": _said("wrk", "--version").partition(" Copyright")[0],
    }


def _peer(name: str) -> str:
    found = VERSION.search((MINI_FOLDER / "node_modules" / name / "package.json").read_text())
    return found[1] if found else "unknown"


def _said(*words: str) -> str:
    """Return a program's first line; nothing where it is not there."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return ""
    return (done.stdout or done.stderr).partition("\n")[0]
