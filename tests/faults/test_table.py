"""Every row of the table of faults, and the page that is made of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import pytest

from tests.bff.conftest import Bff, Start, bff_with
from tests.bff.conftest import openstack as openstack  # noqa: PLC0414  # a fixture of theirs
from tests.conftest import Serve
from tests.fakes.openstack import FakeOpenStack
from tests.faults.row import Row, Scene
from tests.faults.rows import ROWS
from tests.faults.stage import Stage
from tests.faults.table import BEGIN, PAGE, Table, expected_lines, page_lines, with_table
from tests.process import SECONDS


@pytest.fixture
def scene(
    start: Start,
    stage: Stage,
    serve: Serve,
    client: aiohttp.ClientSession,
    openstack: FakeOpenStack,
) -> Scene:
    async def start_fake(**settings: object) -> Bff:
        return await bff_with(serve, client, auth_url=f"{openstack.url}/v3", **settings)

    return Scene(stage, start, openstack, start_fake)


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_row(row: Row, scene: Scene, record_property: Callable[[str, object], None]) -> None:
    async with asyncio.timeout(SECONDS):
        observed = await row.play(scene)
    record_property("fault", [row.name, str(row.expected), str(observed)])
    assert str(observed) == str(row.expected)


def test_there_are_at_least_a_hundred_and_each_has_a_name_of_its_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) >= 100


def test_the_page_has_these_rows_and_each_was_observed_as_expected() -> None:
    """``make faults`` writes it."""
    assert page_lines(PAGE.read_text()) == expected_lines(ROWS)


def test_what_the_rows_report_is_printed_and_kept() -> None:
    table = Table()
    report = pytest.TestReport("x", ("x", 0, "x"), {}, "passed", None, "call", duration=1.5)
    table.pytest_runtest_logreport(report)
    assert table.lines()[-1] == "0 cases"
    report.user_properties.append(("fault", ["a", "b", "c"]))
    table.pytest_runtest_logreport(report)
    assert table.lines()[1:] == ["a     b         c            1.50", "1 cases"]
    page = with_table(f"x\n\n{BEGIN}| 1 | 2 | 3 |\n\ny\n", [("a", "b", "c")])
    assert page == f"x\n\n{BEGIN}| a | b | c |\n\ny\n"
    assert page_lines(page) == [("a", "b", "c")]
