"""Run a console script's function in this process, and end when standard input is closed.

``python -m devcloud.follow NAME ARGUMENT...``: whoever started it holds the other end of the
pipe, so a parent that is killed hard takes this process with it, by an orderly SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from importlib.metadata import entry_points


def _follow() -> None:
    # Not through sys.stdin: a thread that holds its lock while the interpreter ends crashes it.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Run the console script named by the first argument."""
    name = sys.argv[1]
    del sys.argv[0]
    (script,) = entry_points(group="console_scripts", name=name)
    threading.Thread(target=_follow, daemon=True).start()
    script.load()()


if __name__ == "__main__":
    main()
