"""``python -m tests.faults``: play every row, print the table, and write it into its page."""

from __future__ import annotations

import sys

import pytest

from tests.faults.table import PAGE, Table, with_table


def main() -> int:
    """Return pytest's status; the page is written when every row was played."""
    table = Table()
    words = ["--quiet", "--no-header", "--numprocesses", "auto", "tests/faults"]
    status = pytest.main([*words, *sys.argv[1:]], plugins=[table])
    from tests.faults.rows import ROWS  # noqa: PLC0415  # pytest prepares what it imports first

    if all(row.name in table.seen for row in ROWS):
        lines = [table.seen[row.name][0] for row in ROWS]
        PAGE.write_text(with_table(PAGE.read_text(), lines))
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
