"""``python -m devcloud --dir DIR``: run the cloud; one JSON line says when it is ready."""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
from pathlib import Path

from devcloud.cloud import running
from devcloud.environment import installed


def main() -> int:
    """Run in the foreground; the exit status is 1 when the cloud could not start."""
    parser = argparse.ArgumentParser(prog="python -m devcloud", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="where the cloud keeps its state")
    parser.add_argument(
        "--glance",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one of Glance's own settings, such as image_size_cap=1073741824; as many as you like",
    )
    parser.add_argument(
        "--keystone",
        action="append",
        default=[],
        type=_in_section,
        metavar="SECTION.NAME=VALUE",
        help="one of Keystone's own settings, such as security_compliance.password_expires_days=90",
    )
    parser.add_argument(
        "--processes", type=int, default=1, help="how many Keystone and Glance have each"
    )
    arguments = parser.parse_args()
    # Both signals stop the cloud the same way: as an exception that unwinds every context.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with running(
            arguments.dir.resolve(),
            installed(),
            arguments.glance,
            arguments.keystone,
            arguments.processes,
        ) as description:
            print(json.dumps(description), flush=True)
            signal.pause()
    except RuntimeError as problem:
        print(f"devcloud: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _in_section(setting: str) -> str:
    if not re.fullmatch(r"\w+\.\w+=.*", setting):
        raise argparse.ArgumentTypeError(f"{setting} is not SECTION.NAME=VALUE")
    return setting


if __name__ == "__main__":
    sys.exit(main())
