"""The table of faults as it is printed and kept: case, expected, observed, seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    # What pytest has not yet prepared may not be imported before it runs.
    from tests.faults.row import Row

PAGE = Path(__file__).parent.parent.parent / "docs" / "reliability.md"
BEGIN = "| case | expected | observed |\n| --- | --- | --- |\n"
Line = tuple[str, str, str]


@dataclass
class Table:
    """A plugin that collects what the rows report, from whatever process, and prints it."""

    seen: dict[str, tuple[Line, float]] = field(default_factory=dict)

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a row has observed, and how long that took."""
        played = dict(report.user_properties).get("fault")
        if report.when == "call" and isinstance(played, list):
            name, expected, observed = map(str, played)
            self.seen[name] = (name, expected, observed), report.duration

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print it."""
        for line in self.lines():
            terminalreporter.write_line(line)

    def lines(self) -> list[str]:
        """Return the table in columns, for a terminal."""
        rows = [("case", "expected", "observed", "seconds")]
        rows += [(*line, f"{seconds:.2f}") for line, seconds in self.seen.values()]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        texts = [
            "  ".join([*map(str.ljust, row[:3], widths), row[3].rjust(7)]) for row in sorted_(rows)
        ]
        return [*texts, f"{len(self.seen)} cases"]


def sorted_(rows: list[tuple[str, str, str, str]]) -> list[tuple[str, str, str, str]]:
    """Return the rows below their heading by name: several processes end in any order."""
    return [rows[0], *sorted(rows[1:])]


def expected_lines(rows: Iterable[Row]) -> list[Line]:
    """Return the table as it is when every row ends as expected."""
    return [(row.name, str(row.expected), str(row.expected)) for row in rows]


def page_lines(page: str) -> list[Line]:
    """Return the table of a page."""
    table = page.partition(BEGIN)[2].partition("\n\n")[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines()]
    return [(name, expected, observed) for name, expected, observed in cells]


def with_table(page: str, lines: Iterable[Line]) -> str:
    """Return a page with another table."""
    head, begin, rest = page.partition(BEGIN)
    assert begin
    _, blank, tail = rest.partition("\n\n")
    return head + begin + "\n".join(f"| {' | '.join(line)} |" for line in lines) + blank + tail
