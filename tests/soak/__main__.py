"""``python -m tests.soak``: work for a while, print the figures; status 1 if anything was wrong."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys

from tests.soak.soak import report, soak


def main() -> int:
    """Return the status."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--seconds", type=float, default=600, help="how long (600)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the faults")
    asked = parser.parse_args()
    print(f"seed {asked.seed}, {asked.seconds:g} seconds", flush=True)
    figures, server = asyncio.run(soak(asked.seconds, asked.seed))
    print("\n".join(report(figures, server)))
    return 1 if figures.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
