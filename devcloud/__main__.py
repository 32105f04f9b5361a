"""``python -m devcloud --dir DIR``: run the cloud; one JSON line says when it is ready."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from devcloud.cloud import running
from devcloud.environment import installed


def main() -> int:
    """Run in the foreground; the exit status is 1 when the cloud could not start."""
    parser = argparse.ArgumentParser(prog="python -m devcloud", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="where the cloud keeps its state")
    folder: Path = parser.parse_args().dir
    # Both signals stop the cloud the same way: as an exception that unwinds every context.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with running(folder.resolve(), installed()) as description:
            print(json.dumps(description), flush=True)
            signal.pause()
    except RuntimeError as problem:
        print(f"devcloud: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
